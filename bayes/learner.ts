// The learner as one object in one thread: ledger, scans, models. In: learnings and corrections (teaching.ts). Out: what became of each, and
// models in shared memory (owners.ts), kept as the ledger has them (upkeep.ts). It is run by a service in another thread (service.ts), or in
// place by commands and tests. Every change of the ledger and of the counts happens in one transaction (guard.ts).
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { LearnerStats, LearnOutcome, MailClass } from '../src/types.js'
import { type Features, tokenizerVersion } from './features.js'
import { Guard, messageOf } from './guard.js'
import type { SaLearnDump } from './import.js'
import type { Model, SharedModel } from './model/model.js'
import { Owners } from './owners.js'
import type { RememberedScan } from './remembered.js'
import type { LearnerSettings } from './settings.js'
import { runThrough } from './slices.js'
import { type Ledger, type LedgerRow, openLedger, type RowFilter } from './store/ledger.js'
import { type Lock, lockDirectory } from './store/lock.js'
import { ScanStore } from './store/scans.js'
import { type Lesson, type RevokeOutcome, Teaching } from './teaching.js'
import { Upkeep } from './upkeep.js'

export { defaultSettings, type LearnerSettings } from './settings.js'
export type { Lesson, RevokeOutcome } from './teaching.js'

export class Learner {
  private readonly guard: Guard
  private readonly owners: Owners
  private readonly upkeep: Upkeep
  private readonly teaching: Teaching

  private constructor(
    readonly settings: LearnerSettings,
    private readonly ledger: Ledger,
    private readonly scans: ScanStore | undefined,
    private readonly lock: Lock | undefined,
  ) {
    this.guard = new Guard(ledger, () => {
      this.teaching.forgetReplay()
      this.upkeep.reload()
    })
    this.owners = new Owners(settings, ledger)
    this.upkeep = new Upkeep(settings, ledger, this.owners, this.guard)
    this.teaching = new Teaching(settings, ledger, this.owners, this.upkeep, this.guard)
  }

