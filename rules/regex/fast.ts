// The fast path: automata find the few (pattern, line) pairs that can hit, V8's RegExp confirms only those. Gives exactly what the plain
// engine gives (plain.ts); test/rules/regex/fast.test.ts holds both against each other. Until its tables are there, the plain engine
// answers.
import type { ByteString } from '../../src/types.js'
import { Arena, type BuildLimits, defaultLimits, join, type Sink } from './automata/arena.js'
import { createStore } from './automata/store.js'
import { type AutomatonSet, recordWordsFor } from './automata/tables.js'
import type { FirstMatch, OnHit, PatternUse, TextMatcher } from './matcher.js'
import { createPlainMatcher, firstMatch, matchesIn } from './plain.js'

/** Fewer patterns than this are not worth walks over the text. */
export const patternsMin = 6
/** Bounds for tests that starve the fast path, and tables of its own for it. */
export interface OwnTables extends Partial<BuildLimits> {
  readonly recordWords?: number
}

/** A matcher that can be given automata later. */
export interface SwitchingMatcher extends TextMatcher {
  /** Takes the automata of these patterns; the first ones given stay. */
  adopt(set: AutomatonSet): void
  /** Texts that went through the automata. */
  readonly fastTexts: number
}

export function createSwitchingMatcher(uses: readonly PatternUse[]): SwitchingMatcher {
  const plain = createPlainMatcher(uses)
  let fast: FastMatcher | undefined
  return {
    match: (lines, active, onHit, firsts, starting) =>
      (fast ?? plain).match(lines, active, onHit, firsts, starting),
    adopt(set) {
      fast ??= createFastMatcher(uses, set)
    },
    get fastTexts() {
      return fast?.texts ?? 0
    },
  }
}

/** The fast path alone, on the tables that threads share unless it is to have its own. */
export function createFastMatcher(
  uses: readonly PatternUse[],
  set: AutomatonSet,
  own?: OwnTables,
): FastMatcher {
  const { automata, states } = set
  if (!own && states && join(states.shape))
    return new FastMatcher(uses, set, new Arena(automata, states.shape, states.list, defaultLimits))
  const shape = createStore([automata], own?.recordWords ?? recordWordsFor([set]), true)
  join(shape)
  return new FastMatcher(uses, set, new Arena(automata, shape, 0, { ...defaultLimits, ...own }))
}

class FastMatcher implements TextMatcher, Sink {
  texts = 0
  /** By place of the pattern: 1 where a match of the automaton alone proves the hit and one is enough. */
  private readonly proven: Uint8Array
  private readonly order: Int32Array
  private readonly always: readonly number[]
  /** Of this text: candidate lines per pattern as a chain through pairs, and which patterns have any. */
  private readonly firstPair: Int32Array
  private readonly lastPair: Int32Array
  private pairLine = new Int32Array(1024)
  private pairNext = new Int32Array(1024)
  private pairs = 0
  private readonly touched: Int32Array
  private touchedCount = 0
  /** 1 = every line of this text is a candidate. */
  private readonly whole: Uint8Array
  private active: Uint8Array = new Uint8Array(0)

  constructor(
    private readonly uses: readonly PatternUse[],
    set: AutomatonSet,
    readonly arena: Arena,
  ) {
    this.order = set.order
    this.always = [...set.always]
    this.proven = new Uint8Array(uses.length)
    for (const [number, place] of set.order.entries()) {
      const { multiple, skipFirst } = uses[place]!
      this.proven[place] = set.exact[number] === 1 && !multiple && !skipFirst ? 1 : 0
    }
    this.firstPair = new Int32Array(uses.length).fill(-1)
    this.lastPair = new Int32Array(uses.length).fill(-1)
    this.whole = new Uint8Array(uses.length)
    this.touched = new Int32Array(uses.length)
  }

  accept(pattern: number, line: number): void {
    const place = this.order[pattern]!
    if (this.active[place] === 0) return
    const last = this.lastPair[place]!
    if (last >= 0 && (this.proven[place] === 1 || this.pairLine[last] === line)) return
    this.addPair(place, line)
  }

  private addPair(place: number, line: number): void {
    if (this.pairs === this.pairLine.length) {
      this.pairLine = doubled(this.pairLine)
      this.pairNext = doubled(this.pairNext)
    }
    const pair = this.pairs++
    this.pairLine[pair] = line
    this.pairNext[pair] = -1
    const last = this.lastPair[place]!
    if (last < 0) {
      this.firstPair[place] = pair
      this.touched[this.touchedCount++] = place
    } else this.pairNext[last] = pair
    this.lastPair[place] = pair
  }

  match(
    lines: readonly ByteString[],
    active: Uint8Array,
    onHit: OnHit,
    firsts: boolean,
    starting?: (use: number) => void,
  ): void {
    this.texts++
    this.active = active
    this.pairs = 0
    this.touchedCount = 0
    this.arena.scan(lines, this)
    for (const place of this.always) this.takeWhole(place)
    for (const { firstId, automaton } of this.arena.gaveUp) {
      for (let number = firstId; number < firstId + automaton.patterns; number++)
        this.takeWhole(this.order[number]!)
    }
    const touched = this.touched.subarray(0, this.touchedCount).sort()
    for (let at = 0; at < touched.length; at++) {
      const place = touched[at]!
      const first = this.firstPair[place]!
      const whole = this.whole[place] === 1
      this.firstPair[place] = -1
      this.lastPair[place] = -1
      this.whole[place] = 0
      if (this.proven[place] === 1 && first >= 0 && !firsts) onHit(place, 1, undefined)
      else {
        starting?.(place)
        this.confirm(place, whole ? -1 : first, lines, onHit, firsts)
      }
    }
  }

  /** A pattern that no automaton judged on this text: its RegExp looks at every line. */
  private takeWhole(place: number): void {
    if (this.active[place] === 0 || this.whole[place] === 1) return
    this.whole[place] = 1
    if (this.firstPair[place]! < 0) this.touched[this.touchedCount++] = place
  }

  /** The RegExp on the candidate lines from `first` on, or on all lines when `first` is -1. */
  private confirm(
    place: number,
    first: number,
    lines: readonly ByteString[],
    onHit: OnHit,
    firsts: boolean,
  ): void {
    const use = this.uses[place]!
    const { pairLine, pairNext } = this
    try {
      let count = 0
      let where: FirstMatch | undefined
      let pair = first
      let line = first < 0 ? 0 : pairLine[first]!
      while (line < lines.length) {
        if (!use.skipFirst || line > 0) {
          const text = lines[line]!
          const found = matchesIn(use, text, use.hitsMax - count)
          if (found > 0) {
            if (firsts && count === 0) where = firstMatch(use.pattern.regExp, text, line)
            count += found
            if (!use.multiple || count >= use.hitsMax) break
          }
        }
        if (first < 0) line++
        else {
          pair = pairNext[pair]!
          if (pair < 0) break
          line = pairLine[pair]!
        }
      }
      if (count > 0) onHit(place, count, where)
    } catch (error) {
      onHit(place, 0, undefined, error)
    }
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}
