// What rspamd's clients call symbols: the rules of a plan with score, description and group.
import type { Plan, Rule } from '../rules/engine/types.js'
import type { SymbolInfo } from './types.js'

/** A rule's group for rspamd's clients: the name of its file without number and ending (`72_active.cf` -> `active`). */
export function groupOf(rule: Rule): string {
  const file = rule.place.file.split('/').at(-1) ?? ''
  return file.replace(/^\d+_/, '').replace(/\.\w+$/, '') || 'local'
}

/** Symbols of a plan as the controller lists them; subtests left out. */
export function symbolsOf(plan: Plan, scoreSet: 0 | 1 | 2 | 3): readonly SymbolInfo[] {
  return plan.rules
    .filter((rule) => !rule.name.startsWith('__') && rule.kind !== 'empty')
    .map((rule) => ({
      symbol: rule.name,
      score: rule.scores[scoreSet],
      description: rule.description,
      group: groupOf(rule),
    }))
}
