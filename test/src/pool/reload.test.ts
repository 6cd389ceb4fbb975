// Reloads: the workers stay, no message is lost, each is judged wholly by one ruling, and a ruling that cannot be used changes nothing.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { CoreError } from '../../../src/errors.js'
import { type PoolOptions, type Ruling, WorkerPool } from '../../../src/pool/pool.js'
import type { ScanOutcome } from '../../../src/scan.js'
import type { DnsAnswer, Net } from '../../../src/types.js'
import {
  attack,
  harmless,
  KnownThreads,
  poolOptions,
  requestOf,
  rulingOf,
  runaway,
  symbolsOf,
} from '../../support/pool.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-reload-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Each message shows by which generation it was judged, twice. */
const generation = (n: number) =>
  `header BEGIN_${n} Subject =~ /s/\nscore BEGIN_${n} 1\nbody END_${n} /hello/\nscore END_${n} 1\n`
const judgedBy = (n: number) => [`BEGIN_${n}`, `END_${n}`]
const hello = () => requestOf('hello')

/** Keeps a history of each sender, in a file of the data folder. */
const remembering = (rules: string) =>
  rulingOf(
    `${rules}header AWL eval:check_from_in_auto_welcomelist()\npriority AWL 1000\n`,
    ['AWL', 'DNSEval'].map((name) => `loadplugin Mail::SpamAssassin::Plugin::${name}\n`).join(''),
  )

async function withPool(
  ruling: Ruling,
  more: Partial<PoolOptions>,
  use: (pool: WorkerPool, threads: KnownThreads) => Promise<void>,
): Promise<void> {
  const threads = new KnownThreads(0)
  const pool = await WorkerPool.start(ruling, poolOptions({ hangMs: 30_000, ...more, threads }))
  try {
    await use(pool, threads)
  } finally {
    await pool.close()
  }
}

async function judgements(pool: WorkerPool, count: number): Promise<string[]> {
  const outcomes = await Promise.all(Array.from({ length: count }, () => pool.scan(hello())))
  return [...new Set(outcomes.map((outcome) => symbolsOf(outcome).sort().join()))]
}

test('messages during reloads: none is lost, each is judged by one ruling, later ones by the last; the threads stay', () =>
  withPool(rulingOf(generation(0)), {}, async (pool, threads) => {
    const answers: Promise<ScanOutcome>[] = []
    const feed = setInterval(() => answers.push(pool.scan(hello())), 1)
    for (const turn of [1, 2, 3]) {
      await pool.reload(rulingOf(generation(turn)))
      assert.deepEqual(symbolsOf(await pool.scan(hello())).sort(), judgedBy(turn))
    }
    clearInterval(feed)
    const allowed = [0, 1, 2, 3].map((n) => judgedBy(n).join())
    for (const outcome of await Promise.all(answers))
      assert.ok(allowed.includes(symbolsOf(outcome).sort().join()), symbolsOf(outcome).join())
    assert.ok(answers.length > 0)
    assert.equal(threads.taken.length, 2)
  }))

test('with automata, of the same patterns and of others', () => {
  const many = (word: string) =>
    Array.from({ length: 12 }, (_, n) => `body R${n} /${word}${n}/\nscore R${n} 1\n`).join('')
  const automataFile = join(folder, 'cache', 'automata.bin')
  return withPool(rulingOf(many('word')), { automataFile }, async (pool) => {
    for (const word of ['word', 'term', 'term', 'word']) {
      await pool.reload(rulingOf(many(word)))
      const outcome = await pool.scan(requestOf('word1 term2 word3 term4'))
      assert.deepEqual(symbolsOf(outcome).sort(), word === 'word' ? ['R1', 'R3'] : ['R2', 'R4'])
    }
  })
})

