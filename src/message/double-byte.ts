// Decoders of the East Asian charsets in which a high byte leads a pair. iconv-lite has the tables; what Perl's Encode has differently (compared
// pair by pair with Encode 3.19 of Perl 5.36) stands here as patches, because whether a text is valid decides how the whole part is read.

import iconv from 'iconv-lite'
import type { ByteString } from '../types.js'
import type { Decode } from './encodings.js'

interface Charset {
  /** Name of the table in iconv-lite. */
  readonly base: string
  /** Ranges of lead bytes, hexadecimal. */
  readonly leads: string
  /** High bytes that stand alone: `byte=character` or `byte-byte=character`. */
  readonly singles?: string
  /** `pair=character` or `pair+count=character`. */
  readonly patches?: string
  /** Pairs outside are invalid although the table has them. */
  readonly accepts?: (lead: number, trail: number) => boolean
  /** 8E leads one, 8F leads two more bytes (EUC-JP). */
  readonly shifts?: boolean
}

const bothHigh = (_lead: number, trail: number): boolean => trail >= 0xa1

/** Signs of NEC's row 13 that JIS X 0208 has elsewhere: Encode leaves their places empty. */
const necDoubles: ReadonlySet<number> = new Set([0xf0, 0xf1, 0xf2, 0xf4, 0xf5, 0xf6, 0xf7, 0xfa, 0xfb, 0xfc])

/** Rows of GB 2312 that are not full: ranges of trail bytes. */
const gb2312Rows = new Map<number, readonly number[]>([
  [0xa2, [0xb1, 0xe2, 0xe5, 0xee, 0xf1, 0xfc]],
  [0xa4, [0xa1, 0xf3]],
  [0xa5, [0xa1, 0xf6]],
  [0xa6, [0xa1, 0xb8, 0xc1, 0xd8]],
  [0xa7, [0xa1, 0xc1, 0xd1, 0xf1]],
  [0xa8, [0xa1, 0xba, 0xc5, 0xe9]],
  [0xa9, [0xa4, 0xef]],
  [0xd7, [0xa1, 0xf9]],
])

function inGb2312(lead: number, trail: number): boolean {
  if (trail < 0xa1) return false
  const row = gb2312Rows.get(lead)
  if (row === undefined) return true
  for (let at = 0; at < row.length; at += 2) if (trail >= row[at]! && trail <= row[at + 1]!) return true
  return false
}

const charsets: Readonly<Record<string, Charset>> = {
  'euc-jp': {
    base: 'eucjp',
    leads: 'a1-fe',
    shifts: true,
    accepts: (lead, trail) => trail >= 0xa1 && !(lead === 0xad && necDoubles.has(trail)),
    patches: 'a1c1=301c a1c2=2016 a1dd=2212 a1f1+2=a2 a2cc=ac adbf+1=216a add7=216b',
  },
  shiftjis: {
    base: 'shiftjis',
    leads: '81-84 88-9f e0-ea',
    singles: 'a1-df=ff61',
    patches: '8160=301c 8161=2016 817c=2212 8191+2=a2 81ca=ac',
  },
  cp932: {
    base: 'cp932',
    leads: '81-84 87-9f e0-ea ed-ee f0-fc',
    singles: '80-80=80 a0-a0=f8f0 a1-df=ff61 fd-ff=f8f1',
    patches: 'f941+62=e69d f980+125=e6db',
  },
  'euc-kr': { base: 'euckr', leads: 'a1-ac b0-c8 ca-fd', accepts: bothHigh },
  cp949: {
    base: 'cp949',
    leads: '81-fe',
    singles: '80-80=80 ff-ff=f8f7',
    patches: 'c9a1+94=e000 fea1+94=e05e',
  },
  'euc-cn': { base: 'gbk', leads: 'a1-a9 b0-f7', accepts: inGb2312, patches: 'a1a4=30fb a1aa=2015' },
  cp936: {
    base: 'gbk',
    leads: '81-fe',
    singles: '80-80=20ac ff-ff=f8f5',
    patches:
      'a2e3=e76c a3a0=e5e5 a8bc=e7c7 a8bf=e7c8 a989+13=e7e7 fe50=e815 fe54+5=e819 fe5a+7=e81f fe62+4=e827 ' +
      'fe68+4=e82d fe6e+8=e833 fe77+7=e83c fe80+16=e844 fe92+14=e856',
  },
  'big5-eten': {
    base: 'cp950',
    leads: 'a1-f9',
    patches:
      'a2cc+3=3038 c255=5f5e c6a1+10=2460 c6ab+10=2474 c6b5+10=2170 c6bf+2=2f02 c6c1=2f05 c6c2=2f07 c6c3+3=2f0c ' +
      'c6c6=2f13 c6c7=2f16 c6c8=2f19 c6c9=2f1b c6ca=2f22 c6cb=2f27 c6cc=2f2e c6cd+3=2f33 c6d0+2=2f39 c6d2=2f41 ' +
      'c6d3=2f46 c6d4+2=2f67 c6d6=2fa1 c6d7=2faa c6d8=a8 c6d9=2c6 c6da+2=30fd c6dc+2=309d c6de+2=f6ee c6e0+3=3005 ' +
      'c6e3=30fc c6e4=ff3b c6e5=ff3d c6e6=273d c6e7+24=3041 c740+59=3059 c77b+4=30a1 c7a1+82=30a5 c7f3+6=410 ' +
      'c7f9=401 c7fa+5=416 c840+27=41b c85b=451 c85c+26=436',
  },
  'big5-hkscs': { base: 'big5hkscs', leads: '88-fe' },
  cp950: { base: 'cp950', leads: '81-fe', singles: '80-80=80 ff-ff=f8f8' },
}

