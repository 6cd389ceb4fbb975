// Listens to the parser's events and builds the rendered text and the counters of one html part (SpamAssassin 4.0.1, HTML.pm;
// fixtures/oracle/micro-html). Text is kept as a list of pieces, because trimming and visibility go piece by piece.

import { codeAt, isBlank } from '../../message/bytes.js'
import { octets, type Text } from '../../message/charset.js'
import type { ByteString, HtmlLink, HtmlResult, HtmlUri, Part } from '../../types.js'
import type { Attributes } from './attributes.js'
import { isBlankChar } from './body.js'
import { type Anchor, LinkCollector } from './html-links.js'
import type { HtmlEvents } from './html-parser.js'
import { knownTagsCount, type Tag, tagOf } from './html-tags.js'
import { endsWordly, leadingRun, startsWordly, trailingRun } from './obfuscation.js'
import { StyleStack } from './style.js'

interface Piece {
  text: string
  readonly wide: boolean
  /** Put out by a tag, not by text. */
  readonly isSpace: boolean
  readonly invisible: boolean
}

type Flag = 'font_low_contrast' | 'font_invalid_color' | 'font_face_bad' | 'form_action_mailto' | 'embeds'

/** Those that do more than the table of tags says. */
export const tags = {
  a: tagOf('a'),
  embed: tagOf('embed'),
  font: tagOf('font'),
  form: tagOf('form'),
  img: tagOf('img'),
  meta: tagOf('meta'),
  object: tagOf('object'),
  script: tagOf('script'),
  style: tagOf('style'),
  title: tagOf('title'),
}
/** Counted like a tag of that name. */
const doctype = tagOf('!doctype')

export class HtmlRenderer implements HtmlEvents {
  private readonly pieces: Piece[] = []
  private readonly style = new StyleStack()
  private readonly links: LinkCollector
  /** In the order of their first appearance. */
  private readonly seen: Tag[] = []
  /** How deep we are within each of the known tags, by number; -1 = not seen. */
  private readonly depths = new Array<number>(knownTagsCount).fill(-1)
  private readonly strangeDepths = new Map<string, number>()
  private readonly titles: Anchor[] = []
  private readonly comments: ByteString[] = []
  private readonly scripts: ByteString[] = []
  private readonly charsets: ByteString[] = []
  private readonly flags: Record<Flag, 1 | undefined> = {
    font_low_contrast: undefined,
    font_invalid_color: undefined,
    font_face_bad: undefined,
    form_action_mailto: undefined,
    embeds: undefined,
  }
  private readonly backhair = new Set<string>()
  private elements = 0
  private tags = 0
  private elementsSeen = 0
  private tagsSeen = 0
  private closedExtra = 0
  private obfuscation = 0
  private imageArea = 0

  constructor(private readonly wide: boolean) {
    this.links = new LinkCollector(wide)
  }

  isInside(tag: Tag): boolean {
    return this.depths[tag.number]! > 0
  }

  startTag(tag: Tag, attributes: Attributes): void {
    this.countTag(tag, 1)
    if (!tag.isRendered) return
    if (tag.style !== undefined) this.style.startTag(tag, attributes)
    if (tag.space !== undefined) this.putSpace(tag.space)
    this.links.startTag(tag, attributes)
    this.inspect(tag, attributes)
  }

  endTag(tag: Tag): void {
    this.countTag(tag, -1)
    if (!tag.isRendered) return
    if (tag.style !== undefined) this.style.endTag(tag)
    if (tag.space !== undefined) this.putSpace(tag.space)
  }

  text(text: string, wide: boolean): void {
    if (this.isInside(tags.script)) {
      this.scripts.push(octets({ text, wide }))
      return
    }
    if (this.isInside(tags.style)) return
    if (this.isInside(tags.a)) this.links.addAnchorText(text, wide)
    // Not `[length - 1]` of a list that is mostly empty: V8 looks up -1 as a name.
    const title = this.isInside(tags.title) ? this.titles.at(-1) : undefined
    if (title !== undefined) {
      title.text += text
      title.wide ||= wide
    }
    const invisible = !isOnlyBlank(text) && this.isInvisible()
    this.noteObfuscation(text, wide)
    this.putText(text, wide, invisible)
  }

