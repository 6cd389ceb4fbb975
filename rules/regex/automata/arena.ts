// Lazily determinised automata. Each group of patterns is one automaton; all keep their rows in one arena, so that four of them are
// walked in one loop over the text: a walk mostly waits for memory, and four independent walks wait together (multi-pattern.md).
//
// Row: one entry per byte class of the group, then the number of the state. Entry: n > 0 = offset of the next row; UNKNOWN = not
// computed yet; other n < 0 = row -n, whose state accepts.
import type { MergedAutomaton } from './merge.js'
import { EOF, KIND_START, KINDS } from './nfa.js'
import { StateStore } from './states.js'

/** Receives every (pattern, line) that may match, possibly more than once; lines of one pattern ascend. */
export interface Sink {
  accept(pattern: number, line: number): void
}

const WALKERS = 4
const UNKNOWN = -1
/** Entries per cache line. */
const ALIGN = 16
/** A group takes its space from the arena in pieces of so many entries. */
const CHUNK = 2048
/** However small its bounds, an arena has so many pieces per group. */
const chunksMin = 2
/** This share of the arena is kept free for the next text. */
const reserveShare = 1 / 16

/** Bounds of an arena. */
export interface ArenaLimits {
  /** Capacity of the tables in entries of 4 bytes; untouched pages of a fresh buffer cost no memory. */
  readonly entries: number
  /** Transitions that one text may add per group; beyond it the group gives up on this text. */
  readonly groupBuilds: number
  /** The same for all groups together: what a hostile text can cost. */
  readonly textBuilds: number
  /** A text that adds more than this is forgotten once half the arena is in use, so that hostile mail cannot fill it. */
  readonly keptBuilds: number
}

export const defaultLimits: Omit<ArenaLimits, 'entries'> = {
  groupBuilds: 4000,
  textBuilds: 24_000,
  keptBuilds: 3000,
}

export class Arena {
  readonly table: Int32Array
  readonly groups: Group[]
  /** Per four groups: byte -> their four class numbers. */
  private readonly packedMaps: Int32Array[] = []
  /** Offsets of free pieces. The first piece is never given away: offset 0 is no row. */
  private readonly free: number[] = []
  private readonly chunks: number
  private buildsLeft = 0
  /** Entries of older rows that this text has filled in. */
  private readonly filledIn: number[] = []
  builds = 0
  /** Groups that were emptied to make room. */
  flushes = 0
  /** Texts that were forgotten. */
  rollbacks = 0

  constructor(
    automata: readonly MergedAutomaton[],
    readonly limits: ArenaLimits,
  ) {
    this.chunks = Math.max(Math.floor(limits.entries / CHUNK), automata.length * chunksMin + 1)
    this.table = new Int32Array((this.chunks + 1) * CHUNK)
    for (let chunk = this.chunks; chunk > 0; chunk--) this.free.push(chunk * CHUNK)
    let firstId = 0
    this.groups = automata.map((automaton) => {
      const group = new Group(this, automaton, firstId)
      firstId += automaton.patterns
      return group
    })
    for (let first = 0; first < automata.length; first += WALKERS) {
      const packed = new Int32Array(256)
      for (let walker = 0; walker < WALKERS; walker++) {
        const classOf = automata[Math.min(first + walker, automata.length - 1)]!.classOf
        for (let byte = 0; byte < 256; byte++) packed[byte]! |= classOf[byte]! << (8 * walker)
      }
      this.packedMaps.push(packed)
    }
    for (const group of this.groups) group.reset()
  }

  /** A free piece, or 0. */
  takeChunk(): number {
    return this.free.pop() ?? 0
  }

  giveBack(chunk: number): void {
    this.free.push(chunk)
  }

  /** Entries in use. */
  get size(): number {
    return (this.chunks - this.free.length) * CHUNK
  }

  /** Empties the groups that have grown most until there is room for a text: what the others know stays. */
  private makeRoom(): void {
    while (this.free.length < this.chunks * reserveShare) {
      const largest = this.groups.reduce((most, group) => (group.chunks > most.chunks ? group : most))
      if (largest.chunks <= 1) return
      this.flushes++
      largest.reset()
    }
  }

