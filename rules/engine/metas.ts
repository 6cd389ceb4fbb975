// Metas made ready to run: each expression a closure over the array of rule values, in an order in which parts come before wholes.
// SpamAssassin 4.0 runs a meta when all its parts are settled; metas in a cycle have no such moment and run once, early, on what is
// known then (micro-head.md 50, 51).
import { type Expression, parseExpression } from './expression.js'
import type { Rule } from './types.js'

export type Program = (values: Float64Array) => number

export interface Meta {
  readonly rule: number
  /** Indexes of the rules it names; names that no rule has are left out, they count 0. */
  readonly parts: readonly number[]
  /** A named rule does not exist: the meta can only be settled at the very end. */
  readonly open: boolean
  readonly run: Program
  /** Value while none of its parts has hit: most metas of a message need no more. */
  readonly idle: number
}

export interface Metas {
  /** Rule index -> metas that name it. */
  readonly needers: readonly (readonly number[])[]
  /** Parts before wholes. */
  readonly ordered: readonly Meta[]
  /** Metas of a cycle, and those that need one. */
  readonly cyclic: readonly Meta[]
}

export function compileMetas(
  rules: readonly Rule[],
  indexOf: ReadonlyMap<string, number>,
  local: boolean,
): Metas {
  const metas = new Map<number, Meta>()
  const noHits = new Float64Array(rules.length)
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index]!
    if (rule.kind === 'meta') metas.set(index, compileMeta(index, rule.expression, indexOf, local, noHits))
  }
  return { ...sortMetas(metas), needers: neededBy(metas, rules.length) }
}

function compileMeta(
  rule: number,
  expression: string,
  indexOf: ReadonlyMap<string, number>,
  local: boolean,
  noHits: Float64Array,
): Meta {
  const parts = new Set<number>()
  let open = false
  const slot = (name: string): number | undefined => {
    const found = indexOf.get(name)
    if (found === undefined) open = true
    else parts.add(found)
    return found
  }
  const run = compile(parseExpression(expression, 'meta'), slot, local)
  return { rule, parts: [...parts], open, run, idle: run(noHits) }
}

function neededBy(metas: ReadonlyMap<number, Meta>, rules: number): number[][] {
  const needers: number[][] = Array.from({ length: rules }, () => [])
  for (const meta of metas.values()) for (const part of meta.parts) needers[part]!.push(meta.rule)
  return needers
}

function compile(tree: Expression, slot: (name: string) => number | undefined, local: boolean): Program {
  switch (tree.t) {
    case 'number': {
      const { value } = tree
      return () => value
    }
    case 'call':
      return () => 0
    case 'name': {
      if (tree.name === 'local_tests_only') return local ? () => 1 : () => 0
      const index = slot(tree.name)
      return index === undefined ? () => 0 : (values) => values[index]!
    }
    case 'unary': {
      const item = compile(tree.item, slot, local)
      return tree.op === '!' ? (values) => (item(values) === 0 ? 1 : 0) : (values) => -item(values)
    }
    case 'choice': {
      const when = compile(tree.when, slot, local)
      const yes = compile(tree.yes, slot, local)
      const no = compile(tree.no, slot, local)
      return (values) => (when(values) !== 0 ? yes(values) : no(values))
    }
    case 'binary':
      return compileBinary(tree, slot, local)
  }
}

function compileBinary(
  tree: Extract<Expression, { t: 'binary' }>,
  slot: (name: string) => number | undefined,
  local: boolean,
): Program {
  const left = compile(tree.left, slot, local)
  const right = compile(tree.right, slot, local)
  switch (tree.op) {
    case '&&':
      return (values) => (left(values) === 0 ? 0 : right(values))
    case '||':
      return (values) => left(values) || right(values)
    case '^':
      return (values) => left(values) ^ right(values)
    case '==':
      return (values) => (left(values) === right(values) ? 1 : 0)
    case '!=':
      return (values) => (left(values) !== right(values) ? 1 : 0)
    case '<':
      return (values) => (left(values) < right(values) ? 1 : 0)
    case '<=':
      return (values) => (left(values) <= right(values) ? 1 : 0)
    case '>':
      return (values) => (left(values) > right(values) ? 1 : 0)
    case '>=':
      return (values) => (left(values) >= right(values) ? 1 : 0)
    case '+':
      return (values) => left(values) + right(values)
    case '-':
      return (values) => left(values) - right(values)
    case '*':
      return (values) => left(values) * right(values)
    case '/':
      return (values) => {
        const divisor = right(values)
        return divisor === 0 ? 0 : left(values) / divisor
      }
  }
}

/** Kahn's order; what is left over belongs to a cycle or needs one. */
function sortMetas(metas: ReadonlyMap<number, Meta>): Omit<Metas, 'needers'> {
  const waiting = new Map<number, number>()
  const needers = new Map<number, number[]>()
  for (const [index, meta] of metas) {
    const parts = meta.parts.filter((part) => metas.has(part))
    waiting.set(index, parts.length)
    for (const part of parts) needers.set(part, [...(needers.get(part) ?? []), index])
  }
  const ordered: Meta[] = []
  const ready = [...waiting].filter(([, count]) => count === 0).map(([index]) => index)
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    ordered.push(metas.get(next)!)
    for (const needer of needers.get(next) ?? []) {
      const left = waiting.get(needer)! - 1
      waiting.set(needer, left)
      if (left === 0) ready.push(needer)
    }
  }
  const cyclic = [...metas.values()].filter((meta) => waiting.get(meta.rule)! > 0)
  return { ordered, cyclic }
}
