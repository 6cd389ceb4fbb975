// How many steps a backtracking engine may need for one search, from above: from the tree alone, without any text. Errs to the high
// side: what is called cheap here is cheap on every text; what is called dear may be harmless (attack.ts then looks for a text).

import { anchorOf } from './anchored.js'
import { anySet, type ByteSet, bytesOf, type Node } from './ast.js'
import { minWidth } from './width.js'

/** What a node may cost at one place of the text. */
interface Cost {
  /** Ways in which the node can match there so that what follows gets past its first byte. */
  readonly ways: number
  /** Steps of trying them all, as far as they read bytes that the node matches. */
  readonly run: number
  /** Steps of look-arounds: they read the same bytes again at every place. */
  readonly side: number
}

/** The same for each length of text. */
type CostOf = (bytes: number, limited: boolean) => Cost

/** A byte set as 256 bits: sets are compared very often here. */
type Mask = Int32Array

/** Bytes with which a match of a node can begin. */
interface First {
  readonly set: Mask
  /** It can be empty, so that what follows can begin there. */
  readonly empty: boolean
}

/** Bytes of a branch that are compared with those of another one. */
const prefixMax = 12
/** Look-behinds reach no further. */
const behindBytes = 255
const nothing: Mask = new Int32Array(8)
const masks = new WeakMap<ByteSet, Mask>()
const anything = maskOf(anySet)
const one: Cost = { ways: 1, run: 1, side: 0 }

export interface PatternCost {
  /**
   * Steps of a search in a text of so many bytes; Infinity = exponential.
   * @param limited backtracks are limited (limited.ts) and left out: only reading ahead counts
   */
  steps(bytes: number, limited: boolean): number
  /** Loops like `.*` that may give back much of what they took. V8 does not count that as backtracking unless made to. */
  readonly givingBack: ReadonlySet<Node>
}

export function costOf(root: Node): PatternCost {
  const estimate = new Estimate()
  const cost = estimate.of(root, nothing)
  const once = anchorOf(root) === 'start'
  const apart = startsApart(root)
  return {
    steps(bytes, limited) {
      const { run, side } = cost(bytes, limited)
      return (once ? 1 : bytes / apart) * (run + side)
    },
    givingBack: estimate.givingBack,
  }
}

/** Bytes from one place where the pattern gets past its fixed beginning to the next such place, at least. */
function startsApart(root: Node): number {
  const sets = prefixOf(root)
  const again = sets.findIndex((set, at) => at > 0 && overlap(set, sets[0]!))
  return Math.max(1, again < 0 ? sets.length : again)
}

class Estimate {
  readonly givingBack = new Set<Node>()
  private readonly firsts = new Map<Node, First>()

  /** @param follow bytes with which what comes after the node can begin; none = a match is complete there */
  of(node: Node, follow: Mask): CostOf {
    switch (node.t) {
      case 'char':
      case 'set':
      case 'assert':
        return () => one
      case 'backref':
        return (bytes) => ({ ways: 1, run: bytes, side: 0 })
      case 'capture':
        return this.of(node.item, follow)
      case 'atomic': {
        const inner = this.of(node.item, nothing)
        return (bytes, limited) => ({ ...inner(bytes, limited), ways: 1 })
      }
      case 'look': {
        const inner = this.of(node.item, nothing)
        return (bytes, limited) => {
          const { run, side } = inner(node.ahead ? bytes : Math.min(bytes, behindBytes), limited)
          return { ways: 1, run: 1, side: run + side }
        }
      }
      case 'seq':
        return this.sequence(node.items, follow)
      case 'alt':
        return this.choice(node.items, follow)
      case 'repeat':
        return this.repeat(node, node.mode === 'possessive' ? nothing : follow)
    }
  }

  private sequence(items: readonly Node[], follow: Mask): CostOf {
    const parts: CostOf[] = []
    let bytesOnly = 0
    let after = follow
    for (let at = items.length - 1; at >= 0; at--) {
      const item = items[at]!
      if (bytesOf(item)) bytesOnly++
      else parts.unshift(this.of(item, after))
      const { set, empty } = this.first(item)
      after = empty ? union(set, after) : set
    }
    if (parts.length === 0) return () => ({ ways: 1, run: bytesOnly, side: 0 })
    return (bytes, limited) => {
      let ways = 1
      let run = bytesOnly
      let side = 0
      for (const part of parts) {
        const cost = part(bytes, limited)
        run += ways * (cost.run + bytesOnly)
        side += ways * cost.side
        ways *= cost.ways
      }
      return { ways, run, side }
    }
  }

  private choice(items: readonly Node[], follow: Mask): CostOf {
    const parts = items.map((item) => this.of(item, follow))
    const rivals = rivalsOf(items)
    return (bytes, limited) => {
      const costs = parts.map((part) => part(bytes, limited))
      // Branches that cannot match beside each other fail early.
      let most = one
      for (const [branch, others] of rivals.entries()) {
        const { ways, run, side } = together(costs[branch]!, others, costs)
        most = {
          ways: limited ? 1 : Math.max(most.ways, ways),
          run: Math.max(most.run, run),
          side: Math.max(most.side, side),
        }
      }
      return { ...most, run: most.run + 2 * items.length }
    }
  }

