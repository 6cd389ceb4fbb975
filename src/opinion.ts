// The learner as a scan sees it (scan.ts, ScanClassifier), over the shared memory of bayes/.
import { createClassifier, type SharedLearner } from '../bayes/reading.js'
import type { ScanClassifier } from './scan.js'

/** Clues named in replies that ask for them. */
const cluesMax = 40

export function createScanClassifier(shared: SharedLearner): ScanClassifier {
  const classifier = createClassifier(shared)
  return {
    features: (message, clues) => classifier.extractor.extract(message, { names: clues }),
    classify: (features, user, clues) =>
      classifier.classify(features, { user, clues: clues ? cluesMax : undefined }),
    ready: ({ spamLearned, hamLearned }) => spamLearned >= shared.minSpam && hamLearned >= shared.minHam,
  }
}
