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
type CostOf = (bytes: number) => Cost

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

/** Gives the steps for a length of text; Infinity = exponential. */
export function searchSteps(root: Node): (bytes: number) => number {
  const cost = new Estimate().of(root, nothing)
  const once = startsOnce(root)
  return (bytes) => {
    const { run, side } = cost(bytes)
    return (once ? 1 : bytes) * (run + side)
  }
}

/** Every match begins at the start of the text. */
function startsOnce(node: Node): boolean {
  return anchorOf(node) === 'start'
}

class Estimate {
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
        return (bytes) => ({ ...inner(bytes), ways: 1 })
      }
      case 'look': {
        const inner = this.of(node.item, nothing)
        return (bytes) => {
          const { run, side } = inner(node.ahead ? bytes : Math.min(bytes, behindBytes))
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
    return (bytes) => {
      let ways = 1
      let run = bytesOnly
      let side = 0
      for (const part of parts) {
        const cost = part(bytes)
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
    return (bytes) => {
      const costs = parts.map((part) => part(bytes))
      let ways = 1
      for (const [branch, others] of rivals.entries())
        ways = Math.max(ways, costs[branch]!.ways + sum(others.map((other) => costs[other]!.ways)))
      return { ways, run: sum(costs.map(({ run }) => run)), side: sum(costs.map(({ side }) => side)) }
    }
  }

  private repeat(node: Extract<Node, { t: 'repeat' }>, follow: Mask): CostOf {
    const { item, min, max, mode } = node
    const first = this.first(item)
    const leaves = overlap(first.set, follow)
    const width = Math.max(1, minWidth(item))
    const mostOf = (bytes: number) => Math.min(max, Math.max(1, Math.floor(bytes / width)))
    if (bytesOf(item)) {
      return (bytes) => {
        const most = mostOf(bytes)
        const ends = Math.max(1, most - min + 1)
        return { ways: leaves ? ends : 1, run: most + ends, side: 0 }
      }
    }
    const inner = this.of(item, union(first.set, follow))
    const size = 1 + nodes(item)
    return (bytes) => {
      const most = mostOf(bytes)
      const ends = Math.max(1, most - min + 1)
      const body = inner(bytes)
      if (body.ways <= 1 || most <= 1) {
        // The passes of a loop with one way share the bytes of the text among them.
        const run = Math.min(most * body.run, 2 * bytes * size) + ends
        const ways = most <= 1 ? body.ways + (leaves ? ends - 1 : 0) : leaves ? ends : 1
        return { ways: mode === 'possessive' ? 1 : ways, run, side: most * body.side }
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
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

function nodes(node: Node): number {
  if ('items' in node) return 1 + sum(node.items.map(nodes))
  return 'item' in node ? 1 + nodes(node.item) : 1
}
