// Scan replies as JSON, both shapes. In: the verdict and what else the scan brought. Out: text whose keys stand in rspamd's order
// (rspamd-protocol.md 1.5). Pure: what is absent here is absent on the wire, because clients test for keys. Written as text at once: an
// object keyed by symbols has a shape of its own in every reply, and making it cost more than writing it.
import { ownText } from '../../src/message/remembered.js'
import type { Envelope, Note, Scanned, ScoredHit, SymbolInfo } from '../../src/types.js'
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

/** `/checkv2`, and `/skip`, which lacks metric_score. */
export function formatV2(parts: ReplyParts, metricScores = true): string {
  const { verdict, flags, scanId } = parts
  let text = `{${scalars(parts)},"symbols":{${symbolMembers(parts, metricScores)}}`
  text += `,"thresholds":${scanJson(verdict.thresholds)}`
  if (flags.groups) text += `,"groups":${scanJson(groups(parts))}`
  text += `,"messages":${scanJson(verdict.messages)},${common(parts)}`
  if (scanId !== undefined) text += `,"scan-id":${quoted(scanId)}`
  return `${text}${milter(parts, 'milter')}}`
}

/** `/check`, `/scan`, `/symbols` ...: everything about the verdict inside `default`, symbols beside the scalars. */
export function formatLegacyJson(parts: ReplyParts): string {
  const { isSpam, messages } = parts.verdict
  const symbols = symbolMembers(parts, false)
  const members = `"is_spam":${isSpam},${scalars(parts)}${symbols === '' ? '' : `,${symbols}`}`
  return `{"default":{${members}},"messages":${scanJson(messages)},${common(parts)}${milter(parts, 'rmilter')}}`
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

function scalars(parts: ReplyParts): string {
  const { skipped, score, requiredScore, action } = parts.verdict
  const subject = newSubject(parts)
  let text = `"is_skipped":${skipped},"score":${scoreText(wireNumber(score))}`
  text += `,"required_score":${scoreText(wireNumber(requiredScore))},"action":${quoted(action)}`
  if (subject !== undefined) text += `,"subject":${quoted(subject)}`
  return action === 'discard' || action === 'quarantine' ? `${text},"reject":"${action}"` : text
}

/** Members of the object of symbols, each name once. */
function symbolMembers(parts: ReplyParts, metricScores: boolean): string {
  const { verdict, symbols, shows } = parts
  const plain = metricScores && !verdict.skipped && !shows?.explain
  const known = plain ? knownMembers(symbols) : undefined
  const members = new Map<string, string>()
  for (const hit of verdict.hits) {
    let member = known?.get(hit)
    if (member === undefined) {
      // In one piece: V8 would walk through the dozen pieces of each known member at every reply.
      member = ownText(symbolMember(hit, parts, metricScores))
      if (hit.details.length === 0) known?.set(hit, member)
    }
    members.set(hit.symbol, member)
  }
  let text = ''
  for (const member of members.values()) text += text === '' ? member : `,${member}`
  return text
}

/** Hits without details are the same object from mail to mail (src/pool/posted.ts): what was written of them, by table of symbols. */
const membersByTable = new WeakMap<ReplyParts['symbols'], WeakMap<ScoredHit, string>>()

function knownMembers(table: ReplyParts['symbols']): WeakMap<ScoredHit, string> {
  const known = membersByTable.get(table)
  if (known) return known
  const fresh = new WeakMap<ScoredHit, string>()
  membersByTable.set(table, fresh)
  return fresh
}

function symbolMember(hit: ScoredHit, parts: ReplyParts, metricScores: boolean): string {
  const { symbol, score, description, details, evidence } = hit
  const name = quoted(symbol)
  let text = `${name}:{"name":${name},"score":${scoreText(wireNumber(score))}`
  if (metricScores) {
    // A forced verdict shows its symbol without a weight.
    const weight = parts.verdict.skipped ? score : (parts.symbols.get(symbol)?.score ?? score)
    text += `,"metric_score":${scoreText(wireNumber(weight))}`
  }
  if (description !== '') text += `,"description":${quoted(wireText(description))}`
  if (details.length > 0) text += `,"options":${scanJson(details.map(wireText))}`
  if (parts.shows?.explain && evidence) text += `,"evidence":${scanJson(evidence)}`
  return `${text}}`
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

function common(parts: ReplyParts): string {
  const { scanned, flags, seconds, verdict, shows } = parts
  const hosts = scanned?.urls ?? []
  const emails = scanned?.emails ?? []
  const notes = scanned?.verdict.notes ?? []
  let text = ''
  if (!verdict.skipped && hosts.length + emails.length > 0) {
    text += `"urls":${scanJson(flags.extendedUrls ? urlObjects(scanned!) : hosts.map(wireText))},`
    text += `"emails":${scanJson(emails.map(wireText))},`
  }
  if (flags.profile) text += `"profile":${scanJson(profile(scanned))},`
  if (notes.length > 0) text += `"notes":${scanJson(notes.map(wireNote))},`
  if (shows?.clues && scanned) text += `"bayes":${scanJson(opinion(scanned))},`
  if (scanned) text += `"message-id":${quoted(wireText(scanned.messageId ?? 'undef'))},`
  return `${text}"time_real":${wireNumber(seconds)}`
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

function milter(parts: ReplyParts, key: 'milter' | 'rmilter'): string {
  const { verdict, scanned, envelope, flags, milterHeaders, scanId } = parts
  if (verdict.skipped) return ''
  const block = milterBlock(
    {
      ...verdict,
      requiredScore: verdict.requiredScore,
      envelope,
      fold: flags.milter ? '\n' : (scanned?.lineEnd ?? '\r\n'),
      ...(scanId !== undefined && { scanId }),
    },
    milterHeaders,
  )
  return block ? `,"${key}":${scanJson(block)}` : ''
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
