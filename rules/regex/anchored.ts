// Patterns that can match only at the start of the text or of a line. V8 does not see that in the look-behinds by which such anchors are
// printed and tries every place of the text; here only the places that count are tried.
import type { Node } from './ast.js'
import { type Lead, leadOf } from './lead.js'
import type { Searcher } from './matcher.js'
import type { Printed } from './print.js'

export type Anchor = 'start' | 'lineStart'

/** Makes a RegExp; with a limit of backtracks, or without. */
export type MakeRegExp = (source: string, flags: string) => RegExp

export const nativeRegExp: MakeRegExp = (source, flags) => new RegExp(source, flags)

/** Searches for the pattern with V8, at its anchor if it has one. */
export function searcherOf(root: Node, printed: Printed, make: MakeRegExp): Searcher {
  const anchor = anchorOf(root)
  return anchor
    ? new AnchoredRegExp(make(printed.source, `${printed.flags}y`), anchor, leadOf(root))
    : make(printed.source, `${printed.flags}g`)
}

/** What every match of the pattern begins with; undefined = no anchor. */
export function anchorOf(node: Node): Anchor | undefined {
  switch (node.t) {
    case 'assert':
      return node.kind === 'start' || node.kind === 'lineStart' ? node.kind : undefined
    case 'seq':
      return node.items[0] && anchorOf(node.items[0])
    case 'capture':
    case 'atomic':
      return anchorOf(node.item)
    case 'repeat':
      return node.min > 0 ? anchorOf(node.item) : undefined
    case 'alt': {
      const anchors = node.items.map(anchorOf)
      if (anchors.includes(undefined)) return undefined
      return anchors.includes('lineStart') ? 'lineStart' : anchors[0]
    }
    default:
      return undefined
  }
}

/** Shorter lines are not worth looking for their ends. */
const spanMin = 16

/** Finds what the same RegExp with `g` instead of `y` finds. */
export class AnchoredRegExp implements Searcher {
  lastIndex = 0
  private readonly sticky: RegExp
  private readonly anchor: Anchor
  private readonly lead: Lead | undefined
  /** The end of the line before, and what matches begin with. */
  private readonly lineStart: string

  /**
   * @param sticky with the flag `y`
   * @param lead what matches at the start of a line begin with
   */
  constructor(sticky: RegExp, anchor: Anchor, lead?: Lead) {
    this.sticky = sticky
    this.anchor = anchor
    this.lead = anchor === 'lineStart' ? lead : undefined
    this.lineStart = `\n${this.lead?.literal ?? ''}`
  }

  exec(text: string): RegExpExecArray | null {
    for (let at = this.first(text); at >= 0; at = this.after(text, at)) {
      this.sticky.lastIndex = at
      const found = this.sticky.exec(text)
      if (!found) continue
      this.lastIndex = this.sticky.lastIndex
      return found
    }
    this.lastIndex = 0
    return null
  }

  test(text: string): boolean {
    for (let at = this.first(text); at >= 0; at = this.after(text, at)) {
      this.sticky.lastIndex = at
      if (!this.sticky.test(text)) continue
      this.lastIndex = this.sticky.lastIndex
      return true
    }
    this.lastIndex = 0
    return false
  }

  /** First place from lastIndex on where a match may begin, -1 = none. */
  private first(text: string): number {
    const from = this.lastIndex
    const isThere = from === 0 || (from <= text.length && text.charCodeAt(from - 1) === 10)
    return isThere && (!this.lead || text.startsWith(this.lead.literal, from)) ? from : this.after(text, from)
  }

  private after(text: string, at: number): number {
    if (this.anchor === 'start') return -1
    const { lead } = this
    for (let next = at; ; ) {
      const end = text.indexOf(this.lineStart, next)
      if (end < 0) return -1
      next = end + 1
      if (!lead || lead.span < spanMin || isLong(text, next, lead.span)) return next
    }
  }
}

/** The line that starts there has so many bytes. */
function isLong(text: string, at: number, bytes: number): boolean {
  const end = text.indexOf('\n', at)
  return (end < 0 ? text.length : end) - at >= bytes
}
