// Template tags: `_NAME_` or `_NAME(argument)_` in reports and headers. Built-in ones are read from the scan and its verdict; those of
// plugins come with the rule run. An unknown tag stays as it is, one that is known and has no value becomes nothing.
import { setting } from '../../rules/engine/settings.js'
import type { Rule, RuleRun, Settings } from '../../rules/engine/types.js'
import { reportBytesMax } from '../limits.js'
import type { ByteString, Clue, Relay, Scan, Verdict } from '../types.js'
import { mailDate } from './date.js'
import { oneDecimal, shownScore } from './numbers.js'
import { previewOf } from './preview.js'
import { headerRow, type Row, rowsOf, summaryRow } from './rows.js'

/** Everything a template may ask for. */
export interface ReportInput {
  readonly scan: Scan
  readonly verdict: Verdict
  readonly settings: Settings
  /** Tags that evals set (RuleRun.tags). */
  readonly tags: ReadonlyMap<string, string | readonly string[]>
  /** The rule that ended the run early (RuleRun.shortcircuit). */
  readonly shortcircuit?: RuleRun['shortcircuit'] | undefined
  /** Name of this machine, where `report_hostname` does not say otherwise. */
  readonly hostname: string
  /** The client of the scan; absent = localhost. */
  readonly remote?: { readonly address: string; readonly name: string }
  /** Rules by name, for their tflags. */
  readonly rules?: ReadonlyMap<string, Rule>
  readonly now?: Date
  /** 0 to 1, for MIME boundaries. */
  readonly random?: () => number
}

/** The SpamAssassin release whose behaviour is followed: what parsers of X-Spam-Status and Checker-Version expect to read. */
export const followedVersion = '4.0.1'
const followedDate = '2024-03-25'

/** Tags of plugins that exist without a value when their plugin did not run. */
const silentTags = new Set(
  (
    'RBL ASN ASNCIDR AWL AWLMEAN AWLCOUNT AWLPRESCORE DCCB DCCR DCCREP PYZOR DKIMIDENTITY DKIMDOMAIN DKIMSELECTOR LANGUAGES ' +
    'EXTRACTTEXTCHARS EXTRACTTEXTWORDS EXTRACTTEXTTOOLS EXTRACTTEXTTYPES EXTRACTTEXTEXTENSIONS EXTRACTTEXTFLAGS EXTRACTTEXTURIS'
  ).split(' '),
)

