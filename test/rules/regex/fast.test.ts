// The fast path against the plain engine: the same hits, counts, places and order on real texts, on random patterns and texts, starved of
// memory and of time, and after its tables went through a file; and it was the fast path that answered.
import '../../../rules/regex/flags.js'
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type AutomatonSet,
  buildAutomata,
  decodeSets,
  encodeSets,
  type PatternSource,
  patternsKey,
  shareStates,
} from '../../../rules/regex/automata/tables.js'
import { createFastMatcher, createSwitchingMatcher, type OwnTables } from '../../../rules/regex/fast.js'
import type { PatternUse, TextMatcher } from '../../../rules/regex/matcher.js'
import { createPlainMatcher, LazyPattern } from '../../../rules/regex/plain.js'
import { loadRules } from '../../../src/ruling.js'
import { readOracle } from '../../support/oracle.js'
import { nearMisses, randomLines, randomPattern } from '../../support/patterns.js'

declare const WebAssembly: { Memory: new (size: object) => object }

interface OracleTexts {
  readonly body: readonly string[]
  readonly raw: readonly string[]
  readonly uri: readonly string[]
  readonly head: { readonly ALL: string }
}

const texts = readOracle<OracleTexts>('sa-texts-302').filter((_, index) => index % 8 === 0)
const stock = '/usr/share/spamassassin'

interface Patterns {
  readonly sources: PatternSource[]
  readonly uses: PatternUse[]
}

function useOf(source: PatternSource, number: number): PatternUse {
  const pattern = new LazyPattern(source.source, source.flags)
  // A mixture of what tflags can ask for.
  const multiple = number % 3 === 0
  return {
    pattern,
    multiple,
    hitsMax: number % 6 === 0 ? 2 : multiple ? 1000 : 1,
    skipFirst: number % 5 === 0,
  }
}

function patternsOf(sources: readonly PatternSource[]): Patterns {
  return { sources: [...sources], uses: sources.map(useOf) }
}

