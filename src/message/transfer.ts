// Undoes base64 and quoted-printable as SpamAssassin does (4.0.1, Util.pm; fixtures/oracle/micro-mime, groups b64, qp, cte): forgiving, never
// failing, linear. What is odd in the input shows in the output, as it would to the rules of the peer.

import type { ByteString } from '../types.js'
import { isBlank } from './bytes.js'

/**
 * Bytes of a base64 text. Blanks and foreign bytes do not matter; text after the padding is decoded as well (micro-mime b64-007). Padding in
 * the middle counts as zero bits in otherwise correct text and as the digit 63 in other text, as SpamAssassin's two decoders have it.
 */
export function decodeBase64(text: ByteString): ByteString {
  const body = text.replace(/[ \t\n\r\f\v]+/g, '')
  const correct = body.length % 4 === 0 && !/[^A-Za-z0-9+/=]/.test(body)
  const clean = correct ? body : body.replace(/[^A-Za-z0-9+/=]+/g, '')
  const digits = clean.slice(0, trimPadding(clean))
  const filled = digits.indexOf('=') < 0 ? digits : digits.replace(/=/g, correct ? 'A' : '/')
  return Buffer.from(filled, 'base64').toString('latin1')
}

/** Length without the padding at the end. */
function trimPadding(text: ByteString): number {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 61) end--
  return end
}

/** Bytes of a quoted-printable text: blanks before a line end go, soft line breaks go, then =XX in either case is a byte. */
export function decodeQuotedPrintable(text: ByteString): ByteString {
  const joined = withoutTrailingBlanks(text).replace(/=\r?\n/g, '')
  const first = joined.indexOf('=')
  if (first < 0) return joined
  const out = Buffer.allocUnsafe(joined.length)
  out.write(joined.slice(0, first), 'latin1')
  let length = first
  for (let at = first; at < joined.length; at++) {
    const code = joined.charCodeAt(at)
    if (code === 61) {
      const high = hexDigit(joined.charCodeAt(at + 1))
      const low = high < 0 ? -1 : hexDigit(joined.charCodeAt(at + 2))
      if (low >= 0) {
        out[length++] = high * 16 + low
        at += 2
        continue
      }
    }
    out[length++] = code
  }
  return out.toString('latin1', 0, length)
}

/** Value of a hex digit, -1 for anything else. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** Spaces and tabs before a line end removed; by hand because the plain expression is quadratic on long runs of blanks. */
function withoutTrailingBlanks(text: ByteString): ByteString {
  const candidate = /[ \t]\r?\n/g
  let out = ''
  let copied = 0
  for (let found = candidate.exec(text); found !== null; found = candidate.exec(text)) {
    let start = found.index
    while (start > copied && isSpaceOrTab(text.charCodeAt(start - 1))) start--
    out += text.slice(copied, start)
    copied = found.index + 1
  }
  return copied === 0 ? text : out + text.slice(copied)
}

const isSpaceOrTab = (code: number): boolean => isBlank(code) && (code === 32 || code === 9)
