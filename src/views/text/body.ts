// White space and line rules of the `body` text (SpamAssassin 4.0.1, Message.pm; micro-text.md items 1 to 8). Small changes here move many rules.

import { bodyLineBytesMax } from '../../limits.js'
import { isBlank, scratchOf } from '../../message/bytes.js'
import type { ByteString } from '../../types.js'

/** Truncation looks this far beyond the limit for a good place. */
const truncationSlack = 1024

/** Tab to carriage return, space, and in wide text every Unicode blank of Perl's \s (not the zero-width ones, not the byte order mark). */
export function isBlankChar(code: number, wide: boolean): boolean {
  if (code <= 32) return code === 32 || (code >= 9 && code <= 13)
  if (!wide || code < 0x85) return false
  if (code < 0x2000) return code === 0x85 || code === 0xa0 || code === 0x1680
  if (code <= 0x200a) return true
  return code === 0x2028 || code === 0x2029 || code === 0x202f || code === 0x205f || code === 0x3000
}

/**
 * Two or more line feeds with only blanks between them become one line feed, every other run of blanks one space, and a NUL a line feed: that
 * is how SpamAssassin carries paragraph breaks, and real NULs fall into the same place (micro-html tok-032).
 */
export function collapse(text: string, wide: boolean): string {
  return wide ? collapseText(text) : collapseBytes(text)
}

/** What becomes of each byte between blanks: itself, a NUL a line feed; 0 = a blank, Perl's \s. */
const wordBytes = Uint8Array.from({ length: 256 }, (_, code) => (code === 0 ? 10 : isBlank(code) ? 0 : code))

function collapseBytes(text: ByteString): ByteString {
  const length = text.length
  const bytes = scratchOf(text)
  let to = 0
  for (let at = 0; at < length; at++) {
    const code = bytes[at]!
    const kept = wordBytes[code]!
    if (kept !== 0) {
      bytes[to++] = kept
      continue
    }
    let end = at + 1
    let firstFeed = code === 10 ? at : -1
    let lastFeed = firstFeed
    for (; end < length; end++) {
      const next = bytes[end]!
      if (wordBytes[next] !== 0) break
      if (next !== 10) continue
      if (firstFeed < 0) firstFeed = end
      lastFeed = end
    }
    if (firstFeed === lastFeed) bytes[to++] = 32
    else {
      if (firstFeed > at) bytes[to++] = 32
      bytes[to++] = 10
      if (lastFeed < end - 1) bytes[to++] = 32
    }
    at = end - 1
  }
  return bytes.toString('latin1', 0, to)
}

function collapseText(text: string): string {
  const pieces: string[] = []
  let copied = 0
  const length = text.length
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code > 32 ? code < 0x85 || !isBlankChar(code, true) : !isBlankChar(code, true)) continue
    let end = at + 1
    let firstFeed = code === 10 ? at : -1
    let lastFeed = firstFeed
    for (; end < length; end++) {
      const next = text.charCodeAt(end)
      if (!isBlankChar(next, true)) break
      if (next !== 10) continue
      if (firstFeed < 0) firstFeed = end
      lastFeed = end
    }
    if (end === at + 1 && code === 32) continue
    pieces.push(text.slice(copied, at))
    if (firstFeed === lastFeed) pieces.push(' ')
    else pieces.push((firstFeed > at ? ' \n' : '\n') + (lastFeed < end - 1 ? ' ' : ''))
    copied = end
    at = end - 1
  }
  const joined = copied === 0 ? text : pieces.join('') + text.slice(copied)
  return joined.includes('\0') ? joined.replaceAll('\0', '\n') : joined
}

/** Adds the lines of a text with their line feeds; longer ones are cut after the last space before the limit. */
export function shortLines(text: ByteString, lines: ByteString[]): ByteString[] {
  let start = 0
  while (start < text.length) {
    const feed = text.indexOf('\n', start)
    const end = feed < 0 ? text.length : feed + 1
    while (end - start > bodyLineBytesMax) {
      const space = text.slice(start, start + bodyLineBytesMax + 1).lastIndexOf(' ')
      const cut = start + (space < 0 ? bodyLineBytesMax : space + 1)
      lines.push(text.slice(start, cut))
      start = cut
    }
    lines.push(text.slice(start, end))
    start = end
  }
  return lines
}

/** Cuts at the first line feed at or after the limit if it is near, else at a space, else hard. The limit counts characters. */
export function truncateRendered(
  piece: { readonly text: string; readonly wide: boolean },
  charsMax: number,
): string {
  const { text } = piece
  if (charsMax === 0 || text.length <= charsMax) return text
  const limit = offsetOfChar(text, charsMax)
  if (limit >= text.length) return text
  return text.slice(0, cutAfter(text, limit, ['\n', ' ']))
}

/** Offset just behind the first of the given chars, in order of preference, found within the slack after `limit`; else `limit`. */
export function cutAfter(text: string, limit: number, chars: readonly string[]): number {
  const window = text.slice(limit, limit + truncationSlack + 1)
  for (const char of chars) {
    const found = window.indexOf(char)
    if (found >= 0) return limit + found + 1
  }
  return limit
}

/** Offset of the n-th character when surrogate pairs count once. */
function offsetOfChar(text: string, count: number): number {
  let offset = 0
  for (let seen = 0; seen < count && offset < text.length; seen++) {
    const code = text.charCodeAt(offset)
    offset += code >= 0xd800 && code < 0xdc00 ? 2 : 1
  }
  return offset
}
