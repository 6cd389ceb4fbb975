// Which rules a scan leaves out: those that ran away before, and what the settings of the request say. Clients say the same with every
// mail, so the sets are kept, and with each set the engine keeps what runs.
import type { Rule } from '../rules/engine/types.js'
import type { ScanSettings } from './types.js'

/** Different settings kept; more come one after the other only from somebody who tries them all. */
const keptMax = 16
/** Longer lists are not kept. */
const keyCharsMax = 4096

export type SkippedRules = (settings: ScanSettings | undefined) => ReadonlySet<string>

/** @param suspended may grow */
export function createSkippedRules(
  rules: readonly Rule[],
  groupOf: ReadonlyMap<string, string>,
  suspended: ReadonlySet<string>,
): SkippedRules {
  /** Least recently used first. */
  const kept = new Map<string, ReadonlySet<string>>()
  return (settings) => {
    if (!settings) return suspended
    const { symbolsDisabled, symbolsEnabled, groupsEnabled, groupsDisabled } = settings
    if (!symbolsDisabled && !symbolsEnabled && !groupsEnabled && !groupsDisabled) return suspended
    const key = JSON.stringify([
      suspended.size,
      symbolsDisabled,
      symbolsEnabled,
      groupsEnabled,
      groupsDisabled,
    ])
    const skip = kept.get(key) ?? skippedBy(settings, rules, groupOf, suspended)
    kept.delete(key)
    if (key.length <= keyCharsMax) kept.set(key, skip)
    if (kept.size > keptMax) kept.delete(kept.keys().next().value!)
    return skip
  }
}

function skippedBy(
  settings: ScanSettings,
  rules: readonly Rule[],
  groupOf: ReadonlyMap<string, string>,
  suspended: ReadonlySet<string>,
): ReadonlySet<string> {
  const { symbolsEnabled, groupsEnabled, groupsDisabled } = settings
  const skip = new Set(suspended)
  for (const name of settings.symbolsDisabled ?? []) skip.add(name)
  for (const { name } of rules) {
    if (name.startsWith('__')) continue
    const group = groupOf.get(name) ?? ''
    if (symbolsEnabled || groupsEnabled) {
      if (!symbolsEnabled?.includes(name) && !groupsEnabled?.includes(group)) skip.add(name)
    } else if (groupsDisabled?.includes(group)) skip.add(name)
  }
  return skip
}
