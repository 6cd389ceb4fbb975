// The history: durable, bounded, and a broken store costs rows, never an exception.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { type HistoryRow, openHistory } from '../../../src/history/index.js'
import { packRow, unpackRow } from '../../../src/history/row.js'
import { HistoryStore } from '../../../src/history/store.js'
import { startStores } from '../../../src/stores.js'

function row(n: number, changes: Partial<HistoryRow> = {}): HistoryRow {
  return {
    id: `scan${n}`,
    unixTime: Date.now() / 1000,
    front: 'spamd',
    ip: 'unknown',
    user: 'unknown',
    senderSmtp: `sender${n}@example.com`,
    senderMime: 'unknown',
    rcptSmtp: ['bob@example.net'],
    rcptMime: [],
    subject: `Subject ${n}`,
    size: 100,
    score: n,
    requiredScore: 5,
    thresholds: { reject: 15 },
    action: 'no action',
    skipped: false,
    tookMs: 3,
    symbols: [],
    notes: [],
    ...changes,
  }
}

describe('history', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-history-'))
  const stores = startStores()
  after(async () => {
    await stores.close()
    rmSync(folder, { recursive: true })
  })

  test('rows survive a restart and stay bounded', async () => {
    const options = { path: join(folder, 'a.sqlite'), rowsMax: 50 }
    const first = openHistory(options, stores.history)
    for (let n = 0; n < 1200; n++) first.add(packRow(row(n)))
    assert.equal((await first.rows({ from: 0, limit: 1000 })).length, 50)
    await first.close()
    const second = openHistory(options, stores.history)
    const rows = await second.rows({ from: 0, limit: 3 })
    assert.deepEqual(
      rows.map(({ id }) => id),
      ['scan1199', 'scan1198', 'scan1197'],
    )
    assert.deepEqual((await second.rows({ from: 0, limit: 9, id: 'scan1190' })).length, 1)
    const points = await second.throughput(Date.now() / 1000 - 3600, 60)
    assert.equal(
      points.reduce((sum, point) => sum + point.count, 0),
      1200,
    )
    await second.close()
  })

  test('adding returns at once: thousands of rows take milliseconds of the caller', async () => {
    const history = openHistory({ path: join(folder, 'b.sqlite'), rowsMax: 1000 }, stores.history)
    const started = performance.now()
    for (let n = 0; n < 5000; n++) history.add(packRow(row(n)))
    assert.ok(performance.now() - started < 2000)
    assert.equal((await history.rows({ from: 0, limit: 1 }))[0]!.id, 'scan4999')
    assert.equal(history.dropped, 0)
    await history.close()
    assert.equal(history.dropped, 0)
    history.add(packRow(row(1)))
    assert.equal(history.dropped, 1)
    await assert.rejects(history.rows({ from: 0, limit: 1 }), /closed/)
  })

  test('a file that cannot be opened is told once and drops rows', async () => {
    const told: string[] = []
    const options = {
      path: join(folder, 'no/such/folder/x.sqlite'),
      rowsMax: 10,
      onError: (message: string) => void told.push(message),
    }
    const history = openHistory(options, stores.history)
    history.add(packRow(row(1)))
    await assert.rejects(history.rows({ from: 0, limit: 1 }))
    history.add(packRow(row(2)))
    assert.ok(history.dropped >= 1)
    assert.equal(told.length, 1)
    await history.close()
  })

  test('a row comes back as it was, whatever its texts', async () => {
    const history = openHistory({ path: join(folder, 'd.sqlite'), rowsMax: 10 }, stores.history)
    const sent = row(1, {
      subject: 'caf\u00e9 \u{1f34e} \n\0 \ud800',
      user: 'a\nb',
      symbols: [{ name: 'X', score: -0.1, description: '"', options: ['\x80', '\u20ac'] }],
    })
    history.add(packRow(sent))
    assert.deepEqual(await history.rows({ from: 0, limit: 1 }), [sent])
    assert.deepEqual((await history.rows({ from: 0, limit: 1, search: 'CAF\u00c9 \u{1f34e}' })).length, 1)
    await history.close()
  })

  test('search words are all needed and taken literally', () => {
    const store = new HistoryStore(':memory:', 100)
    const rows = [
      row(1, {
        subject: '100% off',
        symbols: [{ name: 'BAYES_99', score: 3, description: '', options: [] }],
      }),
      row(2, { subject: '1000 off' }),
      row(3, { subject: 'a_b' }),
    ]
    store.add(rows.map((each) => unpackRow(Buffer.from(packRow(each)))))
    const find = (search: string) => store.rows({ from: 0, limit: 10, search }).map(({ id }) => id)
    assert.deepEqual(find('100%'), ['scan1'])
    assert.deepEqual(find('OFF bayes_99'), ['scan1'])
    assert.deepEqual(find('A_B'), ['scan3'])
    assert.deepEqual(find('aXb'), [])
    assert.deepEqual(find("'; DROP TABLE scans --"), [])
    store.reset()
    assert.deepEqual(find(''), [])
    store.close()
  })
})
