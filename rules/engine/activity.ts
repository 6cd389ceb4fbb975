// Which rules run: those whose score is not 0 in the score set at hand, less what the request or the watchdog switched off.
import type { PrefsOverlay } from './prefs.js'
import type { RuleTable, TextGroup } from './table.js'

/** What activity depends on. */
interface ActiveFor {
  readonly scoreSet: number
  readonly overlay?: PrefsOverlay
  readonly skip?: ReadonlySet<string>
}

/** Which rules run in a score set, per rule and per group: made once per set and per user's preferences. */
export interface Active {
  readonly rules: Uint8Array
  readonly groups: readonly Uint8Array[]
}

export class Activity {
  private readonly plain = new Map<number, Active>()
  private readonly overlaid = new WeakMap<PrefsOverlay, Map<number, Active>>()
  private readonly table: RuleTable

  constructor(table: RuleTable) {
    this.table = table
  }

  of(options: ActiveFor): Active {
    const { overlay, scoreSet, skip } = options
    if (skip && skip.size > 0) return this.make(scoreSet, overlay, skip)
    let known = this.plain
    if (overlay && overlay.scores.size > 0) {
      known = this.overlaid.get(overlay) ?? new Map()
      this.overlaid.set(overlay, known)
    }
    let active = known.get(scoreSet)
    if (!active) {
      active = this.make(scoreSet, overlay, undefined)
      known.set(scoreSet, active)
    }
    return active
  }

  private make(
    set: number,
    overlay: PrefsOverlay | undefined,
    skip: ReadonlySet<string> | undefined,
  ): Active {
    const rules = new Uint8Array(this.table.rules.length)
    for (let index = 0; index < rules.length; index++) {
      const rule = this.table.rules[index]!
      const score = overlay?.scores.get(rule.name)?.[set] ?? rule.scores[set]!
      rules[index] = score !== 0 && !skip?.has(rule.name) ? 1 : 0
    }
    const groups: Uint8Array[] = new Array(this.table.groups)
    const add = (group: TextGroup | undefined) => {
      if (group) groups[group.id] = Uint8Array.from(group.rules, (rule) => rules[rule]!)
    }
    for (const stage of this.table.stages) {
      for (const group of stage.headers) add(group)
      for (const group of [stage.body, stage.uri, stage.rawbody, stage.full]) add(group)
    }
    return { rules, groups }
  }
}
