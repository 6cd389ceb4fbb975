// Small questions about byte strings (one char = one byte). JavaScript's own \s, toLowerCase and trim know Unicode and would treat bytes
// A0 and C0..DE as blanks and letters, which Perl does not do for bytes; so the ASCII versions stand here.

import type { ByteString } from '../types.js'

/** Tab, line feed, vertical tab, form feed, carriage return, space: Perl's \s on bytes. */
export const isBlank = (code: number): boolean => code === 32 || (code >= 9 && code <= 13)

/** Code of the char at a place, -1 behind the end: V8 gives up fast code that reads there. */
export const codeAt = (text: string, at: number): number => (at < text.length ? text.charCodeAt(at) : -1)

/** Lower-cases A to Z only. The built-in is far faster and nearly always gives the same, so it is asked first. */
export function asciiLower(text: string): string {
  const lowered = text.toLowerCase()
  if (lowered === text || !has8bit(text)) return lowered
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Without ASCII blanks at both ends. */
export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

/** Only ASCII blanks, or nothing, between two offsets. */
export function blankBetween(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isBlank(text.charCodeAt(at))) return false
  return true
}

/** Something is above 127, and so takes more than one octet in UTF-8: counting those is many times faster than a regex. */
export const has8bit = (text: string): boolean => Buffer.byteLength(text) !== text.length

export const bytesOf = (text: ByteString): Buffer => Buffer.from(text, 'latin1')

/** Characters to UTF-8 octets. */
export const utf8Octets = (text: string): ByteString =>
  has8bit(text) ? Buffer.from(text, 'utf8').toString('latin1') : text

/** The lines of a text, each with its line feed; the last one may lack it. */
export function splitLines(text: ByteString): ByteString[] {
  const lines: ByteString[] = []
  let start = 0
  while (start < text.length) {
    const feed = text.indexOf('\n', start)
    const end = feed < 0 ? text.length : feed + 1
    lines.push(text.slice(start, end))
    start = end
  }
  return lines
}

let scratch = Buffer.alloc(0)
const scratchBytesMax = 262_144

/**
 * The bytes of a text to work on, in memory that the next call uses again: fresh memory costs page faults. What is larger gets its own, so
 * that a giant keeps nothing.
 */
export function scratchOf(text: ByteString): Buffer {
  if (text.length > scratchBytesMax) return bytesOf(text)
  if (scratch.length < text.length)
    scratch = Buffer.alloc(Math.min(Math.max(16_384, 2 * text.length), scratchBytesMax))
  scratch.write(text, 0, 'latin1')
  return scratch
}
