// Reads one Received line: who handed the message to whom. Comes in: the unfolded value. Goes out: a Hop, or why there is none.
// MTAs write these lines in a hundred ways and swap the places of HELO and reverse name, so the shape decides what a word means. The
// order of the shapes is SpamAssassin 4.0.1's (the first that fits wins); fixtures/oracle/micro-received.jsonl.gz proves it case by case.
import type { ByteString } from '../types.js'
import { plainIp } from './ip.js'
import { bytePattern } from './pattern.js'
import {
  families,
  generalShapes,
  ignoredShapes,
  impShape,
  type Shape,
  sendmailShape,
  webmailShapes,
} from './received-shapes.js'

/** A line while it is read, and what was read. Empty string = the line does not say. */
export interface Draft {
  ip: string
  rdns: string
  helo: string
  by: string
  ident: string
  /** Undefined = not said; '' = null sender. */
  envfrom: string | undefined
  id: string
  auth: string
  /** The MTA that wrote the line looks names up, so an empty rdns means that there is none. */
  lookedUp: boolean
}

export type Hop = Readonly<Draft>

export type ParsedLine =
  | { readonly kind: 'hop'; readonly hop: Hop }
  /** A hand-over that is none on the network. */
  | { readonly kind: 'ignored' }
  /** fetchmail, getmail: the lines above tell of the way out of the mailbox only. */
  | { readonly kind: 'fetched' }
  /** qmail-scanner repeats the hand-over below it; only its envelope sender is news. */
  | { readonly kind: 'repeated'; readonly envfrom: string | undefined }
  | { readonly kind: 'unparseable' }

const trailingDate = bytePattern(
  '(?<![\\s;])[\\s;]+(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\\d+ (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \\d+ \\d+:\\d+(?::\\d+)? \\S+$',
)
const idWord = bytePattern(' id <?([^\\s<>;]{3,})')
const heloChars = 'A-Za-z0-9.^+_&:=?!@%*$\\\\/-'
const heloAssigned = bytePattern(`\\bhelo=([${heloChars}]+)(?:[^${heloChars}]|$)`)
const heloSpoken = bytePattern(`\\b(?:HELO|EHLO) ([${heloChars}]+)(?:[^${heloChars}]|$)`)
const byWord = bytePattern(' by (\\S+)(?:[^-A-Za-z0-9;.]|$)')
const bareHandover = bytePattern('^from (\\S+) by [^\\s;]+ ?;', 'i')
const sender = bytePattern('(?:return-path:? |envelope-(?:sender|from)[ =])(\\S+)\\b', 'i')
const anyBracketed = bytePattern('\\[({ip})\\]')
const rockliffe = bytePattern(
  '^(?<helo>\\S+) \\((?<rdns>\\S+) \\[(?<ip>{ip})\\]\\) BY (?<by>\\S+) (?:\\([^)]+\\) WITH SMTP )?ID <?(?<id>\\S+?)>?(?: FOR <[^>]+>)?$',
)
const norton = bytePattern('^(?<helo>\\S*) \\[(?<ip>{ip})\\]\\) by (?<by>\\S+) \\(NAVGW .*?\\) with ')
const sendmailLocal = bytePattern('^\\S+@localhost\\) by \\S+ ')
const jqueuemail = bytePattern('^[^\\s@]+@[^)]+\\) by \\S+\\(jqueuemail\\) id [^\\s;]+')
const qmailLdap = bytePattern(' by \\S+ \\(qmail-\\S+\\) with ')
const firstWord = bytePattern('^(\\S+)[^-A-Za-z0-9.]')

