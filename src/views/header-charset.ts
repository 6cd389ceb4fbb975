// Bytes of a header in some charset -> UTF-8 octets, as SpamAssassin 4.0.1 guesses them without Encode::Detect.
import type { ByteString } from '../types.js'

const sevenBitNames =
  /^(?:(?:us-)?ascii|ansi[_ ]? ?x3\.4-(?:1986|1968)|iso646-us|iso[ -]?8859(?:-\d{1,2})?|windows-\d{4}|utf-?8|(?:koi8|euc)-[a-z]{1,2}|big5|gbk|gb[ -]?18030(?:-20\d\d)?)$/i
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * @param insist an encoded word: the declared charset is obeyed and bytes it has no meaning for become U+FFFD. Otherwise valid UTF-8 is kept
 *   and everything else is windows-1252.
 */
export function normalizeHeaderText(bytes: ByteString, charset: string, insist: boolean): ByteString {
  const wide = /[\x80-\xff]/.test(bytes)
  if (!wide && sevenBitNames.test(charset)) return bytes
  if (wide && !insist && isUtf8(bytes)) return bytes
  const decoded = insist ? decodeDeclared(bytes, charset) : undefined
  if (decoded !== undefined) return octets(decoded)
  return wide ? octets(decodeWindows1252(bytes)) : bytes
}

function isUtf8(bytes: ByteString): boolean {
  try {
    strictUtf8.decode(Buffer.from(bytes, 'latin1'))
    return true
  } catch {
    return false
  }
}

function decodeDeclared(bytes: ByteString, charset: string): string | undefined {
  if (/^(?:iso-?8859-1|windows-1252|cp1252)$/i.test(charset)) return decodeWindows1252(bytes)
  if (/^(?:us-)?ascii$/i.test(charset)) return bytes.replace(/[\x80-\xff]/g, '\ufffd')
  try {
    return new TextDecoder(charset, { ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return undefined
  }
}

/** What windows-1252 has in 80..9F; the five holes become U+FFFD. */
const upperControls =
  '\u20ac\ufffd\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\ufffd\u017d\ufffd' +
  '\ufffd\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\ufffd\u017e\u0178'

function decodeWindows1252(bytes: ByteString): string {
  return bytes.replace(/[\x80-\x9f]/g, (char) => upperControls[char.charCodeAt(0) - 128]!)
}

function octets(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1')
}
