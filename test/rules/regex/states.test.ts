// The states that scans have found: shared by threads that walk them while others add to them and empty them, and kept in a file.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { planesOf, UNKNOWN } from '../../../rules/regex/automata/layout.js'
import { readStates, releaseStates, statesOf, writeStates } from '../../../rules/regex/automata/saved.js'
import { createStore, StateStore } from '../../../rules/regex/automata/store.js'
import {
  type AutomatonSet,
  buildAutomata,
  type PatternSource,
  shareStates,
} from '../../../rules/regex/automata/tables.js'
import { createFastMatcher } from '../../../rules/regex/fast.js'
import { createPlainMatcher, LazyPattern } from '../../../rules/regex/plain.js'
import { loadRules } from '../../../src/ruling.js'
import { readOracle } from '../../support/oracle.js'

export interface SharingJob {
  readonly sources: readonly PatternSource[]
  readonly set: AutomatonSet
  readonly texts: readonly (readonly string[])[]
  readonly rounds: number
}

interface OracleTexts {
  readonly body: readonly string[]
}

const folder = mkdtempSync(join(tmpdir(), 'hamd-states-'))
after(() => rmSync(folder, { recursive: true }))

const texts = readOracle<OracleTexts>('sa-texts-302')
  .filter((_, index) => index % 5 === 0)
  .map(({ body }) => body.map((line) => Buffer.from(line, 'latin1').toString('latin1')))