const tagPattern = /_([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)(?:\((.*?)\))?_/g

/** The template with its tags replaced; what they bring is not read again for tags. */
export function expandTags(template: ByteString, input: ReportInput): ByteString {
  return template.replace(tagPattern, (whole, name: string, argument: string | undefined) => {
    const builtIn = builtInTags[name]
    if (builtIn !== undefined) return builtIn(input, argument)
    const value = input.tags.get(name)
    if (value !== undefined) return typeof value === 'string' ? value : value.join(' ')
    return silentTags.has(name) ? '' : whole
  })
}

type Tag = (input: ReportInput, argument: string | undefined) => ByteString

const shown: Tag = ({ verdict }, pad) => {
  const score = shownScore(verdict.score, verdict.requiredScore, verdict.isSpam)
  const missing = pad !== undefined && /^(?:0+| +)$/.test(pad) ? pad.length + 3 - score.length : 0
  return missing > 0 ? pad!.slice(0, missing) + score : score
}

const yesNo: Tag = ({ verdict }, words) => {
  const cut = words?.indexOf(',') ?? -1
  const spam = words === undefined ? 'Yes' : cut < 0 ? words : words.slice(0, cut)
  const ham = words === undefined || cut < 0 ? 'No' : words.slice(cut + 1)
  return verdict.isSpam ? spam : ham
}

const lastExternal = ({ scan }: ReportInput): Relay | undefined => scan.views.relays.external[0]
const firstTrusted = ({ scan }: ReportInput): Relay | undefined => scan.views.relays.trusted.at(-1)

const builtInTags: Readonly<Record<string, Tag>> = {
  YESNO: yesNo,
  YESNOCAPS: (input, words) => yesNo(input, words).toUpperCase(),
  SCORE: shown,
  HITS: shown,
  REQD: ({ verdict }) => oneDecimal(verdict.requiredScore),
  VERSION: () => followedVersion,
  SUBVERSION: () => followedDate,
  RULESVERSION: ({ tags }) => textOf(tags.get('RULESVERSION')),
  HOSTNAME: ({ settings, hostname }) => setting<string>(settings, 'report_hostname') || hostname,
  REMOTEHOSTNAME: ({ remote }) => remote?.name ?? 'localhost',
  REMOTEHOSTADDR: ({ remote }) => remote?.address ?? '127.0.0.1',
  FIRSTTRUSTEDIP: (input) => firstTrusted(input)?.ip ?? '',
  FIRSTTRUSTEDREVIP: (input) => reversed(firstTrusted(input)?.ip),
  LASTEXTERNALIP: (input) => lastExternal(input)?.ip ?? '',
  LASTEXTERNALREVIP: (input) => reversed(lastExternal(input)?.ip),
  LASTEXTERNALRDNS: (input) => lastExternal(input)?.rdns ?? '',
  LASTEXTERNALHELO: (input) => lastExternal(input)?.helo ?? '',
  RELAYSTRUSTED: ({ scan }) => scan.views.relays.trustedText,
  RELAYSUNTRUSTED: ({ scan }) => scan.views.relays.untrustedText,
  RELAYSINTERNAL: ({ scan }) => scan.views.relays.internalText,
  RELAYSEXTERNAL: ({ scan }) => scan.views.relays.externalText,
  CONTACTADDRESS: ({ settings }) => setting<string>(settings, 'report_contact'),
  BAYES: ({ verdict }) => verdict.bayes?.probability?.toFixed(4) ?? '0.5',
  BAYESTC: ({ verdict }) => countText(verdict.bayes?.tokens),
  BAYESTCLEARNED: ({ verdict }) => countText(verdict.bayes?.tokensKnown),
  BAYESTCSPAMMY: ({ verdict }) => countText(verdict.bayes && cluesOf(verdict, 'spam').length),
  BAYESTCHAMMY: ({ verdict }) => countText(verdict.bayes && cluesOf(verdict, 'ham').length),
  SPAMMYTOKENS: ({ verdict }, how) => tokenList(cluesOf(verdict, 'spam'), how),
  HAMMYTOKENS: ({ verdict }, how) => tokenList(cluesOf(verdict, 'ham'), how),
  TOKENSUMMARY: ({ verdict }) => tokenSummary(verdict),
  DATE: ({ now }) => mailDate(now ?? new Date()),
  STARS: ({ verdict }, star) => (star || '*').repeat(Math.max(0, Math.min(50, Math.trunc(verdict.score)))),
  AUTOLEARN: ({ verdict }) => autolearnText(verdict),
  AUTOLEARNSCORE: ({ tags, verdict }) =>
    tags.has('AUTOLEARNSCORE') ? textOf(tags.get('AUTOLEARNSCORE')) : String(verdict.score),
  TESTS: (input, separator) => names(input, separator, (row) => row.symbol),
  TESTSSCORES: (input, separator) => names(input, separator, (row) => `${row.symbol}=${row.score}`),
  SUBTESTS: ({ verdict }, separator) =>
    Object.entries(verdict.subtests)
      .sort(byName)
      .flatMap(([name, count]) => Array.from({ length: Math.max(1, Math.trunc(count)) }, () => name))
      .join(separator || ',') || 'none',
  SUBTESTSCOLLAPSED: ({ verdict }, separator) =>
    Object.entries(verdict.subtests)
      .sort(byName)
      .map(([name, count]) => (count > 1 ? `${name}(${count})` : name))
      .join(separator || ',') || 'none',
  NOTES: ({ verdict }) => notesText(verdict),
  EVIDENCE: ({ verdict }) => evidenceText(verdict),
  SCANID: ({ scan }) => scan.request.id,
  PREVIEW: ({ scan }) => previewOf(scan.views.bodyForRules),
  REPORT: (input) => '\n' + table(input, headerRow),
  SUMMARY: (input) => table(input, summaryRow),
  SUBJPREFIX: subjectPrefix,
  HEADER: ({ scan }, name) => (name ? (scan.views.headers.get(name) ?? '') : ''),
  SC: (input) => {
    const end = shortcircuited(input)
    return end === undefined ? 'no' : `${end.rule} (${end.type})`
  },
  SCRULE: (input) => shortcircuited(input)?.rule ?? 'none',
  SCTYPE: (input) => shortcircuited(input)?.type ?? 'no',
  TIMING: ({ verdict }) => timing(verdict),
}

/** A rule that only ends the run (`on`) is called by the side its score is on. */
function shortcircuited({ shortcircuit, verdict }: ReportInput): { rule: string; type: string } | undefined {
  if (shortcircuit === undefined || shortcircuit.type !== 'on') return shortcircuit
  const score = verdict.hits.find(({ symbol }) => symbol === shortcircuit.rule)?.score ?? 0
  return { rule: shortcircuit.rule, type: score < 0 ? 'ham' : 'spam' }
}

/** Words that rules put before the Subject (`subjprefix`), in force only together with `rewrite_header Subject`. Ends in a blank. */
export function subjectPrefix({ settings, verdict }: ReportInput): ByteString {
  if (!setting<ReadonlyMap<string, string>>(settings, 'rewrite_header').has('Subject')) return ''
  const prefixes = setting<ReadonlyMap<string, string>>(settings, 'subjprefix')
  let all = ''
  for (const { symbol } of verdict.hits) {
    const prefix = prefixes.get(symbol)
    if (prefix !== undefined && !all.includes(prefix)) all += prefix + ' '
  }
  return all
}

/** `no` and the classes come with the word on forcing, which SpamAssassin leaves out where it did not get that far. */
export function autolearnText({ autolearn }: Verdict): string {
  return autolearn === 'disabled' ? autolearn : `${autolearn} autolearn_force=no`
}

function names(input: ReportInput, separator: string | undefined, show: (row: Row) => string): string {
  const rows = rowsOf(input.verdict.hits, input.rules)
  rows.sort((a, b) => byName([a.symbol], [b.symbol]))
  return rows.map(show).join(separator || ',') || 'none'
}

/** All rows, up to the size that spamc still takes back (limits.ts); what is left out is said. */
function table(input: ReportInput, show: (row: Row, width: number) => ByteString): ByteString {
  const width = setting<number>(input.settings, 'report_wrap_width')
  let text = ''
  const rows = rowsOf(input.verdict.hits, input.rules)
  for (const [index, row] of rows.entries()) {
    const next = show(row, width)
    if (text.length + next.length > reportBytesMax) return `${text}* and ${rows.length - index} more\n`
    text += next
  }
  return text
}

/** Evidence that is missing, one line each: what did not answer cannot have spoken for or against. */
function notesText({ notes }: Verdict): ByteString {
  return notes.map(({ check, kind, text }) => `not known: ${check}: ${text || kind}\n`).join('')
}

/** For each rule the piece of the message that matched, one line each. */
function evidenceText({ hits }: Verdict): ByteString {
  return hits
    .flatMap(({ symbol, evidence }) => (evidence ? [`${symbol}: ${evidence.where}: ${evidence.text}\n`] : []))
    .join('')
}

function cluesOf(verdict: Verdict, side: 'spam' | 'ham'): readonly Clue[] {
  const clues = verdict.bayes?.clues ?? []
  return clues.filter(({ probability }) => (side === 'spam' ? probability > 0.5 : probability < 0.5))
}

/** The strongest tokens: `probability-token`, or the token alone with `(N,short)`; five unless N says otherwise. */
function tokenList(clues: readonly Clue[], how: string | undefined): string {
  const [count, form] = (how ?? '').split(',')
  const wanted = Number.parseInt(count ?? '', 10) || 5
  const chosen = clues.slice(0, wanted)
  if (form === 'short') return chosen.map(({ token }) => token).join(', ')
  return chosen
    .map(({ token, probability, spam, ham }) => `${probability.toFixed(3)}-${ham}h-${spam}s--${token}`)
    .join(', ')
}

function tokenSummary(verdict: Verdict): string {
  const { tokens, tokensKnown } = verdict.bayes ?? {}
  if (tokens === undefined || tokensKnown === undefined) return 'Bayes not run.'
  const spammy = cluesOf(verdict, 'spam').length
  const hammy = cluesOf(verdict, 'ham').length
  const neutral = Math.max(0, tokensKnown - spammy - hammy)
  return `Tokens: new, ${tokens - tokensKnown}; hammy, ${hammy}; neutral, ${neutral}; spammy, ${spammy}.`
}

function timing({ tookMs, stagesMs }: Verdict): string {
  const stages = Object.entries(stagesMs).map(([stage, ms]) => `${stage}: ${oneDecimal(ms)}`)
  return `total ${Math.round(tookMs)} ms - ${stages.join(', ')}`
}

/** Octets or nibbles backwards, as block lists are asked. */
function reversed(ip: string | undefined): string {
  if (ip === undefined || ip === '') return ''
  if (!ip.includes(':')) return ip.split('.').reverse().join('.')
  const [head = '', tail] = ip.split('::')
  const front = head.split(':').filter(Boolean)
  const back = (tail ?? '').split(':').filter(Boolean)
  const middle =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  const nibbles = [...front, ...middle, ...back].map((group) => group.padStart(4, '0')).join('')
  return nibbles.toLowerCase().split('').reverse().join('.')
}

const textOf = (value: string | readonly string[] | undefined): string =>
  value === undefined ? '' : typeof value === 'string' ? value : value.join(' ')

const countText = (count: number | undefined): string => (count === undefined ? '' : String(count))

const byName = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number =>
  a < b ? -1 : a > b ? 1 : 0