/** Reads one line. The cost stays near linear: shapes are anchored and a header value is at most headerValueBytesMax long. */
export function parseReceivedLine(value: ByteString): ParsedLine {
  let line = squeeze(value)
  if (!/^\(?from /i.test(line) || /\bwith local for\b/.test(line)) return { kind: 'ignored' }
  const bare = bareHandover.exec(line)
  if (bare && !/^\[[\d.]+\]$/.test(bare[1]!)) return { kind: 'ignored' }
  line = line.replace(trailingDate, '').replace(')by ', ') by ')

  const draft: Draft = {
    ip: '',
    rdns: '',
    helo: (heloAssigned.exec(line) ?? heloSpoken.exec(line))?.[1] ?? '',
    by: byWord.exec(line)?.[1] ?? '',
    ident: '',
    envfrom: undefined,
    id: idWord.exec(line)?.[1] ?? '',
    auth: authentication(line),
    lookedUp: false,
  }
  if (line.startsWith('from ')) {
    line = line.slice(5)
    draft.envfrom = sender.exec(line)?.[1]
    const outcome = readFrom(line, draft)
    if (outcome) return outcome
  } else if (line.startsWith('FROM ')) {
    line = line.slice(5)
    if (fill(draft, rockliffe.exec(line))) {
      draft.lookedUp = true
      if (draft.rdns === 'unverified') draft.rdns = ''
      return { kind: 'hop', hop: finish(draft) }
    }
  } else if (line.startsWith('(from ')) {
    line = line.slice(6)
    if (fill(draft, norton.exec(line))) return { kind: 'hop', hop: finish(draft) }
    if (sendmailLocal.test(line) || jqueuemail.test(line)) return { kind: 'ignored' }
  }
  if (draft.ip === '') draft.ip = anyBracketed.exec(line)?.[1] ?? ''
  if (draft.ip === '' || draft.by === '') return { kind: 'unparseable' }
  return { kind: 'hop', hop: finish(draft) }
}

/** One blank between words, none at the ends, no semicolon at the end. */
function squeeze(value: ByteString): ByteString {
  const line = value.replace(/[\t-\r ]+/g, ' ')
  const start = line.startsWith(' ') ? 1 : 0
  let end = line.length
  if (end > start && line[end - 1] === ' ') end--
  while (end > start && line[end - 1] === ';') {
    end--
    if (end > start && line[end - 1] === ' ') end--
  }
  return line.slice(start, end)
}

/** Lines that begin with `from `. Undefined = nothing fitted. */
function readFrom(line: ByteString, draft: Draft): ParsedLine | undefined {
  const family = families.find(({ must, mark }) => line.includes(must) && (!mark || mark.test(line)))
  const outcome =
    tryShapes(webmailShapes, line, draft) ??
    (family && tryShapes(family.shapes, line, draft)) ??
    tryShape(impShape, line, draft) ??
    (line.includes('(qmail-') && qmailLdap.test(line) ? undefined : tryShape(sendmailShape, line, draft)) ??
    tryShapes(generalShapes, line, draft) ??
    tryShapes(ignoredShapes, line, draft)
  if (!outcome && draft.helo === '') draft.helo = firstWord.exec(line)?.[1] ?? ''
  return outcome
}

function tryShapes(shapes: readonly Shape[], line: ByteString, draft: Draft): ParsedLine | undefined {
  for (const shape of shapes) {
    const outcome = tryShape(shape, line, draft)
    if (outcome) return outcome
  }
  return undefined
}

function tryShape(shape: Shape, line: ByteString, draft: Draft): ParsedLine | undefined {
  if (shape.must !== undefined && !line.includes(shape.must)) return undefined
  if (shape.when && !shape.when.test(line)) return undefined
  const match = shape.pattern.exec(line)
  if (!match) return undefined
  if (shape.outcome === 'repeated') return { kind: 'repeated', envfrom: cleanSender(draft.envfrom) }
  if (shape.outcome) return { kind: shape.outcome }
  fill(draft, match)
  if (shape.lookedUp) draft.lookedUp = true
  if (shape.fix?.(draft, match.groups ?? {}, line) === false) return undefined
  return { kind: 'hop', hop: finish(draft) }
}

const fields = ['ip', 'rdns', 'helo', 'by', 'ident', 'id'] as const

/** Copies the named groups of a match; a group that took no part empties its field. */
function fill(draft: Draft, match: RegExpExecArray | null): boolean {
  if (!match) return false
  const groups = match.groups
  if (groups) for (const field of fields) if (field in groups) draft[field] = groups[field] ?? ''
  return true
}

const withAuth = / with ((?:ES|L|UTF8S|UTF8L)MTPS?A|ASMTP|HTTP[SU]?)(?: |;|$)/i
const gmail =
  / by mx\.google\.com with ESMTPS id [a-z0-9]{1,4}sm[0-9]{2,9}[a-z]{3}\.[0-9]{1,3}\.[0-9]{4}\.(?:[0-6][0-9]\.){4}[0-6][0-9]/
const gmailTls = /\(version=([^ ]+) cipher=([^)]+)\)/
const courier = bytePattern(
  '^from .*?(?:\\]\\)|\\)\\]) \\(AUTH: (LOGIN|PLAIN|DIGEST-MD5|CRAM-MD5) \\S+(?:, .*?)?\\) by ',
)
const sendmailPeer = /\](?: \([^)]{0,256}\))?\) |\)\] /g
const gmx = bytePattern(
  'from \\S* \\((?:HELO|EHLO) \\S*\\) \\[{ip}\\] by (mail\\.gmx\\.(?:net|com)) \\([^)]+\\) with (ESMTP|SMTP)',
)
const criticalPath = /\) by .+ \(\d{1,2}\.\d\.\d{3}(?:\.\d{1,3})?\) \(authenticated as .+\) id /
const postfixSasl = bytePattern('\\) \\(Authenticated sender: \\S+\\) by \\S+ \\(([^)]+)\\) with ')

