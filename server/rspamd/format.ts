// Scan replies as JSON, both shapes. In: the verdict and what else the scan brought. Out: plain objects whose keys stand in rspamd's order
// (rspamd-protocol.md 1.5). Pure: what is absent here is absent on the wire, because clients test for keys.
import type { Envelope, Note, Scanned, SymbolInfo } from '../../src/types.js'
import { type MilterHeaderOptions, milterBlock } from './milter-headers.js'
import type { Flags } from './request.js'
import { type RspamdVerdict, wireNumber, wireText } from './verdict.js'

export interface ReplyParts {
  readonly verdict: RspamdVerdict
  /** Undefined when nothing was scanned (empty message, flag skip). */
  readonly scanned: Scanned | undefined
  readonly envelope: Envelope
  readonly flags: Flags
  readonly symbols: ReadonlyMap<string, SymbolInfo>
  readonly rewriteSubject: string
  readonly milterHeaders: MilterHeaderOptions
  readonly seconds: number
  /** Id under which the scan can be learned; absent when nothing was scanned. */
  readonly scanId?: string
  /** Pieces of the message that matched, and tokens that decided, in the reply. */
  readonly shows?: { readonly explain: boolean; readonly clues: boolean }
}

interface WireSymbol {
  readonly name: string
  readonly score: number
  readonly metric_score?: number
  readonly description?: string
  readonly options?: readonly string[]
  readonly evidence?: { readonly text: string; readonly where: string }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** `/checkv2`, and `/skip`, which lacks metric_score. */
export function formatV2(parts: ReplyParts, metricScores = true): Record<string, unknown> {
  return {
    ...scalars(parts),
    symbols: wireSymbols(parts, metricScores),
    thresholds: parts.verdict.thresholds,
    ...(parts.flags.groups && { groups: groups(parts) }),
    messages: parts.verdict.messages,
    ...common(parts),
    ...(parts.scanId !== undefined && { 'scan-id': parts.scanId }),
    ...milter(parts, 'milter'),
  }
}

/** `/check`, `/scan`, `/symbols` ...: everything about the verdict inside `default`, symbols beside the scalars. */
export function formatLegacyJson(parts: ReplyParts): Record<string, unknown> {
  return {
    default: { is_spam: parts.verdict.isSpam, ...scalars(parts), ...wireSymbols(parts, false) },
    messages: parts.verdict.messages,
    ...common(parts),
    ...milter(parts, 'rmilter'),
  }
}

/** JSON with rspamd's spelling of numbers, `15.0` and `1.500000`: scripts grep for it. The same otherwise as JSON.stringify. */
export function scanJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '[' : ','}${scanJson(item)}`
    return text === '' ? '[]' : `${text}]`
  }
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue
    text += `${text === '' ? '{' : ','}${quoted(key)}:`
    text += typeof member === 'number' && scoreKeys.has(key) ? scoreText(member) : scanJson(member)
  }
  return text === '' ? '{}' : `${text}}`
}

const scoreKeys: ReadonlySet<string> = new Set(['score', 'required_score', 'metric_score'])

function scoreText(value: number): string {
  if (Number.isInteger(value)) return Math.abs(value) < 1e21 ? `${value}.0` : String(value)
  return value.toFixed(6)
}

/** Most texts need no escapes. */
function quoted(text: string): string {
  return /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : JSON.stringify(text)
}

/** The new subject of `rewrite subject`; undefined under any other action. */
export function newSubject(
  parts: Pick<ReplyParts, 'verdict' | 'scanned' | 'rewriteSubject'>,
): string | undefined {
  const { verdict, scanned, rewriteSubject } = parts
  if (verdict.action !== 'rewrite subject') return undefined
  const old = wireText(scanned?.subject ?? '')
  const text = rewriteSubject.replace(/%([sd%])/g, (_, letter: string) => {
    if (letter === 's') return old
    return letter === 'd' ? verdict.score.toFixed(2) : '%'
  })
  return encodeWords(text.replace(/[\r\n]+/g, ' '))
}

function scalars(parts: ReplyParts): Record<string, unknown> {
  const { verdict } = parts
  const subject = newSubject(parts)
  return {
    is_skipped: verdict.skipped,
    score: wireNumber(verdict.score),
    required_score: wireNumber(verdict.requiredScore),
    action: verdict.action,
    ...(subject !== undefined && { subject }),
    ...((verdict.action === 'discard' || verdict.action === 'quarantine') && { reject: verdict.action }),
  }
}

function wireSymbols(parts: ReplyParts, metricScores: boolean): Record<string, WireSymbol> {
  const found: Record<string, WireSymbol> = {}
  const { verdict, symbols, shows } = parts
  for (const { symbol, score, description, details, evidence } of verdict.hits) {
    const wire: Mutable<WireSymbol> = { name: symbol, score: wireNumber(score) }
    // A forced verdict shows its symbol without a weight.
    if (metricScores)
      wire.metric_score = wireNumber(verdict.skipped ? score : (symbols.get(symbol)?.score ?? score))
    if (description !== '') wire.description = wireText(description)
    if (details.length > 0) wire.options = details.map(wireText)
    if (shows?.explain && evidence) wire.evidence = evidence
    found[symbol] = wire
  }
  return found
}

function groups(parts: ReplyParts): Record<string, { score: number }> {
  const sums: Record<string, { score: number }> = {}
  for (const hit of parts.verdict.hits) {
    const group = parts.symbols.get(hit.symbol)?.group
    if (!group) continue
    sums[group] = { score: wireNumber((sums[group]?.score ?? 0) + hit.score) }
  }
  return sums
}

function common(parts: ReplyParts): Record<string, unknown> {
  const { scanned, flags, seconds, verdict } = parts
  const hosts = scanned?.urls ?? []
  const emails = scanned?.emails ?? []
  const notes = scanned?.verdict.notes ?? []
  const anyAddress = !verdict.skipped && hosts.length + emails.length > 0
  return {
    ...(anyAddress && { urls: flags.extendedUrls ? urlObjects(scanned!) : hosts.map(wireText) }),
    ...(anyAddress && { emails: emails.map(wireText) }),
    ...(flags.profile && { profile: profile(scanned) }),
    ...(notes.length > 0 && { notes: notes.map(wireNote) }),
    ...(parts.shows?.clues && scanned && { bayes: opinion(scanned) }),
    ...(scanned && { 'message-id': wireText(scanned.messageId ?? 'undef') }),
    time_real: wireNumber(seconds),
  }
}

/** What the learner thinks, and the tokens that decided. */
function opinion({ verdict: { bayes } }: Scanned): Record<string, unknown> {
  return {
    probability: bayes?.probability ?? null,
    ...(bayes?.reason !== undefined && { reason: bayes.reason }),
    spam_learned: bayes?.spamLearned ?? 0,
    ham_learned: bayes?.hamLearned ?? 0,
    ...(bayes?.tokens !== undefined && { tokens: bayes.tokens }),
    ...(bayes?.tokensKnown !== undefined && { tokens_known: bayes.tokensKnown }),
    clues: (bayes?.clues ?? []).map((clue) => ({ ...clue, token: wireText(clue.token) })),
  }
}

function urlObjects(scanned: Scanned): unknown[] {
  return (scanned.urlDetails ?? []).map((detail) => ({
    url: wireText(detail.url),
    ...(detail.tld !== undefined && { tld: wireText(detail.tld) }),
    ...(detail.host !== undefined && { host: wireText(detail.host) }),
    flags: detail.flags,
  }))
}

function profile(scanned: Scanned | undefined): Record<string, number> {
  const timed = (scanned?.verdict.hits ?? []).filter((hit) => hit.tookMs !== undefined)
  return Object.fromEntries(timed.map((hit) => [hit.symbol, wireNumber(hit.tookMs!)]))
}

function wireNote(note: Note): string {
  return `${note.check}: ${note.kind}: ${note.text}`
}

function milter(parts: ReplyParts, key: 'milter' | 'rmilter'): Record<string, unknown> {
  const { verdict, scanned, envelope, flags, milterHeaders } = parts
  if (verdict.skipped) return {}
  const fold = flags.milter ? '\n' : (scanned?.lineEnd ?? '\r\n')
  const block = milterBlock(
    {
      ...verdict,
      requiredScore: verdict.requiredScore,
      envelope,
      fold,
      ...(parts.scanId !== undefined && { scanId: parts.scanId }),
    },
    milterHeaders,
  )
  return block ? { [key]: block } : {}
}

/** RFC 2047 for a subject with other than ASCII: B words of at most 75 characters, never splitting a character. */
function encodeWords(text: string): string {
  if (/^[\x20-\x7e\t]*$/.test(text)) return text
  const words: string[] = []
  let present = ''
  for (const char of text) {
    if (Buffer.byteLength(present + char) > 45) {
      words.push(present)
      present = ''
    }
    present += char
  }
  words.push(present)
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`).join(' ')
}
