// The determinised states of all automata of a rule set, in one shared memory that every scan thread walks and adds to. Only bytes, no
// objects: so a thread takes part by knowing the memory, and saving it is writing it.
//
// Threads: an entry is stored when all it leads to is there, so walking needs no lock. New states are made under a lock that nobody
// waits for: who cannot have it goes on without leaving a trace (arena.ts). Emptying groups to make room needs all walks to be over.
import {
  activeOf,
  aligned,
  chunkHead,
  chunkLength,
  Dir,
  directoryOf,
  Head,
  layOut,
  type StoreShape,
  UNKNOWN,
} from './layout.js'
import type { MergedAutomaton } from './merge.js'

/** This share of the pieces is kept free for the next text. */
const reserveShare = 1 / 16
/** How long to wait for the walks of other threads before emptying groups, and when to try again. */
const quietMs = 200
const retryMs = 1000

/** Memory for the states of these lists of automata, with room for so many entries. `plain` is for one thread, without WebAssembly. */
export function createStore(
  lists: readonly (readonly MergedAutomaton[])[],
  entries: number,
  plain = false,
): StoreShape {
  const shape = layOut(lists, entries, plain)
  const store = new StateStore(shape)
  for (let group = 0; group < shape.groups; group++) store.begin(group)
  return shape
}

/** The states as one thread sees them. */
export class StateStore {
  readonly table: Int32Array
  /** Number of the place that this thread has; -1 before it asked, or when all are taken. Locks show it, plus 2. */
  private place = -1
  private triedAt = Number.NEGATIVE_INFINITY

  constructor(readonly shape: StoreShape) {
    this.table = new Int32Array(shape.memory.buffer)
  }

  /** Entries in use. */
  get size(): number {
    return (this.shape.chunkCount - this.freeChunks) * chunkLength
  }
  get capacity(): number {
    return this.shape.chunkCount * chunkLength
  }
  /** Transitions that were computed. */
  get builds(): number {
    return this.table[Head.builds]!
  }
  /** Of these, how many no file has. */
  get unsavedBuilds(): number {
    return this.builds - this.table[Head.savedBuilds]!
  }
  get states(): number {
    return this.table[Head.states]!
  }
  /** Groups that were emptied to make room. */
  get flushes(): number {
    return this.table[Head.flushes]!
  }
  /** Changes when rows that a thread may have remembered are gone. */
  get generation(): number {
    return Atomics.load(this.table, Head.generation)
  }
  startRow(group: number): number {
    return this.table[directoryOf(group) + Dir.start]!
  }

  // ---- threads

  /** Word offset of this thread's place, or -1 when there is none left. `owner` is a number that no other thread has, not 0. */
  takePlace(owner: number): number {
    for (let place = 0; place < this.shape.placeCount; place++) {
      if (Atomics.compareExchange(this.table, Head.owners + place, 0, owner) !== 0) continue
      this.place = place
      return this.shape.places + place * this.shape.placeLength
    }
    return -1
  }

  /** What a thread that has ended held. */
  release(owner: number): void {
    for (let place = 0; place < this.shape.placeCount; place++) {
      if (Atomics.load(this.table, Head.owners + place) !== owner) continue
      Atomics.compareExchange(this.table, Head.lock, place + 2, 0)
      if (Atomics.compareExchange(this.table, Head.emptying, place + 2, 0) === place + 2)
        Atomics.notify(this.table, Head.emptying)
      Atomics.store(this.table, activeOf(place), 0)
      Atomics.store(this.table, Head.owners + place, 0)
    }
  }

  /** From here to `leave` no group is emptied. */
  enter(): void {
    const { table, place } = this
    for (;;) {
      Atomics.store(table, activeOf(place), 1)
      const emptying = Atomics.load(table, Head.emptying)
      if (emptying === 0) return
      this.leave()
      Atomics.wait(table, Head.emptying, emptying, quietMs)
    }
  }

  leave(): void {
    const { table, place } = this
    Atomics.store(table, activeOf(place), 0)
    if (Atomics.load(table, Head.emptying) !== 0) Atomics.notify(table, activeOf(place))
  }

  private lock(): boolean {
    return Atomics.compareExchange(this.table, Head.lock, 0, this.place + 2) === 0
  }

  private unlock(): void {
    Atomics.store(this.table, Head.lock, 0)
  }

  /** Runs `work` while nobody adds states; false when somebody was adding one each time it looked. */
  private whileUnchanged(work: () => void): boolean {
    const until = performance.now() + quietMs
    while (!this.lock()) if (performance.now() > until) return false
    try {
      work()
    } finally {
      this.unlock()
    }
    return true
  }

