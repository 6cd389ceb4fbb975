// The learner as one object in one thread: ledger, scans, models. In: learnings and corrections. Out: what became of each, and models in
// shared memory. It is run by a service in another thread (service.ts), or in place by commands and tests. Every change of the ledger and
// of the counts happens in one transaction; when it fails, memory is put right again from the ledger.
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { LearnerStats, LearnOutcome, MailClass } from '../src/types.js'
import { Burst } from './burst.js'
import { importedOwner } from './classifier.js'
import { type Features, tokenizerVersion } from './features.js'
import type { SaLearnDump } from './import.js'
import { importedModel } from './model/imported.js'
import { fuse } from './model/members.js'
import { Model, type Profile, type SharedModel } from './model/model.js'
import { createRandom } from './random.js'
import type { RememberedScan } from './remembered.js'
import { runThrough } from './slices.js'
import { isDistrustedSource, isTrustedSource } from './sources.js'
import { isDamage, type Ledger, type LedgerRow, openLedger, type RowFilter } from './store/ledger.js'
import { type Lock, lockDirectory } from './store/lock.js'
import { ScanStore } from './store/scans.js'
import { readSnapshot, writeSnapshot } from './store/snapshot.js'

export { defaultSettings } from './settings.js'

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

export interface Lesson {
  readonly features: Features
  readonly class: MailClass
  /** '' or absent = the site's model. */
  readonly user?: string
  readonly source: string
  readonly scanId?: string
  readonly timeMs?: number
}

/** What a revocation or release would do, or has done. */
export interface RevokeOutcome {
  readonly rows: number
  readonly spam: number
  readonly ham: number
  /** Mails whose earlier learning counts again. */
  readonly restored: number
  readonly applied: boolean
}

/** The rest of the ledger says the opposite by this much: P below 0.04 for what is taught as spam. */
const contradictionMargin = 6
/** Mails of both classes others must have taught before a contradiction means anything. */
const consensusMin = 100
/** Orders whose mean makes the weights, and the number of mails above which one has to do (a pass costs 0.15 ms a mail). */
const rebuildRounds = 3
const manyExamples = 30_000

export class Learner {
  /** What an admin should know: damage, refusals, held sources. */
  readonly notes: string[] = []
  readonly site: Model
  private readonly own = new Map<string, Model>()
  private dropped: string[] = []
  private foreign: SharedModel | undefined
  private replay = new Map<string, { spam: number[]; ham: number[] }>()
  private random: () => number
  /** Weights no longer follow from the ledger: something was taken back, or a burst was one-sided. */
  private stale = new Set<string>()
  private readonly burst = new Burst()
  private refusal: string | undefined
  private snapshotAt = -1

  private constructor(
    readonly settings: LearnerSettings,
    private ledger: Ledger,
    private readonly scans: ScanStore | undefined,
    private readonly lock: Lock | undefined,
  ) {
    this.site = new Model(settings.profile)
    this.random = createRandom(0x5eed)
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
    learner.refusal = reason
    learner.say(reason)
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
    learner.load()
    return learner
  }

  get salt(): number {
    return this.ledger.salt
  }

  /** Models by owner, for posting to scan workers. */
  *models(): Generator<[owner: string, model: SharedModel]> {
    yield ['', this.site.handle]
    for (const [owner, model] of this.own) yield [owner, model.handle]
    if (this.foreign) yield [importedOwner, this.foreign]
  }

  /** Owners whose memory moved since the last call; undefined = it is not held any more. */
  takeMoved(): [owner: string, model: SharedModel | undefined][] {
    this.trimOwners()
    const moved: [string, SharedModel | undefined][] = this.dropped.map((owner) => [owner, undefined])
    this.dropped = []
    for (const [owner, model] of [['', this.site] as const, ...this.own])
      if (model.moved) {
        model.moved = false
        moved.push([owner, model.handle])
      }
    return moved
  }

