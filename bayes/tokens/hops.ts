// One Received field as the comparison of domains needs it: what the relay called itself, what the receiver saw, who received and for whom.
// In: the decoded value. Out: a Hop. Read by hand: five patterns over each of five fields cost 15 µs of a scan; the patterns they must
// agree with stand in test/bayes/tokens/hops.test.ts.
import { alphanumeric, charAt, hostPart, localPart } from './field-chars.js'

export interface Hop {
  /** In lower case, as all names. */
  readonly helo: string
  /** Name that the receiver saw, '' when there is none. */
  readonly reverse: string
  readonly by: string
  readonly forWhom: string
  /** What stands in brackets behind the name. */
  readonly comment: string
  readonly heloDomain: string
  readonly reverseDomain: string
  /** The relay is not of the receiver's own network. */
  readonly outside: boolean
}

const privateAddress = /\b(?:10|127|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}/
const commentUnitsMax = 200
const hostUnitsMax = 255
const localUnitsMax = 64
const labelUnitsMax = 63
const topUnitsMin = 2
const topUnitsMax = 24

const at = 0x40
const dot = 0x2e
const open = 0x28
const close = 0x29
const less = 0x3c

/** Undefined when the value does not begin with `from` and a name. */
export function readHop(value: string): Hop | undefined {
  if (!startsWord(value, 0, 'from')) return undefined
  const start = skipBlanks(value, 4)
  if (start === 4) return undefined
  let end = start
  while (end < value.length && !isBlank(value.charCodeAt(end))) end++
  if (end === start) return undefined
  const helo = value.slice(start, end).toLowerCase()
  let next = skipAddress(value, skipBlanks(value, end))
  const closing = unitAt(value, next) === open ? endOfComment(value, next + 1) : -1
  const comment = closing < 0 ? '' : value.slice(next + 1, closing)
  if (closing >= 0) next = closing + 1

  const reverse = hostIn(comment)
  const by = wordAfter(value, 'by', hostUnitsMax)
  const heloDomain = baseDomain(helo)
  const reverseDomain = baseDomain(reverse)
  const isInside =
    helo === 'localhost' ||
    (reverse === '' ? heloDomain : reverseDomain) === baseDomain(by) ||
    privateAddress.test(value.slice(0, next))
  const forWhom = addressAfterFor(value)
  return { helo, reverse, by, forWhom, comment, heloDomain, reverseDomain, outside: !isInside }
}

/** Registered domain by its look: two labels, three when both are as short as in 'co.uk'. */
export function baseDomain(host: string): string {
  let end = host.length
  while (end > 0 && host.charCodeAt(end - 1) === dot) end--
  const last = dotBefore(host, end)
  const second = dotBefore(host, last)
  if (second < 0) return lower(host, 0, end)
  const isShort = end - last === 3 && last - second <= 4
  return lower(host, (isShort ? dotBefore(host, second) : second) + 1, end)
}

function lower(host: string, from: number, to: number): string {
  return (from === 0 && to === host.length ? host : host.slice(from, to)).toLowerCase()
}

function dotBefore(host: string, end: number): number {
  let place = end - 1
  while (place >= 0 && host.charCodeAt(place) !== dot) place--
  return place
}

/** Whether the word of small letters stands there, in letters of either case. */
function startsWord(text: string, from: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if ((unitAt(text, from + i) | 32) !== word.charCodeAt(i)) return false
  return true
}

/** Behind the next place where the word stands, with no letter before it and blanks behind it; -1 when it does not. */
function behindWord(text: string, word: string, from: number): number {
  const first = word.charCodeAt(0)
  for (let place = from; place < text.length - word.length; place++) {
    if ((text.charCodeAt(place) | 32) !== first || !startsWord(text, place, word)) continue
    if (place > 0 && isWord(text, place - 1)) continue
    const end = place + word.length
    const next = skipBlanks(text, end)
    if (next > end) return next
  }
  return -1
}

