// What tags and style attributes do to the look of text, as far as SpamAssassin 4.0.1 follows it: colours, size, display, visibility
// (fixtures/oracle/micro-html, groups inv, size; micro-text.md items 31 to 44).

import { Remembered } from '../../message/remembered.js'
import type { Attributes } from './attributes.js'
import { type Color, hardToRead, invalid, readColor, readStyleColor } from './colors.js'
import { knownTagsCount, type Tag, tagOf } from './html-tags.js'

export interface Style {
  readonly foreground: Color
  readonly background: Color
  readonly size: number
  readonly display: string | undefined
  readonly visibility: string | undefined
}

/** Made here only, so that all have one shape: V8 runs the code of every tag anew when it meets another. */
function makeStyle(
  foreground: Color,
  background: Color,
  size: number,
  display: string | undefined,
  visibility: string | undefined,
): Style {
  return { foreground, background, size, display, visibility }
}

const withSize = ({ foreground, background, display, visibility }: Style, size: number): Style =>
  makeStyle(foreground, background, size, display, visibility)

const withForeground = ({ background, size, display, visibility }: Style, foreground: Color): Style =>
  makeStyle(foreground, background, size, display, visibility)

const [heading, cell, row, font, baseFont, big, small, body] = [
  'th',
  'td',
  'tr',
  'font',
  'basefont',
  'big',
  'small',
  'body',
].map(tagOf) as [Tag, Tag, Tag, Tag, Tag, Tag, Tag, Tag]

const initial = makeStyle('#000000', '#ffffff', 3, undefined, undefined)

/** Why text cannot be seen, as far as evals distinguish it. */
export type Invisibility = 'low-contrast' | 'invalid-color' | 'hidden'

/** The open levels. Tags are counted so that an end tag without partner costs nothing, however deep the nesting. */
export class StyleStack {
  minSize = 3
  maxSize = 3
  private baseSize = 3
  private readonly tags: Tag[] = []
  private readonly styles: Style[] = [initial]
  /** How many are open, by the number of the tag. */
  private readonly open = new Array<number>(knownTagsCount).fill(0)
  private judged: Style | undefined
  private judgement: Invisibility | undefined

  get current(): Style {
    return this.styles[this.styles.length - 1]!
  }

  startTag(written: Tag, attributes: Attributes): void {
    const tag = written === heading ? cell : written
    if (tag === baseFont) {
      const size = /^\s*(\d+)/.exec(attributes.get('size') ?? '')
      if (size !== null) {
        this.baseSize = Number(size[1])
        return
      }
    }
    if (tag === cell || tag === row) this.closeCells(tag)
    const { current } = this
    if (tag === big) this.push(tag, withSize(current, current.size + 1))
    else if (tag === small) this.push(tag, withSize(current, current.size - 1))
    else this.push(tag, attributes.count === 0 ? current : this.withAttributes(tag, attributes))
  }

  endTag(written: Tag): void {
    const tag = written === heading ? cell : written
    // Mail programs go on rendering behind </body>.
    if (tag === body || this.open[tag.number] === 0) return
    while (this.pop() !== tag);
  }

  /** Undefined for text that can be seen. Asked for every piece of text, so the answer for a style is kept. */
  invisibility(): Invisibility | undefined {
    const { current } = this
    if (this.judged !== current) {
      this.judged = current
      this.judgement = judge(current)
    }
    return this.judgement
  }

  private push(tag: Tag, style: Style): void {
    this.tags.push(tag)
    this.styles.push(style)
    this.open[tag.number]!++
  }

  private pop(): Tag | undefined {
    const tag = this.tags.pop()
    if (tag === undefined) return undefined
    this.styles.pop()
    this.open[tag.number]!--
    return tag
  }

  /** Cells and rows end where the next one starts, and fonts within them; only as far as nothing else is open on top. */
  private closeCells(tag: Tag): void {
    if (this.open[tag.number] === 0) return
    for (;;) {
      const top = this.tags[this.tags.length - 1]
      if (top !== font && top !== cell && !(tag === row && top === row)) return
      this.pop()
    }
  }

  private withAttributes(tag: Tag, attributes: Attributes): Style {
    let style = this.current
    for (let at = 0; at < attributes.count; at++) {
      const name = attributes.nameAt(at)
      if (!tag.style?.has(name)) continue
      const value = attributes.get(name) ?? ''
      if (name === 'text' || name === 'color') style = withForeground(style, readColor(value))
      else if (name === 'size') style = withSize(style, this.fontSize(value, style.size))
      else if (name === 'style') style = applyStyle(style, value, this.current)
      if (style.size > this.maxSize) this.maxSize = style.size
      else if (style.size < this.minSize) this.minSize = style.size
    }
    return style
  }

