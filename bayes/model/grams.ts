// Weights of the 4-grams in shared memory: the learner thread writes, scan workers read without locks. While few grams have been learned
// they stand in an open-addressing table, gram and weight side by side; from some hundred thousand on in an array with a place for each.
// 440 mails leave 150,000 grams: 2 MB, and 1 for the learner's sums, where arrays take 16 each. The weights are the same to the bit.
import { gramBits } from '../tokens/grams.js'
import { leadBytes, touch } from './touch.js'

const slotsAtStart = 2 ** 12
/** Share of slots in use at which the table has to grow. */
const loadMax = 0.6
/** Slots of a cache line: a gram is looked for in the whole of its own before the next, where every look waits for memory. */
const lineSlots = 8
/** Words of a slot: gram plus one (0 is an empty slot), weight. */
const slotWords = 2
/** The largest table has a slot for each fourth gram: half the memory of the array. */
const tableBitsLess = 2

/** Memory that may be posted to another thread. */
export interface SharedGrams {
  readonly buffer: SharedArrayBuffer
  /** Grams are told apart by so many of their bits. */
  readonly bits: number
}

export class GramTable {
  readonly slots: number
  /** Floats from the weight of one slot to that of the next, and to that of the first. */
  readonly stride: 1 | 2
  readonly offset: 0 | 1
  readonly floats: Float32Array
  /** Slots in use. Only kept by the writer. */
  used = 0
  private readonly words: Uint32Array
  private readonly bits: number
  private readonly shift: number
  /** What was read ahead. */
  touched = 0

  constructor({ buffer, bits }: SharedGrams) {
    this.words = new Uint32Array(buffer, leadBytes)
    this.floats = new Float32Array(buffer, leadBytes)
    this.bits = bits
    this.shift = gramBits - bits
    const isArray = this.words.length === 2 ** bits
    this.stride = isArray ? 1 : slotWords
    this.offset = isArray ? 0 : 1
    this.slots = this.words.length / this.stride
  }

  static create(bits: number, slots = slotsAtStart): GramTable {
    const words = slots > 2 ** (bits - tableBitsLess) ? 2 ** bits : slots * slotWords
    return new GramTable({ buffer: new SharedArrayBuffer(leadBytes + 4 * words), bits })
  }

  get shared(): SharedGrams {
    return { buffer: this.floats.buffer as SharedArrayBuffer, bits: this.bits }
  }

  get sizeBytes(): number {
    return this.floats.byteLength
  }

  /** All that is kept, as it is. */
  get content(): Uint32Array {
    return this.words
  }

  /** Sum of the weights, in the order of the grams. */
  sumOf(grams: Uint32Array): number {
    const { floats, words, shift } = this
    let sum = 0
    if (this.stride === 1) {
      for (let i = 0; i < grams.length; i++) sum += floats[grams[i]! >>> shift]!
      return sum
    }
    const mask = this.slots - 1
    // A table of a small profile, where bits are left out, is small.
    if (shift === 0) this.touched = touch(words, grams, mask, slotWords)
    for (let i = 0; i < grams.length; i++) {
      const gram = grams[i]! >>> shift
      let at = (gram & mask) * slotWords
      let key = words[at]!
      for (let probe = 1; key !== gram + 1 && key !== 0; probe++) {
        at = placeOf(gram, probe, mask) * slotWords
        key = words[at]!
      }
      // An empty slot has no weight.
      sum += floats[at + 1]!
    }
    return sum
  }

  /**
   * Writes the slot of each gram to `slots`, which has room for all; made when it is not there. Returns the table that holds them: another one
   * when this one had to grow, never when it held all of them.
   */
  place(grams: Uint32Array, slots: Int32Array): GramTable {
    for (let i = 0; i < grams.length; i++) {
      const slot = this.slotOf(grams[i]! >>> this.shift)
      if (slot < 0) return this.grown().place(grams, slots)
      slots[i] = slot
    }
    return this
  }

  /** Values of this table's slots where those grams stand in another table. */
  moved(values: Float32Array, to: GramTable): Float32Array {
    const there = new Float32Array(to.slots)
    for (let slot = 0; slot < this.slots; slot++) {
      const gram = this.stride === 1 ? slot : this.words[slot * slotWords]! - 1
      if (gram >= 0) there[to.slotOf(gram)] = values[slot]!
    }
    return there
  }

  /** Takes the weights of all slots. */
  setWeights(weights: Float32Array): void {
    const { floats, stride, offset } = this
    for (let slot = 0; slot < weights.length; slot++) floats[slot * stride + offset] = weights[slot]!
  }

  /** Takes over what another table kept (content). */
  static of(bits: number, content: Uint32Array): GramTable {
    const table = new GramTable({ buffer: new SharedArrayBuffer(leadBytes + content.byteLength), bits })
    table.words.set(content)
    if (table.stride === 2)
      for (let at = 0; at < content.length; at += slotWords) if (content[at] !== 0) table.used++
    return table
  }

  /** -1 when the gram is not there and the table has to grow first. */
  private slotOf(gram: number): number {
    if (this.stride === 1) return gram
    const { words } = this
    const mask = this.slots - 1
    let slot = gram & mask
    for (let probe = 1; ; probe++) {
      const key = words[slot * slotWords]!
      if (key === gram + 1) return slot
      if (key === 0) {
        if (this.used >= this.slots * loadMax) return -1
        words[slot * slotWords] = gram + 1
        this.used++
        return slot
      }
      slot = placeOf(gram, probe, mask)
    }
  }

  private grown(): GramTable {
    const next = GramTable.create(this.bits, this.slots * 2)
    for (let slot = 0; slot < this.slots; slot++) {
      const key = this.words[slot * slotWords]!
      if (key !== 0)
        next.floats[next.slotOf(key - 1) * next.stride + next.offset] = this.floats[slot * slotWords + 1]!
    }
    return next
  }
}

/** The slot in which a gram is looked for after so many others. */
function placeOf(gram: number, probe: number, mask: number): number {
  const line = (gram - (gram % lineSlots) + probe - (probe % lineSlots)) & mask
  return line + ((gram + probe) % lineSlots)
}
