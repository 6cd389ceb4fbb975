// The rules a request leaves out: by name, by group, with those that ran away; the same set for the same words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rule } from '../../rules/engine/types.js'
import { createSkippedRules } from '../../src/skipped.js'

const names = ['__SUB', 'APPLE', 'PEAR', 'BEAN']
const rules = names.map((name) => ({ name })) as unknown as Rule[]
const groupOf = new Map([
  ['APPLE', 'fruit'],
  ['PEAR', 'fruit'],
  ['BEAN', 'pulse'],
])
const make = (suspended = new Set<string>()) => createSkippedRules(rules, groupOf, suspended)

test('by name and by group; subtests stay', () => {
  const skipped = make()
  assert.deepEqual([...skipped({ symbolsDisabled: ['PEAR'] })], ['PEAR'])
  assert.deepEqual([...skipped({ symbolsEnabled: ['PEAR'] })], ['APPLE', 'BEAN'])
  assert.deepEqual([...skipped({ groupsEnabled: ['pulse'], symbolsEnabled: ['PEAR'] })], ['APPLE'])
  assert.deepEqual([...skipped({ groupsDisabled: ['fruit'] })], ['APPLE', 'PEAR'])
  assert.deepEqual([...skipped({ requiredScore: 3 })], [])
  assert.deepEqual([...skipped(undefined)], [])
})

test('the same words give the same set until a rule is suspended', () => {
  const suspended = new Set<string>()
  const skipped = make(suspended)
  const first = skipped({ symbolsDisabled: ['PEAR'] })
  assert.equal(skipped({ symbolsDisabled: ['PEAR'] }), first)
  suspended.add('BEAN')
  assert.deepEqual([...skipped({ symbolsDisabled: ['PEAR'] })], ['BEAN', 'PEAR'])
  assert.deepEqual([...skipped(undefined)], ['BEAN'])
})

test('few sets are kept', () => {
  const skipped = make()
  const first = skipped({ symbolsDisabled: ['PEAR'] })
  for (let number = 0; number < 100; number++) skipped({ symbolsDisabled: [`X${number}`] })
  assert.notEqual(skipped({ symbolsDisabled: ['PEAR'] }), first)
})
