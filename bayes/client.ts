// The learner as the main thread has it: starts the learner thread and asks it. Loads nothing that learns or classifies.
import { randomUUID } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { LearnerStats, LearnOutcome, LearnRequest, MailClass } from '../src/types.js'
import type { SharedLearner } from './classifier.js'
import type { DoubtfulLabel } from './doubtful.js'
import type { Features } from './features.js'
import type { LearnerSettings, RevokeOutcome } from './learner.js'
import type { SharedModel } from './model/model.js'
import { defaultSettings } from './settings.js'
import type { LedgerRow, RowFilter } from './store/ledger.js'
import type { RememberedScan } from './store/scans.js'
import type { LearnerCall, ThreadStart } from './thread.js'

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
      async learnFeatures({ features, ...lesson }) {
        const { encodeFeatures } = await import('./store/codec.js')
        return ask({ op: 'learnFeatures', mail: features.id, features: encodeFeatures(features), ...lesson })
      },
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
