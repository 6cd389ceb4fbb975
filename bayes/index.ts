// bayes: the statistical learner, one door for the rest of hamd. In: mails with their class, and mails to judge. Out: opinions with
// clues, and a ledger of everything that was taught. Knows mathematics, counts and its own store; never scores, rules or protocols.
//
// Threads. `openLearner` starts the learner thread (thread.ts), the only writer: it owns SQLite and the model's memory. Scan workers get
// `learner.shared` by message, call `createClassifier(shared)` once and then classify synchronously from that memory. When a model grows,
// the learner thread announces its new memory on a BroadcastChannel that the classifiers listen to by themselves: post `learner.shared`
// when a worker starts, nothing else is needed.
//
// One scan:    const features = classifier.extractor.extract(message)
//              const opinion = classifier.classify(features, { user })
//              learner.remember([{ id: scanId, owner: user ?? '', mail: features.id, timeMs, features: encodeFeatures(features) }])
// For clues extract with { names: true } and classify with { clues: 20 }.
// One lesson:  await learner.learn({ raw, class, source, user }) | learner.learnScan(scanId, class, source) | learnFeatures(...)
//
// Commands and tests work without threads: `Learner.open(settings)` and `createClassifier(sharedOf(learner))`.
// To be replaced, a learner needs what stands in LearnerClient and Classifier.
import { randomUUID } from 'node:crypto'
import { BroadcastChannel, Worker } from 'node:worker_threads'
import type { LearnerStats, LearnOutcome, LearnRequest, MailClass } from '../src/types.js'
import { type Classifier, createClassifierOf, type SharedLearner } from './classifier.js'
import type { DoubtfulLabel } from './doubtful.js'
import type { Features } from './features.js'
import { defaultSettings, type Learner, type LearnerSettings, type RevokeOutcome } from './learner.js'
import type { SharedModel } from './model/model.js'
import { encodeFeatures } from './store/codec.js'
import type { LedgerRow, RowFilter } from './store/ledger.js'
import type { RememberedScan } from './store/scans.js'
import type { LearnerCall, ThreadStart } from './thread.js'

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
export { defaultSettings, Learner, type LearnerSettings, type Lesson, type RevokeOutcome } from './learner.js'
export type { Profile } from './model/model.js'
export { encodeFeatures } from './store/codec.js'
export type { LedgerRow, RowFilter } from './store/ledger.js'
export type { RememberedScan } from './store/scans.js'

/** A lesson whose features a scan has already found. */
export interface FeatureLesson {
  readonly features: Features
  readonly class: MailClass
  readonly source: string
  readonly user?: string
  readonly scanId?: string
}

/** The learner as the main thread sees it. Promises reject only when the thread is gone. */
export interface LearnerClient {
  /** For new scan workers; current at the moment it is read. */
  readonly shared: SharedLearner
  /** Resolves after the commit. `class: 'forget'` takes back. */
  learn(request: LearnRequest): Promise<LearnOutcome>
  learnFeatures(lesson: FeatureLesson): Promise<LearnOutcome>
  /** Without the message, by the id of its scan; `user` restricts it to that user's scans. */
  learnScan(
    scanId: string,
    mailClass: MailClass | 'forget',
    source: string,
    user?: string,
  ): Promise<LearnOutcome>
  /** Keeps the features of scans for learnScan. Not waited for. */
  remember(scans: readonly RememberedScan[]): void
  revoke(filter: RowFilter, preview: boolean): Promise<RevokeOutcome>
  release(filter: RowFilter, preview: boolean): Promise<RevokeOutcome>
  rows(filter: RowFilter, limit?: number): Promise<LedgerRow[]>
  held(): Promise<{ source: string; rows: number }[]>
  /** Labels that the rest of the ledger contradicts. Seconds on a large ledger. */
  doubtful(): Promise<DoubtfulLabel[]>
  stats(): Promise<LearnerStats>
  /** What an admin should know: damage, refusals, held sources. */
  notes(): Promise<readonly string[]>
  rebuild(): Promise<void>
  /** Digest over all counted tokens of the site. */
  digest(): Promise<string>
  backup(file: string): Promise<void>
  restore(file: string): Promise<void>
  importSaLearn(file: string): Promise<{ spam: number; ham: number; tokens: number }>
  close(): Promise<void>
}

export interface OpenOptions extends Partial<LearnerSettings> {
  /** Read what is there, never write: `hamd scan` beside a running server. */
  readonly readOnly?: boolean
}

