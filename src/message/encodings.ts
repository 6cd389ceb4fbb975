// Charset names to decoders. Names and tables are those of Perl's Encode as SpamAssassin uses it; the tables themselves come from iconv-lite.

import iconv from 'iconv-lite'
import type { ByteString } from '../types.js'
import { bytesOf } from './bytes.js'

/** `strict`: undefined instead of a replacement character when a byte does not fit. */
export type Decode = (bytes: ByteString, strict: boolean) => string | undefined

const decoders = new Map<string, Decode | undefined>()
/** Names are the sender's; remembering them must not grow without bound. */
const rememberedNamesMax = 500

export function decoderFor(declared: string): Decode | undefined {
  const name = canonicalName(declared)
  const known = decoders.get(name)
  if (known !== undefined || decoders.has(name)) return known
  const decode = makeDecoder(name)
  if (decoders.size < rememberedNamesMax) decoders.set(name, decode)
  return decode
}

function canonicalName(declared: string): string {
  const name = declared.toLowerCase()
  if (/^(?:iso-?8859-1|windows-1252|cp1252)$/.test(name)) return 'windows-1252'
  if (/^gb[ -]?18030(?:-20\d\d)?$/.test(name)) return 'gbk'
  return name
}

function makeDecoder(name: string): Decode | undefined {
  if (name === 'windows-1252') return (bytes) => decodeWindows1252(bytes)
  if (name === '' || !iconv.encodingExists(name)) return undefined
  return (bytes, strict) => {
    const text = iconv.decode(bytesOf(bytes), name)
    return strict && text.includes('\ufffd') ? undefined : text
  }
}

/** Characters of bytes 80..9F of Windows-1252; the five undefined ones are replacement characters. */
const windows1252High =
  '\u20ac\ufffd\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\ufffd\u017d\ufffd' +
  '\ufffd\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\ufffd\u017e\u0178'

/** Never fails; bytes A0..FF are Latin-1. */
export const decodeWindows1252 = (bytes: ByteString): string =>
  bytes.replace(/[\x80-\x9f]/g, (byte) => windows1252High[byte.charCodeAt(0) - 0x80] ?? byte)