  comment(text: string): void {
    this.comments.push(octets({ text, wide: this.wide }))
  }

  declaration(text: string): void {
    if (!/^<!doctype/i.test(text)) return
    this.elements++
    this.tags++
    if (this.depthOf(doctype) < 0) this.seen.push(doctype)
    this.setDepth(doctype, 0)
  }

  /** The whole text. */
  rendered(): Text {
    return join(this.pieces)
  }

  /** The text without its invisible pieces, and these alone. `whole` is given back where nothing is invisible. */
  split(whole: Text): { readonly visible: Text; readonly invisible: Text } {
    const hidden = this.pieces.filter((piece) => piece.invisible)
    if (hidden.length === 0) return { visible: whole, invisible: { text: '', wide: false } }
    return { visible: join(this.pieces.filter((piece) => !piece.invisible)), invisible: join(hidden) }
  }

  /**
   * `sourceChars` and `sourceBytes` measure the part with and without its charset undone. Most results come with the end of the document;
   * where that was not `reported` SpamAssassin lacks them (an unclosed `<![IGNORE[`).
   */
  result(part: Part, sourceChars: number, whole: Text, sourceBytes: number, reported: boolean): HtmlResult {
    const values = this.values(sourceChars, whole, sourceBytes, reported)
    if (!reported) return { ...emptyHtml(part), values }
    const uriDetail = this.uriDetail()
    const inside = new Map<string, number>()
    for (const tag of this.seen) inside.set(tag.number < 0 ? this.key(tag.name) : tag.name, this.depthOf(tag))
    return {
      values,
      inside,
      tags: new Set(inside.keys()),
      title: this.titles.map(octets),
      comment: this.comments,
      script: this.scripts,
      anchor: this.links.anchors.map(octets),
      links: listLinks(uriDetail),
      uriDetail,
      uriTruncated: this.links.truncated,
      charsets: this.charsets,
      part,
    }
  }

  /** Undefined = not there. All results have the same properties in one order, which V8 makes in one step. */
  private values(
    sourceChars: number,
    whole: Text,
    sourceBytes: number,
    reported: boolean,
  ): Record<string, number | undefined> {
    const htmlLength = charLength(whole)
    const { flags } = this
    return {
      html: 1,
      font_low_contrast: flags.font_low_contrast,
      font_invalid_color: flags.font_invalid_color,
      font_face_bad: flags.font_face_bad,
      form_action_mailto: flags.form_action_mailto,
      embeds: flags.embeds,
      html_length: htmlLength,
      non_space_len: htmlLength - countSpace(whole),
      ratio: sourceBytes === 0 ? undefined : (sourceBytes - htmlLength) / sourceBytes,
      length: reported ? sourceChars : undefined,
      image_area: reported ? this.imageArea : undefined,
      min_size: reported ? this.style.minSize : undefined,
      max_size: reported ? this.style.maxSize : undefined,
      closed_extra_ratio: reported ? share(this.closedExtra, this.tags) : undefined,
      // Without a single known element these do not exist (micro-html ratio-008).
      bad_tag_ratio: reported && this.elements > 0 ? share(this.tags - this.elements, this.tags) : undefined,
      non_element_ratio:
        reported && this.elementsSeen > 0
          ? share(this.tagsSeen - this.elementsSeen, this.tagsSeen)
          : undefined,
      obfuscation_ratio: reported && this.obfuscation > 0 ? share(this.obfuscation, this.tags) : undefined,
      backhair_count: reported && this.backhair.size > 0 ? this.backhair.size : undefined,
    }
  }