  // ---- on disk

  /** A copy of all that threads have found, without the threads; undefined when it kept changing. */
  save(): Buffer | undefined {
    let copy: Buffer | undefined
    this.whileUnchanged(() => {
      this.table[Head.savedBuilds] = this.builds
      const bytes = new Uint8Array(this.table.buffer, 0, 4 * this.table[Head.nextChunk]!)
      copy = Buffer.allocUnsafeSlow(bytes.length)
      copy.set(bytes)
    })
    copy?.fill(0, 4 * Head.emptying, 4 * (Head.emptying + 1))
    copy?.fill(0, 4 * Head.lock, 4 * (Head.lock + 1))
    copy?.fill(0, 4 * Head.owners, 4 * Head.length)
    return copy
  }

  /** Where the bytes of `save` go, before any thread takes part; undefined when there are too many. */
  saved(length: number): Uint8Array | undefined {
    const { chunks, chunkCount } = this.shape
    if (length > 4 * (chunks + chunkCount * chunkLength)) return undefined
    return new Uint8Array(this.shape.memory.buffer, 0, length)
  }

  // ---- states

  /** The entry that leads to the state of this content; UNKNOWN if there is none. `list[0..length)` must be sorted. */
  find(group: number, kind: number, list: Int32Array, length: number): number {
    const slot = this.slotOf(group, kind, list, 0, length)
    const row = Atomics.load(this.table, slot)
    // A slot that was free a moment ago may have been given to another state since.
    if (row === 0 || !this.holds(slot, row, group, kind, list, 0, length)) return UNKNOWN
    return this.entryOf(group, row)
  }

  /** The same, made if it is not there; UNKNOWN when another thread is at it or there is no room. */
  add(group: number, kind: number, list: Int32Array, length: number): number {
    if (!this.lock()) return UNKNOWN
    try {
      return this.insert(group, kind, list, length)
    } finally {
      this.unlock()
    }
  }

  private insert(group: number, kind: number, list: Int32Array, length: number): number {
    const { table } = this
    const slot = this.slotOf(group, kind, list, 0, length)
    let row = table[slot]!
    if (row === 0) {
      const classes = this.classesOf(group)
      row = this.allocate(group, classes + 1 + length)
      if (row === 0) return UNKNOWN
      table.fill(UNKNOWN, row, row + classes)
      table[row + classes] = length * 4 + kind
      table.set(list.subarray(0, length), row + classes + 1)
      table[Head.states]!++
      this.fillSlot(slot, group, kind, row)
    }
    return this.entryOf(group, row)
  }

  private classesOf(group: number): number {
    return this.table[directoryOf(group) + Dir.classes]!
  }

  /** Publishes a transition. */
  setEntry(at: number, entry: number): void {
    this.table[Head.builds]!++
    Atomics.store(this.table, at, entry)
  }

  private entryOf(group: number, row: number): number {
    const record = row + this.classesOf(group)
    return this.table[record]! >= 4 && this.table[record + 1]! < 0 ? -4 * row : 4 * row
  }

  /** A slot has the row and what tells groups and kinds apart. */
  private fillSlot(slot: number, group: number, kind: number, row: number): void {
    this.table[slot + 1] = group * 4 + kind
    Atomics.store(this.table, slot, row)
  }

