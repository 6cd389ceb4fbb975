// Open-addressing table of tokens in shared memory: the learner thread writes, scan workers read without locks. One slot of 32 bytes
// holds the key (53 bits), the exact counts and the weights of the token members that read it, so one look-up serves all of them.
// A reader that meets a half-written slot misses one token of one mail; the key is written last.
import { leadBytes, touch } from './touch.js'

export const slotWords = 8
const keyLo = 0
const keyHi = 1
export const spamAt = 2
export const hamAt = 3
/** Weight and sum of squared gradients of the header member, then of the body or the sender member (no token belongs to both). */
export const weightsAt = 4
/** Share of slots in use at which the table has to grow. */
const loadMax = 0.7

export class TokenTable {
  readonly words: Uint32Array
  readonly floats: Float32Array
  readonly slots: number
  /** Slots in use, those whose counts went back to zero included. Only kept by the writer. */
  used = 0

  constructor(readonly buffer: SharedArrayBuffer) {
    this.words = new Uint32Array(buffer, leadBytes)
    this.floats = new Float32Array(buffer, leadBytes)
    this.slots = this.words.length / slotWords
  }

  static create(slots: number): TokenTable {
    return new TokenTable(new SharedArrayBuffer(leadBytes + slots * slotWords * 4))
  }

  /** Reads the first slot of each token, so that searches find them near. */
  touch(lo: Uint32Array): number {
    return touch(this.words, lo, this.slots - 1, slotWords)
  }

  /** Slot of a token, -1 when it is not there. */
  find(lo: number, hi: number): number {
    const { words } = this
    const mask = this.slots - 1
    let slot = lo & mask
    for (let probes = 0; probes <= mask; probes++) {
      const base = slot * slotWords
      const seenLo = words[base + keyLo]!
      const seenHi = words[base + keyHi]!
      if (seenLo === lo && seenHi === hi) return slot
      if (seenHi === 0) return -1
      slot = (slot + 1) & mask
    }
    return -1
  }

  get isFull(): boolean {
    return this.used >= this.slots * loadMax
  }

  /** Slot of a token, made when it is not there. The caller keeps the table from filling up. */
  insert(lo: number, hi: number): number {
    const { words } = this
    const mask = this.slots - 1
    let slot = lo & mask
    for (;;) {
      const base = slot * slotWords
      const seenHi = words[base + keyHi]!
      if (seenHi === hi && words[base + keyLo] === lo) return slot
      if (seenHi === 0) {
        words[base + keyLo] = lo
        words[base + keyHi] = hi
        this.used++
        return slot
      }
      slot = (slot + 1) & mask
    }
  }

  /** The same tokens in a table of another size; tokens nobody counts any more are left behind. */
  resized(slots: number): TokenTable {
    const next = TokenTable.create(slots)
    const { words } = this
    for (let base = 0; base < words.length; base += slotWords) {
      if (words[base + spamAt] === 0 && words[base + hamAt] === 0) continue
      const to = next.insert(words[base + keyLo]!, words[base + keyHi]!) * slotWords
      next.words.set(words.subarray(base + spamAt, base + slotWords), to + spamAt)
    }
    return next
  }

  /** Tokens that are counted. */
  countLive(): number {
    const { words } = this
    let live = 0
    for (let base = 0; base < words.length; base += slotWords)
      if (words[base + spamAt] !== 0 || words[base + hamAt] !== 0) live++
    return live
  }

  /** Every counted token with its counts. */
  *entries(): Generator<{ lo: number; hi: number; spam: number; ham: number }> {
    const { words } = this
    for (let base = 0; base < words.length; base += slotWords) {
      const spam = words[base + spamAt]!
      const ham = words[base + hamAt]!
      if (spam !== 0 || ham !== 0) yield { lo: words[base + keyLo]!, hi: words[base + keyHi]!, spam, ham }
    }
  }
}
