// What the main thread and a scan worker hand each other for every message, in forms that cross cheaply. V8's structured clone looks up
// the shape of every object member by member on both sides, with cold caches 0.1 ms a message; bytes, numbers and one text cost a fraction.
// Hits without details of their own come again and again: after the first time only their number crosses.
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

/** null = undefined: JSON has no other word for it. */
type OrNull<T> = Exclude<T, undefined> | null

/**
 * The text of a PostedOutcome. What nearly every outcome has stands in order: a name costs both sides more than most of what it names (47
 * -> 25 us a message).
 */
type OutcomeText = readonly [
  hits: PostedHit[],
  score: number,
  requiredScore: number,
  isSpam: boolean,
  action: Verdict['action'],
  thresholds: Verdict['thresholds'],
  bayes: OrNull<Verdict['bayes']>,
  autolearn: Verdict['autolearn'],
  tookMs: number,
  stagesMs: Verdict['stagesMs'],
  lineEnd: Scanned['lineEnd'],
  sizeBytes: number,
  subject: OrNull<Scanned['subject']>,
  messageId: OrNull<Scanned['messageId']>,
  mimeFrom: OrNull<Scanned['mimeFrom']>,
  mimeRcpt: OrNull<Scanned['mimeRcpt']>,
  urls: OrNull<Scanned['urls']>,
  emails: OrNull<Scanned['emails']>,
  /** Digest of the mail, when there are features of it. */
  mail: string | null,
  rare: Rare,
]

/** What few outcomes have; of the verdict's members those that say nothing are left out. */
type Rare = Mutable<
  Partial<Pick<Verdict, 'subtests' | 'messages' | 'notes' | 'unchecked' | 'skipped'>> &
    Pick<Scanned, 'report' | 'urlDetails' | 'resentMessageId'>
>

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

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
    const { verdict } = scanned
    const text: OutcomeText = [
      verdict.hits.map((hit) => this.packHit(hit)),
      verdict.score,
      verdict.requiredScore,
      verdict.isSpam,
      verdict.action,
      verdict.thresholds,
      verdict.bayes ?? null,
      verdict.autolearn,
      verdict.tookMs,
      verdict.stagesMs,
      scanned.lineEnd,
      scanned.sizeBytes,
      scanned.subject ?? null,
      scanned.messageId ?? null,
      scanned.mimeFrom ?? null,
      scanned.mimeRcpt ?? null,
      scanned.urls ?? null,
      scanned.emails ?? null,
      features?.mail ?? null,
      rareOf(scanned),
    ]
    return [job, JSON.stringify(text), scanned.rewritten, features?.bytes, row]
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
    const [
      hits,
      score,
      requiredScore,
      isSpam,
      action,
      thresholds,
      bayes,
      autolearn,
      tookMs,
      stagesMs,
      lineEnd,
      sizeBytes,
      subject,
      messageId,
      mimeFrom,
      mimeRcpt,
      urls,
      emails,
      mail,
      rare,
    ] = JSON.parse(text) as OutcomeText
    for (let at = 0; at < hits.length; at++) hits[at] = this.unpackHit(hits[at]!)
    const verdict: Mutable<Verdict> = {
      hits: hits as ScoredHit[],
      subtests: rare.subtests ?? {},
      score,
      requiredScore,
      isSpam,
      action,
      thresholds,
      messages: rare.messages ?? {},
      notes: rare.notes ?? [],
      autolearn,
      skipped: rare.skipped ?? false,
      tookMs,
      stagesMs,
    }
    if (bayes) verdict.bayes = bayes
    if (rare.unchecked) verdict.unchecked = rare.unchecked
    const scanned: Mutable<Scanned> = { verdict, lineEnd, sizeBytes }
    if (subject !== null) scanned.subject = subject
    if (messageId !== null) scanned.messageId = messageId
    if (mimeFrom !== null) scanned.mimeFrom = mimeFrom
    if (mimeRcpt !== null) scanned.mimeRcpt = mimeRcpt
    if (urls !== null) scanned.urls = urls
    if (emails !== null) scanned.emails = emails
    if (rewritten) scanned.rewritten = rewritten
    if (rare.report !== undefined) scanned.report = rare.report
    if (rare.urlDetails) scanned.urlDetails = rare.urlDetails
    if (rare.resentMessageId !== undefined) scanned.resentMessageId = rare.resentMessageId
    const outcome: Mutable<ScanOutcome> = { scanned }
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

function rareOf({ verdict, report, urlDetails, resentMessageId }: Scanned): Rare {
  const rare: Rare = {}
  if (Object.keys(verdict.subtests).length > 0) rare.subtests = verdict.subtests
  if (Object.keys(verdict.messages).length > 0) rare.messages = verdict.messages
  if (verdict.notes.length > 0) rare.notes = verdict.notes
  if (verdict.unchecked) rare.unchecked = verdict.unchecked
  if (verdict.skipped) rare.skipped = true
  if (report !== undefined) rare.report = report
  if (urlDetails) rare.urlDetails = urlDetails
  if (resentMessageId !== undefined) rare.resentMessageId = resentMessageId
  return rare
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
