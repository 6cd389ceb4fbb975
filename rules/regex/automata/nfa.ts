// Turns one syntax tree into a position automaton (no empty moves, no assertions left). It may accept more than the regex does, never
// less: look-arounds vanish, back references become "anything", large counted repeats become stars. `exact` tells whether nothing was
// widened; then an automaton match already proves the hit. Anchors and \b are resolved here: what they ask of the previous byte selects
// one of four follow lists, what they ask of the next byte is intersected into the byte set of the positions that come next.
import { type Assertion, anySet, type ByteSet, bytesOf, type Node, setSize, wordSet } from '../ast.js'

export const EOF = 256 // the symbol after the last byte of a line
export const SYMBOLS = 257
export const ACCEPT = -1 // pseudo position in follow lists

/** What the previous symbol was: nothing (start of the line), a word byte, a line feed, another byte. */
export const KINDS = 4
export const KIND_START = 0,
  KIND_WORD = 1,
  KIND_LF = 2,
  KIND_OTHER = 3
export function kindOf(byte: number): number {
  return byte === 10 ? KIND_LF : byte < 256 && wordSet[byte] ? KIND_WORD : KIND_OTHER
}

export interface Position {
  symbols: Uint8Array
  follow: number[][]
}

export interface PatternNfa {
  positions: Position[]
  start: number[][] // by kind
  exact: boolean
  alwaysMatches: boolean // accepts the empty string everywhere: useless as a filter
  sticky: number // positions that loop on a wide byte set: they multiply states when combined
}

export interface NfaOptions {
  maxRepeat: number // counted repeats above this become stars
  wideRepeat: number // the same for repeats of a wide byte set
  wideSet: number // from this size a byte set counts as wide
  stickySet: number // from this size a loop over a byte set stays half matched long enough to multiply states
  maxPositions: number
}

export const DEFAULT_OPTIONS: NfaOptions = {
  maxRepeat: 12,
  wideRepeat: 3,
  wideSet: 60,
  stickySet: 20,
  maxPositions: 60000,
}

class TooLarge extends Error {}

export function buildNfa(root: Node, options: NfaOptions = DEFAULT_OPTIONS): PatternNfa {
  for (let limit = options.maxRepeat; ; limit >>= 1) {
    try {
      return new Builder({
        ...options,
        maxRepeat: limit,
        wideRepeat: Math.min(limit, options.wideRepeat),
      }).build(root)
    } catch (e) {
      if (!(e instanceof TooLarge) || limit === 0) throw e // the caller treats the rule as "always"
    }
  }
}

// ---- widening -------------------------------------------------------------------------------------------------

const EMPTY: Node = { t: 'seq', items: [] }

interface Widened {
  node: Node
  exact: boolean
}

/** Removes everything a finite automaton cannot do, keeping a superset of the language. */
function widen(node: Node, o: NfaOptions): Widened {
  switch (node.t) {
    case 'char':
    case 'set':
    case 'assert':
      return { node, exact: true }
    case 'look':
      return { node: EMPTY, exact: false }
    case 'backref':
      return {
        node: { t: 'repeat', item: { t: 'set', set: anySet }, min: 0, max: Infinity, mode: 'greedy' },
        exact: false,
      }
    case 'capture':
      return widen(node.item, o)
    case 'atomic':
      return { node: widen(node.item, o).node, exact: false }
    case 'seq':
    case 'alt': {
      const parts = node.items.map((k) => widen(k, o))
      return { node: { t: node.t, items: parts.map((p) => p.node) }, exact: parts.every((p) => p.exact) }
    }
    case 'repeat': {
      const inner = widen(node.item, o)
      const bytes = bytesOf(inner.node)
      const limit = bytes && setSize(bytes) >= o.wideSet ? o.wideRepeat : o.maxRepeat
      const min = Math.min(node.min, Math.max(1, o.maxRepeat))
      const max = node.max > limit && node.max > min ? Infinity : node.max
      const exact = inner.exact && node.mode !== 'possessive' && min === node.min && max === node.max
      return {
        node: { t: 'repeat', item: inner.node, min, max: min < node.min ? Infinity : max, mode: 'greedy' },
        exact,
      }
    }
  }
}

