// What the learner sees of a mail. In: Message (parsed once, shared with the scan). Out: Features: sets of hashed tokens and 4-grams and
// the mail's identity. The only place that turns mail into numbers; learning, scoring, ledger and remembered scans all carry this shape.
// Texts are decoded here for words (Unicode); the views that rules see are bytes laid out for parity and are not used.
import type { Message, Part } from '../src/types.js'
import { identify } from './identity.js'
import { saBodyKeys } from './import.js'
import { scanAlignment } from './tokens/alignment.js'
import { decodeField, decodeText } from './tokens/decode.js'
import { decodeFields, scanFields, shapeOf } from './tokens/fields.js'
import { Grams, headBytesMax, textBytesMax, uriBytesMax } from './tokens/grams.js'
import { scanHtml, urisPerMailMax } from './tokens/html.js'
import { createSeeds, Sink } from './tokens/sink.js'
import { unitsOf } from './tokens/units.js'
import { findTextUris, scanUri } from './tokens/uris.js'
import { scanWords } from './tokens/words.js'

/** Changes when the same mail would give other tokens; a store of another version is rebuilt or refused, never mixed. */
export const tokenizerVersion = 2

/** Decoded text of one mail that is read. */
const textUnitsMax = 100_000
const partsMax = 60

export interface Features {
  /** Identity of the mail: survives changed Received, Subject tags, filter headers and line ends. */
  readonly id: string
  /** Low 32 bits of each token. */
  readonly lo: Uint32Array
  /** 21 further bits above the three member bits (tokens/sink.ts). */
  readonly hi: Uint32Array
  readonly grams: Uint32Array
  readonly headCount: number
  readonly bodyCount: number
  readonly senderCount: number
  /** Text of the tokens by index, when asked for. */
  readonly names?: readonly string[] | undefined
  /** Keys of an imported foreign store (import.ts), pairs of lo and hi, when there is one. Never stored. */
  readonly foreign?: Uint32Array | undefined
}

export interface Extractor {
  /** Set when counts of SpamAssassin were imported: features then carry the keys to look them up. */
  wantsForeign: boolean
  extract(message: Message, options?: { readonly names?: boolean }): Features
}

/** One per thread: holds the scratch space. */
export function createExtractor(salt: number): Extractor {
  const seeds = createSeeds(salt)
  const sink = new Sink(seeds)
  const grams = new Grams()
  return {
    wantsForeign: false,
    extract(message, options) {
      sink.reset(options?.names === true)
      grams.reset()
      const fields = decodeFields(message.headers)
      scanFields(fields, sink)
      let block = ''
      for (let i = 0; i < fields.length && block.length < headBytesMax; i++)
        block += `${fields[i]!.name}: ${fields[i]!.value}\n`
      grams.write(block, headBytesMax)
      grams.take(seeds.gramHead.a)

      const uris: string[] = []
      const texts = readParts(message, sink, uris)
      for (const text of texts) {
        const units = unitsOf(text)
        scanWords(text, units, sink, { seed: seeds.bodyWord })
        grams.writeCollapsed(units, text.length, textBytesMax)
        if (uris.length < urisPerMailMax) findTextUris(text, uris, urisPerMailMax)
      }
      grams.take(seeds.gramText.a)
      for (const uri of uris) scanUri(uri, sink)
      scanAlignment(fields, uris, sink)
      block = ''
      for (let i = 0; i < uris.length && block.length < uriBytesMax; i++) block += uris[i]! + '\n'
      grams.write(block, uriBytesMax)
      grams.take(seeds.gramUri.a)

      return {
        id: identify(message),
        lo: sink.lo.slice(0, sink.count),
        hi: sink.hi.slice(0, sink.count),
        grams: grams.ids.slice(0, grams.count),
        headCount: sink.headCount,
        bodyCount: sink.bodyCount,
        senderCount: sink.senderCount,
        names: sink.names,
        foreign: this.wantsForeign ? saBodyKeys([subjectOf(fields), ...texts]) : undefined,
      }
    },
  }
}

function subjectOf(fields: readonly { readonly lower: string; readonly value: string }[]): string {
  return fields.find((field) => field.lower === 'subject')?.value ?? ''
}

/** Structure tokens of every part, and the texts people read, decoded. */
function readParts(message: Message, sink: Sink, uris: string[]): string[] {
  const texts: string[] = []
  let units = 0
  let count = 0
  for (const part of message.parts) {
    if (++count > partsMax) break
    const depth = part.path === '' ? 0 : part.path.split('.').length
    addStructure(part, depth, sink)
    if (part.children.length > 0 || part.type.startsWith('multipart/')) continue
    const type = part.effectiveType || part.type
    if (!type.startsWith('text/') || units >= textUnitsMax) {
      sink.addText(sink.seeds.partSize, part.type + sizeClass(part.rawBody.length))
      continue
    }
    let bytes = part.decoded()
    sink.addText(sink.seeds.partSize, part.type + sizeClass(bytes.length))
    if (bytes.length > 2 * textUnitsMax) bytes = bytes.slice(0, 2 * textUnitsMax)
    let text = decodeText(bytes, part.charset).slice(0, textUnitsMax)
    if (type === 'text/html') text = scanHtml(text, sink, uris)
    units += text.length
    if (part.path !== '') addNested(part, message, texts)
    texts.push(text)
  }
  sink.addText(sink.seeds.partCount, String(Math.min(12, count)))
  return texts
}

/** Subject and sender of a forwarded mail are words of the mail that carries it. */
function addNested(part: Part, message: Message, texts: string[]): void {
  const parent = message.parts.find((candidate) => candidate.children.includes(part))
  if (parent?.type !== 'message/rfc822') return
  for (const header of part.headers) {
    const name = header.name.toLowerCase()
    if (name === 'subject' || name === 'from') texts.push(decodeField(header.raw))
  }
}

function addStructure(part: Part, depth: number, sink: Sink): void {
  sink.addText(sink.seeds.partType, part.type + depth)
  sink.addText(sink.seeds.partEncoding, `${part.type}|${part.encoding.slice(0, 20)}`)
  if (part.charset !== '') sink.addText(sink.seeds.partCharset, part.charset.toLowerCase())
  if (part.name !== '') {
    sink.addText(sink.seeds.partExtension, /\.[^.]{1,6}$/.exec(part.name)?.[0].toLowerCase() ?? 'none')
    if (part.name.length < 40) sink.addText(sink.seeds.partName, part.name)
  }
  if (part.boundary) sink.addText(sink.seeds.boundaryShape, shapeOf(part.boundary))
  if (part.disposition !== '') sink.addText(sink.seeds.disposition, part.disposition)
}

/** Half powers of two. */
function sizeClass(bytes: number): string {
  return bytes <= 0 ? '0' : String(Math.round(Math.log2(bytes) * 2))
}
