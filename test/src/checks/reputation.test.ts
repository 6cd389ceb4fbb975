// AWL and TxRep: what a sender scored before pulls at the next score; the store keeps it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Engine } from '../../../rules/engine/run.js'
import { adjustByReputation, networkKey } from '../../../src/checks/reputation.js'
import { openReputationStore } from '../../../src/checks/reputationstore.js'
import type { Hit, ReputationStore } from '../../../src/types.js'
import { loadEngine, makeScan, runRules } from './support.js'

const mail = (from: string, ip = '198.51.100.7', body = 'x'): string =>
  `Received: from a.example (a.example [${ip}])\n\tby mx.rcpt.example (Postfix) with ESMTP id ABC1234; Mon, 15 Jun 2026 12:00:00 +0000\n` +
  `From: ${from}\nTo: bob@rcpt.example\nSubject: s\n\n${body}\n`

async function scoreOnce(
  engine: Engine,
  store: ReputationStore | undefined,
  raw: string,
  score: number,
  tflags: readonly string[] = [],
): Promise<readonly Hit[]> {
  const scan = { ...makeScan(engine, raw), ...(store ? { reputation: store } : {}) }
  await runRules(engine, scan)
  return adjustByReputation(scan, engine.plan.settings, [{ score, tflags }], new Map())
}

describe('AWL', () => {
  const engine = loadEngine({
    pre: 'loadplugin Mail::SpamAssassin::Plugin::AWL\n',
    cf: 'header AWL eval:check_from_in_auto_whitelist()\n',
  })

  test('the second message of a sender goes half the way to the mean', async () => {
    const store = openReputationStore(':memory:')
    assert.deepEqual(await scoreOnce(engine, store, mail('a@b.example'), 10), [])
    const [hit] = await scoreOnce(engine, store, mail('A@b.example', '198.51.7.9'), 0)
    assert.equal(hit?.symbol, 'AWL')
    assert.equal(hit?.ownScore, 5)
    store.close()
  })

  test('another network is another sender, and noawl keeps out', async () => {
    const store = openReputationStore(':memory:')
    await scoreOnce(engine, store, mail('a@b.example'), 10)
    assert.deepEqual(await scoreOnce(engine, store, mail('a@b.example', '203.0.113.1'), 0), [])
    assert.deepEqual(await scoreOnce(engine, store, mail('a@b.example'), 0, ['noawl']), [])
    store.close()
  })

  test('without a store nothing happens; a broken one is noted', async () => {
    assert.deepEqual(await scoreOnce(engine, undefined, mail('a@b.example'), 10), [])
    const store = openReputationStore(':memory:')
    store.close()
    const notes: string[] = []
    const scan = {
      ...makeScan(engine, mail('a@b.example')),
      reputation: store,
      note: (note: { text: string }) => notes.push(note.text),
    }
    await runRules(engine, scan)
    assert.deepEqual(await adjustByReputation(scan, engine.plan.settings, [], new Map()), [])
    assert.match(notes[0] ?? '', /reputation store/)
  })
})

describe('TxRep', () => {
  const engine = loadEngine({
    pre: 'loadplugin Mail::SpamAssassin::Plugin::TxRep\n',
    cf: 'use_txrep 1\nheader TXREP eval:check_senders_reputation()\n',
  })

  test('a sender with bad messages is pulled up, and a rescan answers from memory', async () => {
    const store = openReputationStore(':memory:')
    assert.deepEqual(await scoreOnce(engine, store, mail('a@b.example', undefined, '1'), 10), [])
    const [hit] = await scoreOnce(engine, store, mail('a@b.example', undefined, '2'), 0)
    assert.equal(hit?.symbol, 'TXREP')
    assert.ok(hit!.ownScore! > 0 && hit!.ownScore! <= 5, String(hit?.ownScore))
    const [again] = await scoreOnce(engine, store, mail('a@b.example', undefined, '1'), 10)
    assert.equal(again, undefined)
    store.close()
  })
})

test('the same adjustments as SpamAssassin 4.0.1, message after message', async () => {
  // Recorded with its plugins over a fresh database: one sender, score and relay of each message, and what was added.
  const messages = [
    [10, '198.51.100.7', { AWL: undefined, TXREP: undefined }],
    [0, '198.51.100.8', { AWL: 5, TXREP: 1.987 }],
    [2, '198.51.7.9', { AWL: 1.5, TXREP: 0.795 }],
    [-3, '198.51.100.7', { AWL: 3.5, TXREP: 2.753 }],
    [10, '203.0.113.9', { AWL: undefined, TXREP: 0.162 }],
  ] as const
  const plugins = {
    AWL: loadEngine({
      pre: 'loadplugin Mail::SpamAssassin::Plugin::AWL\n',
      cf: 'header AWL eval:check_from_in_auto_welcomelist()\n',
    }),
    TXREP: loadEngine({
      pre: 'loadplugin Mail::SpamAssassin::Plugin::TxRep\n',
      cf: 'use_txrep 1\nheader TXREP eval:check_senders_reputation()\n',
    }),
  }
  for (const [rule, engine] of Object.entries(plugins)) {
    const store = openReputationStore(':memory:')
    for (const [index, [score, ip, wanted]] of messages.entries()) {
      const [hit] = await scoreOnce(engine, store, mail('a@b.example', ip, String(index)), score)
      assert.equal(hit?.ownScore, wanted[rule as keyof typeof wanted], `${rule}, message ${index}`)
    }
    store.close()
  }
})

test('networks of addresses', () => {
  assert.equal(networkKey('198.51.100.7', 16, 48), '198.51')
  assert.equal(networkKey('198.51.100.7', 32, 48), '198.51.100.7')
  assert.equal(networkKey('2001:db8:1:2::3', 16, 48), '2001:0db8:0001:0000:0000:0000:0000:0000/48')
  assert.equal(networkKey('nonsense', 16, 48), 'none')
})
