// The determinised states of all automata of a rule set, in one shared memory that every scan thread walks and adds to. Only bytes, no
// objects: so a thread takes part by knowing the memory, and saving it is writing it.
//
// Threads: an entry is stored when all it leads to is there, so walking needs no lock. New states are made under a lock that nobody
// waits for: who cannot have it goes on without leaving a trace (arena.ts). Emptying groups to make room needs all walks to be over.
import {
  activeOf,
  chunkHead,
  chunkLength,
  Dir,
  directoryOf,
  FIRST,
  Head,
  layOut,
  planesOf,
  QUIET,
  recordHead,
  type StoreShape,
  UNKNOWN,
} from './layout.js'
import type { MergedAutomaton } from './merge.js'
import { rowBytes } from './walk.js'

/** This share of the pieces is kept free for the next text. */
const reserveShare = 1 / 16
/** Groups are emptied when this share of the slots is in use; what comes before that happens has room up to the second. */
const slotsEnough = 5 / 8
const slotsMax = 3 / 4
/** Emptying a group of fewer rows gains nothing. */
const rowsWorthEmptying = 256
/** How long to wait for the walks of other threads before emptying groups, and when to try again. */
const quietMs = 200
const retryMs = 1000

/** Memory for the states of these lists of automata, with so many words for what they are made of. `plain` is for one thread, without WebAssembly. */
export function createStore(
  lists: readonly (readonly MergedAutomaton[])[],
  recordWords: number,
  plain = false,
): StoreShape {
  const shape = layOut(lists, recordWords, plain)
  const store = new StateStore(shape)
  for (let group = 0; group < shape.groups; group++) store.begin(group)
  return shape
}

/** The states as one thread sees them. */
export class StateStore {
  readonly table: Int32Array
  /** The same memory in halves of words: the rows. */
  readonly entries: Int16Array
  /** Number of the place that this thread has; -1 before it asked, or when all are taken. Locks show it, plus 2. */
  private place = -1
  private triedAt = Number.NEGATIVE_INFINITY

  constructor(readonly shape: StoreShape) {
    this.table = new Int32Array(shape.memory.buffer)
    this.entries = new Int16Array(shape.memory.buffer)
  }

