// From a Message to the texts rules see: body, visible, invisible, rawbody, and what the HTML evals ask for (SpamAssassin 4.0.1;
// fixtures/oracle/micro-mime, micro-html; docs: micro-text surprises). Each part is rendered once.

import { has8bit } from '../../message/bytes.js'
import { normalizeCharset, octets } from '../../message/charset.js'
import { decodeUtf8 } from '../../message/unicode.js'
import type { ByteString, HtmlResult, Message, Part, TextView } from '../../types.js'
import { collapse, shortLines, truncateRendered } from './body.js'
import { renderHtml } from './html.js'
import { emptyHtml } from './html-renderer.js'
import { pushRawChunks } from './rawbody.js'

export interface TextOptions {
  /** Decoded value of the last Subject, without line end; undefined when there is none. */
  readonly subject: ByteString | undefined
  /** normalize_charset: decode charsets before rendering. */
  readonly normalizeCharset: boolean
  /** body_part_scan_size; 0 = no limit. */
  readonly bodyPartCharsMax: number
  /** rawbody_part_scan_size; 0 = no limit. */
  readonly rawbodyPartBytesMax: number
}

/** A text in the making: characters, and whether some of it was wide. */
interface Rendered {
  readonly text: string
  readonly wide: boolean
}

interface RenderedPart {
  readonly rendered: Rendered
  readonly visible: Rendered
  readonly invisible: Rendered
  readonly html: HtmlResult | undefined
}

const nothing: Rendered = { text: '', wide: false }

export function renderText(message: Message, options: TextOptions): TextView {
  const leaves = message.parts.filter((part) => part.children.length === 0 && part.isLeaf && part.type !== '')
  /** Of each leaf, undefined where it is not shown. */
  const shown: (RenderedPart | undefined)[] = []
  const rendered = new Map<Part, { text: ByteString; type: string; charset: string }>()
  const html: HtmlResult[] = []
  const rawbody: ByteString[] = []
  let differs = false
  for (const leaf of leaves) {
    const type = leaf.effectiveType
    const part = type === 'text/plain' || type === 'text/html' ? renderPart(leaf, type, options) : undefined
    shown.push(part)
    if (part !== undefined) {
      rendered.set(leaf, { text: octets(part.rendered), type, charset: leaf.charset })
      if (part.html !== undefined) html.push(part.html)
      differs ||= part.visible !== part.rendered
    }
    pushRawChunks(rawbody, leaf, type, options.rawbodyPartBytesMax)
  }
  const join = (pick: (part: RenderedPart) => Rendered, first: ByteString): readonly ByteString[] =>
    leaves.length === 0 ? [] : joinPieces(shown, pick, first, options.bodyPartCharsMax)
  const subject = (options.subject ?? '') + '\n'
  const body = join((part) => part.rendered, subject)
  return {
    body,
    visible: differs ? join((part) => part.visible, subject) : body,
    invisible: differs ? join((part) => part.invisible, '') : [],
    rawbody,
    html,
    rendered,
  }
}

function renderPart(part: Part, type: string, options: TextOptions): RenderedPart {
  const bytes = part.decoded()
  const charset = part.charset === '' ? 'us-ascii' : part.charset
  const source = options.normalizeCharset ? normalizeCharset(bytes, charset) : asDeclared(bytes, charset)
  if (type === 'text/html' && bytes !== '') return renderHtml(source, part, bytes.length)
  const html = type === 'text/html' ? emptyHtml(part) : undefined
  return { rendered: source, visible: source, invisible: nothing, html }
}

/** Without normalize_charset only what is declared ASCII or UTF-8 and is valid UTF-8 becomes characters; all else stays bytes. */
function asDeclared(bytes: ByteString, charset: string): Rendered {
  const text = /^(?:US-ASCII|UTF-8)$/i.test(charset) && has8bit(bytes) ? decodeUtf8(bytes) : undefined
  return text === undefined ? { text: bytes, wide: false } : { text, wide: true }
}

/** Parts are separated by a line feed, also by those that show nothing; undefined = a part that is not rendered. */
function joinPieces(
  parts: readonly (RenderedPart | undefined)[],
  pick: (part: RenderedPart) => Rendered,
  first: ByteString,
  charsMax: number,
): readonly ByteString[] {
  let text = ''
  let wide = false
  for (const part of parts) {
    if (text !== '') text += '\n'
    if (part === undefined) continue
    const piece = pick(part)
    text += truncateRendered(piece, charsMax)
    wide ||= piece.wide
  }
  return shortLines(octets({ text: collapse(text, wide), wide }), shortLines(first, []))
}