/** Starts the learner thread. Rejects with a clear word when the directory belongs to another process. */
export function openLearner(options: OpenOptions): Promise<LearnerClient> {
  const { readOnly, ...given } = options
  const settings: LearnerSettings = { ...defaultSettings, ...given }
  const channel = `hamd-learner-${randomUUID()}`
  const start: ThreadStart = { settings, readOnly: readOnly === true, channel }
  const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: start })
  return new Promise((resolve, reject) => {
    const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
    const models = new Map<string, SharedModel>()
    let salt = 0
    let nextId = 1
    let ended: Error | undefined
    let closing: Promise<void> | undefined
    const fail = (error: Error): void => {
      ended ??= error
      reject(error)
      for (const waiter of waiting.values()) waiter.reject(error)
      waiting.clear()
    }
    const ask = <T>(call: LearnerCall): Promise<T> =>
      new Promise<T>((resolveCall, rejectCall) => {
        // A thread that is gone answers nobody: whoever asks must not wait for ever.
        if (ended) return rejectCall(ended)
        const id = nextId++
        waiting.set(id, { resolve: resolveCall as (value: unknown) => void, reject: rejectCall })
        worker.postMessage({ id, call })
      })
    worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', () => fail(new Error('the learner thread has ended')))
    worker.on('message', (message: ThreadMessage) => {
      if (message.refused !== undefined) return fail(new Error(message.refused))
      const news = message.ready ?? message
      if (news.salt !== undefined) salt = news.salt
      for (const [owner, model] of news.models ?? [])
        if (model) models.set(owner, model)
        else models.delete(owner)
      if (message.ready) resolve(client)
      if (message.id === undefined) return
      const waiter = waiting.get(message.id)
      waiting.delete(message.id)
      if (message.error === undefined) waiter?.resolve(message.result)
      else waiter?.reject(new Error(message.error))
    })

    const client: LearnerClient = {
      get shared() {
        const { minSpam, minHam } = settings
        return { salt, minSpam, minHam, channel, models: [...models] }
      },
      learn: (request) => ask({ op: 'learn', request }),
      learnFeatures: ({ features, ...lesson }) =>
        ask({ op: 'learnFeatures', mail: features.id, features: encodeFeatures(features), ...lesson }),
      learnScan: (scanId, mailClass, source, user) =>
        ask({ op: 'learnScan', scanId, class: mailClass, source, ...(user === undefined ? {} : { user }) }),
      remember: (scans) => worker.postMessage({ id: 0, call: { op: 'remember', scans } }),
      revoke: (filter, preview) => ask({ op: 'revoke', filter, preview }),
      release: (filter, preview) => ask({ op: 'release', filter, preview }),
      rows: (filter, limit = 1000) => ask({ op: 'rows', filter, limit }),
      held: () => ask({ op: 'held' }),
      doubtful: () => ask({ op: 'doubtful' }),
      stats: () => ask({ op: 'stats' }),
      notes: () => ask({ op: 'notes' }),
      rebuild: () => ask({ op: 'rebuild' }),
      digest: () => ask({ op: 'digest' }),
      backup: (file) => ask({ op: 'backup', file }),
      restore: (file) => ask({ op: 'restore', file }),
      importSaLearn: (file) => ask({ op: 'importSaLearn', file }),
      close: () => (closing ??= ask({ op: 'close' })),
    }
  })
}

interface ThreadMessage {
  readonly id?: number
  readonly result?: unknown
  readonly error?: string
  readonly refused?: string
  readonly salt?: number
  readonly models?: readonly (readonly [string, SharedModel | undefined])[]
  readonly ready?: {
    readonly salt: number
    readonly models: readonly (readonly [string, SharedModel | undefined])[]
  }
}

/** The reading side for one thread; follows the learner's announcements. */
export function createClassifier(shared: SharedLearner): Classifier {
  if (shared.channel === undefined) return createClassifierOf(shared)
  const announcements = new BroadcastChannel(shared.channel)
  const classifier = createClassifierOf(shared, (user) => announcements.postMessage({ want: user }))
  announcements.onmessage = (event: unknown) => {
    const { data } = event as {
      data: { models?: readonly (readonly [string, SharedModel | undefined])[]; salt?: number }
    }
    if (data.salt !== undefined) classifier.reseed(data.salt)
    for (const [owner, model] of data.models ?? []) classifier.adopt(owner, model)
  }
  // The channel must not keep a thread alive.
  announcements.unref()
  announcements.postMessage('hello')
  return classifier
}

/** Handles for a learner in the same thread. */
export function sharedOf(learner: Learner): SharedLearner {
  const { minSpam, minHam } = learner.settings
  return { salt: learner.salt, minSpam, minHam, models: [...learner.models()] }
}
