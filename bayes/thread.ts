// The learner thread: owns SQLite and writes the shared models, so that neither the main thread nor a scan ever waits for a disk.
// In: requests by message, answered in order; learnings that wait together are one transaction and are acknowledged after its commit.
// Out: answers, and on a BroadcastChannel new memory when a model moved. When nothing waits it rebuilds, expires and saves.
import { copyFileSync, existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { BroadcastChannel, type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { parseMessage } from '../src/message/parse.js'
import type { LearnOutcome, LearnRequest, MailClass } from '../src/types.js'
import { findDoubtful } from './doubtful.js'
import { createExtractor, type Extractor } from './features.js'
import { readSaLearnDump } from './import.js'
import { Learner, type LearnerSettings, type Lesson } from './learner.js'
import { checkBackup } from './store/backup.js'
import { decodeFeatures } from './store/codec.js'
import type { RowFilter } from './store/ledger.js'
import type { RememberedScan } from './store/scans.js'

/** What the main thread may ask. */
export type LearnerCall =
  | { readonly op: 'learn'; readonly request: LearnRequest }
  | {
      readonly op: 'learnFeatures'
      readonly mail: string
      readonly features: Uint8Array
      readonly class: MailClass
      readonly source: string
      readonly user?: string
      readonly scanId?: string
    }
  | {
      readonly op: 'learnScan'
      readonly scanId: string
      readonly class: MailClass | 'forget'
      readonly source: string
      readonly user?: string
    }
  | { readonly op: 'remember'; readonly scans: readonly RememberedScan[] }
  | { readonly op: 'revoke' | 'release'; readonly filter: RowFilter; readonly preview: boolean }
  | { readonly op: 'rows'; readonly filter: RowFilter; readonly limit: number }
  | { readonly op: 'held' | 'stats' | 'notes' | 'doubtful' | 'rebuild' | 'digest' | 'close' }
  | { readonly op: 'backup' | 'restore' | 'importSaLearn'; readonly file: string }

export interface ThreadStart {
  readonly settings: LearnerSettings
  readonly readOnly: boolean
  readonly channel: string
}

/** Quiet time after the last learning before the weights are rebuilt, ms. */
const rebuildQuietMs = 2_000
/** When learning never pauses, they are rebuilt after so long all the same. */
const rebuildLatestMs = 60_000
const housekeepingMs = 30_000
/** Rows that one round of housekeeping lets go: bounded, so that learning never waits long. */
const expireRowsPerRound = 200

interface Envelope {
  readonly id: number
  readonly call: LearnerCall
}

class LearnerThread {
  private learner: Learner
  private extractor: Extractor
  private readonly announcements: BroadcastChannel
  private queue: Envelope[] = []
  private draining = false
  private lastLearnMs = 0
  private rebuilding: Generator<void, void> | undefined
  private timer: NodeJS.Timeout
  private closed = false
  private wantedSinceMs: number | undefined
  /** Looks again whether it is quiet; one at a time. */
  private waiting: NodeJS.Timeout | undefined

  constructor(
    private readonly port: MessagePort,
    private readonly start: ThreadStart,
  ) {
    this.learner = Learner.open(start.settings, { readOnly: start.readOnly })
    this.extractor = createExtractor(this.learner.salt)
    this.announcements = new BroadcastChannel(start.channel)
    // A worker that starts says hello; what moved between its handle and now reaches it this way.
    this.announcements.onmessage = (event: unknown) => {
      const { data } = event as { data: unknown }
      if (data === 'hello') this.announce([...this.learner.models()])
      else if (isWant(data)) {
        this.learner.loadOwner(data.want)
        this.announce(this.learner.takeMoved())
      }
    }
    this.learner.takeMoved()
    port.on('message', (envelope: Envelope) => {
      this.queue.push(envelope)
      if (!this.draining) {
        this.draining = true
        setImmediate(() => void this.drain())
      }
    })
    this.timer = setInterval(() => this.keepHouse(), housekeepingMs)
    this.port.postMessage({
      ready: { salt: this.learner.salt, models: [...this.learner.models()], notes: this.learner.notes },
    })
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, 256)
      for (let i = 0; i < batch.length; ) {
        const lessons: { id: number; lesson: Lesson }[] = []
        for (; i < batch.length; i++) {
          const lesson = this.lessonOf(batch[i]!)
          if (lesson === undefined) break
          if (lesson !== 'answered') lessons.push({ id: batch[i]!.id, lesson })
        }
        if (lessons.length > 0) this.teach(lessons)
        if (i < batch.length) {
          const { id, call } = batch[i++]!
          await this.answer(id, call)
        }
      }
      this.announce(this.learner.takeMoved())
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.draining = false
    this.scheduleRebuild()
  }

  /** The lesson in a call, undefined when it is another kind of call. */
  private lessonOf({ id, call }: Envelope): Lesson | undefined | 'answered' {
    try {
      if (call.op === 'learnFeatures')
        return {
          features: decodeFeatures(call.mail, call.features),
          class: call.class,
          source: call.source,
          ...(call.user === undefined ? {} : { user: call.user }),
          ...(call.scanId === undefined ? {} : { scanId: call.scanId }),
        }
      if (call.op !== 'learn' || call.request.class === 'forget') return undefined
      const { raw, class: mailClass, user, source, scanId } = call.request
      return {
        features: this.extractor.extract(parseMessage(raw)),
        class: mailClass,
        source,
        ...(user === undefined ? {} : { user }),
        ...(scanId === undefined ? {} : { scanId }),
      }
    } catch (error) {
      this.fail(id, error)
      return 'answered'
    }
  }

  private teach(lessons: readonly { id: number; lesson: Lesson }[]): void {
    const outcomes = this.learner.learnAll(lessons.map(({ lesson }) => lesson))
    for (const [index, { id }] of lessons.entries()) this.reply(id, outcomes[index])
    this.lastLearnMs = Date.now()
  }

  private async answer(id: number, call: LearnerCall): Promise<void> {
    try {
      const result = await this.perform(call)
      if (call.op !== 'remember') this.reply(id, result)
      if (call.op === 'close') {
        this.closed = true
        clearInterval(this.timer)
        this.announcements.close()
        this.port.close()
      }
    } catch (error) {
      this.fail(id, error)
    }
  }

  private async perform(call: LearnerCall): Promise<unknown> {
    const { learner } = this
    switch (call.op) {
      case 'learn':
        return this.forget(call.request)
      case 'learnScan':
        this.lastLearnMs = Date.now()
        return learner.learnScan(call.scanId, call.class, call.source, call.user)
      case 'remember':
        return learner.remember(call.scans)
      case 'revoke':
        this.lastLearnMs = Date.now()
        return learner.revoke(call.filter, call.preview)
      case 'release':
        this.lastLearnMs = Date.now()
        return learner.release(call.filter, call.preview)
      case 'rows':
        return learner.rows(call.filter, call.limit)
      case 'held':
        return learner.held()
      case 'stats':
        return learner.stats()
      case 'notes':
        return learner.notes
      case 'doubtful':
        return findDoubtful(learner)
      case 'digest':
        return learner.tokenDigest()
      case 'rebuild':
        learner.rebuildNow(true)
        return undefined
      case 'backup':
        return learner.backup(call.file)
      case 'restore':
        return this.restore(call.file)
      case 'importSaLearn':
        return this.importSaLearn(call.file)
      case 'close':
        this.rebuilding = undefined
        if (learner.wantsRebuild) learner.rebuildNow()
        return learner.close()
      case 'learnFeatures':
        return undefined
    }
  }

  private forget(request: LearnRequest): LearnOutcome {
    this.lastLearnMs = Date.now()
    return this.learner.forget(this.extractor.extract(parseMessage(request.raw)).id, request.user ?? '')
  }

  private async importSaLearn(file: string): Promise<{ spam: number; ham: number; tokens: number }> {
    const dump = await readSaLearnDump(file)
    this.learner.importCounts(dump)
    this.announce([...this.learner.models()])
    return { spam: dump.spam, ham: dump.ham, tokens: dump.tokens.length }
  }

  /** Puts a backup in the place of the ledger; what was there stays beside it. */
  private restore(file: string): void {
    const { dataDir } = this.start.settings
    if (dataDir === undefined) throw new Error('a learner without a directory has nothing to restore into')
    checkBackup(file)
    this.rebuilding = undefined
    this.learner.close()
    const target = join(dataDir, 'learner.db')
    const aside = `${target}.before-restore-${new Date().toISOString().replace(/[:.]/g, '-')}`
    for (const suffix of ['', '-wal', '-shm'])
      if (existsSync(target + suffix)) renameSync(target + suffix, aside + suffix)
    copyFileSync(file, target)
    this.learner = Learner.open(this.start.settings)
    this.extractor = createExtractor(this.learner.salt)
    this.announcements.postMessage({ salt: this.learner.salt, models: [...this.learner.models()] })
    this.port.postMessage({ salt: this.learner.salt, models: [...this.learner.models()] })
  }

  private announce(models: readonly (readonly [string, unknown])[]): void {
    if (models.length === 0 || this.closed) return
    this.announcements.postMessage({ models })
    this.port.postMessage({ models })
  }

  private scheduleRebuild(): void {
    if (this.closed || this.rebuilding || !this.learner.gainsByRebuild || this.start.readOnly) return
    const now = Date.now()
    if (this.learner.wantsRebuild) this.wantedSinceMs ??= now
    const wait = this.lastLearnMs + rebuildQuietMs - now
    // What only gains waits for quiet however long; what is wanted does not.
    if (wait > 0 && now - (this.wantedSinceMs ?? now) < rebuildLatestMs) {
      if (this.waiting) return
      this.waiting = setTimeout(() => {
        this.waiting = undefined
        this.scheduleRebuild()
      }, wait).unref()
      return
    }
    this.wantedSinceMs = undefined
    this.rebuilding = this.learner.rebuild()
    this.continueRebuild()
  }

  private continueRebuild(): void {
    if (!this.rebuilding || this.closed) return
    try {
      if (!this.rebuilding.next().done) {
        setImmediate(() => this.continueRebuild())
        return
      }
      this.rebuilding = undefined
      this.announce(this.learner.takeMoved())
      this.learner.saveSnapshot()
      this.scheduleRebuild()
    } catch (error) {
      // The weights stay as they are; the ledger could not be read.
      this.rebuilding = undefined
      this.learner.notes.push(`the weights could not be rebuilt: ${messageOf(error)}`)
    }
  }

  private keepHouse(): void {
    if (this.rebuilding || this.closed || this.start.readOnly) return
    try {
      this.learner.expire(expireRowsPerRound)
      this.announce(this.learner.takeMoved())
      this.learner.saveSnapshot()
    } catch (error) {
      this.learner.notes.push(`old mail could not be let go: ${messageOf(error)}`)
    }
  }

  private reply(id: number, result: unknown): void {
    this.port.postMessage({ id, result })
  }

  private fail(id: number, error: unknown): void {
    this.port.postMessage({ id, error: messageOf(error) })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function isWant(data: unknown): data is { readonly want: string } {
  return typeof (data as { want?: unknown } | null)?.want === 'string'
}

if (parentPort) {
  try {
    new LearnerThread(parentPort, workerData as ThreadStart)
  } catch (error) {
    parentPort.postMessage({ refused: messageOf(error) })
    parentPort.close()
  }
}
