// What every match of a pattern anchored at the start of a line begins with: lets most lines be passed over without asking the RegExp.
import { bytesOf, type Node, otherCase } from './ast.js'

export interface Lead {
  /** Bytes that stand there as they are; may be empty. */
  readonly literal: string
  /** The line has at least so many bytes. */
  readonly span: number
}

const lf = 10
const none: Lead = { literal: '', span: 0 }

export function leadOf(root: Node): Lead {
  if (root.t !== 'seq') return none
  const [anchor, ...rest] = root.items
  if (anchor?.t !== 'assert' || anchor.kind !== 'lineStart') return none
  let literal = ''
  for (const node of rest) {
    if (node.t !== 'char' || node.code === lf || (node.fold && otherCase(node.code) >= 0)) break
    literal += String.fromCharCode(node.code)
  }
  let span = 0
  for (const node of rest) {
    const bytes = withinLine(node)
    if (bytes === undefined) break
    span += bytes
  }
  return { literal, span }
}

/** Least bytes of a match of a node that cannot match a line end; undefined = it can, or it is not certain. */
function withinLine(node: Node): number | undefined {
  const set = bytesOf(node)
  if (set) return set[lf] ? undefined : 1
  switch (node.t) {
    case 'assert':
    case 'look':
      return 0
    case 'capture':
    case 'atomic':
      return withinLine(node.item)
    case 'repeat': {
      const once = withinLine(node.item)
      return once === undefined ? undefined : once * node.min
    }
    case 'seq':
    case 'alt': {
      const all = node.items.map(withinLine)
      if (all.includes(undefined)) return undefined
      const known = all as number[]
      return node.t === 'seq' ? known.reduce((sum, bytes) => sum + bytes, 0) : Math.min(...known)
    }
    default:
      return undefined
  }
}
