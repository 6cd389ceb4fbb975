// Runs the rules of a Plan on one message. Network evals are called first, so that their look-ups are under way while the regex rules
// run; metas settle when their parts are settled. What can be seen of the order - captures, shortcircuit, the time limit - is
// SpamAssassin's: by priority, and within one by kind.
import type { Scan } from '../../src/types.js'
import { type AutomatonSet, type PatternSource, patternsKey } from '../regex/automata/tables.js'
import { MessageRun } from './messagerun.js'
import type { PrefsOverlay } from './prefs.js'
import type { Compiled } from './table.js'
import { type EngineOptions, Tables } from './tables.js'
import type { Plan, Plugin, RuleRun } from './types.js'

export type { EngineOptions } from './tables.js'

export type ScoreSet = 0 | 1 | 2 | 3

export interface RunOptions {
  /** 0 none, 1 network, 2 Bayes, 3 both: decides which rules run. */
  readonly scoreSet: ScoreSet
  /** `__` rules in the result. */
  readonly subtests?: boolean
  /** Evidence for each hit. */
  readonly explain?: boolean
  readonly overlay?: PrefsOverlay | undefined
  /** Obey shortcircuit rules; default true. */
  readonly shortcircuit?: boolean
  /** Rules that must not run: suspended ones, or what a request switched off. */
  readonly skip?: ReadonlySet<string> | undefined
  /** Told the index (in Plan.rules) of each rule that is about to run, for a watchdog. */
  readonly onRule?: ((rule: number) => void) | undefined
}

export interface Engine {
  readonly plan: Plan
  run(scan: Scan, options: RunOptions): Promise<RuleRun>
  /** Rule name -> eval that no plugin brings. */
  readonly missing: ReadonlyMap<string, string>
  /** For the engine that follows this one. */
  readonly compiled: Compiled
  /** Lists of patterns for which automata can be built (rules/regex/automata). */
  patternLists(): readonly (readonly PatternSource[])[]
  /** Takes automata, by patternsKey; the plain engine answers for lists without. Returns how many lists have them now. */
  adopt(sets: ReadonlyMap<string, AutomatonSet>): number
}

export function createEngine(plan: Plan, plugins: readonly Plugin[], options: EngineOptions = {}): Engine {
  const tables = new Tables(plan, plugins, options)
  return {
    plan,
    missing: tables.base.table.missing,
    compiled: tables.compiled,
    patternLists: () => tables.base.table.switching.map(({ patterns }) => patterns),
    adopt(sets) {
      let adopted = 0
      for (const { matcher, patterns } of tables.base.table.switching) {
        const set = sets.get(patternsKey(patterns))
        if (!set) continue
        matcher.adopt(set)
        adopted++
      }
      return adopted
    },
    run: (scan, runOptions) => new MessageRun(plan, tables.of(runOptions.overlay), scan, runOptions).go(),
  }
}
