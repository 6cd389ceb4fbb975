// Undoes base64 and quoted-printable as SpamAssassin does (4.0.1, Util.pm; fixtures/oracle/micro-mime, groups b64, qp, cte): forgiving, never
// failing, linear. What is odd in the input shows in the output, as it would to the rules of the peer.

import type { ByteString } from '../types.js'
import { scratchOf } from './bytes.js'

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
  const bytes = scratchOf(text)
  const length = joinLines(bytes, text.length)
  let to = 0
  for (let at = 0; at < length; at++) {
    const code = bytes[at]!
    if (code === EQUALS && at + 2 < length) {
      const high = hexDigit(bytes[at + 1]!)
      const low = hexDigit(bytes[at + 2]!)
      if (high >= 0 && low >= 0) {
        bytes[to++] = high * 16 + low
        at += 2
        continue
      }
    }
    bytes[to++] = code
  }
  return bytes.toString('latin1', 0, to)
}

const EQUALS = 61

/** Takes blanks before line ends and soft line breaks out, in place; gives the new length. A line never takes from the one before it. */
function joinLines(bytes: Buffer, length: number): number {
  let line = 0
  let to = 0
  for (let at = 0; at < length; at++) {
    const code = bytes[at]!
    bytes[to++] = code
    if (code !== 10) continue
    let end = to - 1
    let hasReturn = end > line && bytes[end - 1] === 13
    if (hasReturn) end--
    while (end > line && isSpaceOrTab(bytes[end - 1]!)) end--
    // A CR that stood before the blanks belongs to the line end now.
    if (!hasReturn && end > line && bytes[end - 1] === 13) {
      hasReturn = true
      end--
    }
    if (end > line && bytes[end - 1] === EQUALS) {
      to = end - 1
    } else {
      if (hasReturn) bytes[end++] = 13
      bytes[end++] = 10
      to = end
    }
    line = to
  }
  return to
}

/** Value of a hex digit, -1 for anything else. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

const isSpaceOrTab = (code: number): boolean => code === 32 || code === 9
