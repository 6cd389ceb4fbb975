// Looks at a Plan for what its author would want to know: everything the loader noticed, and what needs a closer look at the regexes
// - backtracking that an attacker can provoke, with the text that does it; references that JavaScript reads otherwise than Perl.
import type { Node } from '../regex/ast.js'
import { type Attack, findAttack } from '../regex/attack.js'
import { checkPattern } from '../regex/plain.js'
import { printRegExp } from '../regex/print.js'
import { compileProgram } from '../regex/program.js'
import { namesIn } from './book.js'
import { parseExpression } from './expression.js'
import type { Pattern, Plan, Problem, Rule } from './types.js'

/** All problems, sorted by file and line. Hints are advice: nothing is wrong with the rules' meaning. */
export function lintPlan(plan: Plan): readonly Problem[] {
  const problems: Problem[] = [...plan.problems]
  const add = (rule: Rule, severity: Problem['severity'], kind: string, text: string) =>
    problems.push({ ...rule.place, severity, kind, text })
  for (const rule of plan.rules) {
    for (const pattern of patternsOf(rule)) lintPattern(rule, pattern, add)
    if (rule.tflags.includes('multiple') && 'negated' in rule && rule.negated)
      add(
        rule,
        'warning',
        'endless',
        `${rule.name}: tflags multiple on a negated rule never ends in SpamAssassin; here it counts once`,
      )
  }
  lintNames(plan, add)
  return problems.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line))
}

type Add = (rule: Rule, severity: Problem['severity'], kind: string, text: string) => void

function patternsOf(rule: Rule): readonly Pattern[] {
  if (rule.kind === 'uri_detail') return rule.criteria.map(({ pattern }) => pattern)
  return 'pattern' in rule ? [rule.pattern] : []
}

function lintPattern(rule: Rule, pattern: Pattern, add: Add): void {
  const parsed = checkPattern(pattern.source, pattern.flags)
  const inexact = [...parsed.inexact]
  if (printRegExp(parsed).widened)
    inexact.push('a case-insensitive back reference makes the whole pattern case-insensitive on this Node')
  for (const reason of inexact) add(rule, 'hint', 'inexact-regex', `${rule.name}: ${reason}`)
  if (refersToOptional(parsed.root, parsed.referenced))
    add(
      rule,
      'hint',
      'optional-reference',
      `${rule.name}: a back reference to a group that may not take part matches nothing in Perl, the empty text here`,
    )
  const attack = findAttack(parsed.root)
  if (!attack) return
  const linear = parsed.referenced.size === 0 && compileProgram(parsed) !== undefined
  add(
    rule,
    linear ? 'hint' : 'warning',
    'backtracking',
    `${rule.name} backtracks ${describeGrowth(attack)} on ${describeText(attack)}` +
      (linear ? '; hamd matches it all the same' : '; a message with it is judged without the rule'),
  )
}

function describeGrowth({ growth, steps }: Attack): string {
  return growth === 'exponential'
    ? 'exponentially'
    : `${steps.toExponential(0)} steps (length to the power ${growth})`
}

function describeText({ prefix, pump, suffix }: Attack): string {
  const quote = (text: string) =>
    JSON.stringify(text).replace(/[\x7f-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`)
  const parts = [`${quote(pump)} x 2000`]
  if (prefix !== '') parts.unshift(quote(prefix))
  if (suffix !== '') parts.push(quote(suffix))
  return parts.join(' + ')
}

/** A group that is referred to stands in a branch or in something that may be left out. */
function refersToOptional(root: Node, referenced: ReadonlySet<number>): boolean {
  const optional = new Set<number>()
  const visit = (node: Node, maybe: boolean): void => {
    if (node.t === 'capture' && maybe) optional.add(node.index)
    const inner = maybe || node.t === 'alt' || (node.t === 'repeat' && node.min === 0)
    if ('items' in node) for (const item of node.items) visit(item, inner)
    else if ('item' in node) visit(node.item, inner)
  }
  visit(root, false)
  return [...referenced].some((index) => optional.has(index))
}

/** Subtests that nothing uses, and names in metas that no rule has. */
function lintNames(plan: Plan, add: Add): void {
  const used = new Set<string>()
  const known = new Set(plan.rules.map((rule) => rule.name))
  for (const rule of plan.rules) {
    if (rule.kind !== 'meta') continue
    for (const name of namesIn(parseExpression(rule.expression, 'meta'))) {
      used.add(name)
      if (!known.has(name) && name !== 'local_tests_only')
        add(rule, 'hint', 'unknown-name', `${rule.name} names ${name}, which no rule has: it counts 0`)
    }
  }
  for (const rule of plan.rules) {
    if (rule.name.startsWith('__') && !used.has(rule.name))
      add(rule, 'hint', 'unused-subtest', `no meta uses ${rule.name}`)
  }
  for (const { name, ...place } of plan.scoresWithoutRule ?? [])
    add({ name, place } as Rule, 'hint', 'score-without-rule', `score for ${name}, which no rule has`)
}
