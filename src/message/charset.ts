// Turns bytes of a declared charset into characters, by SpamAssassin's order of guesses (4.0.1, Message/Node.pm; fixtures/oracle/micro-mime,
// groups cs, csx, utf16): valid UTF-8 wins over any declaration, then the declared charset if every byte fits, then Windows-1252.

import type { ByteString } from '../types.js'
import { bytesOf, has8bit, utf8Octets } from './bytes.js'
import { encodingName } from './encoding-names.js'
import { decoderFor, decodeWindows1252 } from './encodings.js'
import { decodeUtf8, hasLoneSurrogate, hasNoncharacter } from './unicode.js'

/**
 * Text as Perl holds it. `wide` text is characters; text that is not wide is bytes (which may be read as Latin-1 characters). The difference
 * shows in what counts as white space and in whether the text becomes UTF-8 octets in the end (micro-text.md, items 11 to 13).
 */
export interface Text {
  readonly text: string
  readonly wide: boolean
}

/** Octets that rules see: wide text as UTF-8, bytes as they are. */
export const octets = ({ text, wide }: Text): ByteString => (wide ? utf8Octets(text) : text)

const asciiNames = /^(?:(?:US-)?ASCII|ANSI[_ ]?X3\.4-(?:1986|1968)|ISO646-US)$/i
/** Supersets of ASCII: pure ASCII declared so needs no decoding. */
const asciiSupersets =
  /^(?:ISO[ -]?8859(?:-\d{1,2})?|Windows-\d{4}|UTF-?8|(?:KOI8|EUC)-[A-Z]{1,2}|Big5|GBK|GB[ -]?18030(?:-20\d\d)?)$/i

/** Characters of a text part. */
export const normalizeCharset = (bytes: ByteString, declared: string): Text =>
  normalize(bytes, declared, false)

/**
 * UTF-8 octets of a header value. `insist` is for encoded words: the declared charset is used without strictness and valid UTF-8 does not win.
 */
export function normalizeToOctets(bytes: ByteString, declared: string, insist = false): ByteString {
  // SpamAssassin hands UTF-16 words back undecoded once it knows they are valid (micro-mime utf16).
  if (insist && /^UTF[ -]?16/i.test(declared) && decodeDeclared(bytes, declared, true) !== undefined)
    return bytes
  const { text, wide, decoded } = normalize(bytes, declared, insist)
  return wide || decoded ? utf8Octets(text) : text
}

interface Normalized extends Text {
  /** A decoder made it, and not only because it was ASCII anyway. */
  readonly decoded: boolean
}

function normalize(bytes: ByteString, declared: string, insist: boolean): Normalized {
  const ascii = !has8bit(bytes)
  if (ascii && (asciiNames.test(declared) || asciiSupersets.test(declared)))
    return { text: bytes, wide: false, decoded: false }
  if (!ascii && !insist) {
    const text = decodeUtf8(bytes)
    if (text !== undefined) return { text, wide: true, decoded: true }
  }
  const text = decodeDeclared(bytes, declared, insist)
  // UTF-7 without an encoded piece comes out as the bytes it was.
  if (text !== undefined)
    return { text, wide: text !== bytes || encodingName(declared) !== 'utf-7', decoded: true }
  if (ascii) return { text: bytes, wide: false, decoded: false }
  return { text: decodeWindows1252(bytes), wide: true, decoded: true }
}

function decodeDeclared(bytes: ByteString, declared: string, insist: boolean): string | undefined {
  if (!insist && /^(?:US-)?ASCII$/i.test(declared)) return undefined
  if (/^UTF[ -]?16/i.test(declared)) {
    const guess = guessUtf16(bytes)
    return guess === undefined ? undefined : decodeUtf16(bytes, guess)
  }
  const decode = decoderFor(declared)
  return decode?.(bytes, !insist)
}

/**
 * Byte order of UTF-16 by SpamAssassin's count of clues, which leans to big-endian; undefined with a byte order mark or without a majority.
 */
function guessUtf16(bytes: ByteString): 'le' | 'be' | undefined {
  if (/^(?:\xff\xfe|\xfe\xff)/.test(bytes)) return undefined
  let even = 0
  let odd = 0
  let little = 0
  let big = 0
  for (let at = 0; at < bytes.length; at += 2) {
    const first = bytes.charCodeAt(at)
    const second = at + 1 < bytes.length ? bytes.charCodeAt(at + 1) : 0
    even += (first >> 4) + (first & 15)
    odd += (second >> 4) + (second & 15)
    if (first === 0x20 && second === 0) little++
    if (first === 0 && second === 0x20) big++
  }
  if (even > odd * 4) little++
  if (odd * 4 > even) big++
  return little > big ? 'le' : big > little ? 'be' : undefined
}

/** Strict: an odd length, a lone surrogate or a noncharacter is no UTF-16. */
function decodeUtf16(bytes: ByteString, order: 'le' | 'be'): string | undefined {
  if (bytes.length % 2 !== 0) return undefined
  const buffer = bytesOf(bytes)
  if (order === 'be') buffer.swap16()
  const text = buffer.toString('utf16le')
  return hasLoneSurrogate(text) || hasNoncharacter(text) ? undefined : text
}
