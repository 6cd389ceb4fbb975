// PDFInfo: number, size and origin of attached PDF files, read line by line from their uncompressed parts. Nothing is rendered.
import { createHash } from 'node:crypto'
import type { EvalContext, Plugin, PluginContext } from '../../rules/engine/types.js'
import type { ByteString, Part } from '../types.js'
import { evalRegex, matches } from './evalregex.js'
import { once } from './once.js'
import { isLeaf } from './parts.js'

interface Pdf {
  readonly name: string
  readonly version: string
  readonly encrypted: boolean
  /** 'HEIGHTxWIDTH' of each picture, and of their sum. */
  readonly sizes: readonly string[]
  readonly pictures: number
  readonly pixels: number
  readonly md5: string
  /** Over the first lines without sizes, and over the names of objects: equal for files of one maker with other content. */
  readonly fuzzy: readonly string[]
  readonly details: ReadonlyMap<string, readonly string[]>
  readonly uris: ReadonlySet<ByteString>
}

/** Only so much of one file is read. */
const pdfBytesMax = 4 * 1024 * 1024
/** Lines that make the first fuzzy sum. */
const fuzzyLines = 69
const valueBytesMax = 256
/** Values kept of one detail of a file. */
const valuesMax = 20

const md5 = (text: ByteString): string => createHash('md5').update(text, 'latin1').digest('hex').toUpperCase()

/** A PDF string, `(text)` with escapes or `<hex>`. */
function pdfString(written: ByteString): ByteString {
  let text: ByteString
  if (written.startsWith('<')) {
    const pairs = written.match(/[0-9A-Fa-f]{2}/g) ?? []
    text = pairs.map((pair) => String.fromCharCode(Number.parseInt(pair, 16))).join('')
  } else {
    text = written
      .replace(/^\(/, '')
      .replace(/\)$/, '')
      .replace(/(?<!\\)\\([0-3][0-7][0-7])/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      )
  }
  if (/^(?:\xfe\xff|\xff\xfe)/.test(text)) text = text.slice(2).replace(/\0/g, '')
  return text.replace(/\\([()\\])/g, '$1').slice(0, valueBytesMax)
}

/**
 * The string right behind the first key that has one, from a place on; blanks between are two at most. Written out, because a pattern
 * that looks for the end from every key is quadratic in lines without an end.
 */
function stringAfter(line: ByteString, key: string, from = 0): ByteString | undefined {
  const endless = new Set<string>()
  for (let at = line.indexOf(key, from); at >= 0; at = line.indexOf(key, at + 1)) {
    let open = at + key.length
    while (open < at + key.length + 2 && /[\t-\r ]/.test(line[open] ?? '')) open++
    const close = line[open] === '(' ? ')' : line[open] === '<' ? '>' : undefined
    if (close === undefined || endless.has(close)) continue
    let end = line.indexOf(close, open + 1)
    while (close === ')' && end > 0 && line[end - 1] === '\\') end = line.indexOf(close, end + 1)
    if (end >= 0) return line.slice(open, end + 1)
    endless.add(close)
  }
  return undefined
}