const sources: PatternSource[] = []
for (const rule of loadRules({ builtin: true, paths: [], local: true }).rules) {
  if (rule.kind === 'body' || rule.kind === 'header') sources.push(rule.pattern)
}
const plainSources = sources
  .map(({ source, flags }) => ({ source, flags }))
  .filter(({ source }) => !/%\{|\(\?<[A-Z]/.test(source))
const uses = plainSources.map(({ source, flags }) => ({
  pattern: new LazyPattern(source, flags),
  multiple: false,
  hitsMax: 1,
  skipFirst: false,
}))
const automata = buildAutomata(plainSources)
const active = new Uint8Array(uses.length).fill(1)

type Matcher = Pick<ReturnType<typeof createFastMatcher>, 'match'>

function hitsOf(matcher: Matcher, lines: readonly string[]): string {
  const found: number[] = []
  matcher.match(lines, active, (use) => found.push(use), false)
  return found.join()
}

const plain = createPlainMatcher(uses)
const expected = texts.map((lines) => hitsOf(plain, lines))

function scanInThread(set: AutomatonSet, rounds: number): Promise<{ hits: string[]; differ: number }> {
  const job: SharingJob = { sources: plainSources, set, texts, rounds }
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./sharing-thread.js', import.meta.url), { workerData: job })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

const room: Record<string, number> = { 'with room for all': 1 << 20, 'emptied again and again': 1 }

for (const [name, recordWords] of Object.entries(room)) {
  test(`three threads on one table, ${name}: each finds what the plain engine finds`, async () => {
    const shape = createStore([automata.automata], recordWords)
    const set = { ...automata, states: { shape, list: 0 } }
    const results = await Promise.all([1, 2, 3].map(() => scanInThread(set, 6)))
    for (const { hits, differ } of results) {
      assert.deepEqual(hits, expected)
      assert.equal(differ, 0)
    }
    const store = new StateStore(shape)
    assert.ok(store.builds > 1000, `${store.builds} transitions`)
    assert.equal(store.flushes > 0, recordWords === 1)
  })
}

test('a group that has all rows it can have is emptied; what the others know stays', () => {
  const store = new StateStore(createStore([automata.automata], 1 << 20, true))
  store.takePlace(1)
  const add = (group: number, position: number) => store.add(group, 0, Int32Array.of(position), 1)
  const known = add(1, 7)
  let states = 0
  while (add(0, states) !== UNKNOWN) states++
  assert.ok(states > 4000, `${states} states`)
  assert.notEqual(add(0, 0), UNKNOWN, 'what is there is still found')
  store.makeRoom()
  assert.equal(store.flushes, 1)
  assert.equal(store.find(0, 0, Int32Array.of(0), 1), UNKNOWN)
  assert.equal(store.find(1, 0, Int32Array.of(7), 1), known)
  assert.notEqual(add(0, states), UNKNOWN)
})

test('whatever mail asks of one group after the other, rows take no more memory than they may', () => {
  const shape = createStore([automata.automata], 1 << 16, true)
  const store = new StateStore(shape)
  store.takePlace(1)
  const rowsEver = Array.from({ length: shape.groups }, () => 0)
  for (let turn = 0; turn < 3; turn++) {
    for (let group = 0; group < shape.groups; group++) {
      let states = 0
      while (store.add(group, 0, Int32Array.of(states), 1) !== UNKNOWN) states++
      rowsEver[group] = Math.max(rowsEver[group]!, states)
      store.makeRoom()
    }
  }
  assert.ok(store.flushes > 0)
  const lines = automata.automata.map(({ classes }, group) => rowsEver[group]! * planesOf(classes))
  const sum = lines.reduce((sum, lines) => sum + lines, 0)
  assert.ok(sum > shape.linesMax / 2 && sum <= shape.linesMax, `${sum} of ${shape.linesMax} cache lines`)
})

test('a thread that ends while it holds the tables does not stop the others', () => {
  const shape = createStore([automata.automata], 1)
  const dead = new StateStore(shape)
  dead.takePlace(4711)
  dead.enter()
  const set = { ...automata, states: { shape, list: 0 } }
  const fast = createFastMatcher(uses, set)
  const store = new StateStore(shape)
  for (const [place, lines] of texts.entries()) assert.equal(hitsOf(fast, lines), expected[place])
  assert.equal(store.flushes, 0, 'nothing is emptied under a walk')
  releaseStates({ keys: [], shape }, 4711)
  dead.takePlace(4712)
  releaseStates({ keys: [], shape }, 4711)
  for (const [place, lines] of texts.entries()) assert.equal(hitsOf(fast, lines), expected[place])
})

test('states from a file: the same hits, and nothing left to compute', () => {
  const file = join(folder, 'states.bin')
  const sets = new Map([['rules', automata]])
  const first = shareStates(sets)
  const learning = createFastMatcher(uses, first.get('rules')!)
  for (const lines of texts) hitsOf(learning, lines)
  assert.equal(writeStates(statesOf(first)!, file), true)
  const { builds } = learning.arena.store
  assert.equal(learning.arena.store.unsavedBuilds, 0)

  const second = shareStates(sets)
  assert.equal(readStates(second, file), true)
  const restored = createFastMatcher(uses, second.get('rules')!)
  assert.equal(restored.arena.store.builds, builds)
  for (const [place, lines] of texts.entries()) assert.equal(hitsOf(restored, lines), expected[place])
  assert.equal(restored.arena.store.builds, builds)
  assert.equal(restored.arena.withheld, 0)

  // What is not for these patterns is left alone; what is damaged is said to be.
  const others = shareStates(new Map([['others', automata]]))
  assert.equal(readStates(others, file), false)
  assert.equal(readStates(shareStates(sets), join(folder, 'missing')), false)
  const bytes = readFileSync(file)
  bytes[bytes.length - 100]! ^= 1
  writeFileSync(file, bytes)
  assert.throws(() => readStates(shareStates(sets), file), /damaged/)
  writeFileSync(file, bytes.subarray(0, bytes.length / 2))
  assert.throws(() => readStates(shareStates(sets), file), /damaged/)
})

test('the same patterns after a reload go on with the states of before', () => {
  const before = shareStates(new Map([['rules', automata]]))
  const states = statesOf(before)!
  assert.equal(statesOf(shareStates(new Map([['rules', automata]]), states))!.shape, states.shape)
  assert.notEqual(statesOf(shareStates(new Map([['other', automata]]), states))!.shape, states.shape)
})
