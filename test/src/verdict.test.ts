// Scores add up, thresholds decide, nothing that went wrong reads as ham.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Rule } from '../../rules/engine/types.js'
import type { Action, Hit, ScanSettings, Verdict } from '../../src/types.js'
import { judge } from '../../src/verdict.js'
import { planOf } from '../support/rules.js'

const plan = planOf(`
body ONE /a/
score ONE 1 1.5 2 2.5
describe ONE The first
body MANY /b/
tflags MANY multiple
score MANY 0.5
meta SUM ONE + MANY
score SUM 3
body GOOD /c/
tflags GOOD nice
score GOOD -0.1
`)
const rules: ReadonlyMap<string, Rule> = new Map(plan.rules.map((rule) => [rule.name, rule]))

const hit = (symbol: string, more: Partial<Hit> = {}): Hit => ({
  symbol,
  count: 1,
  details: [],
  area: '',
  ...more,
})

interface Given extends Partial<Omit<Parameters<typeof judge>[0], 'run' | 'rules'>> {
  readonly hits?: readonly Hit[]
}

function verdict({ hits = [], ...more }: Given): Verdict {
  return judge({
    run: { hits, subtests: {}, tags: new Map(), notes: [] },
    rules,
    scoreSet: 0,
    requiredScore: 5,
    thresholds: { greylist: 4, reject: 15 },
    notes: [],
    autolearn: () => 'disabled',
    tookMs: 1,
    stagesMs: {},
    ...more,
  })
}

const scored = (score: number, more: Given = {}) =>
  verdict({ hits: [hit('ONE', { ownScore: score })], ...more })

describe('scores', () => {
  test('come from the set in force', () => {
    for (const [scoreSet, score] of [1, 1.5, 2, 2.5].entries())
      assert.equal(verdict({ hits: [hit('ONE')], scoreSet: scoreSet as 0 | 1 | 2 | 3 }).score, score)
  })
  test('count as often as tflags multiple says, but a meta counts once', () => {
    assert.equal(verdict({ hits: [hit('MANY', { count: 3 })] }).score, 1.5)
    assert.equal(verdict({ hits: [hit('MANY', { count: 3 })] }).hits[0]!.times, 3)
    assert.equal(verdict({ hits: [hit('SUM', { count: 4 })] }).score, 3)
  })
  test('are compared as rounded to three decimals, and 0 is never -0', () => {
    assert.equal(scored(4.9996).isSpam, true)
    assert.equal(scored(4.9994).isSpam, false)
    assert.ok(Object.is(scored(-0.0001).score, 0))
  })
  test('of the request win over the user, the user over the rule; an eval over both but the request', () => {
    const userScores = new Map([['ONE', [7, 7, 7, 7] as const]])
    assert.equal(verdict({ hits: [hit('ONE')], userScores }).score, 7)
    assert.equal(verdict({ hits: [hit('ONE', { ownScore: 2 })], userScores }).score, 2)
    const settings: ScanSettings = { scores: { ONE: 9 } }
    assert.equal(verdict({ hits: [hit('ONE', { ownScore: 2 })], userScores, settings }).score, 9)
  })
  test('that are no numbers are an error with the name of the rule, not ham', () => {
    assert.throws(() => scored(Number.NaN), /score of ONE is no number/)
    assert.throws(() => verdict({ requiredScore: Number.NaN }), /required_score/)
  })
})

describe('actions', () => {
  const cases: readonly (readonly [number, Action])[] = [
    [-3, 'no action'],
    [3.999, 'no action'],
    [4, 'greylist'],
    [5, 'add header'],
    [14.999, 'add header'],
    [15, 'reject'],
  ]
  for (const [score, action] of cases)
    test(`${score} is ${action}`, () => assert.equal(scored(score).action, action))
  test('rewrite subject where it is on', () => {
    const thresholds = { greylist: 4, 'rewrite subject': 8, reject: 15 }
    assert.equal(scored(8, { thresholds }).action, 'rewrite subject')
    assert.equal(scored(7, { thresholds }).action, 'add header')
  })
  test('the threshold in force is shown; add header is the required score unless set', () => {
    assert.deepEqual(scored(0, { requiredScore: 6 }).thresholds, { 'add header': 6, greylist: 4, reject: 15 })
    assert.equal(scored(0, { thresholds: { 'add header': 7 } }).thresholds['add header'], 7)
  })
  test('thresholds of the request win, null leaves them as they are', () => {
    const settings: ScanSettings = { actions: { reject: 6, greylist: null } }
    assert.equal(scored(6, { settings }).action, 'reject')
    assert.equal(scored(4, { settings }).action, 'greylist')
  })
  test('required_score of the request decides what is spam', () => {
    assert.equal(scored(3, { settings: { requiredScore: 2 } }).isSpam, true)
  })
  test('an action that a rule forces makes it stricter, never milder', () => {
    const forcedActions = new Map<string, Action>([['ONE', 'soft reject']])
    assert.equal(scored(0, { forcedActions }).action, 'soft reject')
    assert.equal(scored(20, { forcedActions }).action, 'reject')
  })
  test('the admin’s words for the SMTP reply: of the first rule that has some', () => {
    const smtpMessages = new Map([
      ['ONE', 'go away'],
      ['MANY', 'later'],
    ])
    const { messages, hits } = verdict({ hits: [hit('ONE'), hit('MANY')], smtpMessages })
    assert.equal(messages['smtp_message'], 'go away')
    assert.deepEqual(hits[1]!.details, ['later'])
  })
})

describe('what could not be checked', () => {
  for (const [policy, action] of [
    ['tempfail', 'soft reject'],
    ['reject', 'reject'],
  ] as const)
    test(`${policy}: ${action}, with the reason`, () => {
      const { unchecked, messages, ...rest } = scored(0, { unchecked: { policy, reason: 'clamd is silent' } })
      assert.equal(rest.action, action)
      assert.deepEqual(unchecked, { policy, reason: 'clamd is silent' })
      assert.match(messages['smtp_message']!, /clamd is silent/)
    })
  test('a reject by score stays one under tempfail', () => {
    assert.equal(scored(20, { unchecked: { policy: 'tempfail', reason: 'x' } }).action, 'reject')
  })
})

test('symbols of the settings are put in once, with their score', () => {
  const { hits, score } = verdict({ hits: [hit('ONE')], settings: { symbols: ['ONE', 'SUM'] } })
  assert.deepEqual(
    hits.map(({ symbol }) => symbol),
    ['ONE', 'SUM'],
  )
  assert.equal(score, 4)
})

test('notes of the scan and of the rules are all there; the verdict is frozen', () => {
  const note = { check: 'clamd', kind: 'timeout', text: 'silent' } as const
  const made = verdict({ notes: [note] })
  assert.deepEqual(made.notes, [note])
  assert.ok(Object.isFrozen(made))
})
