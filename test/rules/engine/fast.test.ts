// Whole scans with automata and without: the same hits, counts, subtests and evidence on a sample of the corpus.
import '../../../rules/regex/flags.js'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corpus } from '../../../bench/corpus.js'
import { type AutomatonSet, buildAutomata, patternsKey } from '../../../rules/regex/automata/tables.js'
import { loadRules } from '../../../src/ruling.js'
import type { Scanner } from '../../../src/scanner.js'
import { offlineScanner } from '../../support/offline.js'

const plan = loadRules({ builtin: true, paths: [], local: true })

function scanner(): Scanner {
  return offlineScanner({
    plan,
  })
}

test('our own rules hit the same with automata', async () => {
  const plain = scanner()
  const fast = scanner()
  const { engine } = fast.context
  const sets = new Map<string, AutomatonSet>()
  for (const patterns of engine.patternLists()) sets.set(patternsKey(patterns), buildAutomata(patterns))
  assert.equal(engine.adopt(sets), engine.patternLists().length)
  assert.ok(sets.size >= 4)
  for (const mail of corpus(200)) {
    const raw = mail.read()
    for (const explain of [false, true]) {
      const request = {
        id: '1',
        raw,
        envelope: { rcptTo: [] },
        wants: { subtests: true, explain },
        front: 'test',
      }
      const [expected, got] = await Promise.all([plain.scan(request), fast.scan(request)])
      assert.deepEqual(got.scanned.verdict.hits, expected.scanned.verdict.hits, mail.path)
      assert.deepEqual(got.scanned.verdict.subtests, expected.scanned.verdict.subtests, mail.path)
    }
  }
})
