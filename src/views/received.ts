// Reads one Received line: who handed the message to whom. Comes in: the unfolded value. Goes out: a Hop, or why there is none.
// MTAs write these lines in a hundred ways and swap the places of HELO and reverse name, so the shape decides what a word means. The
// order of the shapes is SpamAssassin 4.0.1's (the first that fits wins); fixtures/oracle/micro-received.jsonl.gz proves it case by case.
import type { ByteString } from '../types.js'
import { plainIp } from './ip.js'
import { bytePattern } from './pattern.js'
import { RareText } from './rare-text.js'
import { withoutDate } from './received-date.js'
import {
  bySecond,
  type Family,
  families,
  generalShapes,
  ignoredShapes,
  impShape,
  nortonShape,
  rockliffeShape,
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

const heloChars = 'A-Za-z0-9.^+_&:=?!@%*$\\\\/-'
const heloAssigned = bytePattern(`\\bhelo=([${heloChars}]+)(?:[^${heloChars}]|$)`)
const heloSpoken = bytePattern(`\\b(?:HELO|EHLO) ([${heloChars}]+)(?:[^${heloChars}]|$)`)
const bareHandover = bytePattern('^from (\\S+) by [^\\s;]+ ?;', 'i')
const sender = bytePattern('(?:return-path:? |envelope-(?:sender|from)[ =])(\\S+)\\b', 'i')
const anyBracketed = bytePattern('\\[({ip})\\]')
const sendmailLocal = bytePattern('^\\S+@localhost\\) by \\S+ ')
const jqueuemail = bytePattern('^[^\\s@]+@[^)]+\\) by \\S+\\(jqueuemail\\) id [^\\s;]+')
const qmailLdap = bytePattern(' by \\S+ \\(qmail-\\S+\\) with ')
const firstWord = bytePattern('^(\\S+)[^-A-Za-z0-9.]')

/** What makes the patterns worth a try. */
const forLocal = new RareText('with local for')
const heloMark = new RareText('helo=')
const qmailMark = new RareText('(qmail-')

/** Reads one line. The cost stays near linear: shapes are anchored and a header value is at most headerValueBytesMax long. */
export function parseReceivedLine(value: ByteString): ParsedLine {
  let line = squeeze(value)
  if (!line.startsWith('from ') && !/^\(?from /i.test(line)) return { kind: 'ignored' }
  if (forLocal.isIn(line) && /\bwith local for\b/.test(line)) return { kind: 'ignored' }
  const bare = isByAt(line, line.indexOf(' ', 5)) ? bareHandover.exec(line) : null
  if (bare && !/^\[[\d.]+\]$/.test(bare[1]!)) return { kind: 'ignored' }
  line = withoutDate(line).replace(')by ', ') by ')

  const draft: Draft = {
    ip: '',
    rdns: '',
    helo: spokenName(line),
    by: byWord(line),
    ident: '',
    envfrom: undefined,
    id: idWord(line),
    auth: authentication(line),
    lookedUp: false,
  }
  if (line.startsWith('from ')) {
    line = line.slice(5)
    draft.envfrom = maySaySender(line) ? sender.exec(line)?.[1] : undefined
    const outcome = readFrom(line, draft)
    if (outcome) return outcome
  } else if (line.startsWith('FROM ')) {
    line = line.slice(5)
    const found = rockliffeShape.pattern.exec(line)
    if (found) {
      fill(draft, rockliffeShape, found)
      draft.lookedUp = true
      if (draft.rdns === 'unverified') draft.rdns = ''
      return { kind: 'hop', hop: finish(draft) }
    }
  } else if (line.startsWith('(from ')) {
    line = line.slice(6)
    const found = nortonShape.pattern.exec(line)
    if (found) {
      fill(draft, nortonShape, found)
      return { kind: 'hop', hop: finish(draft) }
    }
    if (sendmailLocal.test(line) || jqueuemail.test(line)) return { kind: 'ignored' }
  }
  if (draft.ip === '') draft.ip = anyBracketed.exec(line)?.[1] ?? ''
  if (draft.ip === '' || draft.by === '') return { kind: 'unparseable' }
  return { kind: 'hop', hop: finish(draft) }
}

/** ` by ` in any case from a blank on. */
function isByAt(line: ByteString, at: number): boolean {
  return (line.charCodeAt(at + 1) | 32) === 98 && (line.charCodeAt(at + 2) | 32) === 121
}

/** The name after `helo=`, HELO or EHLO. */
function spokenName(line: ByteString): string {
  const assigned = heloMark.isIn(line) ? heloAssigned.exec(line) : null
  return (assigned ?? (line.includes('LO ') ? heloSpoken.exec(line) : null))?.[1] ?? ''
}

/** The word behind the first ` by `. */
function byWord(line: ByteString): string {
  const at = line.indexOf(' by ')
  if (at < 0) return ''
  const end = line.indexOf(' ', at + 4)
  return line.slice(at + 4, end < 0 ? line.length : end)
}

/** Three characters and more behind an ` id `, perhaps in angle brackets. */
function idWord(line: ByteString): string {
  for (let at = line.indexOf(' id '); at >= 0; at = line.indexOf(' id ', at + 1)) {
    const start = line[at + 4] === '<' ? at + 5 : at + 4
    let end = start
    while (end < line.length && !endsId(line.charCodeAt(end))) end++
    if (end - start >= 3) return line.slice(start, end)
  }
  return ''
}

/** Blank, semicolon, angle brackets. */
const endsId = (code: number): boolean => code === 32 || code === 59 || code === 60 || code === 62

/** There is something like `e-sender`, `e-from` or `n-path`. */
function maySaySender(line: ByteString): boolean {
  for (let at = line.indexOf('-'); at >= 0; at = line.indexOf('-', at + 1)) {
    const next = line.charCodeAt(at + 1) | 32
    if (next !== 102 && next !== 112 && next !== 115) continue
    const before = line.charCodeAt(at - 1) | 32
    if (before === 101 || before === 110) return true
  }
  return false
}

/** One blank between words, none at the ends, no semicolon at the end. */
function squeeze(value: ByteString): ByteString {
  const line = /[\t-\r]| {2}/.test(value) ? value.replace(/[\t-\r ]+/g, ' ') : value
  const start = line.startsWith(' ') ? 1 : 0
  let end = line.length
  if (end > start && line[end - 1] === ' ') end--
  while (end > start && line[end - 1] === ';') {
    end--
    if (end > start && line[end - 1] === ' ') end--
  }
  return line.slice(start, end)
}

const general = bySecond(generalShapes)
const ignored = bySecond(ignoredShapes)

/** Lines that begin with `from `. Undefined = nothing fitted. */
function readFrom(line: ByteString, draft: Draft): ParsedLine | undefined {
  const family = familyOf(line)
  const second = line.indexOf(' ') + 1
  const byte = line.charCodeAt(second)
  const outcome =
    tryShapes(webmailShapes, line, second, draft) ??
    (family && tryShapes(family.shapes, line, second, draft)) ??
    tryShape(impShape, line, second, draft) ??
    (qmailMark.isIn(line) && qmailLdap.test(line)
      ? undefined
      : tryShape(sendmailShape, line, second, draft)) ??
    tryShapes(general[byte]!, line, second, draft) ??
    tryShapes(ignored[byte]!, line, second, draft)
  if (!outcome && draft.helo === '') draft.helo = firstWord.exec(line)?.[1] ?? ''
  return outcome
}

function familyOf(line: ByteString): Family | undefined {
  for (const family of families)
    for (const must of family.must)
      if (must.isIn(line) && (!family.mark || family.mark.test(line))) return family
  return undefined
}

function tryShapes(
  shapes: readonly Shape[],
  line: ByteString,
  second: number,
  draft: Draft,
): ParsedLine | undefined {
  for (let at = 0; at < shapes.length; at++) {
    const outcome = tryShape(shapes[at]!, line, second, draft)
    if (outcome) return outcome
  }
  return undefined
}

/** @param second where the second word begins */
function tryShape(shape: Shape, line: ByteString, second: number, draft: Draft): ParsedLine | undefined {
  if (!line.startsWith(shape.second, second) || (shape.must && !shape.must.isIn(line))) return undefined
  if (shape.when && !shape.when.test(line)) return undefined
  const match = shape.pattern.exec(line)
  if (!match) return undefined
  if (shape.outcome === 'repeated') return { kind: 'repeated', envfrom: cleanSender(draft.envfrom) }
  if (shape.outcome) return { kind: shape.outcome }
  const comment = fill(draft, shape, match)
  if (shape.lookedUp) draft.lookedUp = true
  if (shape.fix?.(draft, comment, line) === false) return undefined
  return { kind: 'hop', hop: finish(draft) }
}

/** Copies the groups of a match into their fields, empties those of groups that took no part; gives the comment. */
function fill(draft: Draft, { groups }: Shape, match: RegExpExecArray): string {
  let comment = ''
  for (let place = 0; place < groups.length; place++) {
    const name = groups[place]!
    const text = match[place + 1] ?? ''
    if (name === 'comment') comment = text
    else draft[name] = text
  }
  return comment
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

const byGoogle = new RareText(' by mx.google.com ')
const courierMark = new RareText('(AUTH: ')
const authMark = new RareText('uthenticated')
const gmxMark = new RareText('mail.gmx.')
const accountMark = new RareText(' (account ')
const davMark = new RareText('HTTP-DAV')
const viaMark = new RareText(' (v')
const viaMarkUpper = new RareText(' (V')

/** The mark by which the MTA says that the client authenticated; '' if none. */
function authentication(line: ByteString): string {
  const hasBy = line.includes(' by ')
  const rfc3848 = hasBy ? withAuth.exec(line) : null
  if (rfc3848) return rfc3848[1]!
  const tls = byGoogle.isIn(line) && gmail.test(line) ? gmailTls.exec(line) : null
  if (tls) return `GMail - transport=${tls[1]} cipher=${tls[2]}`
  const courierAuth = courierMark.isIn(line) ? courier.exec(line) : null
  if (courierAuth) return courierAuth[1]!
  const saysSo = authMark.isIn(line)
  if (saysSo && line.includes('authenticated') && sendmailAuthenticated(line)) return 'Sendmail'
  const gmxAuth = gmxMark.isIn(line) ? gmx.exec(line) : null
  if (gmxAuth) return `GMX (${gmxAuth[2]} / ${gmxAuth[1]})`
  if (saysSo && line.includes(' (authenticated as ') && criticalPath.test(line)) return 'CriticalPath'
  const sasl = saysSo && line.includes('(Authenticated sender: ') ? postfixSasl.exec(line) : null
  if (sasl) return sasl[1] === 'Postfix' ? 'Postfix' : `Postfix (${sasl[1]})`
  if (accountMark.isIn(line) && /CommuniGate Pro (?:HTTP|SMTP|XIMSS|IMAP)/.test(line)) return 'Communigate'
  if (davMark.isIn(line) && / with Microsoft Exchange Server HTTP-DAV\b/.test(line)) return 'HTTP-DAV'
  const mayBeVia = hasBy && (viaMark.isIn(line) || viaMarkUpper.isIn(line))
  const via = mayBeVia ? / \(via (HTTP.?)\)(?: |;|$)/i.exec(line) : null
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
  for (let at = 0; at < text.length; at++)
    if (special[text.charCodeAt(at)] === 1) return text.replace(/[\t-\r \0#[\]()<>|]/g, '!')
  return text
}
const special = new Uint8Array(256)
for (const char of '\0\t\n\v\f\r #[]()<>|') special[char.charCodeAt(0)] = 1

function finish(draft: Draft): Hop {
  const rdns = draft.rdns.endsWith('.') ? draft.rdns.replace(/\.+$/, '') : draft.rdns
  return {
    ip: stripSpecial(plainIp(draft.ip)),
    rdns: isUnknown(rdns) || rdns.startsWith('[') ? '' : stripSpecial(rdns),
    helo: stripSpecial(draft.helo),
    by: stripSpecial(draft.by.endsWith(';') ? draft.by.slice(0, -1) : draft.by),
    ident: stripSpecial(draft.ident),
    envfrom: cleanSender(draft.envfrom),
    id: draft.id,
    auth: draft.auth,
    lookedUp: draft.lookedUp,
  }
}

function isUnknown(name: string): boolean {
  return name.length === 7 && name.toLowerCase() === 'unknown'
}
