// Finds a text on which a pattern backtracks beyond reason, or nothing. Loops that can share bytes - nested, side by side, or with
// branches that overlap - give candidate pumps; each is proven, or not, by counting the steps of a simulated match and extrapolating
// to one line as rules see it. A pattern is only reported with its attack in hand.
import { type ByteSet, bytesOf, emptySet, type Node, overlap, walk } from './ast.js'
import { otherByte, sampleByte, simulate } from './simulate.js'

export interface Attack {
  readonly prefix: string
  readonly pump: string
  readonly suffix: string
  /** Steps for a text of `lineBytes` bytes, extrapolated. */
  readonly steps: number
  /** Steps double with every pump, or grow as a power of the length. */
  readonly growth: 'exponential' | number
}

/** Longest line of a body (2,048), taken as the text of an attack. */
const lineBytes = 2000
/** Steps for one line above which a pattern is reported: some seconds of V8. */
const stepsReported = 1e9
/** Steps of one simulated match. */
const stepsMax = 300_000
/** A bounded loop counts as one from here on. */
const loopMin = 8
/** Candidate texts tried for one pattern. */
const candidatesMax = 16

type Loop = Extract<Node, { t: 'repeat' }>

export function findAttack(root: Node): Attack | undefined {
  const loops = loopsOf(root)
  if (loops.length === 0 || !suspicious(loops)) return undefined
  let worst: Attack | undefined
  let tried = 0
  for (const { loop, prefix } of loops) {
    for (const pump of pumpsOf(loop, loops)) {
      for (const suffix of suffixesOf(loop)) {
        if (++tried > candidatesMax) return worst
        const attack = measure(root, prefix, pump, suffix)
        if (attack && (!worst || attack.steps > worst.steps)) worst = attack
        if (worst?.growth === 'exponential') return worst
      }
    }
  }
  return worst
}

/** Two loops share a byte, or one loop can go two ways on one byte. */
function suspicious(loops: readonly FoundLoop[]): boolean {
  for (let first = 0; first < loops.length; first++) {
    if (loops[first]!.ambiguous) return true
    for (let second = first + 1; second < loops.length; second++)
      if (overlap(loops[first]!.bytes, loops[second]!.bytes)) return true
  }
  return false
}

interface FoundLoop {
  readonly loop: Loop
  /** Text that leads the match to the loop. */
  readonly prefix: string
  /** Bytes that occur in the loop's body. */
  readonly bytes: ByteSet
  readonly ambiguous: boolean
}

function loopsOf(root: Node): FoundLoop[] {
  const found: FoundLoop[] = []
  const visit = (node: Node, prefix: string): void => {
    if (node.t === 'repeat' && node.max >= loopMin) {
      found.push({
        loop: node,
        prefix,
        bytes: bytesIn(node.item),
        ambiguous: hasOverlappingBranches(node.item),
      })
    }
    if (node.t === 'seq') {
      let before = prefix
      for (const item of node.items) {
        visit(item, before)
        before += example(item)
      }
    } else if ('items' in node) for (const item of node.items) visit(item, prefix)
    else if ('item' in node) visit(node.item, prefix)
  }
  visit(root, '')
  return found
}

function bytesIn(node: Node): ByteSet {
  const all = emptySet()
  walk(node, (part) => {
    const set = bytesOf(part)
    if (set) for (let code = 0; code < 256; code++) if (set[code] === 1) all[code] = 1
  })
  return all
}

function hasOverlappingBranches(node: Node): boolean {
  let found = false
  walk(node, (part) => {
    if (part.t !== 'alt') return
    const firsts = part.items.map(bytesIn)
    for (let a = 0; a < firsts.length && !found; a++)
      for (let b = a + 1; b < firsts.length && !found; b++) found = overlap(firsts[a]!, firsts[b]!)
  })
  return found
}

/** A short text that the node matches; conditions on the surroundings are ignored. */
function example(node: Node): string {
  switch (node.t) {
    case 'char':
      return String.fromCharCode(node.code)
    case 'set': {
      const code = sampleByte(node.set)
      return code === undefined ? '' : String.fromCharCode(code)
    }
    case 'seq':
      return node.items.map(example).join('')
    case 'alt':
      return node.items.map(example).reduce((best, text) => (text.length < best.length ? text : best))
    case 'repeat':
      return example(node.item).repeat(Math.min(node.min, 20))
    case 'capture':
    case 'atomic':
      return example(node.item)
    default:
      return ''
  }
}

/** What to repeat: the body's own example, and bytes that the loop shares with others or with its own parts. */
function pumpsOf(loop: Loop, loops: readonly FoundLoop[]): Set<string> {
  const pumps = new Set<string>()
  const own = bytesIn(loop.item)
  const add = (set: ByteSet) => {
    const code = sampleByte(set)
    if (code !== undefined) pumps.add(String.fromCharCode(code))
  }
  for (const other of loops)
    if (other.loop !== loop) add(own.map((member, code) => member & other.bytes[code]!))
  walk(loop.item, (part) => {
    if (part.t === 'alt') for (const item of part.items) pumps.add(example(item))
  })
  const text = example(loop.item)
  if (text !== '') pumps.add(text)
  add(own)
  pumps.delete('')
  return pumps
}

function suffixesOf(loop: Loop): readonly string[] {
  const outside = otherByte(bytesIn(loop.item))
  return outside === undefined ? ['\x01', ''] : [String.fromCharCode(outside), '\x01']
}

function measure(root: Node, prefix: string, pump: string, suffix: string): Attack | undefined {
  const cost = (count: number) => simulate(root, prefix + pump.repeat(count) + suffix, stepsMax)
  const small = cost(8)
  if (small.matched || small.stopped) return undefined
  const double = cost(16)
  // A square law gives 4, a cube 8: below it costs one line little.
  const ratio = double.steps / small.steps
  if (double.matched || !(ratio > 5)) return undefined
  const found = { prefix, pump, suffix }
  if (ratio > 60) return { ...found, steps: Infinity, growth: 'exponential' }
  const middle = cost(32)
  const large = cost(64)
  if (middle.matched || large.matched) return undefined
  const [steps, count, growth] = large.stopped
    ? [double.steps, 16, Math.log2(ratio)]
    : [large.steps, 64, Math.log2(large.steps / middle.steps)]
  const extrapolated = steps * (lineBytes / pump.length / count) ** growth
  if (growth < 2.5 || extrapolated < stepsReported) return undefined
  return { ...found, steps: extrapolated, growth: Math.round(growth * 10) / 10 }
}
