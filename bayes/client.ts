// The learner as the main thread has it: starts it in another thread and asks it. Loads nothing that learns or classifies.
import { randomUUID } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { ByteBatch } from '../src/byte-batch.js'
import { type Answer, Calls, portOfThread, type ThreadPort } from '../src/thread-port.js'
import type { LearnerStats, LearnOutcome, LearnRequest, MailClass } from '../src/types.js'
import type { SharedLearner } from './classifier.js'
import type { DoubtfulLabel } from './doubtful.js'
import type { LearnerSettings, RevokeOutcome } from './learner.js'
import type { SharedModel } from './model/model.js'
import type { LearnerCommand, LearnerMessage, LearnerNews, LearnerStart } from './protocol.js'
import { packScan, type RememberedScan } from './remembered.js'
import { defaultSettings } from './settings.js'
import type { LedgerRow, RowFilter } from './store/ledger.js'

/** The learner as the main thread sees it. Promises reject only when the thread is gone. */
export interface LearnerClient {
  /** For new scan workers; current at the moment it is read. */
  readonly shared: SharedLearner
  /** Resolves after the commit. `class: 'forget'` takes back. */
  learn(request: LearnRequest): Promise<LearnOutcome>
  /** Without the message, by the id of its scan; `user` restricts it to that user's scans. */
  learnScan(
    scanId: string,
    mailClass: MailClass | 'forget',
    source: string,
    user?: string,
  ): Promise<LearnOutcome>
  /** Keeps the features of a scan for learnScan. Not waited for. */
  remember(scan: RememberedScan): void
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

/** Scans are handed to the thread after so long, or when a batch is full. */
const rememberMs = 1000

export interface OpenOptions extends Partial<LearnerSettings> {
  /** Read what is there, never write: `hamd scan` beside a running server. */
  readonly readOnly?: boolean
}

/**
 * Starts a learner where `thread` says, else in a thread of its own. Rejects with a clear word when the directory belongs to another process.
 */
export function openLearner(
  options: OpenOptions,
  thread: (start: LearnerStart) => ThreadPort = ownThread,
): Promise<LearnerClient> {
  const { readOnly, ...given } = options
  const settings: LearnerSettings = { ...defaultSettings, ...given }
  const channel = `hamd-learner-${randomUUID()}`
  const port = thread({ settings, readOnly: readOnly === true, channel })
  return new Promise((resolve, reject) => {
    const calls = new Calls<LearnerCommand>(port)
    const models = new Map<string, SharedModel>()
    let salt = 0
    let closing: Promise<void> | undefined
    const end = (error: Error): void => {
      reject(error)
      calls.end(error)
    }
    const follow = (news: LearnerNews): void => {
      if (news.salt !== undefined) salt = news.salt
      for (const [owner, model] of news.models ?? [])
        if (model) models.set(owner, model)
        else models.delete(owner)
    }
    port.onEnd(end)
    port.onMessage((posted) => {
      const message = posted as LearnerMessage | Answer
      if ('call' in message) return calls.answer(message)
      if (message.type === 'refused') return end(new Error(message.reason))
      follow(message)
      if (message.type === 'ready') resolve(client)
    })

    const scans = new ByteBatch()
    let timer: NodeJS.Timeout | undefined
    const flush = (): void => {
      clearTimeout(timer)
      timer = undefined
      if (scans.records === 0) return
      const batch = scans.take()
      const command: LearnerCommand = { op: 'remember', scans: batch }
      port.post(
        { call: 0, command },
        batch.map(({ buffer }) => buffer),
      )
    }
    /** What was remembered before is known to every command. */
    const ask = <T>(command: LearnerCommand): Promise<T> => {
      flush()
      return calls.ask<T>(command)
    }
    const client: LearnerClient = {
      get shared() {
        const { minSpam, minHam } = settings
        return { salt, minSpam, minHam, channel, models: [...models] }
      },
      learn: (request) => ask({ op: 'learn', request }),
      learnScan: (scanId, mailClass, source, user) =>
        ask({ op: 'learnScan', scanId, class: mailClass, source, ...(user === undefined ? {} : { user }) }),
      remember(scan) {
        if (calls.ended) return
        scans.add(...packScan(scan))
        if (scans.isFull) flush()
        else timer ??= setTimeout(flush, rememberMs).unref()
      },
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
      close: () =>
        (closing ??= ask<void>({ op: 'close' }).then(() => calls.end(new Error('the learner is closed')))),
    }
  })
}

function ownThread(start: LearnerStart): ThreadPort {
  return portOfThread(new Worker(new URL('./thread.js', import.meta.url), { workerData: start }))
}