  /** Whether a text may add to this group what it likes. */
  isHalfEmpty(group: number): boolean {
    const { chunkCount, rowCount, linesMax } = this.shape
    const { table } = this
    return (
      this.freeChunks * 2 >= chunkCount &&
      table[directoryOf(group) + Dir.row]! * 2 <= rowCount &&
      table[Head.lines]! * 2 <= linesMax
    )
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
  /** Word offset of the table that tells, row by row, the word offset of what its state is made of. */
  recordsOf(group: number): number {
    return this.table[directoryOf(group) + Dir.records]!
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

  /** The bytes in use, as beginnings and lengths: all up to the records, then of each group its rows and where their records are. */
  private parts(nextChunk: number): { at: number; length: number }[] {
    const { table, shape } = this
    const list = [{ at: 0, length: 4 * nextChunk }]
    for (let group = 0; group < shape.groups; group++) {
      const dir = directoryOf(group)
      list.push({ at: 4 * table[dir + Dir.records]!, length: 4 * table[dir + Dir.row]! })
      list.push(...this.planes(group))
    }
    return list
  }

  /** The rows of a group, plane by plane, as addresses and lengths in bytes. */
  private planes(group: number): { at: number; length: number }[] {
    const { table, shape } = this
    const dir = directoryOf(group)
    const length = rowBytes * table[dir + Dir.row]!
    return Array.from({ length: planesOf(table[dir + Dir.classes]!) }, (_, plane) => ({
      at: table[dir + Dir.rows]! + plane * shape.rowCount * rowBytes,
      length,
    }))
  }

  /** A copy of all that threads have found, without the threads; undefined when it kept changing. */
  save(): Buffer | undefined {
    let copy: Buffer | undefined
    this.whileUnchanged(() => {
      this.table[Head.savedBuilds] = this.builds
      const bytes = Buffer.from(this.table.buffer)
      copy = Buffer.concat(
        this.parts(this.table[Head.nextChunk]!).map(({ at, length }) => bytes.subarray(at, at + length)),
      )
    })
    copy?.fill(0, 4 * Head.emptying, 4 * (Head.emptying + 1))
    copy?.fill(0, 4 * Head.lock, 4 * (Head.lock + 1))
    copy?.fill(0, 4 * Head.owners, 4 * Head.length)
    return copy
  }

  /** Takes what `save` gave, before any thread takes part. */
  restore(saved: Buffer): void {
    const bytes = Buffer.from(this.table.buffer)
    const nextChunk = saved.readInt32LE(4 * Head.nextChunk)
    // Where the rows are stands in the first part.
    saved.copy(bytes, 0, 0, 4 * nextChunk)
    let from = 0
    for (const { at, length } of this.parts(nextChunk)) {
      saved.copy(bytes, at, from, from + length)
      from += length
    }
  }

  // ---- states

  /** The entry that leads to the state of this content; UNKNOWN if there is none. `list[0..length)` must be sorted. */
  find(group: number, kind: number, list: Int32Array, length: number): number {
    const slot = this.slotOf(group, kind, list, 0, length)
    const record = Atomics.load(this.table, slot)
    // A slot that was free a moment ago may have been given to another state since.
    if (record === 0 || !this.holds(slot, record, group, kind, list, 0, length)) return UNKNOWN
    return this.entryFor(record)
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
    let record = table[slot]!
    if (record === 0) {
      const dir = directoryOf(group)
      const row = table[dir + Dir.row]!
      if (!this.hasRow(dir)) {
        if (row > rowsWorthEmptying) table[Head.fullGroups]!++
        return UNKNOWN
      }
      if (this.states > this.shape.slotCount * slotsMax) return UNKNOWN
      record = this.roomFor(group, recordHead + length)
      if (record === 0) return UNKNOWN
      table[record] = length * 4 + kind
      table[record + 1] = row
      table.set(list.subarray(0, length), record + recordHead)
      table[table[dir + Dir.records]! + row] = record
      // A thread may be ended anywhere: no row is given twice, and no record counts that is not whole.
      table[dir + Dir.row] = row + 1
      if (row >= table[dir + Dir.touched]!) {
        table[dir + Dir.touched] = row + 1
        table[Head.lines]! += planesOf(table[dir + Dir.classes]!)
      }
      table[dir + Dir.next] = record + recordHead + length
      table[table[dir + Dir.last]! + 1] = record + recordHead + length
      table[Head.states]!++
      this.fillSlot(slot, group, kind, record)
    }
    return this.entryFor(record)
  }

  /** Whether the group of this directory entry may have another row: one that it had before, or one more while there is memory. */
  private hasRow(dir: number): boolean {
    const { table, shape } = this
    const row = table[dir + Dir.row]!
    if (row < table[dir + Dir.touched]!) return true
    return row < shape.rowCount && table[Head.lines]! + planesOf(table[dir + Dir.classes]!) <= shape.linesMax
  }

  /** Publishes a transition. */
  setEntry(at: number, entry: number): void {
    this.table[Head.builds]!++
    Atomics.store(this.entries, at, entry)
  }

  private entryFor(record: number): number {
    const { table } = this
    const accepts = table[record]! >= 4 && table[record + recordHead]! < 0
    return table[record + 1]! + (accepts ? 0 : QUIET)
  }

  /** A slot has the record and what tells groups and kinds apart. */
  private fillSlot(slot: number, group: number, kind: number, record: number): void {
    this.table[slot + 1] = group * 4 + kind
    Atomics.store(this.table, slot, record)
  }

  /** The slot of this content: its record is there, or the slot is free. */
  private slotOf(group: number, kind: number, list: Int32Array, from: number, length: number): number {
    const { table } = this
    const { slots, slotCount } = this.shape
    let hash = 0x811c9dc5 ^ (group * 4 + kind)
    for (let i = from; i < from + length; i++) hash = Math.imul(hash ^ list[i]!, 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    const mask = slotCount - 1
    for (let at = (hash ^ (hash >>> 13)) & mask; ; at = (at + 1) & mask) {
      const slot = slots + 2 * at
      const record = Atomics.load(table, slot)
      if (record === 0 || this.holds(slot, record, group, kind, list, from, length)) return slot
    }
  }

  /** Whether the record of this slot is that of this content. */
  private holds(
    slot: number,
    record: number,
    group: number,
    kind: number,
    list: Int32Array,
    from: number,
    length: number,
  ): boolean {
    const { table } = this
    if (table[slot + 1] !== group * 4 + kind || table[record]! >> 2 !== length) return false
    const members = record + recordHead
    let i = 0
    while (i < length && table[members + i] === list[from + i]) i++
    return i === length
  }

  // ---- pieces

  private get freeChunks(): number {
    const { chunks, chunkCount } = this.shape
    const unused = chunkCount - (this.table[Head.nextChunk]! - chunks) / chunkLength
    return unused + this.table[Head.freeChunks]!
  }

  /** Where a record of a group can go, or 0: under the lock. */
  private roomFor(group: number, need: number): number {
    const { table } = this
    const dir = directoryOf(group)
    if (need > chunkLength - chunkHead) return 0
    const last = table[dir + Dir.last]!
    if (last !== 0 && table[dir + Dir.next]! + need <= last + chunkLength) return table[dir + Dir.next]!
    const chunk = this.takeChunk()
    if (chunk === 0) return 0
    table[chunk] = 0
    table[chunk + 1] = chunk + chunkHead
    if (last === 0) table[dir + Dir.first] = chunk
    else table[last] = chunk
    table[dir + Dir.last] = chunk
    table[dir + Dir.chunks]!++
    return chunk + chunkHead
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
    this.table[dir + Dir.row] = FIRST
    const entry = this.insert(group, this.table[dir + Dir.kind]!, new Int32Array(0), 0)
    if (entry === UNKNOWN) throw new Error('no room for the start states of the automata')
    this.table[dir + Dir.start] = entry
  }

  // ---- making room

  /** Too little room for the next text, or too many states for the slots. */
  private get isShort(): boolean {
    const { chunkCount, slotCount } = this.shape
    return this.freeChunks < chunkCount * reserveShare || this.states > slotCount * slotsEnough
  }

  /** Before a text: empties the groups that have grown most until there is room, and those that have all rows they can have. */
  makeRoom(): void {
    if (!this.isShort && this.table[Head.fullGroups] === 0) return
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
    for (let group = 0; group < shape.groups; group++) {
      const dir = directoryOf(group)
      if (table[dir + Dir.row]! > rowsWorthEmptying && !this.hasRow(dir)) emptied.add(group)
    }
    for (const group of emptied) this.empty(group)
    while (this.isShort) {
      let largest = 0
      for (let group = 1; group < shape.groups; group++)
        if (table[directoryOf(group) + Dir.row]! > table[directoryOf(largest) + Dir.row]!) largest = group
      if (emptied.has(largest)) break
      this.empty(largest)
      emptied.add(largest)
    }
    table[Head.fullGroups] = 0
    this.fillSlots()
    for (const group of emptied) this.begin(group)
    Atomics.add(table, Head.generation, 1)
  }

  private empty(group: number): void {
    const { table } = this
    const dir = directoryOf(group)
    for (const { at, length } of this.planes(group))
      table.fill(0, (at + FIRST * rowBytes) / 4, (at + length) / 4)
    // Its pieces, a chain already, go in front of the free ones.
    table[table[dir + Dir.last]!] = table[Head.freeChunk]!
    table[Head.freeChunk] = table[dir + Dir.first]!
    table[Head.freeChunks]! += table[dir + Dir.chunks]!
    table[Head.states]! -= table[dir + Dir.row]! - FIRST
    table[Head.flushes]!++
    table.fill(0, dir, dir + Dir.classes)
  }

  /** Anew from the records of all groups. */
  private fillSlots(): void {
    const { table, shape } = this
    table.fill(0, shape.slots, shape.slots + 2 * shape.slotCount)
    for (let group = 0; group < shape.groups; group++) {
      for (let chunk = table[directoryOf(group) + Dir.first]!; chunk !== 0; chunk = table[chunk]!) {
        for (let record = chunk + chunkHead; record < table[chunk + 1]!; ) {
          const length = table[record]! >> 2
          const kind = table[record]! & 3
          const slot = this.slotOf(group, kind, table, record + recordHead, length)
          this.fillSlot(slot, group, kind, record)
          record += recordHead + length
        }
      }
    }
  }
}