  private repeat(node: Extract<Node, { t: 'repeat' }>, follow: Mask): CostOf {
    const { item, min, max, mode } = node
    const first = this.first(item)
    const leaves = overlap(first.set, follow)
    if (leaves && max === Infinity && mode === 'greedy' && isText(item)) this.givingBack.add(node)
    const width = Math.max(1, minWidth(item))
    const mostOf = (bytes: number) => Math.min(max, Math.max(1, Math.floor(bytes / width)))
    if (bytesOf(item)) {
      return (bytes, limited) => {
        const most = mostOf(bytes)
        const ends = Math.max(1, most - min + 1)
        return { ways: leaves && !limited ? ends : 1, run: most + ends, side: 0 }
      }
    }
    const inner = this.of(item, union(first.set, follow))
    return (bytes, limited) => {
      const most = mostOf(bytes)
      const ends = Math.max(1, most - min + 1)
      const body = inner(bytes, limited)
      if (limited || body.ways <= 1 || most <= 1) {
        // The passes of a loop with one way share the bytes of the text among them.
        const run = Math.min(most * body.run, body.run + 2 * bytes) + ends
        const ways = most <= 1 ? body.ways + (leaves ? ends - 1 : 0) : leaves ? ends : 1
        return { ways: limited || mode === 'possessive' ? 1 : ways, run, side: most * body.side }
      }
      const total = 2 * body.ways ** most
      return { ways: mode === 'possessive' ? 1 : total, run: total * body.run, side: total * body.side }
    }
  }

  private first(node: Node): First {
    let known = this.firsts.get(node)
    if (!known) {
      known = this.findFirst(node)
      this.firsts.set(node, known)
    }
    return known
  }

  private findFirst(node: Node): First {
    switch (node.t) {
      case 'char':
      case 'set':
        return { set: maskOf(bytesOf(node)!), empty: false }
      case 'assert':
      case 'look':
        return { set: nothing, empty: true }
      case 'backref':
        return { set: anything, empty: true }
      case 'capture':
      case 'atomic':
        return this.first(node.item)
      case 'repeat': {
        const { set, empty } = this.first(node.item)
        return { set, empty: empty || node.min === 0 }
      }
      case 'alt': {
        const firsts = node.items.map((item) => this.first(item))
        return {
          set: firsts.reduce((all, { set }) => union(all, set), nothing),
          empty: firsts.some(({ empty }) => empty),
        }
      }
      case 'seq': {
        let set = nothing
        for (const item of node.items) {
          const first = this.first(item)
          set = union(set, first.set)
          if (!first.empty) return { set, empty: false }
        }
        return { set, empty: true }
      }
    }
  }
}

function maskOf(set: ByteSet): Mask {
  let mask = masks.get(set)
  if (!mask) {
    mask = new Int32Array(8)
    for (let code = 0; code < 256; code++) if (set[code] === 1) mask[code >> 5]! |= 1 << (code & 31)
    masks.set(set, mask)
  }
  return mask
}

function union(a: Mask, b: Mask): Mask {
  if (a === nothing || a === b) return b
  return b === nothing ? a : a.map((bits, at) => bits | b[at]!)
}

function overlap(a: Mask, b: Mask): boolean {
  for (let at = 0; at < 8; at++) if ((a[at]! & b[at]!) !== 0) return true
  return false
}

function together(cost: Cost, others: readonly number[], costs: readonly Cost[]): Cost {
  let { ways, run, side } = cost
  for (const other of others) {
    ways += costs[other]!.ways
    run += costs[other]!.run
    side += costs[other]!.side
  }
  return { ways, run, side }
}

/** By branch of a choice: the others that can match at the same place, because no early byte tells them apart. */
function rivalsOf(items: readonly Node[]): readonly (readonly number[])[] {
  const prefixes = items.map(prefixOf)
  const rivals: number[][] = items.map(() => [])
  for (let a = 0; a < items.length; a++) {
    for (let b = a + 1; b < items.length; b++) {
      if (exclude(prefixes[a]!, prefixes[b]!)) continue
      rivals[a]!.push(b)
      rivals[b]!.push(a)
    }
  }
  return rivals
}

/** A fixed row of byte sets. */
function isText(node: Node): boolean {
  if (bytesOf(node)) return true
  return node.t === 'capture' ? isText(node.item) : node.t === 'seq' && node.items.every(isText)
}

/** The byte sets that every match of the node begins with, one after the other, as far as there is no choice. */
function prefixOf(node: Node): readonly Mask[] {
  const sets: Mask[] = []
  addPrefix(node, sets)
  return sets
}

/** @returns the node ends there: what follows it may go on */
function addPrefix(node: Node, sets: Mask[]): boolean {
  if (sets.length >= prefixMax) return false
  const single = bytesOf(node)
  if (single) {
    sets.push(maskOf(single))
    return true
  }
  switch (node.t) {
    case 'seq':
      return node.items.every((item) => addPrefix(item, sets))
    case 'capture':
    case 'atomic':
      return addPrefix(node.item, sets)
    case 'assert':
    case 'look':
      return true
    case 'repeat':
      for (let turn = 0; turn < node.min; turn++) if (!addPrefix(node.item, sets)) return false
      return node.min === node.max
    default:
      return false
  }
}

function exclude(a: readonly Mask[], b: readonly Mask[]): boolean {
  for (let at = 0; at < a.length && at < b.length; at++) if (!overlap(a[at]!, b[at]!)) return true
  return false
}