const decoders = new Map<string, Decode>()

/** One for each charset and process: its table costs some milliseconds. */
export function doubleByteDecoder(name: string): Decode | undefined {
  const known = decoders.get(name)
  const charset = charsets[name]
  if (known || charset === undefined) return known
  let table: Table | undefined
  const decoder: Decode = (bytes, strict) => {
    table ??= buildTable(charset)
    return decode(table, bytes, strict)
  }
  decoders.set(name, decoder)
  return decoder
}

interface Table {
  /** Character of a byte that stands alone; -1 = a lead byte, 0 (but for NUL) = invalid. */
  readonly alone: Int32Array
  /** Character of a pair, 0 = invalid. */
  readonly pairs: Uint32Array
  /** Characters behind 8F and 8E, undefined without these shifts. */
  readonly shifted: Uint32Array | undefined
}

const leadByte = -1
const replacement = '\ufffd'

function decode(table: Table, bytes: ByteString, strict: boolean): string | undefined {
  let out = ''
  let copied = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes.charCodeAt(at)
    if (byte < 0x80) continue
    out += bytes.slice(copied, at)
    let char = table.alone[byte]!
    let length = 1
    if (char === leadByte) {
      // A lead byte at the very end is dropped, as Encode does.
      if (at + 1 >= bytes.length) return out
      char = table.pairs[(byte << 8) | bytes.charCodeAt(at + 1)]!
      length = 2
    } else if (table.shifted !== undefined && (byte === 0x8e || byte === 0x8f)) {
      length = byte === 0x8e ? 2 : 3
      if (at + length > bytes.length) return out
      const trail = bytes.charCodeAt(at + 1)
      char =
        byte === 0x8e
          ? trail >= 0xa1 && trail <= 0xdf
            ? 0xfec0 + trail
            : 0
          : table.shifted[(trail << 8) | bytes.charCodeAt(at + 2)]!
    }
    if (char === 0) {
      if (strict) return undefined
      out += replacement
      copied = at + 1
      continue
    }
    out += String.fromCodePoint(char)
    at += length - 1
    copied = at + 1
  }
  return out + bytes.slice(copied)
}

/** Made at the first use of a charset: some milliseconds. */
function buildTable({ base, leads, singles, patches, accepts, shifts }: Charset): Table {
  const alone = new Int32Array(256)
  const pairs = new Uint32Array(65_536)
  for (const [first, last, char] of readRuns(singles ?? ''))
    for (let byte = first; byte <= last; byte++) alone[byte] = char + byte - first
  for (const [first, last] of readRuns(leads)) {
    for (let lead = first; lead <= last; lead++) {
      alone[lead] = leadByte
      fillRow(pairs, base, lead, '', accepts)
    }
  }
  for (const patch of (patches ?? '').split(' ').filter((entry) => entry !== '')) {
    const [codes, char] = patch.split('=') as [string, string]
    const [code, count] = codes.split('+') as [string, string | undefined]
    for (let at = 0; at < Number(count ?? 1); at++)
      pairs[Number.parseInt(code, 16) + at] = Number.parseInt(char, 16) + at
  }
  if (!shifts) return { alone, pairs, shifted: undefined }
  const shifted = new Uint32Array(65_536)
  for (let lead = 0xa1; lead <= 0xfe; lead++) fillRow(shifted, base, lead, '\x8f', accepts)
  return { alone, pairs, shifted }
}

/** Decodes all pairs of one lead byte at once, a line each. */
function fillRow(
  pairs: Uint32Array,
  base: string,
  lead: number,
  shift: ByteString,
  accepts: Charset['accepts'],
): void {
  let source = ''
  for (let trail = 0x21; trail < 0x100; trail++) source += shift + String.fromCharCode(lead, trail) + '\n'
  const lines = iconv.decode(Buffer.from(source, 'latin1'), base).split('\n')
  for (const [at, line] of lines.entries()) {
    const trail = at + 0x21
    const char = line.codePointAt(0)
    if (char === undefined || String.fromCodePoint(char) !== line || line === replacement) continue
    if (accepts === undefined || accepts(lead, trail)) pairs[(lead << 8) | trail] = char
  }
}

/** `a1-df=ff61`: first, last, character. */
function readRuns(text: string): [number, number, number][] {
  return text
    .split(' ')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [range, char] = entry.split('=') as [string, string | undefined]
      const [first, last] = range.split('-') as [string, string]
      return [Number.parseInt(first, 16), Number.parseInt(last, 16), Number.parseInt(char ?? '0', 16)]
    })
}
