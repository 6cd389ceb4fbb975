// Reads the header section of a message (SpamAssassin 4.0.1, Message.pm; fixtures/oracle/micro-mime, groups sep, eol): which lines are fields,
// where the body starts, and what was odd.

import { headerNameBytesMax, headerValueBytesMax } from '../limits.js'
import type { ByteString, Header } from '../types.js'
import { Field } from './field.js'

export interface HeaderSection {
  readonly headers: readonly Header[]
  /** Header lines including the separator, missing CRs put in when the message is a CRLF one. */
  readonly pristine: ByteString
  /** Offset in the text where the body starts. */
  readonly bodyOffset: number
  readonly body: ByteString
  readonly missingSeparator: boolean
  readonly truncated: boolean
}

/** Lines that are no field may be this many; the next one starts the body. */
const invalidLinesMax = 3

export function readHeaderSection(text: ByteString, start: number, crlf: boolean): HeaderSection {
  const headers: Header[] = []
  let truncated = false
  let missingSeparator = false
  let repaired = ''
  let copied = start
  let fieldStart = -1
  let fieldEnd = start
  let invalidLines = 0
  let body: ByteString | undefined
  let at = start

  const finishField = (): void => {
    if (fieldStart < 0) return
    const colon = text.indexOf(':', fieldStart)
    if (colon < 0 || colon >= fieldEnd) return
    let nameEnd = colon
    while (nameEnd > fieldStart && isSpaceOrTab(text.charCodeAt(nameEnd - 1))) nameEnd--
    let name = text.slice(fieldStart, nameEnd)
    let value = text.slice(colon + 1, fieldEnd)
    if (crlf && value.includes('\r')) value = value.replace(/\r?\n/g, '\n')
    if (name.length > headerNameBytesMax || value.length > headerValueBytesMax) {
      name = name.slice(0, headerNameBytesMax)
      value = value.slice(0, headerValueBytesMax)
      truncated = true
    }
    headers.push(new Field(name, value, fieldStart))
  }

  for (;;) {
    if (at >= text.length) {
      finishField()
      missingSeparator = true
      break
    }
    const feed = text.indexOf('\n', at)
    const next = feed < 0 ? text.length : feed + 1
    const first = text.charCodeAt(at)
    const continuation = isSpaceOrTab(first)
    if (!continuation) {
      finishField()
      fieldStart = -1
      const isSeparator = feed === at || (crlf && feed === at + 1 && first === 13)
      if (isSeparator) {
        if (crlf && feed === at) {
          repaired += text.slice(copied, feed) + '\r\n'
          copied = next
        }
        at = next
        break
      }
      const isBoundary = first === 45 && text.charCodeAt(at + 1) === 45
      if (isBoundary || (!startsField(text, at, next) && ++invalidLines > invalidLinesMax)) {
        missingSeparator = true
        // The line that turns out to belong to the body has been repaired like a header line by then.
        if (crlf && isBareFeed(text, at, feed)) body = text.slice(at, feed) + '\r\n' + text.slice(next)
        break
      }
    }
    if (fieldStart < 0) fieldStart = at
    fieldEnd = next
    if (crlf && isBareFeed(text, at, feed)) {
      repaired += text.slice(copied, feed) + '\r\n'
      copied = next
    }
    at = next
  }
  return {
    headers,
    pristine: repaired + text.slice(copied, at),
    bodyOffset: at,
    body: body ?? text.slice(at),
    missingSeparator,
    truncated,
  }
}

/** The line from `start` ends at `feed` (-1 = it does not end) without a CR. */
const isBareFeed = (text: ByteString, start: number, feed: number): boolean =>
  feed === start || (feed > start && text.charCodeAt(feed - 1) !== 13)

const isSpaceOrTab = (code: number): boolean => code === 32 || code === 9

/** The line begins with a field name of printable ASCII, perhaps blanks, and a colon. */
export function startsField(text: ByteString, start: number, end: number): boolean {
  let at = start
  while (at < end && isNameByte(text.charCodeAt(at))) at++
  if (at === start) return false
  while (at < end && isSpaceOrTab(text.charCodeAt(at))) at++
  return at < end && text.charCodeAt(at) === 58
}

/** As startsField, but no blanks before the colon: the check for "is this a MIME header line". */
export function startsStrictField(text: ByteString, start: number, end: number): boolean {
  let at = start
  while (at < end && isNameByte(text.charCodeAt(at))) at++
  return at > start && at < end && text.charCodeAt(at) === 58
}

const isNameByte = (code: number): boolean => code > 32 && code < 127 && code !== 58