  private uriDetail(): Map<ByteString, HtmlUri> {
    const detail = new Map<ByteString, HtmlUri>()
    for (const [uri, { types, anchor }] of this.links.records)
      detail.set(this.key(uri), { types, anchor: anchor.map(octets) })
    return detail
  }

  /** Octets of a tag or an address; in a narrow source an entity may have made it wide. */
  private key(text: string): ByteString {
    return octets({ text, wide: this.wide || /[^\x00-\xff]/.test(text) })
  }

  private countTag(tag: Tag, change: 1 | -1): void {
    const depth = this.depthOf(tag)
    if (tag.isElement) this.elements++
    this.tags++
    if (depth < 0) {
      this.seen.push(tag)
      if (tag.isElement) this.elementsSeen++
      this.tagsSeen++
    }
    if (change < 0 && depth <= 0) {
      this.closedExtra++
      this.setDepth(tag, 0)
    } else {
      this.setDepth(tag, Math.max(depth, 0) + change)
    }
  }

  /** -1 = not seen. */
  private depthOf({ number, name }: Tag): number {
    return number < 0 ? (this.strangeDepths.get(name) ?? -1) : this.depths[number]!
  }

  private setDepth({ number, name }: Tag, depth: number): void {
    if (number < 0) this.strangeDepths.set(name, depth)
    else this.depths[number] = depth
  }

  private isInvisible(): boolean {
    const reason = this.style.invisibility()
    if (reason === 'low-contrast') this.flags.font_low_contrast = 1
    if (reason === 'invalid-color') this.flags.font_invalid_color = 1
    return reason !== undefined
  }

  /** White space of a tag replaces a space that visible text left at its end. */
  private putSpace(space: string): void {
    const last = this.pieces[this.pieces.length - 1]
    if (last !== undefined && !last.isSpace && !last.invisible && last.text.endsWith(' '))
      last.text = last.text.slice(0, -1)
    this.pieces.push({ text: space, wide: false, isSpace: true, invisible: false })
  }

  private putText(given: string, wide: boolean, invisible: boolean): void {
    let text = squeezeBlanks(given)
    const last = this.pieces[this.pieces.length - 1]
    if (last?.isSpace && !invisible && text.startsWith(' ')) text = text.slice(1)
    this.pieces.push({ text, wide, isSpace: false, invisible })
  }

  private noteObfuscation(text: string, wide: boolean): void {
    const last = this.pieces[this.pieces.length - 1]
    if (last === undefined) return
    if (!startsWordly(text, wide) || !endsWordly(last.text, last.wide)) return
    this.obfuscation++
    const before = trailingRun(last.text, last.wide)
    if (before === 0) return
    const after = leadingRun(text, wide)
    if (after > 0) this.backhair.add(`${before}_${after}`)
  }

  private inspect(tag: Tag, attributes: Attributes): void {
    if (tag === tags.font) {
      const face = attributes.get('face')
      if (face !== undefined && !isFontFace(face)) this.flags.font_face_bad = 1
    } else if (tag === tags.img) {
      if (this.isInside(tags.a)) this.links.addAnchorText('<img>\n', false)
      this.imageArea += areaOf(attributes)
    } else if (tag === tags.form) {
      if (/mailto:/i.test(attributes.get('action') ?? '')) this.flags.form_action_mailto = 1
    } else if (tag === tags.object || tag === tags.embed) {
      this.flags.embeds = 1
    } else if (tag === tags.a) {
      this.links.openAnchor(attributes)
    } else if (tag === tags.title) {
      this.titles.push({ text: '', wide: false })
    } else if (tag === tags.meta) {
      this.noteCharset(attributes)
    }
  }

