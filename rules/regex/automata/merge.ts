// Merges the position automata of one group of patterns into one, as flat typed arrays over shared memory: built once, read by every
// scan thread, written to disk as they are. Equal follow lists are kept once.
import { ACCEPT, EOF, KIND_START, KINDS, kindOf, type PatternNfa, SYMBOLS } from './nfa.js'

/** Positions of all patterns of a group in one row. Lists hold positions, and ~pattern where a pattern accepts. */
export interface MergedAutomaton {
  readonly patterns: number
  readonly positions: number
  /** Pattern -> its first position; then the number of all. */
  readonly bases: Int32Array
  /** Classes of symbols that no pattern tells apart; the end of a line is a symbol too. */
  readonly classes: number
  readonly eofClass: number
  readonly classOf: Uint8Array
  readonly kindOfClass: Uint8Array
  /** Position -> number of its symbol set. */
  readonly setOf: Uint16Array
  /** [set * classes + class] = 1 where the set takes the class. */
  readonly accepting: Uint8Array
  /** All lists one after the other, each preceded by its length. */
  readonly lists: Int32Array
  /** [position * KINDS + kind] = where its follow list begins. */
  readonly followAt: Int32Array
  /** Kinds with equal start lists share a number. */
  readonly startKind: Uint8Array
  /** [start kind * classes + class] = list that the start positions lead to. */
  readonly startStepAt: Int32Array
}

/** Symbols, the usual ones first: then the entries used most share a cache line of the row (multi-pattern.md, inner loop). */
const usual = ' etaoinsrhldcumfpgywb,.vkETAOINSRHLDCUMFPGYWBVK\'-0123456789:/"xjqz=XJQZ<>_@()!?\n'
const byFrequency = [...new Set([...Buffer.from(usual, 'latin1'), ...Array(SYMBOLS).keys()])]
/** Class numbers are bytes in the walk. */
const classesMax = 256

/** Undefined when the group has too many classes or sets for its tables. */
export function mergePatterns(patterns: readonly PatternNfa[]): MergedAutomaton | undefined {
  const total = patterns.reduce((sum, pattern) => sum + pattern.positions.length, 0)
  const { sets, setOf } = numberSets(patterns, total)
  const sensitive = patterns.some(
    (pattern) =>
      pattern.start[0] !== pattern.start[1] ||
      pattern.positions.some((position) => position.follow[0] !== position.follow[1]),
  )
  const { members, classOfSymbol } = findClasses(sets, sensitive)
  if (members.length > classesMax || sets.length > 0xffff) return undefined
  const classes = members.length
  const accepting = sharedBytes(sets.length * classes)
  for (const [index, set] of sets.entries()) {
    for (const [cls, symbol] of members.entries()) accepting[index * classes + cls] = set[symbol]!
  }
  const kindOfClass = sharedBytes(classes)
  for (const [cls, symbol] of members.entries()) kindOfClass[cls] = sensitive ? kindOf(symbol) : KIND_START

  const pool = new ListPool()
  const followAt = sharedInts(total * KINDS)
  const starts: number[][] = Array.from({ length: KINDS }, () => [])
  const bases = sharedInts(patterns.length + 1)
  let base = 0
  for (const [number, pattern] of patterns.entries()) {
    const converted = new Map<readonly number[], number[]>()
    const convert = (list: readonly number[]): number[] => {
      let out = converted.get(list)
      if (!out) {
        const from = base
        out = list.map((position) => (position === ACCEPT ? ~number : position + from))
        converted.set(list, out)
      }
      return out
    }
    for (const [index, position] of pattern.positions.entries()) {
      for (let kind = 0; kind < KINDS; kind++)
        followAt[(base + index) * KINDS + kind] = pool.add(convert(position.follow[kind]!))
    }
    for (let kind = 0; kind < KINDS; kind++) starts[kind]!.push(...convert(pattern.start[kind]!))
    base += pattern.positions.length
    bases[number + 1] = base
  }

  const startKind = sharedBytes(KINDS)
  const startKeys: string[] = []
  const steps: number[] = []
  for (let kind = 0; kind < KINDS; kind++) {
    const key = starts[kind]!.join()
    let known = startKeys.indexOf(key)
    if (known < 0) {
      known = startKeys.push(key) - 1
      for (let cls = 0; cls < classes; cls++) {
        const next = new Set<number>()
        for (const position of starts[kind]!) {
          if (position < 0 || accepting[setOf[position]! * classes + cls] === 0) continue
          for (const follower of pool.get(followAt[position * KINDS + kindOfClass[cls]!]!)) next.add(follower)
        }
        steps.push(pool.add([...next]))
      }
    }
    startKind[kind] = known
  }
  const startStepAt = sharedInts(steps.length)
  startStepAt.set(steps)
  const classOf = sharedBytes(256)
  classOf.set(classOfSymbol.subarray(0, 256))
  return {
    patterns: patterns.length,
    positions: total,
    bases,
    classes,
    eofClass: classOfSymbol[EOF]!,
    classOf,
    kindOfClass,
    setOf,
    accepting,
    lists: pool.finish(),
    followAt,
    startKind,
    startStepAt,
  }
}

function sharedBytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length))
}

function sharedInts(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * 4))
}

function numberSets(
  patterns: readonly PatternNfa[],
  total: number,
): { sets: Uint8Array[]; setOf: Uint16Array } {
  const numbers = new Map<string, number>()
  const sets: Uint8Array[] = []
  const setOf = new Uint16Array(new SharedArrayBuffer(total * 2))
  let at = 0
  for (const pattern of patterns) {
    for (const { symbols } of pattern.positions) {
      const key = Buffer.from(symbols).toString('latin1')
      let number = numbers.get(key)
      if (number === undefined) {
        number = sets.push(symbols) - 1
        numbers.set(key, number)
      }
      setOf[at++] = number
    }
  }
  return { sets, setOf }
}

/** Symbols that no set tells apart share a class; `members` has one symbol of each. */
function findClasses(
  sets: readonly Uint8Array[],
  sensitive: boolean,
): { members: number[]; classOfSymbol: Uint16Array } {
  const numbers = new Map<string, number>()
  const members: number[] = []
  const classOfSymbol = new Uint16Array(SYMBOLS)
  for (const symbol of byFrequency) {
    const key =
      sets.map((set) => set[symbol]).join('') + (symbol === EOF ? 'e' : sensitive ? kindOf(symbol) : '')
    let number = numbers.get(key)
    if (number === undefined) {
      number = members.push(symbol) - 1
      numbers.set(key, number)
    }
    classOfSymbol[symbol] = number
  }
  return { members, classOfSymbol }
}

/** Lists of numbers, equal ones once. */
class ListPool {
  private data = new Int32Array(4096)
  private used = 0
  private readonly known = new Map<string, number>()

  add(list: readonly number[]): number {
    const key = list.join()
    const before = this.known.get(key)
    if (before !== undefined) return before
    const need = this.used + list.length + 1
    if (need > this.data.length) {
      const larger = new Int32Array(Math.max(need, this.data.length * 2))
      larger.set(this.data.subarray(0, this.used))
      this.data = larger
    }
    const at = this.used
    this.data[at] = list.length
    this.data.set(list, at + 1)
    this.used = need
    this.known.set(key, at)
    return at
  }

  get(at: number): Int32Array {
    return this.data.subarray(at + 1, at + 1 + this.data[at]!)
  }

  finish(): Int32Array {
    const out = sharedInts(this.used)
    out.set(this.data.subarray(0, this.used))
    return out
  }
}
