// The model of one owner as the learner thread holds it: token table, gram weights, totals. Counts are exact sums over the ledger; the
// linear weights are what one pass over it leaves. Workers see the same memory through the handles given out here.
import { free } from '../../src/free.js'
import type { Features } from '../features.js'
import { gramsPerMailMax } from '../tokens/grams.js'
import { GramTable, type SharedGrams } from './grams.js'
import {
  type Base,
  type Scored,
  scoreMembers,
  stepGrams,
  stepTokens,
  type Totals,
  type Weights,
} from './members.js'
import { hamAt, slotWords, spamAt, TokenTable, weightsAt } from './table.js'

/** Indices of the control words. */
export const control = { spam: 0, ham: 1, revision: 2, ready: 3, words: 8 } as const

/** Memory of one model that may be posted to another thread. */
export interface SharedModel {
  readonly control: SharedArrayBuffer
  readonly table: SharedArrayBuffer
  /** Absent in a user's own model: it lies over the site's. */
  readonly grams?: SharedGrams
}

/** Sizes by profile. Memory of a full model: standard 67 MB, small 10.5 MB, large 201 MB. */
export const profiles = {
  small: { slotsMax: 2 ** 18, gramBits: 18 },
  standard: { slotsMax: 2 ** 20, gramBits: 22 },
  large: { slotsMax: 2 ** 22, gramBits: 22 },
} as const
export type Profile = keyof typeof profiles

export interface Example {
  readonly features: Features
  readonly isSpam: boolean
}

/** Points in the second half of a pass at which the weights enter the mean. */
const pointsOfMean = 8

const slotsAtStart = 2 ** 12

/** What a snapshot keeps. */
export interface ModelState {
  readonly table: Uint32Array
  readonly grams: Uint32Array
  readonly sums: Float32Array
  readonly totals: Totals
}

export class Model {
  readonly controlWords: Int32Array
  table: TokenTable
  /** Absent in a user's own model. */
  private grams: GramTable | undefined
  /** Sums of squared gradients by slot of `grams`. */
  private gramSums: Float32Array
  private readonly gramBits: number
  private readonly slotsMax: number
  private slots = new Int32Array(1024)
  private readonly gramSlots = new Int32Array(gramsPerMailMax)
  /** Set when a table was replaced by one of another size: the handles given out are old. */
  moved = false

  constructor(profile: Profile, options?: { readonly own?: boolean; readonly slotsMax?: number }) {
    const own = options?.own === true
    this.controlWords = new Int32Array(new SharedArrayBuffer(control.words * 4))
    this.slotsMax = options?.slotsMax ?? profiles[profile].slotsMax
    this.table = TokenTable.create(Math.min(slotsAtStart, this.slotsMax))
    this.gramBits = profiles[profile].gramBits
    this.grams = own ? undefined : GramTable.create(this.gramBits)
    this.gramSums = new Float32Array(this.grams?.slots ?? 0)
  }

  get handle(): SharedModel {
    const shared = {
      control: this.controlWords.buffer as SharedArrayBuffer,
      table: this.table.buffer,
    }
    return this.grams ? { ...shared, grams: this.grams.shared } : shared
  }

  get totals(): Totals {
    return { spam: this.controlWords[control.spam]!, ham: this.controlWords[control.ham]! }
  }

  get sizeBytes(): number {
    return this.table.buffer.byteLength + (this.grams?.sizeBytes ?? 0) + this.gramSums.byteLength
  }

  /** There is no room for the tokens of another mail: the owner has to let old mail go first. */
  get isFull(): boolean {
    return this.table.isFull && this.table.slots >= this.slotsMax
  }

  score(features: Features): Scored {
    return scoreMembers(features, this.table, this.grams, this.totals)
  }

  /** Adds or takes back one mail in the counts. `weight` is +1 or -1; exact both ways. */
  count(features: Features, isSpam: boolean, weight: 1 | -1): void {
    const slots = this.place(features)
    const { words } = this.table
    const at = isSpam ? spamAt : hamAt
    for (let i = 0; i < features.lo.length; i++) words[slots[i]! * slotWords + at]! += weight
    // So that a rebuild, whose mails are all counted, finds the table as large as it needs it.
    if (weight === 1) this.placeGrams(features.grams)
    this.controlWords[isSpam ? control.spam : control.ham]! += weight
  }

  /** One step of the linear members towards the label. `base` is what a model below this one says already. */
  step(features: Features, isSpam: boolean, base: Base = plain): void {
    const slots = this.place(features)
    const weights = { tokens: this.table.floats, stride: slotWords, offset: weightsAt }
    stepTokens(features, slots, isSpam, weights, base)
    const grams = this.placeGrams(features.grams)
    if (grams)
      stepGrams(this.gramSlots, features.grams.length, isSpam, {
        grams: grams.floats,
        gramStride: grams.stride,
        gramOffset: grams.offset,
        gramSums: this.gramSums,
      })
  }