/** Drops what is optional at one end: whether a line contains a match does not depend on it. */
function trim(node: Node, end: 'head' | 'tail'): Node {
  switch (node.t) {
    case 'repeat':
      if (node.min === 0) return EMPTY
      if (node.min === 1) return trim(node.item, end)
      return { ...node, max: node.min }
    case 'alt':
      return { t: 'alt', items: node.items.map((k) => trim(k, end)) }
    case 'seq': {
      const items = node.items.slice()
      while (items.length) {
        const at = end === 'head' ? 0 : items.length - 1
        const trimmed = trim(items[at]!, end)
        const gone = trimmed.t === 'seq' && trimmed.items.length === 0
        if (!gone) {
          items[at] = trimmed
          break
        }
        items.splice(at, 1)
      }
      return { t: 'seq', items }
    }
    default:
      return node
  }
}

// ---- automaton ------------------------------------------------------------------------------------------------

type Link =
  | { t: 'byte'; id: number; set: ByteSet; next: Link }
  | { t: 'split'; id: number; next: Link[] }
  | { t: 'assert'; id: number; kind: Assertion; next: Link }
  | { t: 'accept'; id: number }

/** Sets of symbols allowed next are interned: 0 means "all", other numbers index `constraints`. */
type Constraint = number
const constraints: Uint8Array[] = [new Uint8Array(SYMBOLS).fill(1)]
const MAX_CONSTRAINTS = 64 // room in the combined keys below; the anchors can only form about ten

function constraint(symbols: Uint8Array): Constraint {
  const known = constraints.findIndex((c) => c.every((v, i) => v === symbols[i]))
  return known >= 0 ? known : constraints.push(symbols) - 1
}
function allow(test: (symbol: number) => boolean): Constraint {
  return constraint(Uint8Array.from({ length: SYMBOLS }, (_, s) => (test(s) ? 1 : 0)))
}
const NEXT_WORD = allow((s) => s < 256 && wordSet[s] === 1)
const NEXT_NOT_WORD = allow((s) => s === EOF || wordSet[s] === 0)
const NEXT_EOF = allow((s) => s === EOF)
const NEXT_EOF_OR_LF = allow((s) => s === EOF || s === 10)

const intersections = new Map<number, Constraint>()
function intersect(a: Constraint, b: Constraint): Constraint {
  if (a === 0 || b === 0 || a === b) return a || b
  const key = a * MAX_CONSTRAINTS + b
  let c = intersections.get(key)
  if (c === undefined) {
    c = constraint(constraints[a]!.map((v, i) => v & constraints[b]![i]!))
    intersections.set(key, c)
  }
  return c
}

class Builder {
  private links = 0
  private readonly positions: Position[] = []
  private readonly known = new Map<number, number>()
  private readonly followOf = new Map<Link, number[][]>()
  private readonly pending: Array<{ position: number; next: Link }> = []
  private kindSensitive = false
  private exact = true

  constructor(private readonly options: NfaOptions) {}

  build(root: Node): PatternNfa {
    const widened = widen(root, this.options)
    this.exact = widened.exact
    const node = trim(trim(widened.node, 'head'), 'tail')
    const entry = this.link(node, { t: 'accept', id: this.links++ })
    const kinds = this.kindSensitive ? [0, 1, 2, 3] : [0]
    const spread = (lists: number[][]): number[][] =>
      this.kindSensitive ? lists : [lists[0]!, lists[0]!, lists[0]!, lists[0]!]
    const start = spread(kinds.map((kind) => this.closure(entry, kind)))
    for (let p = this.pending.pop(); p; p = this.pending.pop()) {
      const { position, next } = p
      let follow = this.followOf.get(next)
      if (!follow) this.followOf.set(next, (follow = spread(kinds.map((kind) => this.closure(next, kind)))))
      this.positions[position]!.follow = follow
    }
    let sticky = 0
    this.positions.forEach((p, i) => {
      if (setSize(p.symbols as ByteSet) >= this.options.stickySet && p.follow[KIND_OTHER]!.includes(i))
        sticky++
    })
    return {
      positions: this.positions,
      start,
      exact: this.exact,
      sticky,
      alwaysMatches: start.some((list) => list.includes(ACCEPT)),
    }
  }

