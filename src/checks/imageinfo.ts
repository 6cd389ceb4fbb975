// ImageInfo: number, size and name of attached pictures, read from the first bytes of each GIF, PNG and JPEG.
import type { EvalContext, Plugin } from '../../rules/engine/types.js'
import type { ByteString, Part, Scan } from '../types.js'
import { evalRegex, matches } from './evalregex.js'
import { once } from './once.js'
import { isLeaf, partHeader } from './parts.js'
import { lower } from './text.js'

const kinds = ['gif', 'png', 'jpeg'] as const
type Kind = (typeof kinds)[number]

interface Size {
  readonly width: number
  readonly height: number
}

interface Picture {
  readonly kind: Kind
  readonly name: string
  /** Undefined when the bytes are not of that kind or say 0. */
  readonly size: Size | undefined
}

/** Only the start of a picture is looked at: JPEG puts its size behind previews and colour profiles. */
const pictureBytesMax = 1_048_576

/** Base64 of the first piece, which holds the size of nearly every picture; three quarters of it are bytes. */
const firstCharsMax = 4096

const byte = (data: ByteString, at: number): number => data.charCodeAt(at)
const big16 = (data: ByteString, at: number): number => byte(data, at) * 256 + byte(data, at + 1)
const little16 = (data: ByteString, at: number): number => byte(data, at + 1) * 256 + byte(data, at)
const big32 = (data: ByteString, at: number): number => big16(data, at) * 65_536 + big16(data, at + 2)

function gifSize(data: ByteString): Size | undefined {
  return /^GIF8[79]a/.test(data) ? { width: little16(data, 6), height: little16(data, 8) } : undefined
}

const pngSignature = '\x89PNG\r\n\x1a\n'

/** IHDR is the first chunk (PNG specification 5.6); broken writers put others, or nothing, before it. */
function pngSize(data: ByteString): Size | undefined {
  if (!data.startsWith(pngSignature)) return undefined
  for (let at = pngSignature.length; at + 16 <= data.length; at += 8) {
    const type = data.slice(at + 4, at + 8)
    if (type === 'IEND') return undefined
    if (type === 'IHDR' && big32(data, at) === 13) {
      return { width: big32(data, at + 8), height: big32(data, at + 12) }
    }
  }
  return undefined
}

/** Frame headers of JPEG: C0 to CF without C4 (Huffman), C8 (reserved), CC (arithmetic). */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

function jpegSize(data: ByteString): Size | undefined {
  if (!data.startsWith('\xff\xd8')) return undefined
  for (let at = 2; at + 4 <= data.length; ) {
    const marker = byte(data, at + 1)
    const length = big16(data, at + 2)
    // DA begins the picture itself, D9 ends it.
    if (byte(data, at) !== 0xff || marker === 0xda || marker === 0xd9 || length < 2) return undefined
    if (isFrame(marker)) return { height: big16(data, at + 5), width: big16(data, at + 7) }
    at += 2 + length
  }
  return undefined
}

const sizeOf: Readonly<Record<Kind, (data: ByteString) => Size | undefined>> = {
  gif: gifSize,
  png: pngSize,
  jpeg: jpegSize,
}

function picture(part: Part): Picture | undefined {
  const kind = kindOf.get(part.type)
  if (!kind || !isLeaf(part)) return undefined
  if (lower(partHeader(part, 'content-transfer-encoding')) !== 'base64') return undefined
  const read = sizeOf[kind]
  const size = usable(read(firstBytes(part))) ?? usable(read(part.decoded().slice(0, pictureBytesMax)))
  return { kind, name: part.name, size }
}

const kindOf: ReadonlyMap<string, Kind> = new Map([
  ['image/gif', 'gif'],
  ['image/png', 'png'],
  ['image/jpeg', 'jpeg'],
  ['image/jpg', 'jpeg'],
])

/** NaN, where the bytes end early, is no size either. */
function usable(size: Size | undefined): Size | undefined {
  return size && size.width > 0 && size.height > 0 ? size : undefined
}

/** What the picture begins with: the bytes before the first character whose meaning depends on the rest of the base64. */
function firstBytes(part: Part): ByteString {
  const digits = part.rawBody.slice(0, firstCharsMax).replace(/[\r\n]+/g, '')
  const odd = digits.search(/[^A-Za-z0-9+/]/)
  const end = odd < 0 ? digits.length : odd
  return Buffer.from(digits.slice(0, end & ~3), 'base64').toString('latin1')
}

const pictures = once((scan): readonly Picture[] => {
  const found: Picture[] = []
  for (const part of scan.message.parts) {
    const one = part.type.startsWith('image/') ? picture(part) : undefined
    if (one) found.push(one)
  }
  return found
})

/** Pictures of a kind, or 'all'. Undefined for a kind that does not exist. */
function ofKind(scan: Scan, kind: string): readonly Picture[] | undefined {
  const all = pictures(scan)
  if (kind === 'all') return all
  if (!kinds.includes(kind as Kind)) return undefined
  return all.length === 0 ? all : all.filter((one) => one.kind === kind)
}

function pixels(scan: Scan, kind: string): number | undefined {
  return ofKind(scan, kind)?.reduce((sum, { size }) => sum + (size ? size.width * size.height : 0), 0)
}

function within(value: number | undefined, min: string, max: string | undefined): boolean {
  return value !== undefined && value >= Number(min) && (max === undefined || value <= Number(max))
}

/** Bytes of the text of the rule's area. */
function textBytes({ scan, area }: EvalContext): number {
  const lines = area === 'rawbody' ? scan.views.text.rawbody : scan.views.bodyForRules
  return lines.reduce((sum, line) => sum + line.length, 0)
}

function names(scan: Scan): readonly string[] {
  return pictures(scan)
    .filter(({ size, name }) => size && name !== '')
    .map(({ name }) => name)
}

export const imageInfo: Plugin = {
  name: 'ImageInfo',
  evals: {
    image_count: ({ scan }, kind = '', min?, max?) =>
      min !== undefined && within(ofKind(scan, kind)?.length, min, max),
    pixel_coverage: ({ scan }, kind = '', min?, max?) =>
      min !== undefined && within(pixels(scan, kind), min, max),
    image_to_text_ratio(context, kind = '', min?, max?) {
      if (pictures(context.scan).length === 0) return false
      const area = pixels(context.scan, kind)
      const text = area ? textBytes(context) : 0
      if (min === undefined || max === undefined || !area || text === 0) return false
      const ratio = text / area
      return ratio >= Number(min) && ratio < Number(max)
    },
    image_size_exact: ({ scan }, kind = '', height = '', width = '') =>
      ofKind(scan, kind)?.some(
        ({ size }) => size && `${size.height}x${size.width}` === `${height}x${width}`,
      ) ?? false,
    image_size_range: ({ scan }, kind = '', minHeight = '', minWidth = '', maxHeight?, maxWidth?) =>
      ofKind(scan, kind)?.some(
        ({ size }) =>
          size && within(size.height, minHeight, maxHeight) && within(size.width, minWidth, maxWidth),
      ) ?? false,
    image_named: ({ scan }, name?) => name !== undefined && names(scan).includes(name),
    image_name_regex({ scan }, source = '') {
      const pattern = evalRegex(source)
      return pattern !== undefined && names(scan).some((name) => matches(pattern, name))
    },
  },
}
