// How long, in bytes, a text may be that a node matches: Perl refuses look-behinds above 255. And how short.
import type { Node } from './ast.js'

export function maxWidth(node: Node): number {
  switch (node.t) {
    case 'char':
    case 'set':
      return 1
    case 'seq':
      return node.items.reduce((sum, item) => sum + maxWidth(item), 0)
    case 'alt':
      return node.items.reduce((most, item) => Math.max(most, maxWidth(item)), 0)
    case 'repeat': {
      const width = maxWidth(node.item)
      return width === 0 || node.max === 0 ? 0 : width * node.max
    }
    case 'capture':
    case 'atomic':
      return maxWidth(node.item)
    case 'backref':
      return Infinity
    case 'assert':
    case 'look':
      return 0
  }
}

export function minWidth(node: Node): number {
  switch (node.t) {
    case 'char':
    case 'set':
      return 1
    case 'seq':
      return node.items.reduce((sum, item) => sum + minWidth(item), 0)
    case 'alt':
      return node.items.reduce((least, item) => Math.min(least, minWidth(item)), Infinity)
    case 'repeat':
      return node.min * minWidth(node.item)
    case 'capture':
    case 'atomic':
      return minWidth(node.item)
    default:
      return 0
  }
}

/** The node can match the empty text. */
export function canBeEmpty(node: Node): boolean {
  switch (node.t) {
    case 'char':
    case 'set':
      return false
    case 'seq':
      return node.items.every(canBeEmpty)
    case 'alt':
      return node.items.some(canBeEmpty)
    case 'repeat':
      return node.min === 0 || canBeEmpty(node.item)
    case 'capture':
    case 'atomic':
      return canBeEmpty(node.item)
    default:
      return true
  }
}