  private fontSize(value: string, current: number): number {
    const found = /^\s*([+-]?)(\d+)/.exec(value)
    if (found === null) return current
    if (found[1] === '') return Number(found[2])
    return this.baseSize + Number(found[1]! + found[2]!)
  }
}

function judge({ foreground, background, size, display, visibility }: Style): Invisibility | undefined {
  if (hardToRead(foreground, background)) return 'low-contrast'
  if (foreground === invalid || background === invalid) return 'invalid-color'
  if (size <= 1) return 'hidden'
  if (display?.toLowerCase() === 'none' || visibility?.toLowerCase() === 'hidden') return 'hidden'
  return undefined
}

function applyStyle(before: Style, text: string, parent: Style): Style {
  const written = styles.get(text.slice(0, styleCharsMax))
  let foreground = written.foreground ?? before.foreground
  let background = written.background ?? before.background
  if (background === 'transparent') background = parent.background
  if (foreground === 'transparent') foreground = background
  const display = written.display ?? before.display
  return makeStyle(foreground, background, before.size, display, written.visibility ?? before.visibility)
}

/** What a style attribute says. */
interface Written {
  readonly foreground: Color | undefined
  readonly background: Color | undefined
  readonly display: string | undefined
  readonly visibility: string | undefined
}

/** The same styles stand at many tags of a document, and in many documents. */
const styles = new Remembered(256, readStyle)

/** The last word on each property wins; only names in the spelling SpamAssassin knows count. */
function readStyle(text: string): Written {
  let foreground: Color | undefined
  let background: Color | undefined
  let display: string | undefined
  let visibility: string | undefined
  const setColor = (property: string, color: Color): void => {
    if (property.length > 'color'.length) background = color
    else foreground = color
  }
  for (const part of text.split(';')) {
    const colon = part.indexOf(':')
    if (colon < 0) continue
    const written = part.slice(0, colon).trimStart()
    const isColor = /^(?:background-)?color$/i.test(written)
    const given = part.slice(colon + 1)
    const value = given.trim()
    if (value.includes('\n')) continue
    if (value === '') {
      // Blanks only are a colour nobody knows. (SpamAssassin loses the whole part over an empty `background`; that is not copied.)
      if (isColor && /[^\n]/.test(given)) setColor(written, invalid)
      continue
    }
    if (isColor) {
      const color = value
        .toLowerCase()
        .replace(/!\s*important$/, '')
        .trimEnd()
      if (color === 'inherit') continue
      setColor(written, color === 'transparent' ? color : readStyleColor(color))
    } else if (written === 'background') {
      background = backgroundColor(value.toLowerCase()) ?? background
    } else {
      const property = written.trimEnd()
      if (property === 'display') display = value
      else if (property === 'visibility') visibility = value
    }
  }
  return { foreground, background, display, visibility }
}

const styleCharsMax = 65_536

/** First colour of the last layer, undefined when it has none. */
function backgroundColor(value: string): Color | undefined {
  const layer = lastLayer(value)
  for (const word of layer) {
    const color = readColor(word)
    if (color !== invalid) return color
  }
  return undefined
}

/** Splits at spaces and commas outside parentheses and quotes; gives the words behind the last comma that has any. */
function lastLayer(value: string): string[] {
  let layers: string[][] = []
  let words: string[] = []
  let word = ''
  const stack: string[] = []
  const endWord = (): void => {
    if (word !== '') words.push(word)
    word = ''
  }
  for (const char of value) {
    const inside = stack.at(-1)
    if (inside === undefined && char === ' ') {
      endWord()
      continue
    }
    if (inside === undefined && char === ',') {
      endWord()
      layers = [words]
      words = []
      continue
    }
    word += char
    if (inside === ')' && char === ')') {
      words.push(word)
      word = ''
      stack.pop()
    } else if (char === inside) {
      stack.pop()
    } else if (inside === undefined && char === '(') {
      stack.push(')')
    } else if ((inside === undefined || inside === ')') && (char === '"' || char === "'")) {
      stack.push(char)
    }
  }
  endWord()
  return words.length > 0 ? words : (layers[0] ?? [])
}
