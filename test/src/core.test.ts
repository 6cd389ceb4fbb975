// The core towards fronts: the same answers inline and through workers, refusals as CoreErrors, nothing afterwards changes an answer.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createCore, type ServerCore } from '../../src/core.js'
import { CoreError } from '../../src/errors.js'
import { unpackRow } from '../../src/history/row.js'
import type { HistoryRow } from '../../src/history/types.js'
import { createLog } from '../../src/log.js'
import type { Ruling } from '../../src/pool/pool.js'
import type { DnsAnswer, Net, Request } from '../../src/types.js'
import { offlineNet } from '../support/offline.js'
import { mail, planOf } from '../support/rules.js'

const apples = 'body APPLES /ten apples/\nscore APPLES 3\n'

const rulingOf = (rules: string): Ruling => ({
  plan: planOf(rules),
  policy: {
    thresholds: { reject: 15 },
    lookupMs: 2000,
    unchecked: 'accept',
    hostname: 'test',
    autolearn: false,
  },
  prefs: { kind: 'off', dir: null, allowUserRules: false },
})

function coreOf(
  workers: number,
  more: { net?: Net; queueMax?: number; rules?: string; history?: boolean } = {},
): Promise<ServerCore> {
  return createCore(rulingOf(more.rules ?? apples), {
    workers,
    queueMax: more.queueMax ?? 10,
    hangMs: 30_000,
    net: more.net ?? offlineNet,
    learner: undefined,
    dataDir: undefined,
    automataFile: undefined,
    history: more.history === true,
    log: createLog('silent'),
  })
}

const request = (): Request => ({
  id: 'test',
  raw: Buffer.from(mail, 'latin1'),
  envelope: { rcptTo: [] },
  wants: { report: true, rewritten: 'headers' },
  front: 'test',
})

for (const workers of [0, 1])
  describe(`${workers} workers`, () => {
    test('scans, counts, tells listeners; a listener that throws costs no answer', async () => {
      const core = await coreOf(workers)
      const seen: string[] = []
      core.onScan(() => {
        throw new Error('broken listener')
      })
      core.onScan((_, scanned) => void seen.push(scanned.verdict.action))
      const scanned = await core.scan(request())
      assert.deepEqual(
        scanned.verdict.hits.map(({ symbol }) => symbol),
        ['APPLES'],
      )
      const headers = Buffer.from(scanned.rewritten!).toString('latin1')
      assert.match(headers, /^X-Spam-Checker-Version: /)
      assert.match(headers, /\n\n$/)
      assert.deepEqual(seen, ['no action'])
      const stats = await core.stats()
      assert.deepEqual([stats.scanned, stats.spam, stats.ham, stats.actions['no action']], [1, 0, 1, 1])
      await core.close()
    })
    test('a scan brings a row for the history, unless its client wants none', async () => {
      const rows: (HistoryRow | undefined)[] = []
      const core = await coreOf(workers, { history: true })
      core.onScan((_, __, row) => {
        const { id, unixTime, action, row: text } = row ? unpackRow(Buffer.from(row)) : {}
        rows.push(text && { ...JSON.parse(text.toString()), ...{ id, unixTime, action } })
      })
      const { verdict, sizeBytes } = await core.scan({ ...request(), id: 'kept' })
      await core.scan({ ...request(), unlogged: true })
      await core.close()
      const [kept, none] = rows
      assert.equal(none, undefined)
      const { score, action, thresholds, tookMs } = verdict
      assert.deepEqual(
        [kept!.id, kept!.front, kept!.size, kept!.symbols[0]!.name],
        ['kept', 'test', sizeBytes, 'APPLES'],
      )
      assert.deepEqual(
        [kept!.score, kept!.action, kept!.thresholds, kept!.tookMs],
        [score, action, thresholds, tookMs],
      )
      assert.ok(Math.abs(kept!.unixTime - Date.now() / 1000) < 60)
    })
    test('where no history is kept, scans bring no rows', async () => {
      const core = await coreOf(workers)
      const rows: unknown[] = []
      core.onScan((_, __, row) => void rows.push(row))
      await core.scan(request())
      await core.close()
      assert.deepEqual(rows, [undefined])
    })
    test('a reload changes the rules; what comes after the end is refused', async () => {
      const core = await coreOf(workers)
      await core.reload(rulingOf('body PEARS /ten pears/\nscore PEARS 7\n'))
      const { verdict } = await core.scan(request())
      assert.deepEqual([verdict.score, verdict.isSpam], [7, true])
      assert.deepEqual(
        (await core.symbols()).map(({ symbol }) => symbol),
        ['PEARS'],
      )
      await core.close()
      await assert.rejects(
        core.scan(request()),
        (error) => error instanceof CoreError && error.code === 'shutting-down',
      )
    })
    test('without a learner learning is refused, not lost', async () => {
      const core = await coreOf(workers)
      const outcome = await core.learn({ raw: Buffer.from(mail), class: 'spam', source: 'test' })
      assert.equal(outcome.status, 'refused')
      await core.close()
    })
  })

test('inline: more scans at once than the queue holds are refused; the end waits for those under way', async () => {
  const waiting: ((answer: DnsAnswer) => void)[] = []
  const net: Net = { dns: { enabled: true, query: () => new Promise((resolve) => waiting.push(resolve)) } }
  const rules = `${apples}header LISTED eval:check_rbl('x', 'list.example.')\ntflags LISTED net\nscore LISTED 1\n`
  const core = await createCore(
    { ...rulingOf(apples), plan: planOf(rules) },
    {
      workers: 0,
      queueMax: 1,
      hangMs: 30_000,
      net,
      learner: undefined,
      dataDir: undefined,
      automataFile: undefined,
      log: createLog('silent'),
    },
  )
  const first = core.scan(request())
  await assert.rejects(
    core.scan(request()),
    (error) => error instanceof CoreError && error.code === 'overloaded',
  )
  assert.equal(core.load().inFlight, 1)
  const closed = core.close()
  for (const answer of waiting) answer({ status: 'nxdomain' })
  assert.equal((await first).verdict.score, 3)
  await closed
})