  /**
   * Scans a text of several lines; line i ends before ends[i]. Afterwards `gaveUp` of a group tells that its patterns are unknown for
   * this text and must all be taken as candidates.
   */
  scan(text: Uint8Array, ends: Int32Array, lines: number, sink: Sink): void {
    this.makeRoom()
    this.buildsLeft = this.limits.textBuilds
    this.filledIn.length = 0
    for (const group of this.groups) group.begin()
    for (let first = 0; first < this.groups.length; first += WALKERS)
      this.walk(first, text, ends, lines, sink)
    const built = this.limits.textBuilds - this.buildsLeft
    if (built > this.limits.keptBuilds && this.free.length < this.chunks / 2) this.forget()
  }

  /** False when the text has used up what it may add. */
  mayBuild(): boolean {
    if (this.buildsLeft <= 0) return false
    this.buildsLeft--
    this.builds++
    return true
  }

  /** Fills in an entry; of a row that is older than the text, so that it can be taken back. */
  setEntry(at: number, entry: number, isOld: boolean): void {
    this.table[at] = entry
    if (isOld) this.filledIn.push(at)
  }

  /** Takes back all that the last text has added. */
  private forget(): void {
    this.rollbacks++
    for (const at of this.filledIn) this.table[at] = UNKNOWN
    for (const group of this.groups) group.forget()
  }

  /** Walks four automata at once. Where fewer are left, the last one is walked again beside itself and told once. */
  private walk(first: number, text: Uint8Array, ends: Int32Array, lines: number, sink: Sink): void {
    const { table, groups } = this
    const last = groups.length - 1
    const map = this.packedMaps[first / WALKERS]!
    const a = groups[first]!
    const b = groups[Math.min(first + 1, last)]!
    const c = groups[Math.min(first + 2, last)]!
    const d = groups[Math.min(first + 3, last)]!
    let at = 0
    for (let line = 0; line < lines; line++) {
      const end = ends[line]!
      let rowA = a.startRow
      let rowB = b.startRow
      let rowC = c.startRow
      let rowD = d.startRow
      for (;;) {
        let nextA = 0
        let nextB = 0
        let nextC = 0
        let nextD = 0
        while (at < end) {
          const classes = map[text[at]!]!
          nextA = table[(rowA + (classes & 255)) | 0]!
          nextB = table[(rowB + ((classes >>> 8) & 255)) | 0]!
          nextC = table[(rowC + ((classes >>> 16) & 255)) | 0]!
          nextD = table[(rowD + (classes >>> 24)) | 0]!
          if ((nextA | nextB | nextC | nextD) < 0) break
          rowA = nextA
          rowB = nextB
          rowC = nextC
          rowD = nextD
          at = (at + 1) | 0
        }
        const byte = at < end ? text[at]! : EOF
        if (byte === EOF) nextA = nextB = nextC = nextD = UNKNOWN
        rowA = nextA >= 0 ? nextA : a.slow(rowA, byte, line, sink)
        if (b === a) rowB = rowA
        else rowB = nextB >= 0 ? nextB : b.slow(rowB, byte, line, sink)
        if (c === b) rowC = rowB
        else rowC = nextC >= 0 ? nextC : c.slow(rowC, byte, line, sink)
        if (d === c) rowD = rowC
        else rowD = nextD >= 0 ? nextD : d.slow(rowD, byte, line, sink)
        if (byte === EOF) break
        at++
      }
    }
  }
}

export class Group {
  startRow = 0
  gaveUp = false
  private buildsLeft = 0
  private statesBefore = 0
  /** Pieces of the arena, and where the next row goes in the last one. */
  private readonly owned: number[] = []
  private nextRow = 0
  private chunksBefore = 0
  private nextRowBefore = 0
  private readonly states = new StateStore()
  /** The state under construction: positions, ~pattern for accepting ones. */
  private readonly scratch: Int32Array
  private filled = 0
  private readonly mark: Int32Array
  private generation = 0

  constructor(
    private readonly arena: Arena,
    readonly automaton: MergedAutomaton,
    readonly firstId: number,
  ) {
    const slots = automaton.positions + automaton.patterns
    this.mark = new Int32Array(slots)
    this.scratch = new Int32Array(slots)
  }

  get chunks(): number {
    return this.owned.length
  }

  reset(): void {
    this.states.clear()
    this.release(0)
    this.nextRow = 0
    this.filled = 0
    this.startRow = this.intern(this.automaton.startKind[KIND_START]!)
  }

  begin(): void {
    this.buildsLeft = this.arena.limits.groupBuilds
    this.statesBefore = this.states.count
    this.chunksBefore = this.owned.length
    this.nextRowBefore = this.nextRow
    this.gaveUp = false
  }

