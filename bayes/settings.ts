// What a learner is opened with, and what it is where nobody says otherwise.
import type { Profile } from './model/model.js'

export interface LearnerSettings {
  /** Absent = everything in memory, for `hamd evaluate` and tests. */
  readonly dataDir?: string
  readonly profile: Profile
  /** No opinion before so many of each class are learned (SpamAssassin's bayes_min_spam_num and bayes_min_ham_num: 200). */
  readonly minSpam: number
  readonly minHam: number
  /** Rows kept, and days; the oldest go first, with their counts. 0 days = no limit. */
  readonly ledgerRowsMax: number
  readonly ledgerDays: number
  /** Scans that can be taught by id: how many, and for how long. 0 rows = none. */
  readonly scanRowsMax: number
  readonly scanDays: number
  /** Memory for users' own models; those not asked for lately leave it and come back when they are asked for. */
  readonly ownBytesMax: number
  /** Sources whose learnings are never held: the admin's own. */
  readonly trustedSources: readonly string[]
  /** Salt of a new store; random when absent. */
  readonly salt?: number
}

export const defaultSettings: LearnerSettings = {
  profile: 'standard',
  minSpam: 200,
  minHam: 200,
  ledgerRowsMax: 100_000,
  ledgerDays: 0,
  scanRowsMax: 20_000,
  scanDays: 3,
  ownBytesMax: 64 * 2 ** 20,
  trustedSources: ['cli', 'import'],
}
