// The learner in its thread: owns SQLite and writes the shared models, so that neither the main thread nor a scan ever waits for a disk.
// In: commands by message, answered in order; learnings that wait together are one transaction and are acknowledged after its commit.
// Out: answers, and on a BroadcastChannel new memory when a model moved. When nothing waits it rebuilds, expires and saves: in slices, as the
// thread may have others to serve.
import { copyFileSync, existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { BroadcastChannel, type MessagePort } from 'node:worker_threads'
import { recordsOf } from '../src/byte-batch.js'
import { free } from '../src/free.js'
import { parseMessage } from '../src/message/parse.js'
import type { Answer } from '../src/thread-port.js'
import type { LearnOutcome, LearnRequest } from '../src/types.js'
import { lookForDoubtful } from './doubtful.js'
import { createExtractor, type Extractor } from './features.js'
import { readSaLearnDump } from './import.js'
import { Learner, type Lesson } from './learner.js'
import type { LearnerCommand, LearnerMessage, LearnerNews, LearnerStart } from './protocol.js'
import { unpackScan } from './remembered.js'
import { runInSlices } from './slices.js'
import { checkBackup } from './store/backup.js'

/** Learnings of one transaction: a tenth of a second at most in which the thread serves nobody else. */
const batchMax = 64
/** Quiet time after the last learning before the weights are rebuilt, ms. */
const rebuildQuietMs = 2_000
/** When learning never pauses, they are rebuilt after so long all the same. */
const rebuildLatestMs = 60_000
const housekeepingMs = 30_000
/** Rows that one round of housekeeping lets go: bounded, so that learning never waits long. */
const expireRowsPerRound = 200

interface Asked {
  readonly call: number
  readonly command: LearnerCommand
}

/** Serves a learner at a port. One that cannot start says why, and nothing more. */
export function serveLearner(port: MessagePort, start: LearnerStart): void {
  try {
    new LearnerService(port, start)
  } catch (error) {
    const refused: LearnerMessage = { type: 'refused', reason: messageOf(error) }
    port.postMessage(refused)
    port.close()
  }
}

class LearnerService {
  private learner: Learner
  private extractor: Extractor
  private readonly announcements: BroadcastChannel
  private queue: Asked[] = []
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
    private readonly start: LearnerStart,
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
    port.on('message', (asked: Asked) => {
      this.queue.push(asked)
      if (!this.draining) {
        this.draining = true
        setImmediate(() => void this.drain())
      }
    })
    this.timer = setInterval(() => this.keepHouse(), housekeepingMs)
    this.post({ type: 'ready', ...this.everything() })
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, batchMax)
      for (let i = 0; i < batch.length; ) {
        const lessons: { call: number; lesson: Lesson }[] = []
        for (; i < batch.length; i++) {
          const lesson = this.lessonOf(batch[i]!)
          if (lesson === undefined) break
          if (lesson !== 'answered') lessons.push({ call: batch[i]!.call, lesson })
        }
        if (lessons.length > 0) this.teach(lessons)
        if (i < batch.length) {
          const { call, command } = batch[i++]!
          await this.answer(call, command)
        }
      }
      this.announce(this.learner.takeMoved())
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.draining = false
    this.scheduleRebuild()
  }

  /** The lesson in a command, undefined when it is another kind of command. */
  private lessonOf({ call, command }: Asked): Lesson | undefined | 'answered' {
    if (command.op !== 'learn' || command.request.class === 'forget') return undefined
    const { raw, class: mailClass, user, source, scanId } = command.request
    try {
      return {
        features: this.extractor.extract(parseMessage(raw)),
        class: mailClass,
        source,
        ...(user === undefined ? {} : { user }),
        ...(scanId === undefined ? {} : { scanId }),
      }
    } catch (error) {
      this.fail(call, error)
      return 'answered'
    }
  }

  private teach(lessons: readonly { call: number; lesson: Lesson }[]): void {
    const outcomes = this.learner.learnAll(lessons.map(({ lesson }) => lesson))
    for (const [index, { call }] of lessons.entries()) this.reply(call, outcomes[index])
    this.lastLearnMs = Date.now()
  }

  private async answer(call: number, command: LearnerCommand): Promise<void> {
    try {
      const value = await this.perform(command)
      if (command.op !== 'remember') this.reply(call, value)
      if (command.op === 'close') {
        this.closed = true
        clearInterval(this.timer)
        this.announcements.close()
        this.port.close()
      }
    } catch (error) {
      this.fail(call, error)
    }
  }

  private async perform(command: LearnerCommand): Promise<unknown> {
    const { learner } = this
    switch (command.op) {
      case 'learn':
        return this.forget(command.request)
      case 'learnScan':
        this.lastLearnMs = Date.now()
        return learner.learnScan(command.scanId, command.class, command.source, command.user)
      case 'remember':
        learner.remember(Array.from(recordsOf(command.scans), unpackScan))
        return free(command.scans.map(({ buffer }) => buffer))
      case 'revoke':
        this.lastLearnMs = Date.now()
        return learner.revoke(command.filter, command.preview)
      case 'release':
        this.lastLearnMs = Date.now()
        return learner.release(command.filter, command.preview)
      case 'rows':
        return learner.rows(command.filter, command.limit)
      case 'held':
        return learner.held()
      case 'stats':
        return learner.stats()
      case 'notes':
        return learner.notes
      case 'doubtful':
        return runInSlices(lookForDoubtful(learner))
      case 'digest':
        return learner.tokenDigest()
      case 'rebuild':
        return runInSlices(learner.rebuildUntilDone(true))
      case 'backup':
        return learner.backup(command.file)
      case 'restore':
        return this.restore(command.file)
      case 'importSaLearn':
        return this.importSaLearn(command.file)
      case 'close':
        this.rebuilding = undefined
        if (learner.wantsRebuild) learner.rebuildNow()
        return learner.close()
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
    this.tell(this.everything())
  }

  private everything(): LearnerNews {
    return { salt: this.learner.salt, models: [...this.learner.models()] }
  }

  private announce(models: NonNullable<LearnerNews['models']>): void {
    if (models.length > 0 && !this.closed) this.tell({ models })
  }

  private tell(news: LearnerNews): void {
    this.announcements.postMessage(news)
    this.post({ type: 'news', ...news })
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

  private reply(call: number, value: unknown): void {
    this.post({ call, value })
  }

  private fail(call: number, error: unknown): void {
    this.post({ call, error: messageOf(error) })
  }

  private post(message: LearnerMessage | Answer): void {
    this.port.postMessage(message)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function isWant(data: unknown): data is { readonly want: string } {
  return typeof (data as { want?: unknown } | null)?.want === 'string'
}
