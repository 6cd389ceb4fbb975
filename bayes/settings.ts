// What a learner is opened with where nobody says otherwise.
import type { LearnerSettings } from './learner.js'

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
