// Cuts HTML into events exactly as HTML::Parser 3.81 does with the settings of SpamAssassin (no strict modes, marked sections on): not a
// browser's tree builder. Tags without names, quotes that never close, comments without end: each has a fixed reading that rules rely on
// (fixtures/oracle/micro-html, groups tok, com, rawtext). Every byte is looked at a few times at most.

import { asciiLower, codeAt } from '../../message/bytes.js'
import type { Attributes } from './attributes.js'
import { decodeEntities } from './entities.js'
import {
  beginsMarkup,
  incomplete,
  isNameFirst,
  isSpace,
  notMarkup,
  readComment,
  readDeclaration,
  readEndTag,
  readSectionStart,
  readStartTag,
} from './html-markup.js'
import { type Tag, tagOf } from './html-tags.js'

export interface HtmlEvents {
  startTag(tag: Tag, attributes: Attributes): void
  endTag(tag: Tag): void
  /** Entities are decoded; `wide` as in src/message/charset.ts. */
  text(text: string, wide: boolean): void
  /** The whole of `<!-- ... -->`, or of other markup that counts as a comment. */
  comment(text: string): void
  declaration(text: string): void
}

/** An unclosed one of these keeps the rest of the document as its text. */
const keepsRest: ReadonlySet<Tag> = new Set(['plaintext', 'xmp', 'iframe', 'textarea'].map(tagOf))
const plaintext = tagOf('plaintext')
const title = tagOf('title')

/** Marked sections by strength: the strongest open one rules. */
const sectionStrength = new Map([
  ['include', 1],
  ['rcdata', 2],
  ['cdata', 3],
  ['ignore', 4],
])
const RCDATA = 2
const CDATA = 3
const IGNORE = 4

const LT = 60
const SLASH = 47
const EXCLAMATION = 33
const QUESTION = 63
const RIGHT_BRACKET = 93

export class HtmlParser {
  private src = ''
  /** Start of text not yet reported, and how far it has been looked through. */
  private textStart = 0
  private at = 0
  private literal: Tag | undefined
  /** Literal elements of which no end tag follows: looking again at each of thousands of them would be quadratic. */
  private readonly endless = new Set<Tag>()
  /** Entities of the text at hand are not decoded. */
  private isCdata = false
  /** Strength in force at each level of open sections, so that closing one costs nothing. */
  private readonly sections: number[] = []
  private pendingEnd: Tag | undefined
  /** At the end of the document any '>' closes a comment. */
  private lenientComments = false

  constructor(
    private readonly events: HtmlEvents,
    private readonly wide: boolean,
  ) {}

  /** Takes more of the document. */
  parse(text: string): void {
    this.src = this.src.slice(this.textStart) + text
    this.textStart = 0
    this.endless.clear()
    this.scan()
  }

  /** The document is complete: deals with what is left. */
  finish(): void {
    const { src } = this
    while (this.textStart < src.length) {
      if (this.literal !== undefined) {
        if (keepsRest.has(this.literal)) break
        if (this.literal === title) this.pendingEnd = this.literal
        else this.emitEnd(this.literal)
        this.literal = undefined
        this.scan()
        continue
      }
      if (src.charCodeAt(this.textStart) !== LT) break
      if (!this.lenientComments) {
        this.lenientComments = true
        this.scan()
        continue
      }
      if (!beginsMarkup(src, this.textStart)) break
      this.emitComment(this.textStart, src.length)
      this.textStart = src.length
    }
    if (this.textStart < src.length) this.emitText(this.textStart, src.length)
    this.textStart = src.length
    this.flushPendingEnd()
  }

  /** The document ended within an IGNORE section: then HTML::Parser does not even report its end. */
  get endedIgnoring(): boolean {
    return this.section === IGNORE
  }

  private get section(): number {
    return this.sections.length === 0 ? 0 : this.sections[this.sections.length - 1]!
  }

  /** Reports all that is complete; textStart stays where the incomplete rest begins. */
  private scan(): void {
    this.at = this.textStart
    const { src } = this
    for (;;) {
      if (this.literal !== undefined && !this.scanLiteral()) return
      while (this.section === RCDATA || this.section === CDATA) if (!this.scanSection()) return
      this.scanText()
      if (this.at > this.textStart) {
        if (this.at >= src.length) {
          this.emitAllButLastWord()
          return
        }
        this.emitText(this.textStart, this.at)
        this.textStart = this.at
      }
      if (src.length - this.at < 3) return
      const end = this.readMarkup(this.textStart)
      if (end === incomplete) return
      // A '<' that is no markup is the first character of the next text.
      if (end === notMarkup) this.at++
      else this.textStart = this.at = end
    }
  }

  /** Moves on to the next '<', or within a section over its end. */
  private scanText(): void {
    const { src } = this
    while (this.at < src.length) {
      if (this.sections.length === 0) {
        const lt = src.indexOf('<', this.at)
        this.at = lt < 0 ? src.length : lt
        return
      }
      const code = src.charCodeAt(this.at)
      if (code === LT) return
      // The steps over "]" are HTML::Parser's: in "]]]>" the section does not end.
      if (code === RIGHT_BRACKET && this.section > 0) {
        const textEnd = this.at++
        if (codeAt(src, this.at) === RIGHT_BRACKET) {
          this.at++
          if (codeAt(src, this.at) === 62) {
            this.at++
            this.emitText(this.textStart, textEnd)
            this.closeSection()
            continue
          }
        }
      }
      this.at++
    }
    if (this.at > src.length) this.at = src.length
  }