  /** Back to what was known before the text. */
  forget(): void {
    this.states.truncate(this.statesBefore)
    this.release(this.chunksBefore)
    this.nextRow = this.nextRowBefore
  }

  /** Keeps the first pieces only. */
  private release(kept: number): void {
    while (this.owned.length > kept) this.arena.giveBack(this.owned.pop()!)
  }

  /** Space for a row, all its entries unknown; 0 if there is none. */
  private allocate(width: number): number {
    const { owned } = this
    if (owned.length === 0 || this.nextRow + width > owned.at(-1)! + CHUNK) {
      const chunk = this.arena.takeChunk()
      if (chunk === 0) return 0
      owned.push(chunk)
      this.nextRow = chunk
    }
    const row = this.nextRow
    this.arena.table.fill(UNKNOWN, row, row + width)
    this.nextRow += width + (-width & (ALIGN - 1))
    return row
  }

  private unite(position: number, kind: number): void {
    const { followAt, lists, positions } = this.automaton
    const at = followAt[position * KINDS + kind]!
    const end = at + lists[at]!
    for (let i = at + 1; i <= end; i++) {
      const next = lists[i]!
      const slot = next >= 0 ? next : positions + ~next
      if (this.mark[slot] === this.generation) continue
      this.mark[slot] = this.generation
      this.scratch[this.filled++] = next
    }
  }

  /** The table entry of the state made of the scratch positions; 0 if the arena is full. */
  private intern(kind: number): number {
    const length = this.filled
    const { classes } = this.automaton
    sortPositions(this.scratch, length)
    const known = this.states.find(this.scratch, length, kind)
    if (known >= 0) return this.states.entry(known)
    const row = this.allocate(classes + 1)
    if (row === 0) return 0
    const entry = length > 0 && this.scratch[0]! < 0 ? -row : row
    this.arena.table[row + classes] = this.states.count
    this.states.add(this.scratch, length, kind, entry)
    return entry
  }

  /** Computes a missing transition; 0 if the arena is full. */
  private build(row: number, cls: number): number {
    this.generation++
    const { classes, positions, startStepAt, lists, kindOfClass, startKind, setOf, accepting } =
      this.automaton
    const state = this.arena.table[row + classes]!
    const initial = startStepAt[this.states.kind(state) * classes + cls]!
    const count = lists[initial]!
    for (let i = 0; i < count; i++) {
      const position = lists[initial + 1 + i]!
      this.mark[position >= 0 ? position : positions + ~position] = this.generation
      this.scratch[i] = position
    }
    this.filled = count
    const kind = kindOfClass[cls]!
    const members = this.states.members
    const to = this.states.to(state)
    for (let i = this.states.from(state); i < to; i++) {
      const position = members[i]!
      if (position >= 0 && accepting[setOf[position]! * classes + cls] === 1) this.unite(position, kind)
    }
    const entry = this.intern(startKind[kind]!)
    if (entry !== 0) this.arena.setEntry(row + cls, entry, state < this.statesBefore)
    return entry
  }

  /**
   * The uncommon moves: unknown transitions, accepting states, the end of a line. Returns the next row. A group that gave up stays in
   * its start row.
   */
  slow(row: number, byte: number, line: number, sink: Sink): number {
    if (this.gaveUp) return this.startRow
    const { classes, classOf, eofClass } = this.automaton
    const cls = byte === EOF ? eofClass : classOf[byte]!
    let next = this.arena.table[row + cls]!
    if (next === UNKNOWN) {
      next = this.buildsLeft-- > 0 && this.arena.mayBuild() ? this.build(row, cls) : 0
      if (next === 0) {
        this.gaveUp = true
        return this.startRow
      }
    }
    if (next < 0) {
      next = -next
      const state = this.arena.table[next + classes]!
      const members = this.states.members
      const to = this.states.to(state)
      for (let i = this.states.from(state); i < to && members[i]! < 0; i++)
        sink.accept(this.firstId + ~members[i]!, line)
    }
    return next
  }
}

function sortPositions(list: Int32Array, length: number): void {
  if (length > 40) {
    list.subarray(0, length).sort()
    return
  }
  for (let i = 1; i < length; i++) {
    const value = list[i]!
    let k = i - 1
    while (k >= 0 && list[k]! > value) {
      list[k + 1] = list[k]!
      k--
    }
    list[k + 1] = value
  }
}
