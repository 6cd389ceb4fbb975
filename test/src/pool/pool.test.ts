// The scan workers: runaway rules, crashes, reloads, a full queue, the end. Real threads with small rule sets.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import type { CoreError } from '../../../src/errors.js'
import { createLog } from '../../../src/log.js'
import { type PoolOptions, type Ruling, WorkerPool } from '../../../src/pool/pool.js'
import { ScanThreads } from '../../../src/pool/threads.js'
import type { ScanOutcome } from '../../../src/scan.js'
import type { Request } from '../../../src/types.js'
import { offlineNet } from '../../support/offline.js'
import { planOf } from '../../support/rules.js'

const harmless = 'body HELLO /hello/\nscore HELLO 1\nbody __BYE /bye/\n'
/** Too large for the machine that counts steps (rules/regex/guarded.ts): what is left to V8 and the watchdog. */
const runaway = `${harmless}body RUNAWAY /^(?:(a+)+)+\\1(?:!|(?:(?:b|c){300}){200})$/\nscore RUNAWAY 2\n`
const hangMs = 1000

function ruling(rules: string): Ruling {
  return {
    plan: planOf(rules),
    policy: { thresholds: {}, lookupMs: 1000, unchecked: 'accept', hostname: 'test', autolearn: false },
    prefs: { kind: 'off', dir: null, allowUserRules: false },
  }
}

function options(more: Partial<PoolOptions> = {}): PoolOptions {
  return {
    count: 2,
    queueMax: 1000,
    hangMs,
    net: offlineNet,
    dataDir: undefined,
    learner: () => undefined,
    log: createLog('silent'),
    automataFile: undefined,
    ...more,
  }
}

let ids = 0
function request(body: string): Request {
  const text = `From: a@example.org\nSubject: s\n\n${body}\n`
  const raw = new Uint8Array(new SharedArrayBuffer(text.length))
  raw.set(Buffer.from(text, 'latin1'))
  return { id: String(ids++), raw, envelope: { rcptTo: [] }, wants: {}, front: 'test' }
}

const symbols = ({ scanned }: ScanOutcome) => scanned.verdict.hits.map((hit) => hit.symbol)
const attack = `${'a'.repeat(60)}?\n\nhello`

test('a rule that runs away: its message is answered without it, and says so; others wait no longer than for a new worker', async () => {
  const suspended: string[] = []
  const pool = await WorkerPool.start(ruling(runaway), options({ onSuspend: (rule) => suspended.push(rule) }))
  try {
    const attacked = pool.scan(request(attack))
    const others = Array.from({ length: 40 }, () => pool.scan(request('hello')))
    for (const outcome of await Promise.all(others)) assert.deepEqual(symbols(outcome), ['HELLO'])
    const outcome = await attacked
    assert.deepEqual(symbols(outcome), ['HELLO'])
    assert.deepEqual(
      outcome.scanned.verdict.notes.map(({ check, kind }) => [check, kind]),
      [['rule RUNAWAY', 'skipped']],
    )
    assert.deepEqual(suspended, ['RUNAWAY'])
    assert.deepEqual(pool.suspendedRules, ['RUNAWAY'])
    // All workers know by now.
    const again = await Promise.all(Array.from({ length: 6 }, () => pool.scan(request(attack))))
    for (const later of again) assert.equal(later.scanned.verdict.notes.length, 1)
    assert.deepEqual(suspended, ['RUNAWAY'])
    await pool.reload(ruling(harmless))
    assert.deepEqual(pool.suspendedRules, [])
    assert.deepEqual((await pool.scan(request(attack))).scanned.verdict.notes, [])
  } finally {
    await pool.close()
  }
})

test('reloads during scans lose no message; later ones are judged by the new rules', async () => {
  const pool = await WorkerPool.start(ruling(harmless), options())
  try {
    const answers: Promise<ScanOutcome>[] = []
    const feed = setInterval(() => answers.push(pool.scan(request('hello'))), 1)
    for (let turn = 0; turn < 3; turn++)
      await pool.reload(ruling(`${harmless}body TURN_${turn} /hello/\nscore TURN_${turn} 1\n`))
    clearInterval(feed)
    const last = await pool.scan(request('hello'))
    assert.deepEqual(symbols(last), ['HELLO', 'TURN_2'])
    const all = await Promise.all(answers)
    assert.ok(all.length > 20, `${all.length} messages`)
    for (const outcome of all) assert.ok(symbols(outcome).includes('HELLO'))
  } finally {
    await pool.close()
  }
})

