// The lists of patterns that a plan's rules are run as, each for one automaton set.
import { createEngine } from '../../rules/engine/run.js'
import type { Plan } from '../../rules/engine/types.js'
import type { PatternSource } from '../../rules/regex/automata/tables.js'
import { plugins } from '../checks/index.js'

export function patternLists(plan: Plan): readonly (readonly PatternSource[])[] {
  return createEngine(plan, plugins).patternLists()
}
