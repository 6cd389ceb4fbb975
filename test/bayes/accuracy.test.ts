// Floors under the learner's accuracy on a slice of the SpamAssassin corpus (the whole table: bench/accuracy). Every third mail in time
// order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluateFeatures, extractAll } from '../../bayes/evaluate.js'
import { readCorpus } from '../../bench/accuracy/corpus.js'

const mails = extractAll(readCorpus().filter((_, index) => index % 3 === 0))

test('online: ranking and errors stay under their floors', () => {
  const { metrics } = evaluateFeatures(mails, { mode: 'online' })
  assert.ok(metrics.roca <= 0.2, `1-ROCA ${metrics.roca}`)
  assert.ok(metrics.missedAt1 <= 8, `missed at 1 % ${metrics.missedAt1}`)
})

test('half: the same figures whatever the order of learning', () => {
  const { metrics } = evaluateFeatures(mails, { mode: 'half' })
  assert.ok(metrics.roca <= 0.06, `1-ROCA ${metrics.roca}`)
  assert.ok(metrics.fpr <= 0.5, `FPR ${metrics.fpr}`)
  assert.ok(metrics.fnr <= 10, `FNR ${metrics.fnr}`)
  const folders = evaluateFeatures(mails, {
    mode: 'half',
    trainOrder: (positions) =>
      positions.sort((a, b) => Number(mails[b]!.isSpam) - Number(mails[a]!.isSpam) || a - b),
  })
  assert.deepEqual(folders.metrics, metrics)
})