  private link(node: Node, next: Link): Link {
    if (this.links > this.options.maxPositions) throw new TooLarge()
    const id = this.links++
    switch (node.t) {
      case 'char':
      case 'set':
        return { t: 'byte', id, set: bytesOf(node)!, next }
      case 'seq':
        return node.items.reduceRight((after, item) => this.link(item, after), next)
      case 'alt':
        return { t: 'split', id, next: node.items.map((item) => this.link(item, next)) }
      case 'assert':
        this.kindSensitive ||= node.kind !== 'end' && node.kind !== 'endOrLf' && node.kind !== 'lineEnd'
        // "before a final LF" and "not after the very last LF" are approximated
        if (node.kind === 'endOrLf' || node.kind === 'lineStart') this.exact = false
        return { t: 'assert', id, kind: node.kind, next }
      case 'repeat': {
        let after = next
        if (node.max === Infinity) {
          const loop: Link = { t: 'split', id, next: [] }
          loop.next = [this.link(node.item, loop), next]
          after = loop
        } else {
          for (let i = node.min; i < node.max; i++) {
            after = { t: 'split', id: this.links++, next: [this.link(node.item, after), next] }
          }
        }
        for (let i = 0; i < node.min; i++) after = this.link(node.item, after)
        return after
      }
      default:
        throw new Error(`node ${node.t} was not widened`)
    }
  }

  /** All positions reachable from `entry` without consuming, given the kind of the previous symbol. */
  private closure(entry: Link, kind: number): number[] {
    const found = new Set<number>()
    const seen = new Set<number>()
    const visit = (link: Link, allowed: Constraint): void => {
      const key = link.id * MAX_CONSTRAINTS + allowed
      if (seen.has(key)) return
      seen.add(key)
      switch (link.t) {
        case 'split':
          for (const next of link.next) visit(next, allowed)
          break
        case 'assert': {
          const ask = requirement(link.kind, kind)
          if (ask !== false) visit(link.next, ask === true ? allowed : intersect(allowed, ask))
          break
        }
        case 'accept':
          if (allowed) this.add(found, key, () => constraints[allowed]!, link)
          else found.add(ACCEPT)
          break
        case 'byte':
          this.add(
            found,
            key,
            () => {
              const symbols = new Uint8Array(SYMBOLS)
              symbols.set(link.set)
              return allowed === 0 ? symbols : symbols.map((v, i) => v & constraints[allowed]![i]!)
            },
            link.next,
          )
      }
    }
    visit(entry, 0)
    return found.has(ACCEPT) ? [ACCEPT] : [...found]
  }

  /** Finds or creates the position with this key; keys are (link, constraint) pairs. */
  private add(found: Set<number>, key: number, symbols: () => Uint8Array, next: Link): void {
    let position = this.known.get(key)
    if (position === undefined) {
      const set = symbols()
      const unconstrained = key - (key % MAX_CONSTRAINTS)
      const whole = this.known.get(unconstrained)
      if (!set.includes(1)) {
        position = DEAD
      } else if (whole !== undefined && this.positions[whole]!.symbols.every((v, i) => v === set[i])) {
        position = whole // the constraint took nothing away
      } else {
        position = this.positions.push({ symbols: set, follow: [] }) - 1
        this.pending.push({ position, next })
      }
      this.known.set(key, position)
    }
    if (position !== DEAD) found.add(position)
  }
}

const DEAD = -2

/** true: holds; false: cannot hold; a set: holds if the next symbol is in it. */
function requirement(assertion: Assertion, previous: number): boolean | Constraint {
  const afterWord = previous === KIND_WORD
  switch (assertion) {
    case 'start':
      return previous === KIND_START
    case 'lineStart':
      return previous === KIND_START || previous === KIND_LF
    case 'end':
      return NEXT_EOF
    case 'endOrLf':
    case 'lineEnd':
      return NEXT_EOF_OR_LF
    case 'word':
      return afterWord ? NEXT_NOT_WORD : NEXT_WORD
    case 'notWord':
      return afterWord ? NEXT_WORD : NEXT_NOT_WORD
  }
}