/** The mark by which the MTA says that the client authenticated; '' if none. */
function authentication(line: ByteString): string {
  const hasBy = line.includes(' by ')
  const rfc3848 = hasBy ? withAuth.exec(line) : null
  if (rfc3848) return rfc3848[1]!
  const tls = gmail.test(line) ? gmailTls.exec(line) : null
  if (tls) return `GMail - transport=${tls[1]} cipher=${tls[2]}`
  const courierAuth = line.includes('(AUTH: ') ? courier.exec(line) : null
  if (courierAuth) return courierAuth[1]!
  if (line.includes('authenticated') && sendmailAuthenticated(line)) return 'Sendmail'
  const gmxAuth = line.includes('mail.gmx.') ? gmx.exec(line) : null
  if (gmxAuth) return `GMX (${gmxAuth[2]} / ${gmxAuth[1]})`
  if (line.includes(' (authenticated as ') && criticalPath.test(line)) return 'CriticalPath'
  const sasl = line.includes('(Authenticated sender: ') ? postfixSasl.exec(line) : null
  if (sasl) return sasl[1] === 'Postfix' ? 'Postfix' : `Postfix (${sasl[1]})`
  if (/CommuniGate Pro (?:HTTP|SMTP|XIMSS|IMAP)/.test(line) && line.includes(' (account '))
    return 'Communigate'
  if (/ with Microsoft Exchange Server HTTP-DAV\b/.test(line)) return 'HTTP-DAV'
  const via = hasBy ? / \(via (HTTP.?)\)(?: |;|$)/i.exec(line) : null
  return via ? via[1]! : ''
}

/**
 * Sendmail, MDaemon and some webmailers: the peer in brackets, later a comment with `authenticated` in it, later ` by`. Step by step from
 * the earliest place on, because one pattern with four `.*?` would take the fourth power of the line's length.
 */
function sendmailAuthenticated(line: ByteString): boolean {
  if (!line.startsWith('from ')) return false
  sendmailPeer.lastIndex = 5
  if (!sendmailPeer.test(line)) return false
  const comment = line.indexOf('(', sendmailPeer.lastIndex)
  const mark = comment < 0 ? -1 : line.indexOf('authenticated', comment + 1)
  const close = mark < 0 ? -1 : line.indexOf(')', mark + 13)
  return close >= 0 && line.indexOf(' by', close + 1) >= 0
}

function cleanSender(envfrom: string | undefined): string | undefined {
  if (envfrom === undefined) return undefined
  let start = 0
  let end = envfrom.length
  while (envfrom[start] === '<') start++
  while (end > start && envfrom[end - 1] === '>') end--
  return stripSpecial(envfrom.slice(start, end))
}

/** `!` for what would break the relay strings. Hence a HELO of [1.2.3.4] shows as !1.2.3.4!. */
function stripSpecial(text: string): string {
  return text.replace(/[\t-\r \0#[\]()<>|]/g, '!')
}

function finish(draft: Draft): Hop {
  const rdns = draft.rdns.replace(/\.+$/, '')
  return {
    ip: stripSpecial(plainIp(draft.ip)),
    rdns: /^unknown$/i.test(rdns) || rdns.startsWith('[') ? '' : stripSpecial(rdns),
    helo: stripSpecial(draft.helo),
    by: stripSpecial(draft.by.replace(/;$/, '')),
    ident: stripSpecial(draft.ident),
    envfrom: cleanSender(draft.envfrom),
    id: draft.id,
    auth: draft.auth,
    lookedUp: draft.lookedUp,
  }
}