  /**
   * Throws an Error with a clear word when the directory belongs to another process. A directory that can't be written is opened for reading:
   * opinions go on, learning is refused with the reason.
   */
  static open(settings: LearnerSettings, options?: { readonly readOnly?: boolean }): Learner {
    const { dataDir } = settings
    if (dataDir === undefined) return Learner.start(settings, false, undefined)
    if (options?.readOnly) return Learner.openForReading(settings, 'the learner was opened for reading')
    let lock: Lock
    try {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 })
      const taken = lockDirectory(dataDir)
      if ('holder' in taken)
        throw new Error(`${dataDir} is in use by ${taken.holder}: one data directory, one hamd`)
      lock = taken
    } catch (error) {
      if (!isUnwritable(error)) throw error
      return Learner.openForReading(settings, `${dataDir} can't be written: ${messageOf(error)}`)
    }
    try {
      return Learner.start(settings, false, lock)
    } catch (error) {
      lock.release()
      if (!isUnwritable(error)) throw error
      return Learner.openForReading(settings, `${dataDir} can't be written: ${messageOf(error)}`)
    }
  }

  private static openForReading(settings: LearnerSettings, reason: string): Learner {
    const exists = existsSync(join(settings.dataDir!, 'learner.db'))
    const learner = exists
      ? Learner.start(settings, true, undefined)
      : Learner.start({ ...withoutDirectory(settings), scanRowsMax: 0 }, false, undefined)
    learner.guard.refusal = reason
    learner.guard.say(reason)
    return learner
  }

  private static start(settings: LearnerSettings, readOnly: boolean, lock: Lock | undefined): Learner {
    const salt = (): number => settings.salt ?? Math.floor(Math.random() * 2 ** 32)
    const { ledger, notes } = openLedger(settings.dataDir, readOnly, salt)
    const scans = readOnly
      ? undefined
      : ScanStore.open(settings.dataDir, settings.scanRowsMax, settings.scanDays)
    const learner = new Learner(settings, ledger, scans, lock)
    learner.notes.push(...notes)
    learner.upkeep.load()
    return learner
  }

  get salt(): number {
    return this.ledger.salt
  }

  /** What an admin should know: damage, refusals, held sources. */
  get notes(): string[] {
    return this.guard.notes
  }

  /** Why learning is refused at the moment, if it is. */
  get refused(): string | undefined {
    return this.guard.refusal
  }

  get site(): Model {
    return this.owners.site
  }

  /** Models by owner, for posting to scan workers. */
  models(): Generator<[owner: string, model: SharedModel]> {
    return this.owners.handles()
  }

  /** Owners whose memory moved since the last call; undefined = it is not held any more. */
  takeMoved(): [owner: string, model: SharedModel | undefined][] {
    return this.owners.takeMoved()
  }

  /** Brings a user's own model into memory; nothing happens for a user who never taught. */
  loadOwner(owner: string): void {
    this.owners.load(owner)
  }

  // ---- teaching

  /**
   * Many lessons as one transaction: all outcomes hold, or the whole batch failed and every outcome says so. With `weightsLater` only the
   * counts move and the caller rebuilds when its bulk is done: half the cost of a folder.
   */
  learnAll(lessons: readonly Lesson[], options?: { readonly weightsLater?: boolean }): LearnOutcome[] {
    return this.teaching.learnAll(lessons, options?.weightsLater === true)
  }

  learn(lesson: Lesson): LearnOutcome {
    return this.learnAll([lesson])[0]!
  }

  /** Teaches a remembered scan. `user` undefined = whoever it belonged to. */
  learnScan(
    scanId: string,
    what: MailClass | 'forget',
    source: string,
    user?: string,
    nowMs = Date.now(),
  ): LearnOutcome {
    const scan = this.scans?.find(scanId, user, nowMs)
    if (!scan)
      return {
        status: 'refused',
        reason: `no scan ${scanId} is remembered (kept ${this.settings.scanDays} days)`,
      }
    if (what === 'forget') return this.forget(scan.features.id, scan.owner)
    return this.learn({ features: scan.features, class: what, user: scan.owner, source, scanId })
  }

  remember(scans: readonly RememberedScan[], nowMs = Date.now()): void {
    try {
      this.scans?.remember(scans, nowMs)
    } catch (error) {
      this.guard.say(`scans can't be remembered: ${messageOf(error)}`)
    }
  }

  /** Takes back everything known of a mail, held or counted. */
  forget(mail: string, owner = ''): LearnOutcome {
    return this.teaching.forget(mail, owner)
  }

  /** Takes back every learning the filter names; earlier learnings of the same mails count again. `preview` changes nothing. */
  revoke(filter: RowFilter, preview: boolean): RevokeOutcome {
    return this.teaching.revoke(filter, preview)
  }

  /** Lets held or revoked learnings count after all. */
  release(filter: RowFilter, preview: boolean): RevokeOutcome {
    return this.teaching.release(filter, preview)
  }

  /** Takes over counts of another filter; they serve until enough mails of our own are learned. Replaces an earlier import. */
  importCounts(dump: SaLearnDump): void {
    if (this.refused) throw new Error(this.refused)
    this.ledger.transaction(() => this.ledger.setImported(dump, dump.tokens))
    this.owners.loadImported()
  }

  // ---- upkeep

  /** Whether weights should be rebuilt now that a burst of learning is over. */
  get wantsRebuild(): boolean {
    return this.upkeep.wantsRebuild
  }

  /** Whether a rebuild would make better weights: besides the above when much was learned since the last one, whatever its order. */
  get gainsByRebuild(): boolean {
    return this.upkeep.gainsByRebuild
  }

  /** Learns the weights of every stale model afresh. Generator, so that a thread can answer in between. */
  rebuild(all = false): Generator<void, void> {
    return this.upkeep.rebuild(all)
  }

  /** Until nothing is stale: a table that grows meanwhile makes the weights begin anew. */
  rebuildUntilDone(all = false): Generator<void, void> {
    return this.upkeep.rebuildUntilDone(all)
  }

  rebuildNow(all = false): void {
    runThrough(this.rebuildUntilDone(all))
  }

  /** Lets old mail go until limits hold; at most `max` rows a call. Returns how many went. */
  expire(max: number, nowMs?: number): number {
    return this.upkeep.expire(max, nowMs)
  }

  saveSnapshot(): void {
    this.upkeep.saveSnapshot()
  }

  /** The whole state as one file: the ledger, from which everything else follows. */
  async backup(file: string): Promise<void> {
    await this.ledger.db.backup(file)
  }

  close(): void {
    this.saveSnapshot()
    this.scans?.close()
    this.ledger.close()
    this.lock?.release()
  }

  // ---- what there is

  rows(filter: RowFilter, limit = 1000): LedgerRow[] {
    return this.ledger.find(filter, limit)
  }

  /** Sources with held learnings, for the admin's attention. */
  held(): { source: string; rows: number }[] {
    const bySource = new Map<string, number>()
    for (const row of this.ledger.find({ states: ['held'] }))
      bySource.set(row.source, (bySource.get(row.source) ?? 0) + 1)
    return [...bySource].map(([source, rows]) => ({ source, rows }))
  }

  /** Digest over all counted tokens: equal sets of learnings give equal digests. */
  tokenDigest(owner = ''): string {
    const entries = [...this.owners.modelOf(owner).table.entries()].map(
      (entry) => `${entry.lo}.${entry.hi}.${entry.spam}.${entry.ham}`,
    )
    return entries.sort().join('\n')
  }

  stats(): LearnerStats {
    const { spam, ham } = this.site.totals
    return {
      spam,
      ham,
      tokens: this.site.table.countLive(),
      sizeBytes: this.ledger.sizeBytes,
      users: this.owners.users.size,
      version: `hamd-${tokenizerVersion}`,
    }
  }

  /** Counted examples of an owner in hash order; features are valid until the next ones. */
  examples(owner = ''): Iterable<{ features: Features; isSpam: boolean; seq: number }> {
    return this.ledger.countedInHashOrder(owner)
  }
}

/** The file system refuses writing, which is no reason to give up reading. */
function isUnwritable(error: unknown): boolean {
  const code = (error as { code?: unknown })?.code
  return (
    typeof code === 'string' &&
    (/^SQLITE_(?:READONLY|CANTOPEN|FULL|IOERR)/.test(code) ||
      ['EROFS', 'EACCES', 'EPERM', 'ENOSPC'].includes(code))
  )
}

function withoutDirectory(settings: LearnerSettings): LearnerSettings {
  const { dataDir: _, ...rest } = settings
  return rest
}
