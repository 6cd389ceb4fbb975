// What the main thread and a scan worker hand each other for every message, in forms that cross cheaply. V8's structured clone looks up
// the shape of every object member by member on both sides, with cold caches 0.1 ms a message; bytes, numbers and one text cost a fraction.
// Hits without details of their own come again and again: after the first time only their number crosses.
import type { Mutable } from '../mutable.js'
import type { ScanOutcome } from '../scan.js'
import type { Request, Scanned, ScoredHit, Verdict } from '../types.js'

/** A message to scan; the last part is JSON of the request without its bytes. */
export type PostedRequest = readonly [job: number, raw: Uint8Array, request: string]

/** What came out; JSON of all but the bytes, with numbers in the place of hits that the other side knows. */
export type PostedOutcome = readonly [
  job: number,
  outcome: string,
  rewritten: Uint8Array | undefined,
  features: Uint8Array | undefined,
  row: Uint8Array | undefined,
]

/** A hit in full, a known one by its number, or one that is known by this number from now on. */
type PostedHit = ScoredHit | number | { readonly number: number; readonly hit: ScoredHit }

/** The text of a PostedOutcome, whose parts are put in their places where they arrive: copying objects costs more than reading them. */
interface OutcomeText {
  readonly scanned: Mutable<Omit<Scanned, 'verdict'>> & {
    readonly verdict: Omit<Verdict, 'hits'> & { readonly hits: PostedHit[] }
  }
  /** Digest of the mail, when there are features of it. */
  readonly mail?: string | undefined
}

/** Numbers a worker gives at most: a rule has one or two scores, but a user's preferences may give it others. */
const numbersMax = 10_000

export function packRequest(job: number, request: Request): PostedRequest {
  return [job, request.raw, JSON.stringify({ ...request, raw: undefined })]
}

export function unpackRequest([, raw, request]: PostedRequest): Request {
  const arrived = JSON.parse(request) as Mutable<Request>
  arrived.raw = raw
  return arrived
}

/** The worker's side. */
export class OutcomePacker {
  /** Symbol -> the hit that was last given a number. */
  private readonly known = new Map<string, { readonly number: number; readonly hit: ScoredHit }>()
  private numbers = 0

  pack(job: number, { scanned, features, row }: ScanOutcome): PostedOutcome {
    const { verdict, rewritten } = scanned
    const hits = verdict.hits.map((hit) => this.packHit(hit))
    const text = {
      scanned: { ...scanned, verdict: { ...verdict, hits }, rewritten: undefined },
      mail: features?.mail,
    }
    return [job, JSON.stringify(text), rewritten, features?.bytes, row]
  }

  /** To be called when a packed outcome was not posted: numbers that it introduced would mean nothing to the other side. */
  forget(): void {
    this.known.clear()
  }

  private packHit(hit: ScoredHit): PostedHit {
    if (!isCommon(hit)) return hit
    const before = this.known.get(hit.symbol)
    if (before && isSame(before.hit, hit)) return before.number
    if (this.numbers === numbersMax) return hit
    const fresh = { number: this.numbers++, hit }
    this.known.set(hit.symbol, fresh)
    return fresh
  }
}

/** The main thread's side, one for each worker. A known hit is the same object every time. */
export class OutcomeUnpacker {
  private readonly known: ScoredHit[] = []

  unpack([, text, rewritten, bytes, row]: PostedOutcome): ScanOutcome {
    const { scanned, mail } = JSON.parse(text) as OutcomeText
    const { hits } = scanned.verdict
    for (let at = 0; at < hits.length; at++) hits[at] = this.unpackHit(hits[at]!)
    if (rewritten) scanned.rewritten = rewritten
    const outcome: Mutable<ScanOutcome> = { scanned: scanned as Scanned }
    if (bytes) outcome.features = { mail: mail!, bytes }
    if (row) outcome.row = row
    return outcome
  }

  private unpackHit(posted: PostedHit): ScoredHit {
    if (typeof posted === 'number') return this.known[posted]!
    if (!('number' in posted)) return posted
    this.known[posted.number] = posted.hit
    return posted.hit
  }
}

/** Says nothing that only this message has. */
function isCommon(hit: ScoredHit): boolean {
  return (
    hit.details.length === 0 &&
    hit.evidence === undefined &&
    hit.ownScore === undefined &&
    hit.tookMs === undefined
  )
}

function isSame(a: ScoredHit, b: ScoredHit): boolean {
  return (
    a.score === b.score &&
    a.count === b.count &&
    a.times === b.times &&
    a.area === b.area &&
    a.description === b.description
  )
}