/** The name behind `by`. */
function wordAfter(text: string, word: string, most: number): string {
  for (let from = behindWord(text, word, 0); from >= 0; from = behindWord(text, word, from)) {
    const end = runOf(text, from, from + most, hostPart)
    if (end > from) return text.slice(from, end).toLowerCase()
  }
  return ''
}

function addressAfterFor(text: string): string {
  for (let found = behindWord(text, 'for', 0); found >= 0; found = behindWord(text, 'for', found)) {
    const from = unitAt(text, found) === less ? found + 1 : found
    const sign = runOf(text, from, from + localUnitsMax, localPart)
    if (sign === from || unitAt(text, sign) !== at) continue
    const end = runOf(text, sign + 1, sign + 1 + hostUnitsMax, hostPart)
    if (end > sign + 1) return text.slice(from, end).toLowerCase()
  }
  return ''
}

/** First host name with a dot, behind the start, a blank, = or @. */
function hostIn(text: string): string {
  for (let from = 0; from < text.length; from++) {
    const end = endOfHost(text, from)
    if (end > 0) return text.slice(from, end).toLowerCase()
    while (from < text.length && !isBeforeHost(text.charCodeAt(from))) from++
  }
  return ''
}

/** End of the longest host name that starts there and ends in letters; -1 when there is none. */
function endOfHost(text: string, from: number): number {
  let end = -1
  for (let start = from; ; ) {
    let place = start
    while (place - start < labelUnitsMax && isLabel(text, place)) place++
    if (place === start || unitAt(text, place) !== dot) return end
    start = place + 1
    let top = start
    while (top - start <= topUnitsMax && isLetter(unitAt(text, top))) top++
    if (top - start >= topUnitsMin && top - start <= topUnitsMax && !isWord(text, top)) end = top
  }
}

/** An address of version 4 in square brackets, by its look, with the blanks behind it. */
function skipAddress(text: string, from: number): number {
  if (unitAt(text, from) !== 0x5b) return from
  let end = from + 1
  while (end - from <= 16 && isDigitOrDot(unitAt(text, end))) end++
  const length = end - from - 1
  if (length < 7 || length > 15 || unitAt(text, end) !== 0x5d) return from
  return skipBlanks(text, end + 1)
}

/** Index of the bracket that closes a comment, which may hold another; -1 when it is longer than what is read or not closed. */
function endOfComment(text: string, from: number): number {
  let end = endOfPlain(text, from)
  if (unitAt(text, end) === open) {
    end = endOfPlain(text, end + 1)
    if (unitAt(text, end) !== close) return -1
    end = endOfPlain(text, end + 1)
  }
  return unitAt(text, end) === close ? end : -1
}

function endOfPlain(text: string, from: number): number {
  let end = from
  while (end < text.length && end - from < commentUnitsMax) {
    const unit = text.charCodeAt(end)
    if (unit === open || unit === close) break
    end++
  }
  return end
}

function runOf(text: string, from: number, most: number, bits: number): number {
  let end = from
  while (end < most && end < text.length && charAt(text, end) & bits) end++
  return end
}

function skipBlanks(text: string, from: number): number {
  let end = from
  while (end < text.length && isBlank(text.charCodeAt(end))) end++
  return end
}

/** 0 behind the end: V8 throws its code away when a string is asked for what it has not. */
function unitAt(text: string, place: number): number {
  return place < text.length ? text.charCodeAt(place) : 0
}

/** What \s matches. */
export function isBlank(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 9 && unit <= 13)
  return unit >= 0xa0 && isWideBlank(unit)
}

function isWideBlank(unit: number): boolean {
  return (
    unit === 0xa0 ||
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000 ||
    unit === 0xfeff
  )
}

function isBeforeHost(unit: number): boolean {
  return unit === 0x3d || unit === at || isBlank(unit)
}

function isDigitOrDot(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || unit === dot
}

function isLetter(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a)
}

function isLabel(text: string, place: number): boolean {
  return isWord(text, place) || unitAt(text, place) === 0x2d
}

/** What \w matches. */
function isWord(text: string, place: number): boolean {
  return (
    place < text.length && ((charAt(text, place) & alphanumeric) !== 0 || text.charCodeAt(place) === 0x5f)
  )
}
