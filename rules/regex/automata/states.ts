// The states of one group: sorted position lists in one pool, found again through an open hash table. No object and no string per state.

export class StateStore {
  count = 0
  private pool = new Int32Array(256)
  /** State i owns pool[starts[i]] .. pool[starts[i + 1]]. */
  private starts = new Int32Array(64)
  private kinds = new Uint8Array(64)
  /** Table entry of the state. */
  private entries = new Int32Array(64)
  /** State + 1, or 0. */
  private slots = new Int32Array(128)

  clear(): void {
    this.count = 0
    this.slots.fill(0)
  }

  get members(): Int32Array {
    return this.pool
  }
  from(state: number): number {
    return this.starts[state]!
  }
  to(state: number): number {
    return this.starts[state + 1]!
  }
  kind(state: number): number {
    return this.kinds[state]!
  }
  entry(state: number): number {
    return this.entries[state]!
  }

  /** The slot of this content: its state is there, or the slot is free. `list[0..length)` must be sorted. */
  private slot(list: Int32Array, length: number, kind: number): number {
    let hash = 0x811c9dc5 ^ kind
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ list[i]!, 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    const mask = this.slots.length - 1
    for (let slot = (hash ^ (hash >>> 13)) & mask; ; slot = (slot + 1) & mask) {
      const state = this.slots[slot]! - 1
      if (state < 0) return slot
      const base = this.starts[state]!
      if (this.starts[state + 1]! - base !== length || this.kinds[state] !== kind) continue
      let i = 0
      while (i < length && this.pool[base + i] === list[i]) i++
      if (i === length) return slot
    }
  }

  /** The state of this content, or -1. */
  find(list: Int32Array, length: number, kind: number): number {
    return this.slots[this.slot(list, length, kind)]! - 1
  }

  add(list: Int32Array, length: number, kind: number, entry: number): void {
    if (this.count + 2 > this.starts.length) {
      this.starts = enlarged(this.starts, this.starts.length * 2)
      this.entries = enlarged(this.entries, this.entries.length * 2)
      const kinds = new Uint8Array(this.kinds.length * 2)
      kinds.set(this.kinds)
      this.kinds = kinds
    }
    const base = this.count ? this.starts[this.count]! : 0
    if (base + length > this.pool.length)
      this.pool = enlarged(this.pool, Math.max(this.pool.length * 2, base + length))
    const state = this.count++
    for (let i = 0; i < length; i++) this.pool[base + i] = list[i]!
    this.starts[state] = base
    this.starts[state + 1] = base + length
    this.kinds[state] = kind
    this.entries[state] = entry
    if (this.count * 2 > this.slots.length) this.rehash()
    else this.slots[this.slot(list, length, kind)] = state + 1
  }

  /** Forgets all states from number `count` on. */
  truncate(count: number): void {
    if (count === this.count) return
    this.count = count
    this.fillSlots(this.slots.length)
  }

  private rehash(): void {
    this.fillSlots(this.slots.length * 2)
  }

  private fillSlots(length: number): void {
    this.slots = new Int32Array(length)
    for (let state = 0; state < this.count; state++) {
      const base = this.starts[state]!
      const list = this.pool.subarray(base, this.starts[state + 1])
      this.slots[this.slot(list, list.length, this.kinds[state]!)] = state + 1
    }
  }
}

function enlarged(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length)
  larger.set(array)
  return larger
}
