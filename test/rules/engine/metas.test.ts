// Settling all metas at once gives what settling them level by level gives: values, and the order of hits.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Active } from '../../../rules/engine/activity.js'
import { Hits } from '../../../rules/engine/hits.js'
import { compileMetas } from '../../../rules/engine/metas.js'
import { early } from '../../../rules/engine/settling.js'
import { marksOf, type RuleTable } from '../../../rules/engine/table.js'
import type { Rule } from '../../../rules/engine/types.js'

/** A small deterministic generator: 0 <= value < below. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const plainRules = 8
const metaRules = 16

function expression(next: (below: number) => number, depth: number): string {
  const name = () => (next(15) === 0 ? 'MISSING' : `R${next(plainRules + metaRules)}`)
  if (depth === 0 || next(3) === 0) return next(4) === 0 ? `!${name()}` : name()
  const op = ['&&', '&&', '&&', '||', '||', '+', '>', '=='][next(8)]!
  return `(${expression(next, depth - 1)} ${op} ${expression(next, depth - 1)})`
}

function tableOf(next: (below: number) => number): RuleTable {
  const rules = Array.from({ length: plainRules + metaRules }, (_, index) =>
    index < plainRules
      ? { name: `R${index}`, kind: 'header', tflags: [] }
      : { name: `R${index}`, kind: 'meta', tflags: [], expression: expression(next, 3) },
  ) as unknown as Rule[]
  const indexOf = new Map(rules.map(({ name }, index) => [name, index]))
  const metas = compileMetas(rules, indexOf, true)
  const names = rules.map(({ name }) => name)
  return { rules, names, marks: marksOf(rules), indexOf, metas } as unknown as RuleTable
}

test('all at once as level by level, for random metas, hits and scores of 0', () => {
  const next = random(7)
  let hitting = 0
  for (let round = 0; round < 3000; round++) {
    const table = tableOf(next)
    const active = {
      rules: Uint8Array.from(table.rules, () => (next(5) === 0 ? 0 : 1)),
      stages: [],
      settled: new Uint8Array(table.rules.length),
    } as Active
    const hitRules = Array.from({ length: next(plainRules) }, () => next(plainRules))
    const ran = Array.from({ length: plainRules }, () => next(6) > 0)
    const run = (settle: (hits: Hits) => void) => {
      const hits = new Hits(table, active, { values: new Map() }, { scoreSet: 0, shortcircuits: false })
      for (let rule = 0; rule < plainRules; rule++) if (ran[rule]) hits.settled[rule] = early
      for (const rule of hitRules) hits.add(rule, 1 + (rule % 3), '')
      for (const meta of table.metas.cyclic) hits.runMeta(meta, early)
      settle(hits)
      const found = { values: [...hits.values], hits: hits.result().hits }
      hits.release()
      return found
    }
    const atOnce = run((hits) => hits.settleAllMetas())
    const byLevel = run((hits) => {
      hits.settleMetas(false)
      hits.settleMetas(true)
    })
    assert.deepEqual(atOnce, byLevel, `round ${round}`)
    hitting += atOnce.hits.length
  }
  assert.ok(hitting > 10_000)
})