  /**
   * Learns the weights afresh: for each order of the examples one pass from zero; the mean of the weights at some points of the second halves
   * is the result, and the orders decide it to the bit. One pass a time: 2 and 5 passes over the same weights raised the error by 10 to 60 %;
   * the mean takes out what the order does (docs/learning.md). Yields now and then so that the caller may do other work; the old weights
   * serve meanwhile. Returns false when a table was moved under it.
   */
  *rebuild(orders: readonly (() => Iterable<Example>)[], count: number): Generator<void, boolean> {
    const { table, grams } = this
    const tokens = table.slots * 4
    const gramSlots = this.gramSums.length
    const mean = { tokens: new Float32Array(tokens), grams: new Float32Array(gramSlots) }
    const fresh: Weights = {
      tokens: new Float32Array(tokens),
      stride: 4,
      offset: 0,
      grams: new Float32Array(gramSlots),
      gramStride: 1,
      gramOffset: 0,
      gramSums: new Float32Array(gramSlots),
    }
    const scratch = [mean.tokens, mean.grams, fresh.tokens, fresh.grams, fresh.gramSums]
    const half = Math.floor(count / 2)
    const share = 1 / (orders.length * pointsOfMean)
    try {
      for (const order of orders) {
        fresh.tokens.fill(0)
        fresh.grams.fill(0)
        fresh.gramSums.fill(0)
        let done = 0
        let points = 0
        for (const { features, isSpam } of order()) {
          const slots = this.place(features)
          this.placeGrams(features.grams)
          if (this.table !== table || this.grams !== grams) return false
          stepTokens(features, slots, isSpam, fresh, plain)
          if (grams) stepGrams(this.gramSlots, features.grams.length, isSpam, fresh)
          done++
          for (
            ;
            points < pointsOfMean && done - half >= ((points + 1) * (count - half)) / pointsOfMean;
            points++
          ) {
            addShare(mean.tokens, fresh.tokens, share)
            addShare(mean.grams, fresh.grams, share)
          }
          if (done % 50 === 0) yield
          if (this.table !== table || this.grams !== grams) return false
        }
      }
      const { floats } = table
      for (let slot = 0; slot < table.slots; slot++) {
        const from = slot * 4
        const to = slot * slotWords + weightsAt
        for (let i = 0; i < 4; i++) floats[to + i] = mean.tokens[from + i]!
      }
      grams?.setWeights(mean.grams)
      this.gramSums.set(fresh.gramSums)
      return true
    } finally {
      // After a rebuild the thread is idle and collects no garbage: up to 80 MB would stay.
      free(scratch.map(({ buffer }) => buffer as ArrayBuffer))
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.table = TokenTable.create(Math.min(slotsAtStart, this.slotsMax))
    if (this.grams) {
      this.grams = GramTable.create(this.gramBits)
      this.gramSums = new Float32Array(this.grams.slots)
    }
    this.controlWords[control.spam] = 0
    this.controlWords[control.ham] = 0
    this.moved = true
  }

  /** Drops tokens that nothing counts any more. */
  compact(): void {
    this.resize(this.table.slots)
  }

  /** Memory for a snapshot, and back from it. */
  get state(): ModelState {
    return {
      table: this.table.words,
      grams: this.grams?.content ?? new Uint32Array(0),
      sums: this.gramSums,
      totals: this.totals,
    }
  }

  adopt({ table, grams, sums, totals }: ModelState): void {
    const next = TokenTable.create(table.length / slotWords)
    next.words.set(table)
    for (let base = 0; base < table.length; base += slotWords) if (table[base + 1] !== 0) next.used++
    this.table = next
    this.grams = GramTable.of(this.gramBits, grams)
    this.gramSums = sums.slice()
    this.controlWords[control.spam] = totals.spam
    this.controlWords[control.ham] = totals.ham
    this.moved = true
  }

  /** Slots of the tokens, made where they are missing; grows the table first when it might fill up. */
  private place(features: Features): Int32Array {
    const n = features.lo.length
    if (this.slots.length < n) this.slots = new Int32Array(n * 2)
    while (this.table.used + n >= this.table.slots * 0.7 && this.table.slots < this.slotsMax)
      this.resize(this.table.slots * 2)
    if (this.table.used + n >= this.table.slots * 0.97) this.resize(this.table.slots)
    if (this.table.used + n >= this.table.slots * 0.97) this.resize(this.table.slots * 2)
    const { slots, table } = this
    for (let i = 0; i < n; i++) slots[i] = table.insert(features.lo[i]!, features.hi[i]!)
    return slots
  }

  /** Writes the slots of the grams to `gramSlots`, made where they are missing. */
  private placeGrams(ids: Uint32Array): GramTable | undefined {
    const { grams } = this
    if (!grams) return undefined
    const placed = grams.place(ids, this.gramSlots)
    if (placed !== grams) {
      this.gramSums = grams.moved(this.gramSums, placed)
      this.grams = placed
      this.moved = true
    }
    return placed
  }

  private resize(slots: number): void {
    this.table = this.table.resized(slots)
    this.moved = true
  }
}

function addShare(mean: Float32Array, values: Float32Array, share: number): void {
  for (let i = 0; i < values.length; i++) mean[i] = mean[i]! + values[i]! * share
}

const plain: Base = { head: 0, body: 0, sender: 0, damped: true }
