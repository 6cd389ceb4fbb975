// The table of a Plan, and further ones for users who have rules of their own. Patterns are compiled once for all of them.
import type { PatternUse } from '../regex/matcher.js'
import { Activity } from './activity.js'
import type { PrefsOverlay } from './prefs.js'
import { compileTable, type PatternCache, type RuleTable } from './table.js'
import type { Plan, Plugin } from './types.js'

export interface EngineOptions {
  /** Network rules never run, whatever the score set says. */
  readonly local?: boolean
  /**
   * A regex with %{TAG} keeps for good the texts it is first completed with, as in a SpamAssassin 4.0.1 process (its Check plugin
   * matches with /o). The stock rules' scores were found under that: done right, GB_CUSTOM_HTM_URI hits 1.4 % of the corpus, nearly
   * all of it ham. Off by default, because an answer should not depend on an earlier message.
   */
  readonly frozenCaptures?: boolean
}

/** Users whose own rules are kept ready; a table costs about 2 MB. */
const userTablesMax = 16

/** Everything a run needs that is the same for all messages. */
export interface Prepared {
  readonly table: RuleTable
  readonly activity: Activity
  /** Completed patterns by rule, with frozenCaptures. */
  readonly frozen: Map<number, PatternUse> | undefined
}

/** The table of the Plan, and those of users who have rules of their own. */
export class Tables {
  readonly base: Prepared
  /** Least recently used first. */
  private readonly users = new Map<PrefsOverlay, Prepared>()
  private readonly patterns: PatternCache = new Map()
  private readonly plan: Plan
  private readonly plugins: readonly Plugin[]
  private readonly options: EngineOptions

  constructor(plan: Plan, plugins: readonly Plugin[], options: EngineOptions) {
    this.plan = plan
    this.plugins = plugins
    this.options = options
    this.base = this.prepare(plan, this.patterns)
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
    return this.prepare({ ...this.plan, rules }, new Map(this.patterns))
  }

  private prepare(plan: Plan, patterns: PatternCache): Prepared {
    const { local, frozenCaptures } = this.options
    const table = compileTable(plan, this.plugins, local ?? false, patterns)
    return { table, activity: new Activity(table), frozen: frozenCaptures ? new Map() : undefined }
  }
}
