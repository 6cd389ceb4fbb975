// Writes out what JavaScript has no construct for: conditions on a group ((?(1)yes|no)) become two alternatives, recursion ((?R),
// (?1), (?&name)) becomes nested copies down to a depth.
import { emptySet, type Node } from './ast.js'

/** What a stand-in of the tree means. */
export type Alternative =
  | { readonly group: number | string; readonly yes: Node; readonly no: Node }
  /** Number or name of the group to enter again; 0 = the whole pattern. */
  | { readonly call: number | string }

/** Copies of a recursive group one in another: as deep as brackets in mail go. */
const depthMax = 5
/** Nodes of the written-out tree; a pattern that needs more is refused. */
const nodesMax = 20_000

/** The tree without stand-ins, or what is wrong. */
export function resolveLater(
  root: Node,
  later: ReadonlyMap<Node, Alternative>,
  groups: ReadonlyMap<number, Node>,
  names: ReadonlyMap<string, number>,
): { readonly root: Node; readonly bounded: boolean } | string {
  if (later.size === 0) return { root, bounded: false }
  const resolver = new Resolver(root, later, groups, names)
  try {
    return { root: resolver.go(root, 0), bounded: resolver.bounded }
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
}

class Refusal extends Error {}

class Resolver {
  bounded = false
  private nodes = 0
  private readonly root: Node
  private readonly later: ReadonlyMap<Node, Alternative>
  private readonly groups: ReadonlyMap<number, Node>
  private readonly names: ReadonlyMap<string, number>

  constructor(
    root: Node,
    later: ReadonlyMap<Node, Alternative>,
    groups: ReadonlyMap<number, Node>,
    names: ReadonlyMap<string, number>,
  ) {
    this.root = root
    this.later = later
    this.groups = groups
    this.names = names
  }

  go(node: Node, depth: number): Node {
    if (++this.nodes > nodesMax) throw new Refusal('unsupported: recursion grows too large')
    const meaning = this.later.get(node)
    if (meaning) {
      if ('call' in meaning) return this.call(meaning.call, depth)
      throw new Refusal('unsupported: condition on a group that does not stand before it')
    }
    if (node.t === 'seq') return this.sequence(node.items, depth)
    if ('items' in node) return { ...node, items: node.items.map((item) => this.go(item, depth)) }
    if (!('item' in node)) return node
    const item = this.go(node.item, depth)
    // Inside a recursion groups do not set what the outside sees.
    return node.t === 'capture' && depth > 0 ? item : { ...node, item }
  }

  private index(group: number | string): number {
    const index = typeof group === 'string' ? this.names.get(group) : group
    if (index === undefined) throw new Refusal('Reference to nonexistent named group in regex')
    return index
  }

  private call(group: number | string, depth: number): Node {
    const index = this.index(group)
    const target = index === 0 ? this.root : this.groups.get(index)
    if (!target) throw new Refusal('Reference to nonexistent group in regex')
    if (depth >= depthMax) {
      this.bounded = true
      return { t: 'set', set: emptySet() }
    }
    const inner = target.t === 'capture' ? target.item : target
    return { t: 'atomic', item: this.go(inner, depth + 1) }
  }

  /** (x)?A(?(1)yes|no)B is the same as (x)A yes B | A no B. */
  private sequence(items: readonly Node[], depth: number): Node {
    for (let at = 0; at < items.length; at++) {
      const meaning = this.later.get(items[at]!)
      if (!meaning || 'call' in meaning) continue
      const index = this.index(meaning.group)
      const before = items.slice(0, at)
      const after = items.slice(at + 1)
      // A group that does not exist has never taken part.
      if (!this.groups.has(index)) return this.sequence([...before, meaning.no, ...after], depth)
      const sets = before.findIndex((item) => setsGroup(item, index))
      const setter = before[sets]
      if (!setter) throw new Refusal('unsupported: condition on a group that does not stand before it')
      const choose = (first: readonly Node[], branch: Node) =>
        this.sequence(
          [...before.slice(0, sets), ...first, ...before.slice(sets + 1), branch, ...after],
          depth,
        )
      if (setter.t !== 'repeat') return choose([setter], meaning.yes)
      return { t: 'alt', items: [choose([setter.item], meaning.yes), choose([], meaning.no)] }
    }
    return { t: 'seq', items: items.map((item) => this.go(item, depth)) }
  }
}

/** The node is the group, or the group that may be left out. */
function setsGroup(node: Node, index: number): boolean {
  if (node.t === 'capture') return node.index === index
  return (
    node.t === 'repeat' &&
    node.min === 0 &&
    node.max === 1 &&
    node.item.t === 'capture' &&
    node.item.index === index
  )
}
