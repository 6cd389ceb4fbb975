// The table of a Plan, and further ones for users who have rules of their own. Patterns are compiled once for all of them.
import { Budget } from '../regex/guarded.js'
import { Activity } from './activity.js'
import type { PrefsOverlay } from './prefs.js'
import { type Compiled, compileTable, type PatternCache, type RuleTable } from './table.js'
import type { Plan, Plugin } from './types.js'

export interface EngineOptions {
  /** Network rules never run, whatever the score set says. */
  readonly local?: boolean
  /** Of the engine that this one follows in the same thread: what both have need not be compiled again. */
  readonly before?: Compiled | undefined
}

/** Users whose own rules are kept ready; a table costs about 2 MB. */
const userTablesMax = 16

/** Everything a run needs that is the same for all messages. */
export interface Prepared {
  readonly table: RuleTable
  readonly activity: Activity
  /** What a message may spend on patterns that backtrack without end. */
  readonly budget: Budget
  /** Loaded plugins that have something to do before the rules run. */
  readonly preparing: readonly Plugin[]
}

/** The table of the Plan, and those of users who have rules of their own. */
export class Tables {
  readonly base: Prepared
  /** Least recently used first. */
  private readonly users = new Map<PrefsOverlay, Prepared>()
  readonly compiled: Compiled
  private readonly plan: Plan
  private readonly plugins: readonly Plugin[]
  private readonly local: boolean

  constructor(plan: Plan, plugins: readonly Plugin[], options: EngineOptions) {
    this.plan = plan
    this.plugins = plugins
    this.local = options.local ?? false
    // One budget for both: the patterns that they share are charged to it.
    this.compiled = { patterns: new Map(), budget: options.before?.budget ?? new Budget() }
    this.base = this.prepare(plan, this.compiled.patterns, options.before?.patterns)
  }

  of(overlay: PrefsOverlay | undefined): Prepared {
    if (!overlay || overlay.rules.length === 0) return this.base
    const known = this.users.get(overlay)
    const prepared = known ?? this.prepareUser(overlay)
    this.users.delete(overlay)
    this.users.set(overlay, prepared)
    if (this.users.size > userTablesMax) this.users.delete(this.users.keys().next().value!)
    return prepared
  }

  private prepareUser(overlay: PrefsOverlay): Prepared {
    const own = new Map(overlay.rules.map((rule) => [rule.name, rule]))
    const rules = this.plan.rules.map((rule) => own.get(rule.name) ?? rule)
    const present = new Set(this.plan.rules.map((rule) => rule.name))
    for (const rule of overlay.rules) if (!present.has(rule.name)) rules.push(rule)
    // A copy of the cache's entries: the user's patterns must not outlive the user's table.
    return this.prepare({ ...this.plan, rules }, new Map(this.compiled.patterns))
  }

  private prepare(plan: Plan, patterns: PatternCache, before?: PatternCache): Prepared {
    const { budget } = this.compiled
    const table = compileTable(plan, this.plugins, this.local, { patterns, budget }, before)
    const preparing = this.plugins.filter(({ name, prepare }) => prepare && plan.plugins.includes(name))
    return { table, activity: new Activity(table), budget, preparing }
  }
}
