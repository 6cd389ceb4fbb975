// Metas made ready to run: each expression as instructions over the array of rule values, in an order in which parts come before wholes.
// SpamAssassin 4.0 runs a meta when all its parts are settled; metas in a cycle have no such moment and run once, early, on what is
// known then (micro-head.md 50, 51).
import { type Arithmetic, Assembler } from './arithmetic.js'
import { type Expression, parseExpression } from './expression.js'
import type { Rule } from './types.js'

export interface Meta {
  readonly rule: number
  /** Its place in `ordered`; those of a cycle come behind. */
  readonly place: number
  /** Indexes of the rules it names; names that no rule has are left out, they count 0. */
  readonly parts: readonly number[]
  /** A named rule does not exist: the meta can only be settled at the very end. */
  readonly open: boolean
  /** Where its expression starts in `arithmetic`. */
  readonly start: number
  /** Parts without which its value is 0 whatever the others are. */
  readonly required: readonly number[]
}

/**
 * Kept in flat arrays: after the texts of a message hardly anything of the rules is left in the processor's caches, and visiting each of
 * 900 metas to find the 50 that matter waits for memory 900 times.
 */
export interface Metas {
  readonly arithmetic: Arithmetic
  /** Rule index -> from where on in `needers` its metas stand; one entry more than rules. */
  readonly needersAt: Int32Array
  /** Places of metas that may have another value once the rule has hit than they have without any hit. */
  readonly needers: Int32Array
  /** Place -> 1 when the value without any hit is not 0. */
  readonly neverIdle: Uint8Array
  /** Parts before wholes. */
  readonly ordered: readonly Meta[]
  /** Of each of these where its expression starts, and its rule: most that are run are 0, and nothing else of them is read. */
  readonly starts: Int32Array
  readonly rules: Int32Array
  /** Metas of a cycle, and those that need one. */
  readonly cyclic: readonly Meta[]
  /** Rule index -> meta, of the ordered ones. */
  readonly byRule: readonly (Meta | undefined)[]
  /** Metas on the longest way from a whole to its parts. */
  readonly depth: number
}

export function compileMetas(
  rules: readonly Rule[],
  indexOf: ReadonlyMap<string, number>,
  local: boolean,
): Metas {
  const metas = new Map<number, Unplaced>()
  const assembler = new Assembler(local)
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index]!
    if (rule.kind === 'meta') metas.set(index, compileMeta(index, rule.expression, indexOf, assembler))
  }
  const arithmetic = assembler.finish()
  const noHits = new Float64Array(rules.length)
  const sorted = sortMetas(metas)
  const ordered = sorted.ordered.map(placed)
  const cyclic = sorted.cyclic.map((meta, index) => placed(meta, ordered.length + index))
  const all: readonly Meta[] = [...ordered, ...cyclic]
  const byRule: (Meta | undefined)[] = new Array(rules.length).fill(undefined)
  for (const meta of ordered) byRule[meta.rule] = meta
  const needers = neededBy(all, rules.length)
  const needersAt = new Int32Array(rules.length + 1)
  for (let rule = 0; rule < rules.length; rule++)
    needersAt[rule + 1] = needersAt[rule]! + needers[rule]!.length
  return {
    arithmetic,
    ordered,
    starts: Int32Array.from(ordered, ({ start }) => start),
    rules: Int32Array.from(ordered, ({ rule }) => rule),
    cyclic,
    byRule,
    depth: depthOf(ordered, rules.length),
    needersAt,
    needers: Int32Array.from(needers.flat()),
    neverIdle: Uint8Array.from(all, ({ start }) => (arithmetic.run(start, noHits) === 0 ? 0 : 1)),
  }
}

type Unplaced = Omit<Meta, 'place'>

/** Written out: V8 gives each object that begins with a spread a shape of its own, and whoever reads them then looks up every name. */
function placed({ rule, parts, open, start, required }: Unplaced, place: number): Meta {
  return { rule, place, parts, open, start, required }
}

function compileMeta(
  rule: number,
  expression: string,
  indexOf: ReadonlyMap<string, number>,
  assembler: Assembler,
): Unplaced {
  const parts = new Set<number>()
  let open = false
  const slot = (name: string): number | undefined => {
    const found = indexOf.get(name)
    if (found === undefined) open = true
    else parts.add(found)
    return found
  }
  const tree = parseExpression(expression, 'meta')
  const start = assembler.add(tree, slot)
  const required = [...requiredNames(tree)].flatMap((name) => indexOf.get(name) ?? [])
  return { rule, parts: [...parts], open, start, required }
}

/** A meta that requires parts waits for one of them only: the one that the fewest metas name. */
function neededBy(metas: readonly Meta[], rules: number): number[][] {
  const uses = new Uint32Array(rules)
  for (const { parts } of metas) for (const part of parts) uses[part]!++
  const needers: number[][] = Array.from({ length: rules }, () => [])
  for (const { place, parts, required } of metas) {
    if (required.length === 0) for (const part of parts) needers[part]!.push(place)
    else needers[required.reduce((best, part) => (uses[part]! < uses[best]! ? part : best))]!.push(place)
  }
  return needers
}

/** Names without whose hit the expression is 0. */
function requiredNames(tree: Expression): ReadonlySet<string> {
  if (tree.t === 'name') return new Set(tree.name === 'local_tests_only' ? [] : [tree.name])
  if (tree.t !== 'binary') return new Set()
  if (tree.op === '&&') return new Set([...requiredNames(tree.left), ...requiredNames(tree.right)])
  if (tree.op !== '||') return new Set()
  const right = requiredNames(tree.right)
  return new Set([...requiredNames(tree.left)].filter((name) => right.has(name)))
}

function depthOf(ordered: readonly Unplaced[], rules: number): number {
  const depths = new Uint32Array(rules)
  let deepest = 0
  for (const { rule, parts } of ordered) {
    const depth = 1 + parts.reduce((most, part) => Math.max(most, depths[part]!), 0)
    depths[rule] = depth
    deepest = Math.max(deepest, depth)
  }
  return deepest
}

/** Kahn's order; what is left over belongs to a cycle or needs one. */
function sortMetas(metas: ReadonlyMap<number, Unplaced>): { ordered: Unplaced[]; cyclic: Unplaced[] } {
  const waiting = new Map<number, number>()
  const needers = new Map<number, number[]>()
  for (const [index, meta] of metas) {
    const parts = meta.parts.filter((part) => metas.has(part))
    waiting.set(index, parts.length)
    for (const part of parts) needers.set(part, [...(needers.get(part) ?? []), index])
  }
  const ordered: Unplaced[] = []
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
