// A quick look before the exact one, for patterns in which a back reference comes behind a loop over lines, as in
// /\nTo: (\S+)\n(?:[^\n]+\n+)*Subject: \1/. The automata know nothing of back references and so let such patterns through on nearly every
// message, and V8 walks the loop back byte by byte. With "anything, then a line end" in the place of the loop the pattern matches
// wherever it did, and V8 leaps from line end to line end: 22 us become 7, 4 become 1.
import { addAll, anySet, type ByteSet, bytesOf, emptySet, type Node, walk } from './ast.js'
import { limitMs } from './limited.js'
import type { Searcher } from './matcher.js'

/** Longer texts are left to the exact pattern, whose steps are counted where it can backtrack without end (guarded.ts). */
const looseBytesMax = 8192

/** A tree that matches wherever the given one does; undefined where nothing would be gained. */
export function loosen(root: Node): Node | undefined {
  if (!holds(root, (node) => node.t === 'backref')) return undefined
  const loose = without(root)
  return loose === root ? undefined : loose
}

/** Loops are replaced only where trying all ways counts: not in look-arounds and not where the first way found is kept. */
function without(node: Node): Node {
  switch (node.t) {
    case 'seq':
    case 'alt': {
      const items = node.items.map(without)
      return items.every((item, index) => item === node.items[index]) ? node : { ...node, items }
    }
    case 'capture': {
      const item = without(node.item)
      return item === node.item ? node : { ...node, item }
    }
    case 'repeat': {
      if (node.mode === 'possessive') return node
      if (node.max === Infinity && node.item.t === 'seq' && holdsBytesOnly(node.item)) {
        const last = lastBytes(node.item)
        if (last) return anythingUpTo(last, node.min === 0)
      }
      const item = without(node.item)
      return item === node.item ? node : { ...node, item }
    }
    default:
      return node
  }
}

function anythingUpTo(last: ByteSet, orNothing: boolean): Node {
  const anything: Node = { t: 'repeat', item: { t: 'set', set: anySet }, min: 0, max: Infinity, mode: 'lazy' }
  const item: Node = { t: 'seq', items: [anything, { t: 'set', set: last }] }
  return orNothing ? { t: 'repeat', item, min: 0, max: 1, mode: 'greedy' } : item
}

/** Bytes with which each match of the node ends; undefined = it may be empty, or it is not certain. */
function lastBytes(node: Node): ByteSet | undefined {
  const bytes = bytesOf(node)
  if (bytes) return bytes
  if (node.t === 'repeat') return node.min > 0 ? lastBytes(node.item) : undefined
  if (node.t === 'seq') return node.items.length > 0 ? lastBytes(node.items.at(-1)!) : undefined
  if (node.t !== 'alt') return undefined
  const all = emptySet()
  for (const item of node.items) {
    const own = lastBytes(item)
    if (!own) return undefined
    addAll(all, own)
  }
  return all
}

function holdsBytesOnly(node: Node): boolean {
  return !holds(node, ({ t }) => t === 'capture' || t === 'backref' || t === 'look' || t === 'assert')
}

function holds(root: Node, is: (node: Node) => boolean): boolean {
  let found = false
  walk(root, (node) => (found ||= is(node)))
  return found
}

/** Finds what the exact one finds, and asks the loose one first. */
export class LooseFirst implements Searcher {
  private readonly loose: Searcher
  private readonly exact: Searcher

  /** @param loose with a limit of backtracks, if it can backtrack without end */
  constructor(loose: Searcher, exact: Searcher) {
    this.loose = loose
    this.exact = exact
  }

  get lastIndex(): number {
    return this.exact.lastIndex
  }

  set lastIndex(at: number) {
    this.exact.lastIndex = at
  }

  test(text: string): boolean {
    if (this.mayMatch(text)) return this.exact.test(text)
    this.exact.lastIndex = 0
    return false
  }

  exec(text: string): RegExpExecArray | null {
    if (this.mayMatch(text)) return this.exact.exec(text)
    this.exact.lastIndex = 0
    return null
  }

  /** The loose one can backtrack without end as well; where its limit may be why it found nothing, the exact one decides. */
  private mayMatch(text: string): boolean {
    if (text.length > looseBytesMax) return true
    this.loose.lastIndex = this.exact.lastIndex
    const startedAt = performance.now()
    return this.loose.test(text) || performance.now() - startedAt >= limitMs
  }
}
