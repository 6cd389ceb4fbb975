// Reads the addresses of a header field. Comes in: the raw value. Goes out: name and address of each mailbox.
// The rules are those of SpamAssassin 4.0.1's own parser, which is forgiving where RFC 5322 is not and blind to nested comments
// (fixtures/oracle/micro-header, group address). Email::Address::XS, which Debian leaves out, would answer odd cases differently.
// Written as a scanner: the same as one regex would run away on hostile input.
import type { ByteString } from '../types.js'
import { isFqdn } from './hosts.js'
import { bytePattern } from './pattern.js'

export interface Mailbox {
  /** Display name or comment, undecoded. */
  readonly name: ByteString | undefined
  readonly address: ByteString | undefined
}

const mailSource = '(?:"(?:[^"\\\\]|\\\\.)*"|[^@\\s<>()[\\],:;]+)@(?:[^"\\s<>()[\\],:;]+|\\[[\\d:.]+\\])'
const mailHere = bytePattern(mailSource, 'y')
const wholeMail = bytePattern(`^${mailSource}$`)
const angledMail = bytePattern(`<(${mailSource})>`, 'g')
const quotedHere = /"(?:[^"\\]|\\[^\n])*"/y
const runHere = /[^",;<]+/y
const blanksHere = /[\t-\r ]*/y
const wordHere = /[^\t-\r ]+/y
const commentHere = /[\t-\r ]*\(((?:[^()\\]|\\[^\n])*)\)/y
const phrasePart = /"((?:[^"\\]|\\[^\n])*)"|([^"]+)/g
const comments = /\((?:[^()\\]|\\[^\n])*\)/g

/** All mailboxes of one field value. */
export function parseAddresses(raw: ByteString): readonly Mailbox[] {
  const plain = parsePlain(raw)
  if (plain) return plain
  let text = raw.slice(0, raw.length - trailingBlanks(raw)).replace(/\\\\/g, '')
  text = text.replace(/^[^"()<>]+:[\t-\r ]*(?:;[\s\S]*)?/, '')
  if (!/[^\t-\r ]/.test(text)) return []
  const found: Mailbox[] = []
  let at = 0
  while (at < text.length) {
    const item = readItem(text, at)
    if (!item) break
    found.push(item.mailbox)
    at = item.end
  }
  // What the grammar does not cover may still hold an address in angle brackets.
  const rest = text.slice(at)
  if (rest.includes('@')) {
    for (const [, address] of rest.matchAll(angledMail)) {
      if (isPlausible(address!)) found.push({ name: undefined, address: upToSecondAt(address!) })
    }
  }
  return found
}

/** What nearly all fields are: `name <address>`, `"name" <address>` or an address; undefined for anything with something odd in it. */
function parsePlain(raw: ByteString): readonly Mailbox[] | undefined {
  const end = raw.length - trailingBlanks(raw)
  const start = endOf(blanksHere, raw, 0)
  if (end <= start || raw.includes('\\')) return undefined
  if (raw[end - 1] !== '>') {
    return isPlainAddress(raw, start, end) ? [{ name: undefined, address: raw.slice(start, end) }] : undefined
  }
  let name: string | undefined
  let open = start
  if (raw[start] === '"') {
    const close = raw.indexOf('"', start + 1)
    if (close < 0) return undefined
    open = endOf(blanksHere, raw, close + 1)
    name = raw.slice(start + 1, close) + raw.slice(close + 1, open)
  } else {
    while (raw[open] !== '<') if (open >= end || isOdd(raw.charCodeAt(open++))) return undefined
    if (open > start) name = raw.slice(start, open)
  }
  if (raw[open] !== '<' || !isPlainAddress(raw, open + 1, end - 1)) return undefined
  const address = raw.slice(open + 1, end - 1)
  return [{ name: name === '' || name === address ? undefined : name, address }]
}

/** Something but no odd character on both sides of the one @. */
function isPlainAddress(text: string, start: number, end: number): boolean {
  let sign = -1
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code === 64) {
      if (sign >= 0) return false
      sign = at
    } else if (isWhite(code) || isOdd(code) || code === 60 || code === 62 || code === 91 || code === 93) {
      return false
    }
  }
  return sign > start && sign < end - 1
}

/** Quotation mark, brackets of comments, comma, colon, semicolon. */
function isOdd(code: number): boolean {
  return code === 34 || code === 40 || code === 41 || code === 44 || code === 58 || code === 59
}

function trailingBlanks(text: string): number {
  let end = text.length
  while (end > 0 && isWhite(text.charCodeAt(end - 1))) end--
  return text.length - end
}

