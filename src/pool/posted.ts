// What the main thread and a scan worker hand each other for every message, in forms that cross cheaply. V8's structured clone looks up
// the shape of every object member by member on both sides, with cold caches 0.1 ms a message; bytes, numbers and one text cost a fraction.
// Hits without details of their own come again and again: after the first time only their number crosses.
import type { ScanOutcome } from '../scan.js'
import type { Classification, Request, Scanned, ScoredHit, Verdict } from '../types.js'

/** A message to scan; the last part is JSON of the request without id and bytes, the same for many. */
export type PostedRequest = readonly [job: number, raw: Uint8Array, id: string, request: string]

/** What came out: JSON of what each mail has of its own, and of the rest, which is the same text for most. */
export type PostedOutcome = readonly [
  job: number,
  own: string,
  rest: string,
  rewritten: Uint8Array | undefined,
  features: Uint8Array | undefined,
]

/** A hit in full, a known one by its number, or one that is known by this number from now on. */
type PostedHit = ScoredHit | number | { readonly number: number; readonly hit: ScoredHit }

/** An array, because text without keys is read in a fraction of the time; null = not there. */
type Own = readonly [
  hits: readonly PostedHit[],
  score: number,
  tookMs: number,
  stagesMs: Verdict['stagesMs'],
  /** Probability, log-odds, tokens, tokens known. */
  bayes: readonly (number | undefined | null)[] | undefined | null,
  sizeBytes: number,
  subject: string | undefined | null,
  messageId: string | undefined | null,
  mimeFrom: string | undefined | null,
  mimeRcpt: readonly string[] | undefined | null,
  urls: readonly string[] | undefined | null,
  emails: readonly string[] | undefined | null,
  /** Digest of the mail, when there are features of it. */
  mail: string | undefined | null,
]

interface Rest {
  readonly scanned: Omit<Scanned, 'verdict' | 'sizeBytes'>
  readonly verdict: Omit<Verdict, 'hits' | 'score' | 'tookMs' | 'stagesMs' | 'bayes'>
  readonly bayes?: Omit<Classification, 'probability'>
}

/** Numbers a worker gives at most: a rule has one or two scores, but a user's preferences may give it others. */
const numbersMax = 10_000
/** Texts of requests or outcomes that are kept as read, and their length: notes and reports are not worth keeping. */
const textsMax = 100
const textCharsMax = 1000

export function packRequest(job: number, request: Request): PostedRequest {
  return [job, request.raw, request.id, JSON.stringify({ ...request, id: undefined, raw: undefined })]
}

/** What was read of texts that come again and again; it is never changed. */
class KnownTexts<T> {
  private readonly known = new Map<string, T>()

  read(text: string): T {
    const known = this.known.get(text)
    if (known !== undefined) return known
    const value = JSON.parse(text) as T
    if (this.known.size >= textsMax) this.known.clear()
    if (text.length <= textCharsMax) this.known.set(text, value)
    return value
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The worker's side of requests. */
export class RequestUnpacker {
  private readonly texts = new KnownTexts<Omit<Request, 'id' | 'raw'>>()

  unpack([, raw, id, request]: PostedRequest): Request {
    return { ...this.texts.read(request), id, raw }
  }
}

/** The worker's side of outcomes. */
export class OutcomePacker {
  /** Symbol -> the hit that was last given a number. */
  private readonly known = new Map<string, { readonly number: number; readonly hit: ScoredHit }>()
  private numbers = 0

  pack(job: number, { scanned, features }: ScanOutcome): PostedOutcome {
    const { verdict } = scanned
    const { bayes } = verdict
    const own: Own = [
      verdict.hits.map((hit) => this.packHit(hit)),
      verdict.score,
      verdict.tookMs,
      verdict.stagesMs,
      bayes && [bayes.probability, bayes.logOdds, bayes.tokens, bayes.tokensKnown],
      scanned.sizeBytes,
      scanned.subject,
      scanned.messageId,
      scanned.mimeFrom,
      scanned.mimeRcpt,
      scanned.urls,
      scanned.emails,
      features?.mail,
    ]
    const rest = {
      scanned: {
        ...scanned,
        verdict: undefined,
        rewritten: undefined,
        sizeBytes: undefined,
        subject: undefined,
        messageId: undefined,
        mimeFrom: undefined,
        mimeRcpt: undefined,
        urls: undefined,
        emails: undefined,
      },
      verdict: {
        ...verdict,
        hits: undefined,
        score: undefined,
        tookMs: undefined,
        stagesMs: undefined,
        bayes: undefined,
      },
      bayes: bayes && {
        ...bayes,
        probability: undefined,
        logOdds: undefined,
        tokens: undefined,
        tokensKnown: undefined,
      },
    }
    return [job, JSON.stringify(own), JSON.stringify(rest), scanned.rewritten, features?.bytes]
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
  private readonly texts = new KnownTexts<Rest>()

  unpack([, text, restText, rewritten, bytes]: PostedOutcome): ScanOutcome {
    const own = JSON.parse(text) as Own
    const rest = this.texts.read(restText)
    const [hits, score, tookMs, stagesMs, bayes] = own
    const verdict: Mutable<Verdict> = {
      ...rest.verdict,
      hits: hits.map((hit) => this.unpackHit(hit)),
      score,
      tookMs,
      stagesMs,
    }
    if (bayes) verdict.bayes = unpackBayes(rest.bayes!, bayes)
    const [, , , , , sizeBytes, subject, messageId, mimeFrom, mimeRcpt, urls, emails, mail] = own
    const scanned: Mutable<Scanned> = { ...rest.scanned, verdict, sizeBytes }
    if (typeof subject === 'string') scanned.subject = subject
    if (typeof messageId === 'string') scanned.messageId = messageId
    if (typeof mimeFrom === 'string') scanned.mimeFrom = mimeFrom
    if (mimeRcpt) scanned.mimeRcpt = mimeRcpt
    if (urls) scanned.urls = urls
    if (emails) scanned.emails = emails
    if (rewritten) scanned.rewritten = rewritten
    return bytes ? { scanned, features: { mail: mail!, bytes } } : { scanned }
  }

  private unpackHit(posted: PostedHit): ScoredHit {
    if (typeof posted === 'number') return this.known[posted]!
    if (!('number' in posted)) return posted
    this.known[posted.number] = posted.hit
    return posted.hit
  }
}

function unpackBayes(
  rest: Omit<Classification, 'probability'>,
  [probability, logOdds, tokens, tokensKnown]: NonNullable<Own[4]>,
): Classification {
  const bayes: Mutable<Classification> = { ...rest, probability: probability ?? undefined }
  if (typeof logOdds === 'number') bayes.logOdds = logOdds
  if (typeof tokens === 'number') bayes.tokens = tokens
  if (typeof tokensKnown === 'number') bayes.tokensKnown = tokensKnown
  return bayes
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
