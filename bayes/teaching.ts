// What is taught, and taken back: each learning is a row of the ledger and a change of its owner's model. In: lessons, filters of rows. Out:
// what became of each. A source that contradicts the rest is held for review instead of being learned.
import type { LearnOutcome, MailClass } from '../src/types.js'
import type { Features } from './features.js'
import type { Guard } from './guard.js'
import { fuse } from './model/members.js'
import type { Owners } from './owners.js'
import { createRandom } from './random.js'
import type { LearnerSettings } from './settings.js'
import { isDistrustedSource, isTrustedSource } from './sources.js'
import type { Ledger, LedgerRow, RowFilter } from './store/ledger.js'
import type { Upkeep } from './upkeep.js'

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
/** Rows that go at once where a full table has no room for another mail. */
const expireRows = 200

export class Teaching {
  /** Rows of the site by class, for replay; those that count no more leave it when they are drawn. */
  private replay: { spam: number[]; ham: number[] } | undefined
  private readonly random = createRandom(0x5eed)

  constructor(
    private readonly settings: LearnerSettings,
    private readonly ledger: Ledger,
    private readonly owners: Owners,
    private readonly upkeep: Upkeep,
    private readonly guard: Guard,
  ) {}

  /** With `weightsLater` only the counts move. */
  learnAll(lessons: readonly Lesson[], weightsLater: boolean): LearnOutcome[] {
    const { refusal } = this.guard
    if (refusal) return lessons.map(() => ({ status: 'refused', reason: refusal }))
    return this.guard.change(
      () => lessons.map((lesson) => this.learn(lesson, weightsLater)),
      (reason) => lessons.map(() => ({ status: 'failed', reason })),
    )
  }

  /** Takes back everything known of a mail, held or counted. */
  forget(mail: string, owner: string): LearnOutcome {
    const { refusal } = this.guard
    if (refusal) return { status: 'refused', reason: refusal }
    return this.guard.change<LearnOutcome>(
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

  /** The ledger is not what it was taken for. */
  forgetReplay(): void {
    this.replay = undefined
  }

  private learn(lesson: Lesson, weightsLater: boolean): LearnOutcome {
    const { features, source } = lesson
    const owner = lesson.user ?? ''
    const isSpam = lesson.class === 'spam'
    const current = this.ledger.current(owner, features.id)
    if (current && current.isSpam === isSpam)
      return current.state === 'held'
        ? { status: 'refused', reason: `held for review (learning ${current.seq})` }
        : { status: 'known', id: features.id }
    if (features.lo.length < 2) return { status: 'refused', reason: 'the mail has too few tokens' }
    if (this.owners.site.isFull) this.upkeep.expire(expireRows)

    const model = this.owners.modelOf(owner)
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
    if (weightsLater) this.upkeep.stale.add(owner)
    else if (owner === '') this.stepWithReplay(features, isSpam)
    else this.owners.stepOwn(model, features, isSpam)
    if (owner === '') {
      this.replayed()[lesson.class].push(seq)
      this.upkeep.burst.add(lesson.class)
    }
    return { status: current ? 'relearned' : 'learned', id: features.id }
  }

  /** One step towards the lesson and one towards a stored mail of the other class: keeps the level when learning is one-sided. */
  private stepWithReplay(features: Features, isSpam: boolean): void {
    const { site } = this.owners
    site.step(features, isSpam)
    const others = this.replayed()[isSpam ? 'ham' : 'spam']
    while (others.length > 0) {
      const at = Math.floor(this.random() * others.length)
      const row = this.ledger.row(others[at]!)
      if (row?.state === 'counted') {
        site.step(this.ledger.features(row.seq, row.mail), row.isSpam)
        return
      }
      others[at] = others[others.length - 1]!
      others.pop()
    }
  }

  private replayed(): { spam: number[]; ham: number[] } {
    this.replay ??= { spam: this.ledger.seqs('', true), ham: this.ledger.seqs('', false) }
    return this.replay
  }

  private contradicts(features: Features, isSpam: boolean): boolean {
    const { site } = this.owners
    const { spam, ham } = site.totals
    if (spam < consensusMin || ham < consensusMin) return false
    const sum = fuse(site.score(features))
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
    this.guard.say(`${source} is held for review: more than 30 % of its learnings contradict the rest`)
  }

  private uncount(row: LedgerRow): void {
    this.owners.count(row, -1)
    this.upkeep.stale.add(row.owner)
  }

  private recount(row: LedgerRow): void {
    // Before the row counts: a model that has to be made from the ledger would have it twice.
    this.owners.modelOf(row.owner)
    this.ledger.setState(row.seq, 'counted')
    this.owners.count(row, 1)
    if (row.owner === '') this.replayed()[row.isSpam ? 'spam' : 'ham'].push(row.seq)
    this.upkeep.stale.add(row.owner)
  }

  private change(
    rows: readonly LedgerRow[],
    preview: boolean,
    apply: (row: LedgerRow) => boolean,
  ): RevokeOutcome {
    const spam = rows.filter((row) => row.isSpam).length
    const outcome = { rows: rows.length, spam, ham: rows.length - spam, restored: 0, applied: false }
    if (preview || this.guard.refusal) {
      const restored = rows.filter((row) => this.ledger.lastSuperseded(row.owner, row.mail)).length
      return { ...outcome, restored }
    }
    return this.guard.change<RevokeOutcome>(
      () => ({ ...outcome, restored: rows.filter((row) => apply(row)).length, applied: true }),
      () => outcome,
    )
  }
}
