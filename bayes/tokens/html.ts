// One pass over HTML for the tokenizer: what is read, the tags with their short attributes, and where it leads. In: decoded HTML. Out:
// the text, tokens in the sink, URIs. Not the renderer that body rules see: it has no layout and keeps no hidden text apart; it exists
// because attributes and tags are evidence and because it costs a tenth of the renderer.
import { decodeEntities } from './decode.js'
import type { Sink } from './sink.js'

/** Tags that part words. */
const blocks = new Set(
  'p br div td tr table li ul ol h1 h2 h3 h4 h5 h6 hr title body center blockquote option th dt dd'.split(
    ' ',
  ),
)
const uriAttributes = new Set(['href', 'src', 'action', 'background'])
const attributeUnitsMax = 40
/** URIs kept of one mail. Stops link farms from costing more than the rest of the mail. */
export const urisPerMailMax = 400
/** Attributes of one tag that are read. */
const attributesPerTagMax = 60

/** Bounds on the name keep this linear on a tag of nothing but letters. */
const attributePattern = /([a-zA-Z][\w-]{0,30})\s{0,20}=\s{0,20}(?:"([^"]*)"|'([^']*)'|([^\s>]+))/g

export function scanHtml(html: string, sink: Sink, uris: string[]): string {
  let text = ''
  let last = 0
  const end = html.length
  while (last < end) {
    const open = html.indexOf('<', last)
    if (open < 0) break
    const next = html.charCodeAt(open + 1)
    if (next === 0x21 && html.startsWith('<!--', open)) {
      text += html.slice(last, open)
      sink.addText(sink.seeds.tag, '!--')
      const close = html.indexOf('-->', open + 4)
      last = close < 0 ? end : close + 3
      continue
    }
    const closing = next === 0x2f
    let at = open + (closing ? 2 : 1)
    const nameStart = at
    while (at < end && isNameUnit(html.charCodeAt(at))) at++
    if (at === nameStart || !isLetter(html.charCodeAt(nameStart))) {
      text += html.slice(last, open + 1)
      last = open + 1
      continue
    }
    text += html.slice(last, open)
    const name = html.slice(nameStart, at).toLowerCase()
    const close = html.indexOf('>', at)
    const stop = close < 0 ? end : close
    last = close < 0 ? end : close + 1
    if (blocks.has(name)) text += ' '
    if (closing) continue
    sink.addText(sink.seeds.tag, name)
    if (stop > at + 1) scanAttributes(html.slice(at, stop), name, sink, uris)
    if (name === 'style' || name === 'script') {
      text += ' '
      const tailAt = findClosing(html, name, last)
      last = tailAt
    }
  }
  text += html.slice(last)
  return decodeEntities(text)
}

function isLetter(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a)
}

function isNameUnit(unit: number): boolean {
  return isLetter(unit) || (unit >= 0x30 && unit <= 0x39) || unit === 0x3a || unit === 0x2d || unit === 0x5f
}

/** Index behind the closing tag of style or script, or the end. */
function findClosing(html: string, name: string, from: number): number {
  let at = from
  for (;;) {
    at = html.indexOf('</', at)
    if (at < 0) return html.length
    if (html.slice(at + 2, at + 2 + name.length).toLowerCase() === name) {
      const close = html.indexOf('>', at)
      return close < 0 ? html.length : close + 1
    }
    at += 2
  }
}

function scanAttributes(source: string, tag: string, sink: Sink, uris: string[]): void {
  if (!source.includes('=')) return
  attributePattern.lastIndex = 0
  let count = 0
  for (;;) {
    const found = attributePattern.exec(source)
    if (!found || ++count > attributesPerTagMax) return
    const name = found[1]!.toLowerCase()
    const value = found[2] ?? found[3] ?? found[4]!
    if (uriAttributes.has(name)) {
      if (uris.length < urisPerMailMax) uris.push(decodeEntities(value).trim())
      continue
    }
    addAttribute(tag, name, value.length <= attributeUnitsMax ? value.trim() : '', sink)
  }
}

function addAttribute(tag: string, name: string, value: string, sink: Sink): void {
  sink.open(sink.seeds.tag)
  sink.put(tag)
  sink.putUnit(0x20)
  sink.put(name)
  if (value !== '') {
    sink.putUnit(0x3d)
    sink.putLower(value, 0, value.length)
  }
  sink.close()
}