test('a scan that awaits look-ups ends under the ruling it began with, with the histories of senders that ruling keeps', () => {
  const waiting: ((answer: DnsAnswer) => void)[] = []
  const net: Net = { dns: { enabled: true, query: () => new Promise((resolve) => waiting.push(resolve)) } }
  const listed = `header LISTED eval:check_rbl('x', 'list.example.')\ntflags LISTED net\nscore LISTED 1\n`
  const relayed =
    'Received: from a.example (a.example [198.51.100.7]) by mx.example with ESMTP id 1\nFrom: a@b.example\nSubject: s\n'
  return withPool(remembering(`${generation(0)}${listed}`), { net, dataDir: folder }, async (pool) => {
    const early = pool.scan(requestOf('hello', relayed))
    while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await pool.reload(rulingOf(generation(1)))
    assert.equal(pool.inFlight, 1)
    assert.deepEqual(await judgements(pool, 4), [judgedBy(1).join()])
    for (const answer of waiting) answer({ status: 'found', records: ['127.0.0.2'], ttlSeconds: 60 })
    const outcome = await early
    assert.deepEqual(symbolsOf(outcome).sort(), [...judgedBy(0), 'LISTED'])
    assert.deepEqual(outcome.scanned.verdict.notes, [])
  })
})

test('a ruling that workers cannot take is refused, and the old one stays in all of them; one that they can is taken', async () => {
  const nowhere = join(folder, 'is', 'not', 'there')
  await withPool(rulingOf(generation(0)), { dataDir: nowhere }, async (pool, threads) => {
    await assert.rejects(pool.reload(remembering(generation(1))), /directory does not exist/)
    await assert.rejects(
      WorkerPool.start(remembering(generation(1)), poolOptions({ dataDir: nowhere })),
      /directory does not exist/,
    )
    assert.deepEqual(await judgements(pool, 10), [judgedBy(0).join()])
    await pool.reload(rulingOf(generation(2)))
    assert.deepEqual(await judgements(pool, 10), [judgedBy(2).join()])
    assert.equal(threads.taken.length, 2)
  })
  await withPool(rulingOf(generation(0)), { dataDir: folder }, async (pool) => {
    await pool.reload(remembering(generation(1)))
    assert.deepEqual(await judgements(pool, 10), [judgedBy(1).join()])
  })
})

test('two reloads at once: one after the other, and the last one stays, whatever became of the first', () =>
  withPool(rulingOf(generation(0)), { dataDir: join(folder, 'not there') }, async (pool) => {
    const first = pool.reload(rulingOf(generation(1)))
    const second = pool.reload(rulingOf(generation(2)))
    await first
    await second
    assert.deepEqual(await judgements(pool, 10), [judgedBy(2).join()])
    const refused = pool.reload(remembering(generation(3)))
    const last = pool.reload(rulingOf(generation(4)))
    await assert.rejects(refused)
    await last
    assert.deepEqual(await judgements(pool, 10), [judgedBy(4).join()])
  }))

test('a worker that dies in a reload has a successor under the new ruling, and its messages are answered', () =>
  withPool(rulingOf(generation(0)), {}, async (pool, threads) => {
    const answers = Array.from({ length: 50 }, () => pool.scan(hello()))
    const reloaded = pool.reload(rulingOf(generation(1)))
    await threads.taken[0]!.terminate()
    await reloaded
    for (const outcome of await Promise.all(answers)) assert.equal(symbolsOf(outcome).length, 2)
    while (pool.workersReady < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual(await judgements(pool, 50), [judgedBy(1).join()])
    assert.equal(threads.taken.length, 3)
  }))

test('a worker that hangs when its rules are reloaded is still ended, its rule named by the old plan, and its message answered', async () => {
  const suspended: string[] = []
  const onSuspend = (rule: string) => void suspended.push(rule)
  await withPool(rulingOf(runaway), { count: 1, hangMs: 1000, onSuspend }, async (pool) => {
    const attacked = pool.scan(requestOf(attack))
    await pool.reload(rulingOf(harmless))
    assert.deepEqual(symbolsOf(await attacked), ['HELLO'])
    assert.deepEqual(suspended, ['RUNAWAY'])
    assert.deepEqual(pool.suspendedRules, [])
    assert.deepEqual((await pool.scan(requestOf(attack))).scanned.verdict.notes, [])
  })
})

test('the end during a reload: what was accepted is answered, the reload is refused', async () => {
  const pool = await WorkerPool.start(rulingOf(generation(0)), poolOptions())
  const scans = Array.from({ length: 20 }, () => pool.scan(hello()))
  const refused = assert.rejects(
    pool.reload(rulingOf(generation(1))),
    (error: CoreError) => error.code === 'shutting-down',
  )
  await pool.close()
  await refused
  for (const outcome of await Promise.all(scans)) assert.deepEqual(symbolsOf(outcome).sort(), judgedBy(0))
})
