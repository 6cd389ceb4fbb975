// What lint says about a rule file, with the line it says it about.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lintPlan } from '../../../rules/engine/lint.js'
import { planOf } from '../../support/rules.js'

const lint = (rules: string) =>
  lintPlan(planOf(rules)).map(({ line, severity, kind }) => `${line} ${severity} ${kind}`)

test('each kind of problem is named with its line', () => {
  assert.deepEqual(lint('body A /x/\nno_such_word 1\n'), ['2 error unknown-directive'])
  assert.deepEqual(lint('header A eval:nobody_brings_this()\n'), ['1 error unknown-eval'])
  assert.deepEqual(lint("body A eval:check_from_in_list('X')\n"), ['1 error wrong-area'])
  assert.deepEqual(lint('body A /(x/\n'), ['1 error bad-regex'])
  assert.deepEqual(lint('body A /x|/\n'), ['1 error always-matches'])
  assert.deepEqual(lint('score NOBODY 1\n'), ['1 hint score-without-rule'])
  assert.deepEqual(lint('body __A /x/\n'), ['1 hint unused-subtest'])
  assert.deepEqual(lint('meta A B && C\nmeta B A\nbody C /x/\n'), [
    '1 error meta-cycle',
    '2 error meta-cycle',
  ])
  assert.deepEqual(lint('meta A NOBODY\n'), ['1 hint unknown-name'])
  assert.deepEqual(lint('body A /(?:(x)|y)\\1/\n'), ['1 hint optional-reference'])
  assert.deepEqual(lint('body A /x(*SKIP)y/\n'), ['1 hint inexact-regex'])
  assert.deepEqual(lint('header A Subject !~ /x/\ntflags A multiple\n'), ['1 warning endless'])
  assert.deepEqual(lint('body A /x/\n'), [])
})

test('backtracking is shown with its text, and is worse where a message with it is judged without the rule', () => {
  const [free] = lintPlan(planOf('body A /^(a+)+$/\n'))
  assert.equal(free!.severity, 'hint')
  assert.equal(free!.text, 'A backtracks exponentially on "a" x 2000 + "A"; hamd matches it all the same')
  const [bound] = lintPlan(planOf('body A /^(?:(a+)+)+\\1$/\n'))
  assert.equal(bound!.severity, 'warning')
})