test('a worker that hangs when its rules are reloaded is still ended, and its message answered', async () => {
  const pool = await WorkerPool.start(ruling(runaway), options({ count: 1 }))
  try {
    const attacked = pool.scan(request(attack))
    await pool.reload(ruling(harmless))
    assert.deepEqual(symbols(await attacked), ['HELLO'])
  } finally {
    await pool.close()
  }
})

test('a pool whose only worker has died says that none is ready until there is another', async () => {
  const taken: Worker[] = []
  class KnownThreads extends ScanThreads {
    override take(): Worker {
      const thread = super.take()
      taken.push(thread)
      return thread
    }
  }
  const pool = await WorkerPool.start(ruling(harmless), options({ count: 1, threads: new KnownThreads(1) }))
  try {
    assert.equal(pool.workersReady, 1)
    await taken[0]!.terminate()
    assert.equal(pool.workersReady, 0)
    assert.deepEqual(symbols(await pool.scan(request('hello'))), ['HELLO'])
    assert.equal(pool.workersReady, 1)
  } finally {
    await pool.close()
  }
})

test('a full queue says overloaded at once; what was accepted is answered', async () => {
  const pool = await WorkerPool.start(ruling(harmless), options({ count: 1, queueMax: 5 }))
  try {
    const scans = Array.from({ length: 20 }, () => pool.scan(request('hello')))
    const done = await Promise.allSettled(scans)
    const refused = done.filter((result) => result.status === 'rejected')
    assert.equal(done.length - refused.length, 5 + 2)
    for (const { reason } of refused as PromiseRejectedResult[])
      assert.equal((reason as CoreError).code, 'overloaded')
    assert.equal(pool.waiting, 0)
    assert.equal(pool.inFlight, 0)
  } finally {
    await pool.close()
  }
})

test('the end: what was accepted is answered, later messages are refused', async () => {
  const pool = await WorkerPool.start(ruling(harmless), options())
  const scans = Array.from({ length: 50 }, () => pool.scan(request('hello')))
  const closed = pool.close()
  await assert.rejects(pool.scan(request('hello')), (error: CoreError) => error.code === 'shutting-down')
  await closed
  for (const outcome of await Promise.all(scans)) assert.deepEqual(symbols(outcome), ['HELLO'])
})

test('large messages never hold all workers, and small ones pass those that wait', async () => {
  const pool = await WorkerPool.start(ruling(harmless), options())
  try {
    const large = 'word and word\n'.repeat(50_000)
    const scans = [1, 2, 3].map(() => pool.scan(request(large)))
    assert.deepEqual([pool.inFlight, pool.waiting], [1, 2])
    for (let index = 0; index < 20; index++) scans.push(pool.scan(request('hello')))
    assert.deepEqual([pool.inFlight, pool.waiting], [3, 20])
    assert.equal((await Promise.all(scans)).length, 23)
  } finally {
    await pool.close()
  }
})

test('automata are built aside, kept, and used from the start the next time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-pool-'))
  const rules = Array.from(
    { length: 12 },
    (_, index) => `body R${index} /word${index}/\nscore R${index} 1`,
  ).join('\n')
  const logged: string[] = []
  const log = createLog('silent')
  log.info = ((fields: { built?: number }, text: string) => logged.push(`${text} ${fields.built}`)) as never
  try {
    for (const built of [1, 0]) {
      const pool = await WorkerPool.start(
        ruling(rules),
        options({ automataFile: join(folder, 'cache', 'automata.bin'), log }),
      )
      for (let turn = 0; turn < 2; turn++) {
        const outcome = await pool.scan(request('word1 word2 word11'))
        assert.deepEqual(symbols(outcome).sort(), ['R1', 'R11', 'R2'])
        while (logged.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      await pool.close()
      assert.deepEqual(logged.splice(0), [`fast path ready ${built}`])
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
