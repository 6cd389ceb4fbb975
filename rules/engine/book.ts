// What is known of the rules while files are read: definitions by name, and scores, flags, priorities and descriptions that may come
// before or after them. `finish` turns it into the Plan's list.
import { escapesOf } from './capture.js'
import { type Expression, parseExpression } from './expression.js'
import { replaceTags } from './replace.js'
import type { Place, Problem, Rule, Settings } from './types.js'

export type Scores = readonly [number, number, number, number]

type OmitCommon<T> = T extends unknown
  ? Omit<T, 'name' | 'place' | 'priority' | 'tflags' | 'scores' | 'description'>
  : never
/** The part of a rule that its defining line gives. */
export type Definition = OmitCommon<Rule>

interface Entry {
  readonly definition: Definition
  readonly place: Place
}

export class RuleBook {
  readonly entries = new Map<string, Entry>()
  readonly scores = new Map<string, Scores>()
  readonly descriptions = new Map<string, string>()
  readonly tflags = new Map<string, string>()
  readonly priorities = new Map<string, number>()
  /** Rule -> 'ham', 'spam', 'on' or 'off'. */
  readonly shortcircuit = new Map<string, string>()

  /** A later definition of a name replaces the earlier one. */
  define(name: string, definition: Definition, place: Place): void {
    this.entries.set(name, { definition, place })
    const pattern = 'pattern' in definition ? definition.pattern : undefined
    if (pattern && escapesOf(pattern.source).captures) this.priorities.set(name, -10_000)
  }

  addTflags(name: string, words: string): void {
    const before = this.tflags.get(name)
    this.tflags.set(name, before ? `${before} ${words}` : words)
  }
}

/** Score of a rule that no line scores. */
export function defaultScore(name: string, tflags: readonly string[]): number {
  const score = name.startsWith('T_') ? 0.01 : 1
  return tflags.includes('nice') ? -score : score
}

type ProblemSink = (place: Place, kind: string, text: string, severity: Problem['severity']) => void

/** The Plan's rules, in the order of their first definition. */
export function finishRules(book: RuleBook, settings: Settings, problem: ProblemSink): Rule[] {
  const metas = parseMetas(book)
  for (const [name, parts] of unsolvedMetas(metas)) {
    const text = `excluding meta test ${name}, unsolved meta dependencies: ${parts.join(', ')}`
    problem(book.entries.get(name)!.place, 'meta-cycle', text, 'error')
  }
  const flags = new Map<string, readonly string[]>()
  for (const name of book.entries.keys()) flags.set(name, words(book.tflags.get(name)))
  inheritNet(metas, flags)
  const priorities = fixPriorities(book, metas, flags)
  const rules: Rule[] = []
  for (const [name, { definition, place }] of book.entries) {
    const tflags = flags.get(name)!
    const own = book.scores.get(name)
    const score = defaultScore(name, tflags)
    rules.push({
      ...replaceTags(name, definition, settings, (text) => problem(place, 'bad-replace', text, 'hint')),
      name,
      place,
      tflags,
      priority: priorities.get(name) || (tflags.includes('net') ? -100 : 0),
      scores: own ?? [score, score, score, score],
      description: book.descriptions.get(name) ?? '',
    })
  }
  return rules
}

function words(text: string | undefined): readonly string[] {
  return text ? text.split(/\s+/).filter((word) => word !== '') : []
}

interface MetaParts {
  readonly tree: Expression
  readonly names: ReadonlySet<string>
}

/** Rule names in an expression. */
export function namesIn(tree: Expression, into = new Set<string>()): Set<string> {
  switch (tree.t) {
    case 'name':
      into.add(tree.name)
      break
    case 'unary':
      namesIn(tree.item, into)
      break
    case 'binary':
      namesIn(tree.left, into)
      namesIn(tree.right, into)
      break
    case 'choice':
      namesIn(tree.when, into)
      namesIn(tree.yes, into)
      namesIn(tree.no, into)
  }
  return into
}

const matchingCall = /(?<!_)\brules_matching\(\s*([_a-zA-Z*?][_a-zA-Z0-9*?]{0,127})\s*\)/g

/** Replaces rules_matching(GLOB) by the sum of the rules it stands for. `names` are all that have a score or a definition. */
export function expandMatching(expression: string, own: string, names: Iterable<string>): string {
  if (!expression.includes('rules_matching')) return expression
  const all = [...names]
  return expression.replace(matchingCall, (_, glob: string) => {
    const wanted = new RegExp(`^${glob.replace(/\?/g, '.').replace(/\*/g, '.*?')}$`)
    const found = all.filter((name) => name !== own && wanted.test(name)).sort()
    return ` (${found.length ? found.join('+') : '0'}) `
  })
}

/** For the check of a line: rules_matching() counts as 0 there. */
export function withoutMatching(expression: string): string {
  return expression.replace(matchingCall, ' 0 ')
}

function parseMetas(book: RuleBook): Map<string, MetaParts> {
  const metas = new Map<string, MetaParts>()
  for (const [name, { definition }] of book.entries) {
    if (definition.kind !== 'meta') continue
    const scored = function* () {
      yield* book.entries.keys()
      for (const key of book.scores.keys()) if (!book.entries.has(key)) yield key
    }
    const text = expandMatching(definition.expression, name, scored())
    if (text !== definition.expression) {
      book.entries.set(name, { ...book.entries.get(name)!, definition: { kind: 'meta', expression: text } })
    }
    const tree = parseExpression(text, 'meta')
    metas.set(name, { tree, names: namesIn(tree) })
  }
  return metas
}

/** A meta on a network rule is a network rule itself; one step, as SpamAssassin's own order of keys is random beyond that. */
function inheritNet(metas: ReadonlyMap<string, MetaParts>, flags: Map<string, readonly string[]>): void {
  for (const [name, { names }] of metas) {
    const own = flags.get(name)!
    if (own.includes('net')) continue
    for (const part of names) {
      if (!flags.get(part)?.includes('net')) continue
      flags.set(name, [...own, 'net'])
      break
    }
  }
}

/** What a meta needs must run no later than the meta itself. */
function fixPriorities(
  book: RuleBook,
  metas: ReadonlyMap<string, MetaParts>,
  flags: ReadonlyMap<string, readonly string[]>,
): Map<string, number> {
  const priorities = new Map<string, number>()
  for (const name of book.entries.keys()) priorities.set(name, book.priorities.get(name) ?? 0)
  const ordered = [...metas.keys()].sort((a, b) => priorities.get(a)! - priorities.get(b)!)
  for (const name of ordered) {
    const base = priorities.get(name)!
    for (const part of metas.get(name)!.names) {
      const current = priorities.get(part)
      if (current === undefined || current <= base) continue
      const net = base < -100 && flags.get(part)?.includes('net')
      priorities.set(part, net ? -100 : base)
    }
  }
  return priorities
}

/** Metas in a cycle, and those that need one, each with the parts that keep it from being settled. */
function unsolvedMetas(metas: ReadonlyMap<string, MetaParts>): Map<string, readonly string[]> {
  const left = new Map<string, readonly string[]>()
  for (const [name, { names }] of metas) left.set(name, [...names])
  for (let changed = true; changed; ) {
    changed = false
    for (const [name, parts] of left) {
      const open = parts.filter((part) => left.has(part))
      if (open.length === parts.length && open.length > 0) continue
      changed = true
      if (open.length === 0) left.delete(name)
      else left.set(name, open)
    }
  }
  return left
}