function isWhite(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

/** End of what a sticky pattern matches at a place, -1 if it does not. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : -1
}

interface Item {
  readonly mailbox: Mailbox
  readonly end: number
}

/** One mailbox with the comma behind it. Blanks alone make a name of one blank. */
function readItem(text: string, from: number): Item | undefined {
  const start = endOf(blanksHere, text, from)
  return readItemAt(text, start) ?? (start > from ? readItemAt(text, start - 1) : undefined)
}

function readItemAt(text: string, start: number): Item | undefined {
  const pieces = phraseEnds(text, start)
  const phraseEnd = pieces.at(-1) ?? start
  if (text[phraseEnd] === '<') {
    const angled = readAngled(text, phraseEnd)
    if (angled) {
      const name = pieces.length > 0 ? text.slice(start, phraseEnd) : undefined
      return { mailbox: complete(name, angled.address, angled.comment), end: angled.end }
    }
  }
  const mailEnd = endOf(mailHere, text, start)
  const afterMail = mailEnd < 0 ? undefined : readTail(text, mailEnd)
  if (afterMail) {
    const address = text.slice(start, mailEnd)
    return { mailbox: complete(undefined, address, afterMail.comment), end: afterMail.end }
  }
  for (let count = pieces.length; count > 0; count--) {
    const end = pieces[count - 1]!
    const tail = readTail(text, end)
    if (tail) return { mailbox: complete(text.slice(start, end), undefined, tail.comment), end: tail.end }
  }
  return undefined
}

/** Where each piece of a phrase ends: quoted strings and runs of other characters. */
function phraseEnds(text: string, start: number): number[] {
  const ends: number[] = []
  let at = start
  while (at < text.length) {
    const end = endOf(text[at] === '"' ? quotedHere : runHere, text, at)
    if (end < 0) break
    ends.push(end)
    at = end
  }
  return ends
}

interface Tail {
  readonly comment: string | undefined
  readonly end: number
}

/** A comment perhaps, then comma, semicolon or the end. */
function readTail(text: string, at: number): Tail | undefined {
  commentHere.lastIndex = at
  const comment = commentHere.exec(text)
  const withComment = comment ? readEnd(text, commentHere.lastIndex) : -1
  if (withComment >= 0) return { comment: comment![1]!, end: withComment }
  const end = readEnd(text, at)
  return end < 0 ? undefined : { comment: undefined, end }
}

function readEnd(text: string, at: number): number {
  const end = endOf(blanksHere, text, at)
  if (end === text.length) return end
  return text[end] === ',' || text[end] === ';' ? end + 1 : -1
}

interface Angled extends Tail {
  readonly address: string
}

/** `<...>`: the longest run without blanks that still leaves a proper end wins, so glued entries become one unusable address. */
function readAngled(text: string, open: number): Angled | undefined {
  const start = endOf(blanksHere, text, open + 1)
  let stop = start
  while (stop < text.length && text[stop] !== '>' && text[stop] !== '@') stop++
  const runEnd = endOf(wordHere, text, stop)
  for (let end = runEnd; end > stop; end--) {
    const close = end === runEnd ? endOf(blanksHere, text, end) : end
    if (text[close] !== '>') continue
    const tail = readTailAfterAngle(text, close + 1)
    if (tail) return { address: text.slice(start, end), comment: tail.comment, end: tail.end }
  }
  if (text[stop] !== '>') return undefined
  const tail = readTailAfterAngle(text, stop + 1)
  const address = text.slice(start, stop)
  if (!tail) return undefined
  const trimmed = address.slice(0, address.length - trailingBlanks(address))
  return { address: trimmed, comment: tail.comment, end: tail.end }
}

/** Repeated enclosures that are looked through, and places where one may end: more than real mail has. */
const repeatsMax = 50
const endsMax = 8

/** Some software writes the address twice: `<a@b> <a@b>`. The longest reading that leaves a proper end wins. */
function readTailAfterAngle(
  text: string,
  at: number,
  depth = 0,
  failed: Set<number> = new Set(),
): Tail | undefined {
  if (failed.has(at)) return undefined
  if (depth < repeatsMax) {
    for (const end of enclosureEnds(text, at)) {
      const tail = readTailAfterAngle(text, end, depth + 1, failed)
      if (tail) return tail
    }
  }
  const tail = readTail(text, at)
  if (!tail) failed.add(at)
  return tail
}

/** Where a further `<...>` may end, longest first. */
function enclosureEnds(text: string, at: number): number[] {
  const open = endOf(blanksHere, text, at)
  if (text[open] !== '<') return []
  const start = endOf(blanksHere, text, open + 1)
  const quoted = endOf(quotedHere, text, start)
  const inner = quoted < 0 ? start : quoted
  const wordEnd = endOf(wordHere, text, inner)
  const ends: number[] = []
  if (wordEnd >= 0) {
    const close = endOf(blanksHere, text, wordEnd)
    if (text[close] === '>') ends.push(close + 1)
    let inside = text.lastIndexOf('>', wordEnd - 1)
    while (inside > inner && ends.length < endsMax) {
      ends.push(inside + 1)
      inside = text.lastIndexOf('>', inside - 1)
    }
  }
  if (text[start] === '>') ends.push(start + 1)
  return ends
}

/** Sorts out what is a name and what an address. */
function complete(
  phrase: string | undefined,
  written: string | undefined,
  comment: string | undefined,
): Mailbox {
  let address = written?.replace(comments, '')
  if (address !== undefined && (!wholeMail.test(address) || !isPlausible(address))) address = undefined
  let name = phrase === undefined ? undefined : unquote(phrase)
  if (name !== undefined) {
    if (address === undefined && isBareAddress(name)) {
      address = name
      name = undefined
    } else if (name === address || name === '') {
      name = undefined
    }
  }
  return { name: name ?? comment, address: address === undefined ? undefined : upToSecondAt(address) }
}

function unquote(phrase: string): string {
  let name = ''
  for (const [, quoted, bare] of phrase.matchAll(phrasePart)) {
    if (quoted !== undefined) name += quoted.replace(/\\(?!\\)/g, '').replace(/\\\\/g, '\\')
    else name += bare!.replace(comments, '')
  }
  return name
}

function isBareAddress(name: string): boolean {
  if (!wholeMail.test(name) || !isPlausible(name)) return false
  return isFqdn(/^[^@]*@([^@]*)/.exec(name)?.[1] ?? '')
}

function isPlausible(address: string): boolean {
  const quote = address.indexOf('"')
  return quote < 0 || (!address.startsWith('""@') && address.indexOf('"', quote + 1) >= 0)
}

function upToSecondAt(address: string): string {
  const second = address.indexOf('@', address.indexOf('@') + 1)
  return second < 0 ? address : address.slice(0, second)
}
