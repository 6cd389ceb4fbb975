// Upkeep of the models: weights learned afresh when they no longer follow from the ledger, old mail that goes, the snapshot. In: what became
// stale. Out: models in memory as the ledger has them.
import { join } from 'node:path'
import { Burst } from './burst.js'
import { type Guard, messageOf } from './guard.js'
import type { Owners } from './owners.js'
import type { LearnerSettings } from './settings.js'
import { runThrough } from './slices.js'
import type { Ledger } from './store/ledger.js'
import { readSnapshot, writeSnapshot } from './store/snapshot.js'

/** Orders whose mean makes the weights, and the number of mails above which one has to do (a pass costs 0.15 ms a mail). */
const rebuildRounds = 3
const manyExamples = 30_000

export class Upkeep {
  /** Owners whose weights no longer follow from the ledger: something was taken back, or a burst was one-sided. */
  readonly stale = new Set<string>()
  /** What the site learned since its weights were last rebuilt. */
  readonly burst = new Burst()
  private snapshotAt = -1

  constructor(
    private readonly settings: LearnerSettings,
    private readonly ledger: Ledger,
    private readonly owners: Owners,
    private readonly guard: Guard,
  ) {}

  /** Everything in memory at the start. */
  load(): void {
    if (this.settings.dataDir === undefined || !this.loadSnapshot()) this.reload()
    this.owners.loadAll()
  }

  /** Everything in memory from the ledger. */
  reload(): void {
    const { site, users } = this.owners
    site.clear()
    for (const { features, isSpam } of this.ledger.countedInHashOrder('')) site.count(features, isSpam, 1)
    this.stale.add('')
    for (const owner of users.keys()) this.stale.add(owner)
    runThrough(this.rebuildUntilDone())
  }

  /** Whether weights should be rebuilt now that a burst of learning is over. */
  get wantsRebuild(): boolean {
    return this.stale.size > 0 || this.burst.isOneSided
  }

  /** Whether a rebuild would make better weights: besides the above when much was learned since the last one, whatever its order. */
  get gainsByRebuild(): boolean {
    return this.wantsRebuild || this.burst.isLarge(this.counted)
  }

  /** Until nothing is stale: a table that grows meanwhile makes the weights begin anew. */
  *rebuildUntilDone(all = false): Generator<void, void> {
    for (let round = 0; round < 3; round++) {
      yield* this.rebuild(all)
      if (this.stale.size === 0) return
    }
  }

  /** Learns the weights of every stale model afresh. Generator, so that a thread can answer in between. */
  *rebuild(all = false): Generator<void, void> {
    if (all || this.burst.isOneSided || this.burst.isLarge(this.counted)) this.stale.add('')
    this.burst.clear()
    const owners = all ? new Set([...this.stale, ...this.owners.users.keys()]) : new Set(this.stale)
    for (const owner of [...owners].sort()) {
      this.stale.delete(owner)
      if (owner === '') yield* this.rebuildSite()
      else {
        this.owners.rebuildOwn(owner, this.owners.modelOf(owner))
        yield
      }
    }
  }

  /** Lets old mail go until limits hold; at most `max` rows a call. Returns how many went. */
  expire(max: number, nowMs = Date.now()): number {
    const { ledgerRowsMax, ledgerDays } = this.settings
    const { isFull } = this.owners.site
    const over = this.ledger.count() - ledgerRowsMax
    const before = ledgerDays > 0 ? nowMs - ledgerDays * 86_400_000 : 0
    const candidates = this.ledger.oldest(max, isFull ? '' : undefined)
    const gone = candidates.filter((row, index) => index < over || row.timeMs < before || isFull)
    if (gone.length === 0) return 0
    return this.guard.change(
      () => {
        for (const row of gone) {
          if (row.state === 'counted') {
            this.owners.count(row, -1)
            if (row.owner !== '') this.stale.add(row.owner)
          }
          this.ledger.removeRow(row.seq)
        }
        return gone.length
      },
      () => 0,
    )
  }

  saveSnapshot(): void {
    const { dataDir, profile } = this.settings
    if (dataDir === undefined || this.ledger.readOnly || this.guard.refusal) return
    const stamp = this.ledger.changes
    if (stamp === this.snapshotAt) return
    try {
      writeSnapshot(join(dataDir, 'model.bin'), this.owners.site, stamp, profile)
      this.snapshotAt = stamp
    } catch (error) {
      this.guard.say(`the model could not be saved (it is rebuilt at the next start): ${messageOf(error)}`)
    }
  }

  /** Mails of the site that count. */
  private get counted(): number {
    const { spam, ham } = this.owners.site.totals
    return spam + ham
  }

  private *rebuildSite(): Generator<void, void> {
    const { site } = this.owners
    const { lastSeq } = this.ledger
    const rounds = this.counted > manyExamples ? 1 : rebuildRounds
    const orders = Array.from(
      { length: rounds },
      (_, round) => () => this.ledger.countedInHashOrder('', round),
    )
    const done = yield* site.rebuild(orders, this.counted)
    if (!done) this.stale.add('')
    // What was learned meanwhile was learned into the old weights.
    else for (const { features, isSpam } of this.ledger.countedAfter('', lastSeq)) site.step(features, isSpam)
  }

  private loadSnapshot(): boolean {
    const stamp = this.ledger.changes
    const file = join(this.settings.dataDir!, 'model.bin')
    // A reader beside a running server takes what is there: it is half a minute old at most, and a rebuild would cost seconds.
    const wanted = this.ledger.readOnly ? undefined : stamp
    if (!readSnapshot(file, this.owners.site, wanted, this.settings.profile)) return false
    this.snapshotAt = stamp
    return true
  }
}
