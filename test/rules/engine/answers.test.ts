// Header values that come again are answered from memory: with what matching them gives, in bounded space.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corpus } from '../../../bench/corpus.js'
import { Answers } from '../../../rules/engine/answers.js'
import { loadRules } from '../../../src/ruling.js'
import { offlineScanner } from '../../support/offline.js'

test('a value is kept when it comes the second time', () => {
  const answers = new Answers()
  assert.equal(answers.find('bulk'), 'new')
  assert.equal(answers.find('bulk'), 'again')
  answers.keep('bulk', [3, 1])
  assert.deepEqual(answers.find('bulk'), [3, 1])
})

test('values that come once push nothing out', () => {
  const answers = new Answers()
  answers.find('bulk')
  answers.find('bulk')
  answers.keep('bulk', [])
  for (let round = 0; round < 10_000; round++) assert.equal(answers.find(`once-${round}`), 'new')
  assert.deepEqual(answers.find('bulk'), [])
})

test('whatever is kept, a value gets its own answer', () => {
  const answers = new Answers()
  let known = 0
  for (let round = 0; round < 20_000; round++) {
    const number = (round * 7919) % 600
    const value = `value-${number}`
    const found = answers.find(value)
    if (found === 'again') answers.keep(value, [number, 1])
    else if (found !== 'new') {
      assert.deepEqual(found, [number, 1])
      known++
    }
    // Some come twice in a row.
    if (number % 3 === 0 && answers.find(value) === 'again') answers.keep(value, [number, 1])
  }
  assert.ok(known > 100)
})

test('mail that comes again hits what it hit before, and what it hits with evidence, which is never remembered', async () => {
  const scanner = offlineScanner({ plan: loadRules({ builtin: true, paths: [], local: true }) })
  const verdict = async (raw: Uint8Array, explain: boolean) => {
    const wants = { subtests: true, explain }
    const { scanned } = await scanner.scan({ id: '1', raw, envelope: { rcptTo: [] }, wants, front: 'test' })
    const { hits, subtests } = scanned.verdict
    return { hits: hits.map(({ evidence, ...hit }) => hit), subtests }
  }
  const mails = corpus(30).map((mail) => mail.read())
  for (let round = 0; round < 4; round++)
    for (const raw of mails) assert.deepEqual(await verdict(raw, false), await verdict(raw, true))
})