  /** Brings a user's own model into memory; nothing happens for a user who never taught. */
  loadOwner(owner: string): void {
    if (
      owner !== '' &&
      !this.own.has(owner) &&
      this.ledger.seqs(owner, true).length + this.ledger.seqs(owner, false).length > 0
    )
      this.modelOf(owner)
  }

  /**
   * Many lessons as one transaction: all outcomes hold, or the whole batch failed and every outcome says so. With `weightsLater` only the
   * counts move and the caller rebuilds when its bulk is done: half the cost of a folder.
   */
  learnAll(lessons: readonly Lesson[], options?: { readonly weightsLater?: boolean }): LearnOutcome[] {
    if (this.refusal) return lessons.map(() => ({ status: 'refused', reason: this.refusal! }))
    return this.guarded(
      () => lessons.map((lesson) => this.learnOne(lesson, options?.weightsLater === true)),
      (reason) => lessons.map(() => ({ status: 'failed', reason })),
    )
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

  /** Takes over counts of another filter; they serve until enough mails of our own are learned. Replaces an earlier import. */
  importCounts(dump: SaLearnDump): void {
    if (this.refusal) throw new Error(this.refusal)
    this.ledger.transaction(() => this.ledger.setImported(dump, dump.tokens))
    this.loadImported()
  }

  remember(scans: readonly RememberedScan[], nowMs = Date.now()): void {
    try {
      this.scans?.remember(scans, nowMs)
    } catch (error) {
      this.say(`scans can't be remembered: ${messageOf(error)}`)
    }
  }

  /** Takes back everything known of a mail, held or counted. */
  forget(mail: string, owner = ''): LearnOutcome {
    if (this.refusal) return { status: 'refused', reason: this.refusal }
    return this.guarded<LearnOutcome>(
      () => {
        const row = this.ledger.current(owner, mail)
        if (!row) return { status: 'unknown', id: mail }
        if (row.state === 'counted') this.uncount(row)
        this.ledger.remove(owner, mail)
        return { status: 'forgotten', id: mail }
      },
      (reason) => ({ status: 'failed', reason }),
    )
  }

  /** Takes back every learning the filter names; earlier learnings of the same mails count again. `preview` changes nothing. */
  revoke(filter: RowFilter, preview: boolean): RevokeOutcome {
    const rows = this.ledger.find({ ...filter, states: ['counted', 'held'] })
    return this.change(rows, preview, (row) => {
      if (row.state === 'counted') this.uncount(row)
      this.ledger.setState(row.seq, 'revoked')
      const before = this.ledger.lastSuperseded(row.owner, row.mail)
      if (!before || row.state !== 'counted') return false
      this.recount(before)
      return true
    })
  }

  /** Lets held or revoked learnings count after all. */
  release(filter: RowFilter, preview: boolean): RevokeOutcome {
    const rows = this.ledger.find({ ...filter, states: ['held', 'revoked'] })
    return this.change(rows, preview, (row) => {
      const current = this.ledger.current(row.owner, row.mail)
      if (current && current.seq !== row.seq) {
        if (current.state === 'counted') this.uncount(current)
        this.ledger.setState(current.seq, 'superseded')
      }
      this.recount(row)
      return false
    })
  }

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

  /** Mails of the site that count. */
  private get counted(): number {
    return this.site.totals.spam + this.site.totals.ham
  }

  /** Whether weights should be rebuilt now that a burst of learning is over. */
  get wantsRebuild(): boolean {
    return this.stale.size > 0 || this.burst.isOneSided
  }

  /** Whether a rebuild would make better weights: besides the above when much was learned since the last one, whatever its order. */
  get gainsByRebuild(): boolean {
    return this.wantsRebuild || this.burst.isLarge(this.counted)
  }

  /** Learns the weights of every stale model afresh. Generator, so that a thread can answer in between. */
  *rebuild(all = false): Generator<void, void> {
    if (all || this.burst.isOneSided || this.burst.isLarge(this.counted)) this.stale.add('')
    this.burst.clear()
    const owners = all ? new Set([...this.stale, ...this.own.keys()]) : new Set(this.stale)
    for (const owner of [...owners].sort()) {
      this.stale.delete(owner)
      const model = this.modelOf(owner)
      if (owner !== '') {
        this.rebuildOwn(owner, model)
        yield
        continue
      }
      const lastSeq = this.ledger.lastSeq
      const rounds = this.counted > manyExamples ? 1 : rebuildRounds
      const orders = Array.from(
        { length: rounds },
        (_, round) => () => this.ledger.countedInHashOrder('', round),
      )
      const done = yield* model.rebuild(orders, this.counted)
      if (!done) this.stale.add('')
      // What was learned meanwhile was learned into the old weights.
      else
        for (const { features, isSpam } of this.ledger.countedAfter('', lastSeq)) model.step(features, isSpam)
    }
  }

  /** Until nothing is stale: a table that grows meanwhile makes the weights begin anew. */
  *rebuildUntilDone(all = false): Generator<void, void> {
    for (let round = 0; round < 3; round++) {
      yield* this.rebuild(all)
      if (this.stale.size === 0) return
    }
  }

  rebuildNow(all = false): void {
    runThrough(this.rebuildUntilDone(all))
  }

  /** Digest over all counted tokens: equal sets of learnings give equal digests. */
  tokenDigest(owner = ''): string {
    const entries = [...this.modelOf(owner).table.entries()].map(
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
      users: this.own.size,
      version: `hamd-${tokenizerVersion}`,
    }
  }

  /** Counted examples of an owner in hash order; features are valid until the next ones. */
  examples(owner = ''): Iterable<{ features: Features; isSpam: boolean; seq: number }> {
    return this.ledger.countedInHashOrder(owner)
  }

  /** The whole state as one file: the ledger, from which everything else follows. */
  async backup(file: string): Promise<void> {
    await this.ledger.db.backup(file)
  }

  /** Lets old mail go until limits hold; at most `max` rows a call. Returns how many went. */
  expire(max: number, nowMs = Date.now()): number {
    const { ledgerRowsMax, ledgerDays } = this.settings
    const over = this.ledger.count() - ledgerRowsMax
    const before = ledgerDays > 0 ? nowMs - ledgerDays * 86_400_000 : 0
    const candidates = this.ledger.oldest(max, this.site.isFull ? '' : undefined)
    const gone = candidates.filter((row, index) => index < over || row.timeMs < before || this.site.isFull)
    if (gone.length === 0) return 0
    return this.guarded(
      () => {
        for (const row of gone) {
          if (row.state === 'counted') this.uncount(row, false)
          this.ledger.removeRow(row.seq)
        }
        return gone.length
      },
      () => 0,
    )
  }

  saveSnapshot(): void {
    const { dataDir } = this.settings
    if (dataDir === undefined || this.ledger.readOnly || this.refusal) return
    const stamp = this.ledger.changes
    if (stamp === this.snapshotAt) return
    try {
      writeSnapshot(join(dataDir, 'model.bin'), this.site, stamp, this.settings.profile)
      this.snapshotAt = stamp
    } catch (error) {
      this.say(`the model could not be saved (it is rebuilt at the next start): ${messageOf(error)}`)
    }
  }

  close(): void {
    this.saveSnapshot()
    this.scans?.close()
    this.ledger.close()
    this.lock?.release()
  }

  /** Why learning is refused at the moment, if it is. */
  get refused(): string | undefined {
    return this.refusal
  }

  private learnOne(lesson: Lesson, weightsLater: boolean): LearnOutcome {
    const { features, source } = lesson
    const owner = lesson.user ?? ''
    const isSpam = lesson.class === 'spam'
    const current = this.ledger.current(owner, features.id)
    if (current && current.isSpam === isSpam)
      return current.state === 'held'
        ? { status: 'refused', reason: `held for review (learning ${current.seq})` }
        : { status: 'known', id: features.id }
    if (features.lo.length < 2) return { status: 'refused', reason: 'the mail has too few tokens' }
    if (this.site.isFull) this.expire(200)

    const model = this.modelOf(owner)
    const contradicts =
      !isTrustedSource(source, this.settings.trustedSources) && this.contradicts(features, isSpam)
    const isHeld = contradicts && isDistrustedSource(source, this.ledger)
    const row = {
      owner,
      mail: features.id,
      isSpam,
      timeMs: lesson.timeMs ?? Date.now(),
      source,
      scanId: lesson.scanId,
      contradicts,
    }
    if (isHeld) {
      const seq = this.ledger.add({ ...row, state: 'held' }, features)
      this.holdSource(source)
      return {
        status: 'refused',
        reason: `held for review (learning ${seq}): ${source} contradicts the rest`,
      }
    }
    if (current) {
      if (current.state === 'counted') this.uncount(current)
      this.ledger.setState(current.seq, 'superseded')
    }
    const seq = this.ledger.add({ ...row, state: 'counted' }, features)
    model.count(features, isSpam, 1)
    if (weightsLater) this.stale.add(owner)
    else this.stepWithReplay(owner, model, features, isSpam)
    this.replayOf(owner)[lesson.class].push(seq)
    if (owner === '') this.burst.add(lesson.class)
    return { status: current ? 'relearned' : 'learned', id: features.id }
  }

  /** One step towards the lesson and one towards a stored mail of the other class: keeps the level when learning is one-sided. */
  private stepWithReplay(owner: string, model: Model, features: Features, isSpam: boolean): void {
    if (owner !== '') {
      this.stepOwn(model, features, isSpam)
      return
    }
    model.step(features, isSpam)
    const others = this.replayOf(owner)[isSpam ? 'ham' : 'spam']
    while (others.length > 0) {
      const at = Math.floor(this.random() * others.length)
      const row = this.ledger.row(others[at]!)
      if (row?.state === 'counted') {
        model.step(this.ledger.features(row.seq, row.mail), row.isSpam)
        return
      }
      others[at] = others[others.length - 1]!
      others.pop()
    }
  }

  /** A user's own step starts from what the site says: the own model learns the difference. */
  private stepOwn(model: Model, features: Features, isSpam: boolean): void {
    const below = this.site.score(features)
    const { head, body, sender } = below
    model.step(features, isSpam, { head, body, sender, damped: false })
  }

  private rebuildOwn(owner: string, model: Model): void {
    model.clear()
    for (const { features, isSpam } of this.ledger.countedInHashOrder(owner)) {
      model.count(features, isSpam, 1)
      this.stepOwn(model, features, isSpam)
    }
  }

  private contradicts(features: Features, isSpam: boolean): boolean {
    const { spam, ham } = this.site.totals
    if (spam < consensusMin || ham < consensusMin) return false
    const sum = fuse(this.site.score(features))
    return (isSpam ? sum : -sum) < -contradictionMargin
  }

  /** What a source taught against the rest is held together, also what was counted before the pattern showed. */
  private holdSource(source: string): void {
    const rows = this.ledger.find({ source, states: ['counted'] }).filter((row) => row.contradicts)
    for (const row of rows) {
      this.uncount(row)
      this.ledger.setState(row.seq, 'held')
      const before = this.ledger.lastSuperseded(row.owner, row.mail)
      if (before) this.recount(before)
    }
    this.say(`${source} is held for review: more than 30 % of its learnings contradict the rest`)
  }

  private uncount(row: LedgerRow, makesStale = true): void {
    this.modelOf(row.owner).count(this.ledger.features(row.seq, row.mail), row.isSpam, -1)
    if (makesStale || row.owner !== '') this.stale.add(row.owner)
  }

  private recount(row: LedgerRow): void {
    const model = this.modelOf(row.owner)
    this.ledger.setState(row.seq, 'counted')
    model.count(this.ledger.features(row.seq, row.mail), row.isSpam, 1)
    this.replayOf(row.owner)[row.isSpam ? 'spam' : 'ham'].push(row.seq)
    this.stale.add(row.owner)
  }

  private change(
    rows: readonly LedgerRow[],
    preview: boolean,
    apply: (row: LedgerRow) => boolean,
  ): RevokeOutcome {
    const spam = rows.filter((row) => row.isSpam).length
    const outcome = { rows: rows.length, spam, ham: rows.length - spam, restored: 0, applied: false }
    if (preview || this.refusal) {
      const restored = rows.filter((row) => this.ledger.lastSuperseded(row.owner, row.mail)).length
      return { ...outcome, restored }
    }
    return this.guarded<RevokeOutcome>(
      () => ({ ...outcome, restored: rows.filter((row) => apply(row)).length, applied: true }),
      () => outcome,
    )
  }

  /** The model of an owner; a user's comes from the ledger when it is not in memory, and counts as asked for lately. */
  private modelOf(owner: string): Model {
    if (owner === '') return this.site
    let model = this.own.get(owner)
    if (model) this.own.delete(owner)
    this.own.set(owner, (model ??= this.buildOwn(owner)))
    return model
  }

  private buildOwn(owner: string): Model {
    const model = new Model(this.settings.profile, { own: true })
    this.rebuildOwn(owner, model)
    model.moved = true
    return model
  }

  private trimOwners(): void {
    let bytes = 0
    for (const model of this.own.values()) bytes += model.sizeBytes
    for (const [owner, model] of this.own) {
      if (bytes <= this.settings.ownBytesMax || this.own.size === 1) return
      this.own.delete(owner)
      this.replay.delete(owner)
      this.dropped.push(owner)
      bytes -= model.sizeBytes
    }
  }

  private replayOf(owner: string): { spam: number[]; ham: number[] } {
    let lists = this.replay.get(owner)
    if (!lists) {
      lists = { spam: this.ledger.seqs(owner, true), ham: this.ledger.seqs(owner, false) }
      this.replay.set(owner, lists)
    }
    return lists
  }

  /** Runs a change as one transaction; when the store fails, memory follows the ledger again and learning is refused with the reason. */
  private guarded<T>(work: () => T, failed: (reason: string) => T): T {
    try {
      return this.ledger.db.inTransaction ? work() : this.ledger.transaction(work)
    } catch (error) {
      const reason = messageOf(error)
      this.say(`learning failed: ${reason}`)
      if (isDamage(error)) this.refusal = `the learner's database is damaged: ${reason}`
      else this.reload()
      return failed(reason)
    }
  }

  private load(): void {
    if (this.settings.dataDir === undefined || !this.loadSnapshot()) this.reload()
    for (const owner of this.ledger.owners()) if (owner !== '') this.modelOf(owner)
    this.trimOwners()
    this.dropped = []
    this.loadImported()
  }

  private loadImported(): void {
    const dump = this.ledger.imported()
    this.foreign = dump && importedModel(dump)
  }

  private loadSnapshot(): boolean {
    const stamp = this.ledger.changes
    const file = join(this.settings.dataDir!, 'model.bin')
    // A reader beside a running server takes what is there: it is half a minute old at most, and a rebuild would cost seconds.
    const wanted = this.ledger.readOnly ? undefined : stamp
    if (!readSnapshot(file, this.site, wanted, this.settings.profile)) return false
    this.snapshotAt = stamp
    return true
  }

  /** Everything in memory from the ledger. */
  private reload(): void {
    this.replay.clear()
    this.site.clear()
    for (const { features, isSpam } of this.ledger.countedInHashOrder(''))
      this.site.count(features, isSpam, 1)
    this.stale.add('')
    for (const owner of this.own.keys()) this.stale.add(owner)
    this.rebuildNow()
  }

  private say(note: string): void {
    if (this.notes.at(-1) !== note) this.notes.push(note)
    if (this.notes.length > 50) this.notes.shift()
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
