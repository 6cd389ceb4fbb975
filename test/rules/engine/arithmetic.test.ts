// Instructions give what the tree of the same expression gives when it is read as it stands.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Assembler } from '../../../rules/engine/arithmetic.js'
import { type Expression, parseExpression } from '../../../rules/engine/expression.js'

/** A small deterministic generator: 0 <= value < below. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const ops = ['&&', '&&', '&&', '||', '||', '||', '^', '==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/']

function written(next: (below: number) => number, depth: number): string {
  const below = () => written(next, depth - 1)
  if (depth === 0 || next(4) === 0) {
    const name = next(12) === 0 ? ['MISSING', 'local_tests_only', '3', '0.5'][next(4)]! : `R${next(6)}`
    return next(4) === 0 ? `${next(3) === 0 && name > 'A' ? '-' : '!'}${name}` : name
  }
  if (next(12) === 0) return `(${below()} ? ${below()} : ${below()})`
  const first = ops[next(ops.length)]!
  // Chains of one operator, in brackets or not.
  const items = Array.from({ length: 2 + next(3) }, below)
  return next(3) === 0 ? items.join(` ${first} `) : `${next(5) === 0 ? '!' : ''}(${items.join(` ${first} `)})`
}

function evaluate(tree: Expression, value: (name: string) => number): number {
  switch (tree.t) {
    case 'number':
      return tree.value
    case 'call':
      return 0
    case 'name':
      return value(tree.name)
    case 'unary':
      return tree.op === '!' ? Number(evaluate(tree.item, value) === 0) : -evaluate(tree.item, value)
    case 'choice':
      return evaluate(evaluate(tree.when, value) !== 0 ? tree.yes : tree.no, value)
  }
  const left = evaluate(tree.left, value)
  const right = evaluate(tree.right, value)
  switch (tree.op) {
    case '&&':
      return left === 0 ? 0 : right
    case '||':
      return left === 0 ? right : left
    case '^':
      return left ^ right
    case '==':
      return Number(left === right)
    case '!=':
      return Number(left !== right)
    case '<':
      return Number(left < right)
    case '<=':
      return Number(left <= right)
    case '>':
      return Number(left > right)
    case '>=':
      return Number(left >= right)
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return right === 0 ? 0 : left / right
  }
}

test('random expressions on random values', () => {
  const next = random(11)
  const slot = (name: string) => (name === 'MISSING' ? undefined : Number(name.slice(1)))
  const assemblers = [new Assembler(false), new Assembler(true)]
  const trees = Array.from({ length: 2000 }, () => parseExpression(written(next, 4), 'meta'))
  const starts = trees.map((tree) => assemblers.map((assembler) => assembler.add(tree, slot)))
  const made = assemblers.map((assembler) => assembler.finish())
  let truths = 0
  for (const [index, tree] of trees.entries()) {
    for (let round = 0; round < 20; round++) {
      const values = Float64Array.from({ length: 6 }, () => [0, 0, 0, 1, 1, 2, 7][next(7)]!)
      for (const [local, arithmetic] of made.entries()) {
        const wanted = evaluate(tree, (name) =>
          name === 'local_tests_only' ? local : (values[slot(name) ?? -1] ?? 0),
        )
        const got = arithmetic.run(starts[index]![local]!, values)
        assert.ok(got === wanted, `${JSON.stringify(tree)} of ${values}: ${got}, not ${wanted}`)
        if (got !== 0) truths++
      }
    }
  }
  assert.ok(truths > 10_000 && truths < 70_000)
})
