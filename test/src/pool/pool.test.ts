// The scan workers: runaway rules, crashes, a full queue, the end. Real threads with small rule sets.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CoreError } from '../../../src/errors.js'
import { createLog } from '../../../src/log.js'
import { WorkerPool } from '../../../src/pool/pool.js'
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

test('a rule that runs away: its message is answered without it, and says so; others wait no longer than for a new worker', async () => {
  const suspended: string[] = []
  const pool = await WorkerPool.start(
    rulingOf(runaway),
    poolOptions({ onSuspend: (rule) => suspended.push(rule) }),
  )
  try {
    const attacked = pool.scan(requestOf(attack))
    const others = Array.from({ length: 40 }, () => pool.scan(requestOf('hello')))
    for (const outcome of await Promise.all(others)) assert.deepEqual(symbolsOf(outcome), ['HELLO'])
    const outcome = await attacked
    assert.deepEqual(symbolsOf(outcome), ['HELLO'])
    assert.deepEqual(
      outcome.scanned.verdict.notes.map(({ check, kind }) => [check, kind]),
      [['rule RUNAWAY', 'skipped']],
    )
    assert.deepEqual(suspended, ['RUNAWAY'])
    assert.deepEqual(pool.suspendedRules, ['RUNAWAY'])
    // All workers know by now.
    const again = await Promise.all(Array.from({ length: 6 }, () => pool.scan(requestOf(attack))))
    for (const later of again) assert.equal(later.scanned.verdict.notes.length, 1)
    assert.deepEqual(suspended, ['RUNAWAY'])
    await pool.reload(rulingOf(harmless))
    assert.deepEqual(pool.suspendedRules, [])
    assert.deepEqual((await pool.scan(requestOf(attack))).scanned.verdict.notes, [])
  } finally {
    await pool.close()
  }
})

test('a pool whose only worker has died says that none is ready until there is another', async () => {
  const threads = new KnownThreads(1)
  const pool = await WorkerPool.start(rulingOf(harmless), poolOptions({ count: 1, threads }))
  try {
    assert.equal(pool.workersReady, 1)
    await threads.taken[0]!.terminate()
    assert.equal(pool.workersReady, 0)
    assert.deepEqual(symbolsOf(await pool.scan(requestOf('hello'))), ['HELLO'])
    assert.equal(pool.workersReady, 1)
  } finally {
    await pool.close()
  }
})

test('a full queue says overloaded at once; what was accepted is answered', async () => {
  const pool = await WorkerPool.start(rulingOf(harmless), poolOptions({ count: 1, queueMax: 5 }))
  try {
    const scans = Array.from({ length: 20 }, () => pool.scan(requestOf('hello')))
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
  const pool = await WorkerPool.start(rulingOf(harmless), poolOptions())
  const scans = Array.from({ length: 50 }, () => pool.scan(requestOf('hello')))
  const closed = pool.close()
  await assert.rejects(pool.scan(requestOf('hello')), (error: CoreError) => error.code === 'shutting-down')
  await closed
  for (const outcome of await Promise.all(scans)) assert.deepEqual(symbolsOf(outcome), ['HELLO'])
})

test('large messages never hold all workers, and small ones pass those that wait', async () => {
  const pool = await WorkerPool.start(rulingOf(harmless), poolOptions())
  try {
    const large = 'word and word\n'.repeat(50_000)
    const scans = [1, 2, 3].map(() => pool.scan(requestOf(large)))
    assert.deepEqual([pool.inFlight, pool.waiting], [1, 2])
    for (let index = 0; index < 20; index++) scans.push(pool.scan(requestOf('hello')))
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
        rulingOf(rules),
        poolOptions({ automataFile: join(folder, 'cache', 'automata.bin'), log }),
      )
      for (let turn = 0; turn < 2; turn++) {
        const outcome = await pool.scan(requestOf('word1 word2 word11'))
        assert.deepEqual(symbolsOf(outcome).sort(), ['R1', 'R11', 'R2'])
        while (logged.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      await pool.close()
      assert.deepEqual(logged.splice(0), [`fast path ready ${built}`])
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