  private noteCharset(attributes: Attributes): void {
    if (!/Content-Type/i.test(attributes.get('http-equiv') ?? '')) return
    const found = /\bcharset\s{0,64}=\s{0,64}["']?([^"']+)/i.exec(attributes.get('content') ?? '')
    if (found !== null) this.charsets.push(found[1]!)
  }
}

/** An html part without a byte is not parsed and has no values, yet as the last one it is what evals look at (micro-html part-018). */
export const emptyHtml = (part: Part): HtmlResult => ({
  values: {},
  inside: new Map(),
  tags: new Set(),
  title: [],
  comment: [],
  script: [],
  anchor: [],
  links: [],
  uriDetail: new Map(),
  uriTruncated: false,
  charsets: [],
  part,
})

const share = (count: number, of: number): number | undefined => (of === 0 ? undefined : count / of)

function join(pieces: readonly Piece[]): Text {
  const texts: string[] = []
  let wide = false
  for (const piece of pieces) {
    texts.push(piece.text)
    wide ||= piece.wide
  }
  return { text: texts.join(''), wide }
}

/** Characters; surrogate pairs, which only wide text has, count once. */
export function charLength({ text, wide }: Text): number {
  if (!wide) return text.length
  const pairs = text.match(/[\ud800-\udbff][\udc00-\udfff]/g)
  return text.length - (pairs?.length ?? 0)
}

/** Blanks of the rendered text; in narrow text the form feed is none, as SpamAssassin counts. */
function countSpace({ text, wide }: Text): number {
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isBlankChar(code, wide) && (wide || code !== 12)) count++
  }
  return count
}

/** One space for every run of blanks. The byte pair C2 A0 is a no-break space in UTF-8 that was not decoded. */
function squeezeBlanks(text: string): string {
  let out = ''
  let copied = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    let end = at
    if (isBlank(code)) {
      end = at + 1
      while (end < text.length && isBlank(text.charCodeAt(end))) end++
      if (end === at + 1 && code === 32) continue
    } else if (code === 0xc2 && codeAt(text, at + 1) === 0xa0) {
      end = at + 2
    } else {
      continue
    }
    out += text.slice(copied, at) + ' '
    copied = end
    at = end - 1
  }
  return copied === 0 ? text : out + text.slice(copied)
}

/** Nothing but ASCII blanks and undecoded no-break spaces. */
function isOnlyBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0xc2 && codeAt(text, at + 1) === 0xa0) at++
    else if (!isBlank(code)) return false
  }
  return true
}

/** One link for each tag type of an address; anchors one by one, under 'a' or, where only the anchor has the address so, 'parsed'. */
function listLinks(detail: ReadonlyMap<ByteString, HtmlUri>): HtmlLink[] {
  const links: HtmlLink[] = []
  for (const [uri, { types, anchor }] of detail) {
    for (const type of types) if (type !== 'a' || anchor.length === 0) links.push({ uri, type })
    const type = types.has('a') ? 'a' : 'parsed'
    for (const text of anchor) links.push({ uri, type, anchor: text })
  }
  return links
}

/** Names of fonts as people write them; anything else is a sign of a generator gone wrong. */
function isFontFace(face: string): boolean {
  if (face.length > faceCharsMax) return false
  const names = face.replace(/;?\n?$/, '').split(',')
  return names.every((name, at) =>
    at === 0
      ? /^\s*["'.]?[a-z ][a-z -]*[a-z]\d?["']?$/i.test(name)
      : /^\s*["']?[a-z][a-z -]*[a-z]\d?["']?$/i.test(name),
  )
}

const faceCharsMax = 2048

/** Pixels of an image that states both sides; percentages are of 800x600, what cannot be read is taken for 200. */
function areaOf(attributes: Attributes): number {
  const width = attributes.get('width')
  const height = attributes.get('height')
  if (width === undefined || height === undefined) return 0
  return sideOf(width, 8) * sideOf(height, 6)
}

function sideOf(value: string, perPercent: number): number {
  const found = /^(\d{1,20})(%)?\n?$/.exec(value)
  const pixels = Number(found?.[1] ?? 0) * (found?.[2] === undefined ? 1 : perPercent)
  return pixels > 0 ? pixels : 200
}