const detailKeys = ['Author', 'Creator', 'Producer', 'Title']
const datePatterns: readonly (readonly [string, RegExp])[] = [
  ['created', /\/CreationDate\s{0,2}\(D:(\d+)/],
  ['modified', /\/ModDate\s{0,2}\(D:(\d+)/],
]

/** Links kept of one file. */
const urisMax = 20
const action = /\/S[\t-\r ]{0,2}\/URI[\t-\r ]{0,2}(?=\/URI)/
const bareLink = /\((https?:\/\/[^\n]{8,256})\)>>/

/** The link of an annotation that is not compressed; undefined = the line has none, '' = one that is no address. */
function linkIn(line: ByteString): ByteString | undefined {
  if (!/\/URI|\(http/.test(line)) return undefined
  const acts = /^[\t-\r ]*\/URI/.test(line) ? 0 : line.search(action)
  const bare = bareLink.exec(line)
  const named = acts >= 0 && (!bare || acts <= bare.index) ? stringAfter(line, '/URI', acts) : undefined
  const written = named ?? bare?.[1]
  if (written === undefined) return undefined
  const link = named !== undefined && named.indexOf('.') <= 0 ? '' : pdfString(written)
  return link.indexOf('.') > 0 && !link.includes('\0') ? link : ''
}

/** Width and height of a picture where one line tells both. */
function lineSize(line: string): { readonly width?: string; readonly height?: string } {
  // SpamAssassin reads a line that begins so for one of the two values only, and never puts two lines together.
  if (/^\/(?:Width|Height)\s\d/.test(line)) return {}
  const matrix = /^(\d+)\s+\d+\s+\d+\s+(\d+)\s+\d+\s+\d+\s+cm$/.exec(line)
  if (matrix) return { width: matrix[1]!, height: matrix[2]! }
  const both = /\/Width\s(\d+)\/Height\s(\d+)/.exec(line)
  return both ? { width: both[1]!, height: both[2]! } : {}
}

class Reading {
  encrypted = false
  readonly sizes: string[] = []
  private fuzzy = ''
  private fuzzyDone = false
  private lines = 0
  private names = ''
  private seesPicture = false
  private readonly sum = { width: 0, height: 0, pixels: 0 }
  private readonly details = new Map<string, string[]>()
  private readonly uris = new Set<ByteString>()

  line(line: ByteString): void {
    if (!this.fuzzyDone && ++this.lines <= fuzzyLines) {
      if (!/^%|^\/(?:Height|Width|(?:Media|Crop)Box)|^(?:\d+\s+){6}cm$/.test(line))
        this.fuzzy += line.trimEnd()
      this.fuzzyDone = line.includes('stream')
    }
    if (line.includes('/Image')) this.seesPicture = true
    if (line.startsWith('/Encrypt')) this.encrypted = true
    if (this.seesPicture) this.picture(line)
    if (!line.includes('/')) return
    const name = /^\/([A-Za-z]+)/.exec(line)
    if (name) this.names += name[1]!
    const link = this.uris.size < urisMax ? linkIn(line) : undefined
    if (link) this.uris.add(link)
    // As in SpamAssassin: a line with a link that is none is not looked at any further.
    if (link === '') return
    for (const key of detailKeys) this.detail(key.toLowerCase(), stringAfter(line, `/${key}`))
    for (const [key, pattern] of datePatterns) this.detail(key, pattern.exec(line)?.[1])
  }

  private detail(key: string, written: ByteString | undefined): void {
    if (written === undefined) return
    this.details.set(key, [...(this.details.get(key) ?? []), pdfString(written)].slice(-valuesMax))
  }

  private picture(line: string): void {
    const { width, height } = lineSize(line)
    const area = Number(width) * Number(height)
    if (!area) return
    this.fuzzyDone = true
    this.seesPicture = false
    this.sizes.push(`${Number(height)}x${Number(width)}`)
    this.sum.width += Number(width)
    this.sum.height += Number(height)
    this.sum.pixels += area
  }

  result(name: string, version: string, data: ByteString): Pdf {
    const { width, height, pixels } = this.sum
    return {
      name,
      version,
      encrypted: this.encrypted,
      sizes: pixels ? [...this.sizes, `${height}x${width}`] : [],
      pictures: this.sizes.length,
      pixels,
      md5: md5(data),
      fuzzy: [this.fuzzy, this.names].filter((text) => text !== '').map(md5),
      details: this.details,
      uris: this.uris,
    }
  }
}

function readPdf(part: Part): Pdf | undefined {
  const data = part.decoded().replace(/^\xef\xbb\xbf/, '')
  const version = /%PDF-(\d\.\d)/.exec(data.slice(0, 1032))
  if (!version) return undefined
  const reading = new Reading()
  for (const line of data.slice(0, pdfBytesMax).split('\n')) if (line !== '') reading.line(line)
  return reading.result(part.name, version[1]!, data)
}

interface PdfFiles {
  /** Attachments that call themselves PDF, readable or not. */
  readonly count: number
  readonly read: readonly Pdf[]
}

const pdfFiles = once((scan, context: PluginContext): PdfFiles => {
  const parts = scan.message.parts.filter(
    (part) =>
      isLeaf(part) &&
      /^(?:image|application)\/(?:pdf|octet-stream)$/.test(part.type) &&
      (/\.[fp]df$/i.test(part.name) || part.type.endsWith('/pdf')),
  )
  const files = { count: parts.length, read: parts.map(readPdf).filter((pdf) => pdf !== undefined) }
  setTags(context, files)
  return files
})

function setTags(context: PluginContext, { count, read }: PdfFiles): void {
  context.tag('PDFCOUNT', `${count}`)
  context.tag('PDFIMGCOUNT', `${read.reduce((sum, pdf) => sum + pdf.pictures, 0)}`)
  // All mails come here, and nearly none has a PDF.
  if (read.length === 0) return
  const tags: Readonly<Record<string, readonly string[]>> = {
    PDFVERSION: read.map((pdf) => pdf.version),
    PDFNAME: read.map((pdf) => pdf.name),
    PDFMD5FUZZY1: read.flatMap((pdf) => pdf.fuzzy.slice(0, 1)),
    PDFMD5FUZZY2: read.flatMap((pdf) => pdf.fuzzy.slice(1)),
    ...Object.fromEntries(
      ['author', 'creator', 'producer', 'title'].map((key) => [
        `PDF${key.toUpperCase()}`,
        read.flatMap((pdf) => pdf.details.get(key) ?? []),
      ]),
    ),
  }
  for (const [tag, values] of Object.entries(tags)) {
    const text = values.filter((value) => value !== '').join(' ')
    if (text !== '') context.tag(tag, text)
  }
}

function within(value: number | undefined, min: string | undefined, max: string | undefined): boolean {
  return (
    value !== undefined &&
    min !== undefined &&
    value >= Number(min) &&
    (max === undefined || value <= Number(max))
  )
}

/** Pixels of the last file that has pictures. */
function pixels(context: EvalContext): number | undefined {
  return pdfFiles(context.scan, context).read.findLast((pdf) => pdf.pixels > 0)?.pixels
}

const anyRead = (context: EvalContext, fits: (pdf: Pdf) => boolean): boolean =>
  pdfFiles(context.scan, context).read.some(fits)

export const pdfInfo: Plugin = {
  name: 'PDFInfo',
  prepare: (context) =>
    context.scan.views.addUris(pdfFiles(context.scan, context).read.flatMap(({ uris }) => [...uris])),
  evals: {
    pdf_count: (context, min?, max?) => within(pdfFiles(context.scan, context).count, min, max),
    pdf_image_count: (context, min?, max?) =>
      within(
        pdfFiles(context.scan, context).read.reduce((sum, pdf) => sum + pdf.pictures, 0),
        min,
        max,
      ),
    pdf_pixel_coverage: (context, min?, max?) => within(pixels(context), min, max),
    pdf_image_to_text_ratio(context, min?, max?) {
      const area = pixels(context)
      const text = context.scan.views.bodyForRules.reduce((sum, line) => sum + line.length, 0)
      if (!area || !text || max === undefined) return false
      return text / area >= Number(min) && text / area < Number(max)
    },
    pdf_is_encrypted: (context) => anyRead(context, (pdf) => pdf.encrypted),
    pdf_is_empty_body(context, max = '0') {
      if (pdfFiles(context.scan, context).count === 0) return false
      const bytes = context.scan.views.bodyForRules
        .slice(1)
        .filter((line) => /[^\t-\r ]/.test(line))
        .reduce((sum, line) => sum + line.length, 0)
      return bytes <= Number(max)
    },
    pdf_image_size_exact: (context, height = '', width = '') =>
      anyRead(context, (pdf) => pdf.sizes.includes(`${height}x${width}`)),
    pdf_image_size_range: (context, minHeight?, minWidth?, maxHeight?, maxWidth?) =>
      anyRead(context, (pdf) =>
        pdf.sizes.some((size) => {
          const [height, width] = size.split('x').map(Number)
          return within(height, minHeight, maxHeight) && within(width, minWidth, maxWidth)
        }),
      ),
    pdf_named: (context, name = '') => anyRead(context, (pdf) => pdf.name !== '' && pdf.name === name),
    pdf_name_regex(context, source = '') {
      if (!anyRead(context, (pdf) => pdf.name !== '')) return false
      const pattern = evalRegex(undelimited(source))
      return pattern !== undefined && anyRead(context, (pdf) => pdf.name !== '' && matches(pattern, pdf.name))
    },
    pdf_match_md5: (context, sum = '') => anyRead(context, (pdf) => pdf.md5 === sum.toUpperCase()),
    pdf_match_fuzzy_md5: (context, sum = '') =>
      anyRead(context, (pdf) => pdf.fuzzy.includes(sum.toUpperCase())),
    pdf_match_details(context, key = '', source = '') {
      const pattern = evalRegex(undelimited(source))
      if (!pattern) return false
      return anyRead(
        context,
        (pdf) => pdf.details.get(key)?.some((value) => matches(pattern, value)) ?? false,
      )
    },
  },
}

/** These evals also take /pattern/flags. */
function undelimited(source: string): string {
  const parts = /^\/(.*)\/([imsx]*)$/s.exec(source)
  if (!parts) return source
  return parts[2] ? `(?${parts[2]})${parts[1]}` : parts[1]!
}
