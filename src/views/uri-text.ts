// Finds what looks like a link in running text. Comes in: one line of the body. Goes out: candidates, in the order of appearance.
// The rules are what Thunderbird and Outlook make clickable, plus bare host names with a known TLD, as SpamAssassin 4.0.1 combines them
// (fixtures/oracle/micro-uri). A scanner over words, linear in the line; SpamAssassin's one regex is not.
import type { ByteString, Domains } from '../types.js'

export interface Candidate {
  readonly text: ByteString
  readonly kind: 'scheme' | 'mail' | 'schemeless'
  /** Of a schemeless one: the host, which has a known TLD but need not be well formed. */
  readonly host?: string
}

const wordEnd = 1
const mailEnd = 2
const startAfter = 4
const hostAfter = 8
const hostChar = 16
const wordChar = 32

/** What each byte may do. */
const bytes = new Uint8Array(256)
function mark(chars: string, flag: number): void {
  for (const char of chars) bytes[char.charCodeAt(0)]! |= flag
}
const white = '\t\n\v\f\r \x1b\xa0'
const alphanumeric = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
mark(`><"\`}]{[|${white}`, wordEnd | mailEnd)
mark(",('", mailEnd)
for (let code = 128; code < 256; code++) bytes[code]! |= mailEnd
mark(`><"'\`,{[(|${white}`, startAfter)
mark(`!"#$&'()*+,/:;<=>?@[\\]^\`{|}~${white}`, hostAfter)
mark(`${alphanumeric}._-`, hostChar)
mark(`${alphanumeric}_`, wordChar)

const schemeHere = /(?:(?:https?|ftp):\/\/|(?:www\d{0,2}|ftp)\.)/iy
const mailtoHere = /mailto:/iy
const afterHost = /\.?(?::\d{1,5})?(?:\/[\s\S]{1,2048})?/y
const partMax = 2048
const mailPartMax = 251
const beforeTldMax = 252

/** Words with a dot, an @ or a colon in them are looked through; where one of these is the last of a word nothing can come of it. */
export function findInText(line: ByteString, domains: Domains, found: (candidate: Candidate) => void): void {
  let dot = -1
  let sign = -1
  let colon = -1
  for (let at = 0; at < line.length; ) {
    if (dot < at) dot = nextOf(line, '.', at)
    if (sign < at) sign = nextOf(line, '@', at)
    if (colon < at) colon = nextOf(line, ':', at)
    const mark = Math.min(dot, sign, colon)
    if (mark === nowhere) return
    let end = mark + 1
    while (end < line.length && !endsWord(line, end)) end++
    if (end > mark + 1) {
      let start = mark
      while (start > at && !endsWord(line, start - 1)) start--
      scanWord(line, start, end, domains, found)
    }
    at = end + 1
  }
}

function nextOf(line: ByteString, char: string, from: number): number {
  const found = line.indexOf(char, from)
  return found < 0 ? nowhere : found
}
/** Behind every place. */
const nowhere = 0x7fffffff

const endsWord = (line: ByteString, at: number): boolean =>
  (bytes[line.charCodeAt(at) & 255]! & wordEnd) !== 0

function scanWord(
  line: ByteString,
  start: number,
  end: number,
  domains: Domains,
  found: (candidate: Candidate) => void,
): void {
  let at = start
  /** Next end of a mail address and next @, looked for again only when passed. */
  let segment = -1
  let atSign = -1
  while (at < end) {
    if (!mayStart(line, at)) {
      at++
      continue
    }
    if (segment < at) {
      segment = at
      while (segment < end && (bytes[line.charCodeAt(segment)]! & mailEnd) === 0) segment++
    }
    if (atSign < at) atSign = nextOf(line, '@', at)
    const scheme = schemeEnd(line, at, end)
    const mail = scheme < 0 ? mailStop(line, at, segment, atSign) : -1
    const host = scheme < 0 && mail < 0 ? hostUpTo(line, at, end, domains) : undefined
    if (scheme >= 0) found({ text: line.slice(at, end), kind: 'scheme' })
    else if (mail >= 0) found({ text: line.slice(at, mail), kind: 'mail' })
    else if (host !== undefined) found({ text: line.slice(at, end), kind: 'schemeless', host })
    at = mail >= 0 ? mail : scheme >= 0 || host !== undefined ? end : at + 1
  }
}

/** Between a word and what is none, after a delimiter, or after the shift of a Japanese charset (ESC ( and a letter). */
function mayStart(line: ByteString, at: number): boolean {
  const here = (bytes[line.charCodeAt(at)]! & wordChar) !== 0
  if (at === 0) return here
  const before = bytes[line.charCodeAt(at - 1)]!
  if (here !== ((before & wordChar) !== 0) || (before & startAfter) !== 0) return true
  return at >= 3 && line.charCodeAt(at - 3) === 27 && line[at - 2] === '('
}

function schemeEnd(line: ByteString, at: number, end: number): number {
  const code = line.charCodeAt(at) | 32
  if (code !== 104 && code !== 119 && code !== 102) return -1
  schemeHere.lastIndex = at
  if (!schemeHere.test(line)) return -1
  const rest = end - schemeHere.lastIndex
  return rest >= 1 && rest <= partMax ? end : -1
}

/** @param segment where characters that cannot be in an address begin. */
function mailStop(line: ByteString, at: number, segment: number, atSign: number): number {
  if ((line.charCodeAt(at) | 32) === 109) {
    mailtoHere.lastIndex = at
    if (mailtoHere.test(line)) {
      const rest = segment - mailtoHere.lastIndex
      if (rest >= 1 && rest <= partMax) return segment
    }
  }
  if (atSign >= segment || atSign === at || atSign - at > mailPartMax) return -1
  const domain = segment - atSign - 1
  return domain >= 1 && domain <= mailPartMax ? segment : -1
}

/** A host name in the open: the whole run up to the end of the word, a port or a path; undefined if there is none. */
function hostUpTo(line: ByteString, at: number, end: number, domains: Domains): string | undefined {
  if (at > 0 && (bytes[line.charCodeAt(at - 1)]! & hostAfter) === 0) return undefined
  const first = bytes[line.charCodeAt(at)]!
  if ((first & wordChar) === 0 || line.charCodeAt(at) === 95) return undefined
  let stop = at
  while (stop < end && (bytes[line.charCodeAt(stop)]! & hostChar) !== 0) stop++
  if (line.charCodeAt(stop - 1) === 46) stop--
  let dot = stop - 1
  while (dot > at && line.charCodeAt(dot) !== 46) dot--
  if (dot === at || dot - at > beforeTldMax || !domains.isTld(line.slice(dot + 1, stop))) return undefined
  if (stop < end) {
    afterHost.lastIndex = stop
    afterHost.test(line.slice(0, end))
    if (afterHost.lastIndex !== end) return undefined
  }
  return line.slice(at, stop)
}
