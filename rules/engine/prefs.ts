// A user's preferences as a thin layer over the shared Plan: scores, lists and templates of one user, read like a rule file but with
// the rights of a user. Making one costs as much as its text is long; nothing of the Plan is copied or compiled again.
import type { Scores } from './book.js'
import { layerSettings } from './settings.js'
import type { Problem, Rule, Settings } from './types.js'

export interface PrefsOverlay {
  /** Rule name -> its scores for this user. */
  readonly scores: ReadonlyMap<string, Scores>
  readonly descriptions: ReadonlyMap<string, string>
  /** Directive values that differ from the Plan's. */
  readonly values: ReadonlyMap<string, unknown>
  /** Rules of the user's own; empty unless the admin set allow_user_rules. */
  readonly rules: readonly Rule[]
  /** Lines that were refused, and why. */
  readonly problems: readonly Problem[]
}

/** Settings as this user has them. */
export function overlaySettings(settings: Settings, overlay: PrefsOverlay | undefined): Settings {
  return overlay ? layerSettings(settings, overlay.values) : settings
}