  /** Text of a literal element up to its end tag; false when that is still to come. */
  private scanLiteral(): boolean {
    const { src, literal } = this
    if (literal === undefined) return true
    if (literal === plaintext || this.endless.has(literal)) return false
    for (let lt = src.indexOf('</', this.at); lt >= 0; lt = src.indexOf('</', lt + 2)) {
      const nameEnd = lt + 2 + literal.name.length
      if (asciiLower(src.slice(lt + 2, nameEnd)) !== literal.name) continue
      let close = nameEnd
      while (isSpace(codeAt(src, close))) close++
      if (codeAt(src, close) !== 62) continue
      if (this.textStart !== lt) this.emitText(this.textStart, lt)
      this.emitEnd(literal)
      this.literal = undefined
      this.isCdata = false
      this.textStart = this.at = close + 1
      return true
    }
    this.endless.add(literal)
    return false
  }

  /** Text of a CDATA or RCDATA section up to its end; false when that is still to come. */
  private scanSection(): boolean {
    const close = this.src.indexOf(']]>', this.at)
    if (close < 0) return false
    if (this.textStart !== close) this.emitText(this.textStart, close)
    this.at = close + 3
    this.closeSection()
    return true
  }

  private closeSection(): void {
    this.flushPendingEnd()
    this.textStart = this.at
    this.sections.pop()
    this.isCdata = this.section === CDATA
  }

  /** Reports the markup at a '<'; gives the offset behind it. */
  private readMarkup(open: number): number {
    const { src } = this
    const next = src.charCodeAt(open + 1)
    if (isNameFirst(next)) return this.takeStartTag(open)
    if (next === SLASH) {
      const tag = readEndTag(src, open)
      if (tag === undefined) return incomplete
      if (tag.name === undefined) this.emitComment(open, tag.end)
      else this.emitEnd(tagOf(tag.name))
      return tag.end
    }
    if (next === EXCLAMATION) return this.takeDeclaration(open)
    if (next !== QUESTION) return notMarkup
    const close = src.indexOf('>', open + 2)
    if (close < 0) return incomplete
    this.flushPendingEnd()
    return close + 1
  }

  private takeStartTag(open: number): number {
    const tag = readStartTag(this.src, open, this.wide)
    if (tag === undefined) return incomplete
    const known = tagOf(tag.name)
    this.flushPendingEnd()
    if (this.section !== IGNORE) this.events.startTag(known, tag.attributes)
    if (known.isLiteral) {
      this.literal = known
      this.isCdata = known.isRaw
    }
    return tag.end
  }

  /** Comments, marked sections, declarations, and all else that starts with `<!`: a comment up to the first '>'. */
  private takeDeclaration(open: number): number {
    const { src } = this
    const next = src.charCodeAt(open + 2)
    let readTo = open + 2
    if (next === 45) {
      if (open + 3 >= src.length) return incomplete
      if (src.charCodeAt(open + 3) === 45) {
        const end = readComment(src, open + 4, this.lenientComments)
        if (end !== incomplete) this.emitComment(open, end)
        return end
      }
    } else if (next === 91) {
      const section = readSectionStart(src, open)
      if (section === incomplete) return incomplete
      if (section !== notMarkup) {
        const strengths = section.keywords.map((keyword) => sectionStrength.get(keyword) ?? 0)
        this.sections.push(Math.max(this.section, ...strengths.slice(0, 16)))
        this.isCdata = this.section === CDATA
        this.flushPendingEnd()
        return section.end
      }
    } else {
      const declaration = readDeclaration(src, open)
      if (declaration === undefined) return incomplete
      const { end } = declaration
      if (end !== undefined) {
        this.flushPendingEnd()
        if (this.section !== IGNORE) this.events.declaration(src.slice(open, end))
        return end
      }
      readTo = declaration.readTo
    }
    const close = src.indexOf('>', readTo)
    if (close < 0) return incomplete
    this.emitComment(open, close + 1)
    return close + 1
  }

  /** At the end of the text given so far the last word waits, because more of it, or of an entity, may come. */
  private emitAllButLastWord(): void {
    const { src, textStart } = this
    let end = src.length
    while (end > textStart && !isSpace(src.charCodeAt(end - 1))) end--
    while (end > textStart && isSpace(src.charCodeAt(end - 1))) end--
    if (end > textStart) this.emitText(textStart, end)
    this.textStart = end
  }

  private emitText(start: number, end: number): void {
    if (this.section === IGNORE) return
    const text = this.src.slice(start, end)
    if (this.isCdata) {
      this.events.text(text, this.wide)
    } else {
      const decoded = decodeEntities(text, this.wide, true)
      this.events.text(decoded.text, decoded.wide)
    }
  }

  private emitComment(start: number, end: number): void {
    if (this.section !== IGNORE) this.events.comment(this.src.slice(start, end))
  }

  private emitEnd(tag: Tag): void {
    this.flushPendingEnd()
    if (this.section !== IGNORE) this.events.endTag(tag)
  }

  /** The end tag of a title that was never closed comes before the next tag. */
  private flushPendingEnd(): void {
    const tag = this.pendingEnd
    if (tag === undefined) return
    this.pendingEnd = undefined
    if (this.section !== IGNORE) this.events.endTag(tag)
  }
}
