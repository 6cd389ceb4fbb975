// Charset names to decoders: the names and the strictness of Perl's Encode as SpamAssassin uses it (fixtures/oracle/micro-mime, groups cs, csx).
// Tables of single-byte charsets are iconv-lite's, which were compared with Encode byte by byte.

import iconv from 'iconv-lite'
import type { ByteString } from '../types.js'
import { bytesOf, has8bit } from './bytes.js'
import { doubleByteDecoder } from './double-byte.js'
import { encodingName } from './encoding-names.js'
import { decodeHz, decodeIso2022Jp, decodeIso2022Kr, decodeUtf7 } from './escaped-encodings.js'
import { decodeUtf8, hasNoncharacter } from './unicode.js'

/** `strict`: undefined instead of a replacement character when a byte does not fit. */
export type Decode = (bytes: ByteString, strict: boolean) => string | undefined

const decoders = new Map<string, Decode | undefined>()
/** Names are the sender's; remembering them must not grow without bound. */
const rememberedNamesMax = 500

/** The decoder of a declared charset, undefined for a name nobody knows. */
export function decoderFor(declared: string): Decode | undefined {
  if (decoders.has(declared)) return decoders.get(declared)
  const decode = makeDecoder(declared)
  if (decoders.size < rememberedNamesMax) decoders.set(declared, decode)
  return decode
}

function makeDecoder(declared: string): Decode | undefined {
  // Mail programs read ISO-8859-1 as Windows-1252, and so does SpamAssassin.
  if (/^(?:ISO-?8859-1|Windows-1252|CP1252)$/i.test(declared)) return decodeStrictWindows1252
  if (/^UTF-?8$/i.test(declared)) return decodeLaxUtf8
  const name = /^GB[ -]?18030(?:-20\d\d)?$/i.test(declared) ? 'cp936' : encodingName(declared)
  switch (name) {
    case undefined:
      return undefined
    case 'utf-8-strict':
      return decodeLaxUtf8
    case 'utf-7':
      return decodeUtf7
    case 'iso-2022-jp':
      return (bytes) => decodeIso2022Jp(bytes, doubleByteDecoder('euc-jp')!)
    case 'iso-2022-kr':
      return (bytes) => decodeIso2022Kr(bytes, doubleByteDecoder('euc-kr')!)
    case 'hz':
      return (bytes) => decodeHz(bytes, doubleByteDecoder('euc-cn')!)
    case 'ucs-2be':
    case 'ucs-2le':
    case 'utf-32be':
    case 'utf-32le':
    case 'utf-32':
      return (bytes, strict) => decodeFixedWidth(name, bytes, strict)
    default:
      return doubleByteDecoder(name) ?? singleByteDecoder(name)
  }
}

/** Where Encode's single-byte tables differ from iconv-lite's: byte=character, fffd = not in use. */
const singleBytePatches: Readonly<Record<string, string>> = {
  cp1255: 'ca=fffd',
  'hp-roman8': 'ef=fffd',
  macroman: '7f=fffd bd=3a9 db=20ac f0=f8ff',
  maccroatian: '7f=fffd bd=3a9 d8=f8ff db=20ac',
  maccyrillic: '7f=fffd a2=490 b6=491 ff=20ac',
  macgreek: '7f=fffd 9c=20ac af=b7 ff=ad',
  macturkish: '7f=fffd bd=3a9 f0=f8ff f5=f8a0',
  maccenteuro: '7f=fffd',
}

function singleByteDecoder(name: string): Decode | undefined {
  if (!iconv.encodingExists(name)) return undefined
  const table = Array.from(iconv.decode(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), name))
  for (const patch of singleBytePatches[name]?.split(' ') ?? []) {
    const [byte, char] = patch.split('=').map((hex) => Number.parseInt(hex, 16)) as [number, number]
    table[byte] = String.fromCodePoint(char)
  }
  return (bytes, strict) => {
    const text = bytes.replace(/[\x00-\xff]/g, (byte) => table[byte.charCodeAt(0)]!)
    return strict && text.includes('\ufffd') ? undefined : text
  }
}

/** Strict UTF-8 has been tried before: 8-bit text that comes here is not valid. */
const decodeLaxUtf8: Decode = (bytes, strict) => {
  if (!has8bit(bytes)) return bytes
  if (strict) return undefined
  // A lead byte and the continuation bytes it may claim make one replacement character when they do not fit together.
  return bytes.replace(/[\xc0-\xff][\x80-\xbf]*|[\x80-\xbf]/g, (run) => {
    const claimed = run.slice(0, utf8Length(run.charCodeAt(0)))
    return (decodeUtf8(claimed) ?? '\ufffd') + '\ufffd'.repeat(run.length - claimed.length)
  })
}

/** Bytes of the character that a lead byte announces, in Perl's extended UTF-8. */
function utf8Length(lead: number): number {
  if (lead < 0xe0) return lead < 0xc0 ? 1 : 2
  if (lead < 0xf8) return lead < 0xf0 ? 3 : 4
  return lead < 0xfc ? 5 : lead < 0xfe ? 6 : lead === 0xfe ? 7 : 13
}

function decodeFixedWidth(name: string, bytes: ByteString, strict: boolean): string | undefined {
  const width = name.startsWith('ucs') ? 2 : 4
  const mark = name === 'utf-32' ? bytes.slice(0, 4) : undefined
  const little = name.endsWith('le') || mark === '\xff\xfe\0\0'
  // UTF-32 without a byte order mark is refused, or taken for big-endian where strictness is off.
  const marked = little || mark === '\0\0\xfe\xff'
  if (strict && (bytes.length % width !== 0 || (mark !== undefined && !marked))) return undefined
  const source = bytesOf(bytes)
  let out = ''
  for (let at = mark !== undefined && marked ? width : 0; at + width <= source.length; at += width) {
    const code = little ? source.readUIntLE(at, width) : source.readUIntBE(at, width)
    const fits = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
    if (!fits && strict) return undefined
    out += fits ? String.fromCodePoint(code) : '\ufffd'
  }
  return strict && hasNoncharacter(out) ? undefined : out
}

/** Characters of bytes 80..9F of Windows-1252; the five undefined ones are replacement characters. */
const windows1252High =
  '\u20ac\ufffd\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\ufffd\u017d\ufffd' +
  '\ufffd\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\ufffd\u017e\u0178'

/** Never fails; bytes A0..FF are Latin-1. */
export const decodeWindows1252 = (bytes: ByteString): string =>
  bytes.replace(/[\x80-\x9f]/g, (byte) => windows1252High[byte.charCodeAt(0) - 0x80] ?? byte)

const decodeStrictWindows1252: Decode = (bytes, strict) =>
  strict && /[\x81\x8d\x8f\x90\x9d]/.test(bytes) ? undefined : decodeWindows1252(bytes)