/** Patterns of our own rules; with the stock ones where they are installed, a sample that builds quickly. */
function rulePatterns(): Patterns {
  const own = loadRules({ builtin: true, paths: [], local: true }).rules
  const theirs = existsSync(stock) ? loadRules({ builtin: false, paths: [stock], local: true }).rules : []
  const sources: PatternSource[] = []
  for (const rule of [...own, ...theirs.filter((_, index) => index % 7 === 0)]) {
    if (rule.kind !== 'body' && rule.kind !== 'rawbody' && rule.kind !== 'uri' && rule.kind !== 'header')
      continue
    const { source, flags } = rule.pattern
    if (!/%\{|\(\?<[A-Z]/.test(source)) sources.push({ source, flags })
  }
  return patternsOf(sources)
}

type Hits = readonly (readonly [use: number, count: number, first: string])[]

function hitsOf(matcher: TextMatcher, lines: readonly string[], uses: number, firsts: boolean): Hits {
  const hits: [number, number, string][] = []
  const active = new Uint8Array(uses).fill(1)
  // Some rules are switched off.
  for (let use = 7; use < uses; use += 11) active[use] = 0
  matcher.match(
    lines,
    active,
    (use, count, first) => hits.push([use, count, firsts ? JSON.stringify(first) : '']),
    firsts,
  )
  return hits
}

function assertSame(fast: TextMatcher, plain: TextMatcher, lines: readonly string[], uses: number): void {
  for (const firsts of [false, true])
    assert.deepEqual(hitsOf(fast, lines, uses, firsts), hitsOf(plain, lines, uses, firsts))
}

const rules = rulePatterns()
const ruleSet = buildAutomata(rules.sources)
const plainRules = createPlainMatcher(rules.uses)

/** One char is one byte; a few recorded texts hold wide characters. */
const bytes = (lines: readonly string[]) =>
  lines.map((line) => Buffer.from(line, 'latin1').toString('latin1'))

function* realTexts(): Generator<readonly string[]> {
  for (const recorded of texts) {
    const body = bytes(recorded.body)
    yield body
    yield bytes(recorded.raw)
    yield bytes(recorded.uri)
    yield bytes([recorded.head.ALL])
    // A line cut anywhere and put together otherwise.
    yield body.map((line) => line.slice(line.length / 3) + line.slice(0, line.length / 3))
  }
}

test('real texts: hits, counts and places are those of the plain engine, found by the automata', () => {
  const fast = createSwitchingMatcher(rules.uses)
  assert.equal(fast.fastTexts, 0)
  const shared = shareStates(new Map([['rules', ruleSet]])).get('rules')!
  assert.ok(shared.states!.shape.memory instanceof WebAssembly.Memory)
  fast.adopt(shared)
  let hits = 0
  let scans = 0
  for (const lines of realTexts()) {
    assertSame(fast, plainRules, lines, rules.uses.length)
    hits += hitsOf(fast, lines, rules.uses.length, false).length
    scans += 3
  }
  assert.ok(hits > 500, `${hits} hits`)
  assert.equal(fast.fastTexts, scans)
})

const starved: Record<string, OwnTables> = {
  'an arena that is full at once': { recordWords: 1 },
  'a small arena': { recordWords: 10_000 },
  'few builds per group': { groupBuilds: 10 },
  'few builds per text': { textBuilds: 200 },
  'little is kept of each text': { recordWords: 15_000, keptBuilds: 20 },
}

for (const [name, limits] of Object.entries(starved)) {
  test(`starved: ${name}`, () => {
    const fast = createFastMatcher(rules.uses, ruleSet, limits)
    let turn = 0
    for (const lines of realTexts())
      if (turn++ % 3 === 0) assertSame(fast, plainRules, lines, rules.uses.length)
    if (limits.recordWords) assert.ok(fast.arena.store.flushes + fast.arena.withheld > 0)
  })
}

test('a text longer than the room for it is walked in pieces', () => {
  const { sources, uses } = patternsOf(rules.sources.filter((_, index) => index % 15 === 0))
  const fast = createFastMatcher(uses, buildAutomata(sources))
  const plain = createPlainMatcher(uses)
  const room = 1 << 16
  const real = [...realTexts()].filter((_, index) => index % 5 === 0).flat()
  const cut: string[] = []
  for (let length = 0; length < 1.2 * room; length += cut.at(-1)!.length)
    cut.push(real[cut.length % real.length]!.slice(0, 2000))
  const filler = 'so it goes. '.repeat(room / 10)
  const over = filler.slice(0, room - 3) + cut.slice(0, 20).join(' ')
  for (const lines of [
    cut,
    [over, 'x'],
    ['', filler.slice(0, room - 1), cut[0]!],
    [filler.slice(0, room), ''],
  ])
    assertSame(fast, plain, lines, uses.length)
})

test('tables from a file give the same hits; other bytes are no tables', () => {
  const key = patternsKey(rules.sources)
  const bytes = encodeSets(new Map([[key, ruleSet]]))
  const read = decodeSets(bytes)!.get(key)!
  assert.ok(read.automata.every(({ lists }) => lists.buffer instanceof SharedArrayBuffer))
  const fast = createFastMatcher(rules.uses, read)
  let turn = 0
  for (const lines of realTexts())
    if (turn++ % 5 === 0) assertSame(fast, plainRules, lines, rules.uses.length)
  assert.equal(decodeSets(bytes.subarray(0, bytes.length / 2)), undefined)
  assert.equal(decodeSets(Buffer.from('not a table')), undefined)
})

test('the key of a list changes with every pattern, flag and order', () => {
  const a = { source: 'a', flags: '' }
  const b = { source: 'b', flags: 'i' }
  const keys = [[a], [b], [a, b], [b, a], [{ ...a, flags: 'i' }]].map(patternsKey)
  assert.equal(new Set(keys).size, keys.length)
})

// ---- random patterns

function valid({ source, flags }: PatternSource): boolean {
  try {
    return new LazyPattern(source, flags).regExp !== undefined
  } catch {
    return false
  }
}

test('random patterns on random and nearly matching texts', () => {
  let automata = 0
  fc.assert(
    fc.property(fc.array(randomPattern, { minLength: 6, maxLength: 12 }), randomLines, (list, lines) => {
      const { sources, uses } = patternsOf(list.filter(valid))
      const set: AutomatonSet = buildAutomata(sources)
      automata += set.automata.length
      const fast = createFastMatcher(uses, set)
      const plain = createPlainMatcher(uses)
      for (const text of [lines, sources.flatMap(({ source }) => nearMisses(source)), [lines.join('\n')]])
        assertSame(fast, plain, text, uses.length)
    }),
    { numRuns: Number(process.env['HAMD_FUZZ_RUNS'] ?? 1500), seed: 5 },
  )
  assert.ok(automata > 400)
})
