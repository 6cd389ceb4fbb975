// Which verdicts are learned without anybody's word: the points are those without Bayes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideAutolearn } from '../../src/autolearn.js'
import type { Classification } from '../../src/types.js'
import { planOf } from '../support/rules.js'

const plan = planOf(`
bayes_auto_learn_threshold_nonspam 0.1
bayes_auto_learn_threshold_spam 12
header HEAD Subject =~ /x/
score HEAD 7
body BODY /x/
score BODY 7
body SMALL /x/
score SMALL 0.5
header BAYES_99 eval:check_bayes('0.99', '1')
tflags BAYES_99 learn
score BAYES_99 0 0 20 20
`)
const rules = new Map(plan.rules.map((rule) => [rule.name, rule]))
const bayes: Classification = { probability: 0.5, spamLearned: 300, hamLearned: 300, clues: [] }

function decide(symbols: readonly string[], isSpam: boolean, opinion: Classification | undefined = bayes) {
  const hits = symbols.map((symbol) => ({ symbol, count: 1, details: [], area: '' }))
  return decideAutolearn({
    run: { hits, subtests: {}, tags: new Map(), notes: [] },
    rules,
    scoreSet: 2,
    isSpam,
    settings: plan.settings,
    bayes: opinion,
  })
}

test('clear spam with points in header and body', () => assert.equal(decide(['HEAD', 'BODY'], true), 'spam'))
test('points of one half alone teach nothing', () => {
  assert.equal(decide(['HEAD'], true), 'no')
  assert.equal(decide(['BODY'], true), 'no')
})
test('the learner never teaches itself: its own points do not count', () => {
  assert.equal(decide(['BAYES_99', 'SMALL'], true), 'no')
})
test('no sign at all is ham', () => assert.equal(decide([], false), 'ham'))
test('in between nothing is learned', () => assert.equal(decide(['SMALL'], false), 'no'))
test('ham that the learner calls spam is not learned', () => assert.equal(decide(['BAYES_99'], false), 'no'))
test('without a learner it is unavailable', () => {
  const hits = { run: { hits: [], subtests: {}, tags: new Map(), notes: [] } } as const
  assert.equal(
    decideAutolearn({
      ...hits,
      rules,
      scoreSet: 0,
      isSpam: false,
      settings: plan.settings,
      bayes: undefined,
    }),
    'unavailable',
  )
})
