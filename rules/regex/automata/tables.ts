// Automata of one list of patterns, as plain data: what a build gives, what workers share, what lies in the cache file.
import { createHash } from 'node:crypto'
import { endianness } from 'node:os'
import { deserialize, serialize } from 'node:v8'
import { parsePerl } from '../parse.js'
import { planGroups } from './group.js'
import type { StoreShape } from './layout.js'
import { type MergedAutomaton, mergePatterns } from './merge.js'
import { ACCEPT, buildNfa, KIND_OTHER, KIND_WORD, type PatternNfa } from './nfa.js'
import type { RuleStates } from './saved.js'
import { createStore } from './store.js'

/** A pattern as the automata need it. */
export interface PatternSource {
  readonly source: string
  readonly flags: string
}

export interface AutomatonSet {
  readonly automata: readonly MergedAutomaton[]
  /** Number of the pattern in the automata -> its place in the list the set was built from. */
  readonly order: Int32Array
  /** By the same number: 1 where a match of the automaton proves the hit. */
  readonly exact: Uint8Array
  /** Places of patterns that no automaton filters: they match nearly anything, or are too large. */
  readonly always: Int32Array
  /** Where their states are, and which list they are there; undefined = a scan makes its own. */
  readonly states?: { readonly shape: StoreShape; readonly list: number }
}

/** Changes with the meaning of the tables, so that old cache files are not mistaken for current ones. */
export const tablesVersion = 6

/** Names a list of patterns; the key of its set. */
export function patternsKey(patterns: readonly PatternSource[]): string {
  const hash = createHash('sha256').update(`${tablesVersion}\n`)
  for (const { source, flags } of patterns) hash.update(`${flags}/${source}\n`, 'latin1')
  return hash.digest('base64url')
}

/** Seconds for all stock rules: not for a thread that scans. */
export function buildAutomata(patterns: readonly PatternSource[]): AutomatonSet {
  const always: number[] = []
  const places: number[] = []
  const nfas: PatternNfa[] = []
  for (const [place, { source, flags }] of patterns.entries()) {
    const nfa = nfaOf(source, flags)
    if (!nfa || nfa.alwaysMatches || matchesUsualByte(nfa)) always.push(place)
    else {
      places.push(place)
      nfas.push(nfa)
    }
  }
  const automata: MergedAutomaton[] = []
  const order: number[] = []
  const exact: number[] = []
  const groups = planGroups(
    nfas,
    places.map((place) => patterns[place]!.source),
  )
  for (const group of groups) {
    const automaton = mergePatterns(group.map((index) => nfas[index]!))
    if (!automaton) {
      always.push(...group.map((index) => places[index]!))
      continue
    }
    automata.push(automaton)
    for (const index of group) {
      order.push(places[index]!)
      exact.push(nfas[index]!.exact ? 1 : 0)
    }
  }
  return {
    automata,
    order: Int32Array.from(order),
    exact: Uint8Array.from(exact),
    always: Int32Array.from(always.sort((a, b) => a - b)),
  }
}

/** Words of records per position of the automata, and the bounds for all lists of a rule set. */
const wordsPerPosition = 40
const wordsMin = 1 << 18
const wordsMax = 4 << 20

/** Room for what the states of these sets are made of, of which only what is used costs memory; rows take half as much again. */
export function recordWordsFor(sets: Iterable<AutomatonSet>): number {
  let positions = 0
  for (const { automata } of sets) for (const automaton of automata) positions += automaton.positions
  return Math.min(wordsMax, Math.max(wordsMin, positions * wordsPerPosition))
}

/**
 * The same sets with a common memory for their states, which threads share when they are posted the sets. With the memory of before when
 * these are the same patterns.
 */
export function shareStates(
  sets: ReadonlyMap<string, AutomatonSet>,
  before?: RuleStates,
): Map<string, AutomatonSet> {
  const lists = [...sets.values()]
  const shape =
    before?.keys.join() === [...sets.keys()].join()
      ? before.shape
      : createStore(
          lists.map(({ automata }) => automata),
          recordWordsFor(lists),
        )
  return new Map([...sets].map(([key, set], list) => [key, { ...set, states: { shape, list } }]))
}

/** Bytes that hardly a text is without. */
const usualBytes = Buffer.from(' etaoinsr')

/** Whether one such byte is all that the pattern asks for: it would stop the walk at every turn, only to be a candidate in every text. */
function matchesUsualByte({ start, positions }: PatternNfa): boolean {
  return start[KIND_OTHER]!.some((at) => {
    if (at === ACCEPT) return false
    const { symbols, follow } = positions[at]!
    return follow[KIND_WORD]!.includes(ACCEPT) && usualBytes.some((byte) => symbols[byte])
  })
}

function nfaOf(source: string, flags: string): PatternNfa | undefined {
  try {
    const parsed = parsePerl(source, flags)
    // A tree that may accept less than the pattern is no filter.
    return parsed.inexact.length > 0 ? undefined : buildNfa(parsed.root)
  } catch {
    return undefined
  }
}

/** A file may come with the program from another machine, and arrays of numbers lie in it as they lay there. */
const fileVersion = `${tablesVersion} ${endianness()}`

/** The sets as one buffer for the cache file. */
export function encodeSets(sets: ReadonlyMap<string, AutomatonSet>): Buffer {
  const plain = [...sets].map(([key, { states: _, ...set }]) => [
    key,
    {
      ...set,
      automata: set.automata.map((automaton) =>
        mapArrays(automaton, (array) => array.slice() as typeof array),
      ),
    },
  ])
  return serialize({ version: fileVersion, plain })
}

/** Sets of a cache file in shared memory, all or the wanted ones; undefined when it is not one of ours. */
export function decodeSets(
  bytes: Uint8Array,
  wanted?: ReadonlySet<string>,
): Map<string, AutomatonSet> | undefined {
  try {
    const { version, plain } = deserialize(bytes) as { version: string; plain: [string, AutomatonSet][] }
    if (version !== fileVersion) return undefined
    return new Map(
      plain
        .filter(([key]) => wanted?.has(key) ?? true)
        .map(([key, set]) => [
          key,
          { ...set, automata: set.automata.map((automaton) => mapArrays(automaton, toShared)) },
        ]),
    )
  } catch {
    return undefined
  }
}

type TypedArray = Uint8Array | Uint16Array | Int32Array

function mapArrays(automaton: MergedAutomaton, change: (array: TypedArray) => TypedArray): MergedAutomaton {
  const entries = Object.entries(automaton).map(([name, value]) => [
    name,
    ArrayBuffer.isView(value) ? change(value as TypedArray) : value,
  ])
  return Object.fromEntries(entries) as MergedAutomaton
}

function toShared(array: TypedArray): TypedArray {
  const buffer = new SharedArrayBuffer(array.byteLength)
  const copy = new (array.constructor as new (buffer: SharedArrayBuffer) => TypedArray)(buffer)
  copy.set(array)
  return copy
}