  /** The slot of this content: its row is there, or the slot is free. */
  private slotOf(group: number, kind: number, list: Int32Array, from: number, length: number): number {
    const { table } = this
    const { slots, slotCount } = this.shape
    let hash = 0x811c9dc5 ^ (group * 4 + kind)
    for (let i = from; i < from + length; i++) hash = Math.imul(hash ^ list[i]!, 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    const mask = slotCount - 1
    for (let at = (hash ^ (hash >>> 13)) & mask; ; at = (at + 1) & mask) {
      const slot = slots + 2 * at
      const row = Atomics.load(table, slot)
      if (row === 0 || this.holds(slot, row, group, kind, list, from, length)) return slot
    }
  }

  /** Whether the row of this slot is that of this content. */
  private holds(
    slot: number,
    row: number,
    group: number,
    kind: number,
    list: Int32Array,
    from: number,
    length: number,
  ): boolean {
    const { table } = this
    const record = row + this.classesOf(group)
    if (table[slot + 1] !== group * 4 + kind || table[record]! >> 2 !== length) return false
    let i = 0
    while (i < length && table[record + 1 + i] === list[from + i]) i++
    return i === length
  }

  // ---- pieces

  private get freeChunks(): number {
    const { chunks, chunkCount } = this.shape
    const unused = chunkCount - (this.table[Head.nextChunk]! - chunks) / chunkLength
    return unused + this.table[Head.freeChunks]!
  }

  /** Room in a group, or 0: under the lock. */
  private allocate(group: number, length: number): number {
    const { table, shape } = this
    const need = aligned(length)
    const dir = directoryOf(group)
    if (need > chunkLength - chunkHead || table[Head.states]! * 4 > shape.slotCount * 3) return 0
    let row = table[dir + Dir.next]!
    const last = table[dir + Dir.last]!
    if (last === 0 || row + need > last + chunkLength) {
      const chunk = this.takeChunk()
      if (chunk === 0) return 0
      table[chunk] = 0
      if (last === 0) table[dir + Dir.first] = chunk
      else table[last] = chunk
      table[dir + Dir.last] = chunk
      table[dir + Dir.chunks]!++
      row = chunk + chunkHead
    }
    table[dir + Dir.next] = row + need
    table[table[dir + Dir.last]! + 1] = row + need
    return row
  }

  private takeChunk(): number {
    const { table, shape } = this
    const free = table[Head.freeChunk]!
    if (free !== 0) {
      table[Head.freeChunk] = table[free]!
      table[Head.freeChunks]!--
      return free
    }
    const next = table[Head.nextChunk]!
    if (next === shape.chunks + shape.chunkCount * chunkLength) return 0
    table[Head.nextChunk] = next + chunkLength
    return next
  }

  /** Makes the state in which a group begins: nothing matched yet. */
  begin(group: number): void {
    const dir = directoryOf(group)
    const entry = this.insert(group, this.table[dir + Dir.kind]!, new Int32Array(0), 0)
    if (entry === UNKNOWN) throw new Error('no room for the start states of the automata')
    this.table[dir + Dir.start] = entry
  }

  // ---- making room

  /** Before a text: empties the groups that have grown most until there is room. What the others know stays. */
  makeRoom(): void {
    if (this.freeChunks >= this.shape.chunkCount * reserveShare) return
    const now = performance.now()
    if (now - this.triedAt < retryMs) return
    const { table, place } = this
    if (Atomics.compareExchange(table, Head.emptying, 0, place + 2) !== 0) return
    try {
      if (this.awaitQuiet(now + quietMs)) this.whileUnchanged(() => this.emptyGroups())
      else this.triedAt = now
    } finally {
      Atomics.store(table, Head.emptying, 0)
      Atomics.notify(table, Head.emptying)
    }
  }

  /** Waits until no other thread is between `enter` and `leave`. */
  private awaitQuiet(until: number): boolean {
    for (let place = 0; place < this.shape.placeCount; place++) {
      while (place !== this.place && Atomics.load(this.table, activeOf(place)) !== 0) {
        const left = until - performance.now()
        if (left <= 0) return false
        Atomics.wait(this.table, activeOf(place), 1, left)
      }
    }
    return true
  }

  private emptyGroups(): void {
    const { table, shape } = this
    const emptied = new Set<number>()
    while (this.freeChunks < shape.chunkCount * reserveShare) {
      let largest = 0
      for (let group = 1; group < shape.groups; group++)
        if (table[directoryOf(group) + Dir.chunks]! > table[directoryOf(largest) + Dir.chunks]!)
          largest = group
      const dir = directoryOf(largest)
      if (table[dir + Dir.chunks]! <= 1) break
      // Its pieces, a chain already, go in front of the free ones.
      table[table[dir + Dir.last]!] = table[Head.freeChunk]!
      table[Head.freeChunk] = table[dir + Dir.first]!
      table[Head.freeChunks]! += table[dir + Dir.chunks]!
      table.fill(0, dir, dir + Dir.classes)
      table[Head.flushes]!++
      emptied.add(largest)
    }
    this.fillSlots()
    for (const group of emptied) this.begin(group)
    Atomics.add(table, Head.generation, 1)
  }

  /** Anew from the rows of all groups. */
  private fillSlots(): void {
    const { table, shape } = this
    table.fill(0, shape.slots, shape.slots + 2 * shape.slotCount)
    table[Head.states] = 0
    for (let group = 0; group < shape.groups; group++) {
      const dir = directoryOf(group)
      const classes = table[dir + Dir.classes]!
      for (let chunk = table[dir + Dir.first]!; chunk !== 0; chunk = table[chunk]!) {
        for (let row = chunk + chunkHead; row < table[chunk + 1]!; ) {
          const length = table[row + classes]! >> 2
          const kind = table[row + classes]! & 3
          this.fillSlot(this.slotOf(group, kind, table, row + classes + 1, length), group, kind, row)
          table[Head.states]!++
          row += aligned(classes + 1 + length)
        }
      }
    }
  }
}
