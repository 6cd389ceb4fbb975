// bayes: the statistical learner, one door for the rest of hamd (client.ts for the main thread, which only asks; reading.ts for scan workers,
// which only judge). In: mails with their class, and mails to judge. Out: opinions with clues, and a ledger of everything that was taught. Knows
// mathematics, counts and its own store; never scores, rules or protocols.
//
// Threads. `openLearner` starts the learner in another thread (service.ts), the only writer: it owns SQLite and the model's memory. Scan workers get
// `learner.shared` by message, call `createClassifier(shared)` once and then classify synchronously from that memory. When a model grows,
// the learner thread announces its new memory on a BroadcastChannel that the classifiers listen to by themselves: post `learner.shared`
// when a worker starts, nothing else is needed.
//
// One scan:    const features = classifier.extractor.extract(message)
//              const opinion = classifier.classify(features, { user })
//              learner.remember({ id: scanId, owner: user ?? '', mail: features.id, timeMs, features: encodeFeatures(features) })
// For clues extract with { names: true } and classify with { clues: 20 }.
// One lesson:  await learner.learn({ raw, class, source, user }) | learner.learnScan(scanId, class, source)
//
// Commands and tests work without threads: `Learner.open(settings)` and `createClassifier(sharedOf(learner))`.
// To be replaced, a learner needs what stands in LearnerClient and Classifier.
import type { SharedLearner } from './classifier.js'
import type { Learner } from './learner.js'

export {
  type AutolearnDecision,
  type AutolearnHit,
  type AutolearnInput,
  type AutolearnSettings,
  decideAutolearn,
} from './autolearn.js'
export {
  type BulkCounts,
  type BulkOptions,
  type FolderMail,
  learnMails,
  learnPaths,
  readFileList,
  readMails,
} from './bulk.js'
export type { Classifier, ClassifyOptions, SharedLearner } from './classifier.js'
export { type LearnerClient, type OpenOptions, openLearner } from './client.js'
export type { DoubtfulLabel } from './doubtful.js'
export {
  type EvaluateMode,
  type Evaluation,
  evaluate,
  formatMetrics,
  type LabelledMail,
  readIndex,
} from './evaluate.js'
export { createExtractor, type Extractor, type Features, tokenizerVersion } from './features.js'
export { readSaLearnDump, type SaLearnDump } from './import.js'
export { Learner, type LearnerSettings, type Lesson, type RevokeOutcome } from './learner.js'
export type { Profile } from './model/model.js'
export { createClassifier } from './reading.js'
export type { RememberedScan } from './remembered.js'
export { defaultSettings } from './settings.js'
export { encodeFeatures } from './store/codec.js'
export type { LedgerRow, RowFilter } from './store/ledger.js'

/** Handles for a learner in the same thread. */
export function sharedOf(learner: Learner): SharedLearner {
  const { minSpam, minHam } = learner.settings
  return { salt: learner.salt, minSpam, minHam, models: [...learner.models()] }
}
