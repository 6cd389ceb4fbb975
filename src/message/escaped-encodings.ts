// Charsets that switch tables by escape sequences, and UTF-7: rewritten into their 8-bit form and decoded there, as Perl's Encode does. What does
// not fit shows as \xHH.

import type { ByteString } from '../types.js'
import { bytesOf } from './bytes.js'
import type { Decode } from './encodings.js'
import { loneSurrogates } from './unicode.js'

const high = (text: ByteString): ByteString =>
  text.replace(/[\x21-\x7e]/g, (byte) => String.fromCharCode(byte.charCodeAt(0) | 0x80))

/** Decodes; bytes that do not fit become \xHH. */
function decodeEscaping(bytes: ByteString, decode: Decode): string {
  const whole = decode(bytes, true)
  if (whole !== undefined) return whole
  let out = ''
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.charCodeAt(at) < 0x80 ? 1 : bytes[at] === '\x8f' ? 3 : 2
    const text = decode(bytes.slice(at, at + length), true)
    if (text !== undefined) {
      out += text
      at += length
    } else {
      out += '\\x' + bytes.charCodeAt(at).toString(16).toUpperCase().padStart(2, '0')
      at++
    }
  }
  return out
}

/** ISO-2022-JP and its relatives; text from the first 8-bit byte on is lost. */
export function decodeIso2022Jp(bytes: ByteString, eucJp: Decode): string {
  const ascii = bytes.replace(/[\x80-\xff][\s\S]*$/, '')
  const [first, ...rest] = ascii.split('\x1b')
  let out = first ?? ''
  for (const part of rest) {
    const sequence = /^(?:(\$\([D])|(?:\$@|\$B|&@)|(\([BJ])|(\(I))/.exec(part)
    // An unknown escape sequence ends the text.
    if (sequence === null) break
    const text = part.slice(sequence[0].length)
    if (sequence[2] !== undefined) out += text
    else if (sequence[3] !== undefined) out += high(text).replace(/[\xa1-\xdf]/g, '\x8e$&')
    else if (sequence[1] !== undefined) out += high(text).replace(/[\xa1-\xfe][\xa1-\xfe]/g, '\x8f$&')
    else out += high(text)
  }
  return decodeEscaping(out, eucJp)
}

/** Hangul between SO and SI. */
export function decodeIso2022Kr(bytes: ByteString, eucKr: Decode): string {
  const plain = bytes.replace(/\x1b\$\)C/g, '').replace(/\x0e([^\x0f]*)\x0f/g, (_all, text) => high(text))
  return decodeEscaping(plain.replace(/\x1b[\s\S]*$/, ''), eucKr)
}

/** Chinese between ~{ and ~}; text from the first byte that fits neither mode is lost. */
export function decodeHz(bytes: ByteString, eucCn: Decode): string {
  const piece = /([\x00-\x7d\x7f]+)|~~|~\n|~\{((?:[\x21-\x77][\x21-\x7e])*)(~\}|)/y
  let out = ''
  for (let found = piece.exec(bytes); found !== null; found = piece.exec(bytes)) {
    if (found[1] !== undefined) out += found[1]
    else if (found[0] === '~~') out += '~'
    else if (found[2] !== undefined) {
      out += decodeEscaping(high(found[2]), eucCn)
      if (found[3] === '') break
    }
  }
  return out
}

export const decodeUtf7: Decode = (bytes) =>
  bytes.replace(/\+(?:-|([A-Za-z0-9+/]+)-?)/g, (_all, digits: string | undefined) => {
    if (digits === undefined) return '+'
    const units = bytesOf(Buffer.from(digits, 'base64').toString('latin1'))
    const whole = units.subarray(0, units.length - (units.length % 2))
    return whole.swap16().toString('utf16le').replace(loneSurrogates, '\ufffd')
  })
