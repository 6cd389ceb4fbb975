// Small operations on byte texts that Perl's built-ins do differently from JavaScript's: letters are ASCII letters, white space is
// the six ASCII characters of Perl's \s, bytes above 127 are left alone.
import { asciiLower } from '../message/bytes.js'
import type { ByteString, Scan } from '../types.js'
import { once } from './once.js'

export { asciiLower as lower }

/** One after the other: what `map` makes has another shape when it comes from optimised code, which then is thrown away for that. */
export function lowerAll(texts: readonly string[]): string[] {
  const found: string[] = []
  for (const text of texts) found.push(asciiLower(text))
  return found
}

/** Value of a header request, '' when the message has none. */
export function header(scan: Scan, request: string): ByteString {
  return scan.views.headers.get(request) ?? ''
}

export function headerAll(scan: Scan, request: string): readonly ByteString[] {
  return scan.views.headers.getAll(request)
}

/** All Received fields as one text. */
export const receivedText = once((scan) => header(scan, 'Received'))

export function squeezeSpaces(text: ByteString): ByteString {
  return text.replace(/[\t-\r ]+/g, ' ')
}

export function trim(text: ByteString): ByteString {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** Nothing but white space. */
export function isBlankText(text: ByteString): boolean {
  for (let at = 0; at < text.length; at++) if (!isSpace(text.charCodeAt(at))) return false
  return true
}

export function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

/** Words between white space, none empty. */
export function words(text: ByteString): string[] {
  return trim(text)
    .split(/[\t-\r ]+/)
    .filter((word) => word !== '')
}

/** The text as a pattern that matches only itself. */
export function escapeRegex(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** Lines with their line ends kept. */
export function linesOf(text: ByteString): string[] {
  const lines: string[] = []
  let start = 0
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
    lines.push(text.slice(start, end + 1))
    start = end + 1
  }
  if (start < text.length) lines.push(text.slice(start))
  return lines
}

/** Bytes of the longest line, its end included. */
export function longestLine(text: ByteString): number {
  let longest = 0
  let start = 0
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
    longest = Math.max(longest, end + 1 - start)
    start = end + 1
  }
  return Math.max(longest, text.length - start)
}

/** How many chars of the text have a code for which `wanted` is true. */
export function countChars(text: ByteString, wanted: (code: number) => boolean): number {
  let count = 0
  for (let index = 0; index < text.length; index++) if (wanted(text.charCodeAt(index))) count++
  return count
}
