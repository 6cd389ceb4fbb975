// Models by owner as the learner holds them: the site's always, users' own as far as memory for them reaches, and counts taken over from
// another filter. A user's own model comes from the ledger when it is asked for; those not asked for lately go.
import { importedOwner } from './classifier.js'
import type { Features } from './features.js'
import { importedModel } from './model/imported.js'
import { Model, type SharedModel } from './model/model.js'
import type { LearnerSettings } from './settings.js'
import type { Ledger, LedgerRow } from './store/ledger.js'

export class Owners {
  readonly site: Model
  /** Those asked for lately come last. */
  private readonly own = new Map<string, Model>()
  private dropped: string[] = []
  private foreign: SharedModel | undefined

  constructor(
    private readonly settings: LearnerSettings,
    private readonly ledger: Ledger,
  ) {
    this.site = new Model(settings.profile)
  }

  /** Users whose own model is in memory. */
  get users(): ReadonlyMap<string, Model> {
    return this.own
  }

  /** Models by owner, for posting to scan workers. */
  *handles(): Generator<[owner: string, model: SharedModel]> {
    yield ['', this.site.handle]
    for (const [owner, model] of this.own) yield [owner, model.handle]
    if (this.foreign) yield [importedOwner, this.foreign]
  }

  /** Owners whose memory moved since the last call; undefined = it is not held any more. */
  takeMoved(): [owner: string, model: SharedModel | undefined][] {
    this.trim()
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
  load(owner: string): void {
    if (
      owner !== '' &&
      !this.own.has(owner) &&
      this.ledger.seqs(owner, true).length + this.ledger.seqs(owner, false).length > 0
    )
      this.modelOf(owner)
  }

  /** Users' own models, as many as there is memory for, and imported counts. */
  loadAll(): void {
    for (const owner of this.ledger.owners()) if (owner !== '') this.modelOf(owner)
    this.trim()
    this.dropped = []
    this.loadImported()
  }

  loadImported(): void {
    const dump = this.ledger.imported()
    this.foreign = dump && importedModel(dump)
  }

  /** The model of an owner; a user's comes from the ledger when it is not in memory, and counts as asked for lately. */
  modelOf(owner: string): Model {
    if (owner === '') return this.site
    let model = this.own.get(owner)
    if (model) this.own.delete(owner)
    this.own.set(owner, (model ??= this.buildOwn(owner)))
    return model
  }

  /** Adds the mail of a row to the counts of its owner, or takes it back. */
  count(row: LedgerRow, weight: 1 | -1): void {
    this.modelOf(row.owner).count(this.ledger.features(row.seq, row.mail), row.isSpam, weight)
  }

  /** A user's own step starts from what the site says: the own model learns the difference. */
  stepOwn(model: Model, features: Features, isSpam: boolean): void {
    const { head, body, sender } = this.site.score(features)
    model.step(features, isSpam, { head, body, sender, damped: false })
  }

  /** Counts and weights of a user's own model from the ledger. */
  rebuildOwn(owner: string, model: Model): void {
    model.clear()
    for (const { features, isSpam } of this.ledger.countedInHashOrder(owner)) {
      model.count(features, isSpam, 1)
      this.stepOwn(model, features, isSpam)
    }
  }

  private buildOwn(owner: string): Model {
    const model = new Model(this.settings.profile, { own: true })
    this.rebuildOwn(owner, model)
    model.moved = true
    return model
  }

  private trim(): void {
    let bytes = 0
    for (const model of this.own.values()) bytes += model.sizeBytes
    for (const [owner, model] of this.own) {
      if (bytes <= this.settings.ownBytesMax || this.own.size === 1) return
      this.own.delete(owner)
      this.dropped.push(owner)
      bytes -= model.sizeBytes
    }
  }
}
