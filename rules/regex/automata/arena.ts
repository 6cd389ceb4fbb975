// Lazily determinised automata of one list of patterns: walks them side by side over a text (walk.ts), computes the transitions that the
// walk does not know, and keeps them in the states that all threads share (store.ts).
import { threadId } from 'node:worker_threads'
import { type Batch, DEAD, LOST, QUIET, recordHead, type StoreShape, textLength, UNKNOWN } from './layout.js'
import type { MergedAutomaton } from './merge.js'
import { EOF, KINDS } from './nfa.js'
import { StateStore } from './store.js'
import { createWalk, rowBytes, type Walk } from './walk.js'

/** Receives every (pattern, line) that may match, possibly more than once; lines of one pattern ascend. */
export interface Sink {
  accept(pattern: number, line: number): void
}

/** What a text may cost, in transitions that have to be computed. */
export interface BuildLimits {
  /** Per group; beyond it the group gives up on this text. */
  readonly groupBuilds: number
  /** The same for all groups together: what a hostile text can cost. */
  readonly textBuilds: number
  /** What goes beyond this is not kept once half the room is in use, so that hostile mail cannot fill it. */
  readonly keptBuilds: number
}

export const defaultLimits: BuildLimits = { groupBuilds: 4000, textBuilds: 24_000, keptBuilds: 500 }

/** What a thread needs to walk tables; the same for all lists of a rule set. */
class Workplace {
  readonly store: StateStore
  readonly bytes: Uint8Array
  /** The text of the moment. */
  readonly text: Buffer
  /** Addresses. */
  readonly textAt: number
  readonly rowsAt: number
  readonly startsAt: number
  private readonly walks = new Map<number, Walk>()

  constructor(shape: StoreShape, store: StateStore, place: number) {
    const { memory, placeLength } = shape
    this.store = store
    this.bytes = new Uint8Array(memory.buffer)
    const rowsLength = (placeLength - textLength / 4) / 2
    this.rowsAt = 4 * place
    this.startsAt = this.rowsAt + 4 * rowsLength
    this.textAt = this.startsAt + 4 * rowsLength
    this.text = Buffer.from(memory.buffer, this.textAt, textLength)
  }

  walk(width: number): Walk {
    let walk = this.walks.get(width)
    if (!walk) this.walks.set(width, (walk = createWalk(this.store.shape.memory, width)))
    return walk
  }
}

/** One per memory in this thread. */
const workplaces = new WeakMap<StoreShape['memory'], Workplace>()

/** This thread takes part in the tables; false when too many others do. */
export function join(shape: StoreShape): boolean {
  if (workplaces.has(shape.memory)) return true
  const store = new StateStore(shape)
  const place = store.takePlace(threadId + 1)
  if (place < 0) return false
  workplaces.set(shape.memory, new Workplace(shape, store, place))
  return true
}

export class Arena {
  readonly groups: Group[]
  readonly store: StateStore
  /** Groups that gave up on this text. */
  readonly gaveUp = new Set<Group>()
  /** Groups that computed transitions for this text. */
  readonly building: Group[] = []
  private readonly workplace: Workplace
  private readonly batches: readonly Batch[]
  private readonly walks: Walk[]
  private ends = new Int32Array(64)
  private generation = -1
  private buildsLeft = 0
  /** Transitions that were computed and not kept. */
  withheld = 0

  /** @param list which list of the shape the automata are. The thread has joined it. */
  constructor(
    automata: readonly MergedAutomaton[],
    shape: StoreShape,
    list: number,
    readonly limits: BuildLimits,
  ) {
    this.workplace = workplaces.get(shape.memory)!
    this.store = this.workplace.store
    this.batches = shape.batches[list]!
    this.walks = this.batches.map(({ width }) => this.workplace.walk(width))
    const first = this.batches[0]?.first ?? 0
    let firstId = 0
    this.groups = automata.map((automaton, index) => {
      const group = new Group(this, automaton, first + index, firstId)
      firstId += automaton.patterns
      return group
    })
    const { table } = this.store
    // The walkers of a batch that have no group.
    for (const { rows, width } of this.batches) {
      for (let walker = 0; walker < width; walker++) {
        table[(this.workplace.startsAt + rows) / 4 + walker] = DEAD + QUIET
        table[(this.workplace.rowsAt + rows) / 4 + walker] = DEAD + QUIET
      }
    }
  }

  /**
   * Scans the lines of a text. Afterwards the patterns of groups that gave up are unknown for this text and must all be taken as
   * candidates.
   */
  scan(lines: readonly string[], sink: Sink): void {
    if (this.groups.length === 0) return
    const { store } = this
    store.makeRoom()
    store.enter()
    try {
      this.begin()
      this.scanPieces(lines, sink)
    } finally {
      store.leave()
    }
  }

  private begin(): void {
    const { store } = this
    const { generation } = store
    this.buildsLeft = this.limits.textBuilds
    for (const group of this.building) group.begin()
    this.building.length = 0
    this.gaveUp.clear()
    if (generation === this.generation) return
    this.generation = generation
    for (const { first, end, rows } of this.batches) {
      for (let group = first; group < end; group++)
        store.table[(this.workplace.startsAt + rows) / 4 + group - first] = store.startRow(group)
    }
  }

  /** A text that is longer than the room for it comes in pieces; the rows are kept between them. */
  private scanPieces(lines: readonly string[], sink: Sink): void {
    const { text } = this.workplace
    let line = 0
    let done = 0
    while (line < lines.length) {
      const firstLine = line
      const goesOn = done > 0
      let at = 0
      let whole = 0
      while (line < lines.length) {
        const content = lines[line]!
        const left = content.length - done
        const room = textLength - at
        if (left > room) {
          text.write(content.slice(done, done + room), at, 'latin1')
          done += room
          at = textLength
          break
        }
        at += text.write(done > 0 ? content.slice(done) : content, at, 'latin1')
        if (whole === this.ends.length) {
          const larger = new Int32Array(2 * whole)
          larger.set(this.ends)
          this.ends = larger
        }
        this.ends[whole++] = at
        line++
        done = 0
      }
      for (let batch = 0; batch < this.batches.length; batch++)
        this.walkPiece(batch, firstLine, whole, done > 0 ? at : -1, goesOn, sink)
    }
  }

  /** Walks `whole` lines, and what there is of one more up to `openEnd`. */
  private walkPiece(
    index: number,
    firstLine: number,
    whole: number,
    openEnd: number,
    goesOn: boolean,
    sink: Sink,
  ): void {
    const { rowsAt, startsAt, textAt } = this.workplace
    const { rows } = this.batches[index]!
    let from = goesOn ? rowsAt + rows : startsAt + rows
    let at = textAt
    for (let line = 0; line < whole; line++) {
      const end = textAt + this.ends[line]!
      this.walkLine(index, at, end, from, firstLine + line, 1, sink)
      from = startsAt + rows
      at = end
    }
    if (openEnd >= 0) this.walkLine(index, at, textAt + openEnd, from, firstLine + whole, 0, sink)
  }

  private walkLine(
    index: number,
    start: number,
    end: number,
    start0: number,
    line: number,
    closes: number,
    sink: Sink,
  ): void {
    const { bytes, rowsAt } = this.workplace
    const { table, entries } = this.store
    const { width, first, end: endGroup, map, rows } = this.batches[index]!
    const walk = this.walks[index]!
    const to = rowsAt + rows
    const firstGroup = first - this.batches[0]!.first
    const count = endGroup - first
    let at = start
    let from = start0
    for (;;) {
      at = walk(at, end, from, to, map, closes)
      if (at < 0 || (at === end && closes === 0)) return
      const symbol = at < end ? bytes[at]! : EOF
      const addresses = map / 4 + symbol * width
      for (let k = 0; k < count; k++) {
        const row = table[to / 4 + k]!
        const entry = (table[addresses + k]! + rowBytes * row) >> 1
        const next = entries[entry]!
        table[to / 4 + k] =
          next < 0 ? next : this.groups[firstGroup + k]!.slow(row, entry, next, symbol, line, sink)
      }
      if (symbol === EOF) return
      at++
      from = to
    }
  }

  /** False when the text has used up what it may add. */
  mayBuild(): boolean {
    return this.buildsLeft-- > 0
  }

  /** Whether what is computed for this text is kept for others. */
  keeps(group: number): boolean {
    const built = this.limits.textBuilds - this.buildsLeft
    return built <= this.limits.keptBuilds || this.store.isHalfEmpty(group)
  }
}

/** Room for one set of positions under construction, of any group; and which positions are in it. */
let scratch = new Int32Array(0)
let mark = new Int32Array(0)
let generation = 0

export class Group {
  /** For this text. */
  private builds = 0
  /** The state that the walk is in, while it is in the row that belongs to none: nobody else knows this state. */
  private loose = new Int32Array(0)
  private looseLength = 0
  private looseKind = 0
  private readonly recordsAt: number
  private filled = 0

  constructor(
    private readonly arena: Arena,
    readonly automaton: MergedAutomaton,
    private readonly number: number,
    readonly firstId: number,
  ) {
    this.recordsAt = arena.store.recordsOf(number)
    const slots = automaton.positions + automaton.patterns
    if (slots > mark.length) {
      scratch = new Int32Array(slots)
      mark = new Int32Array(slots)
    }
  }

  begin(): void {
    this.builds = 0
  }

  private unite(position: number, kind: number): void {
    const { followAt, lists, positions } = this.automaton
    const at = followAt[position * KINDS + kind]!
    const end = at + lists[at]!
    for (let i = at + 1; i <= end; i++) {
      const next = lists[i]!
      const slot = next >= 0 ? next : positions + ~next
      if (mark[slot] === generation) continue
      mark[slot] = generation
      scratch[this.filled++] = next
    }
  }

  /** Leaves in `scratch` where this class leads from the members list[from..to) of a state. */
  private step(list: Int32Array, from: number, to: number, stateKind: number, cls: number): void {
    generation++
    const { classes, positions, startStepAt, lists, kindOfClass, setOf, accepting } = this.automaton
    const initial = startStepAt[stateKind * classes + cls]!
    const count = lists[initial]!
    for (let i = 0; i < count; i++) {
      const position = lists[initial + 1 + i]!
      mark[position >= 0 ? position : positions + ~position] = generation
      scratch[i] = position
    }
    this.filled = count
    const kind = kindOfClass[cls]!
    for (let i = from; i < to; i++) {
      const position = list[i]!
      if (position >= 0 && accepting[setOf[position]! * classes + cls] === 1) this.unite(position, kind)
    }
    sortPositions(scratch, this.filled)
    this.dropMatched()
  }

  /**
   * A pattern that matches here is known to match in this line: what it is half through need not be followed. Without this, a pattern that
   * ends with a loop would be told at every byte from its first match on, and multiply the states of the others.
   */
  private dropMatched(): void {
    const { bases } = this.automaton
    let accepting = 0
    while (accepting < this.filled && scratch[accepting]! < 0) accepting++
    if (accepting === 0 || accepting === this.filled) return
    // Accepting ones come first, the last pattern in front; positions ascend.
    let kept = accepting
    let of = accepting - 1
    for (let i = accepting; i < this.filled; i++) {
      const position = scratch[i]!
      while (of >= 0 && position >= bases[~scratch[of]! + 1]!) of--
      if (of < 0 || position < bases[~scratch[of]!]!) scratch[kept++] = position
    }
    this.filled = kept
  }

  /**
   * The uncommon moves: unknown transitions and accepting states. `known` is what the entry was when the walk read it. Returns the next
   * row. A group that gave up stays in a row that leads nowhere.
   */
  slow(row: number, entry: number, known: number, symbol: number, line: number, sink: Sink): number {
    const next = known === UNKNOWN ? this.build(row, entry, symbol) : known
    if (next === UNKNOWN) {
      this.report(this.loose, 0, this.looseLength, line, sink)
      return LOST + QUIET
    }
    if (next < 0) return next
    const { table } = this.arena.store
    const record = table[this.recordsAt + next]!
    const members = record + recordHead
    this.report(table, members, members + (table[record]! >> 2), line, sink)
    return next + QUIET
  }

  /** Computes an entry; UNKNOWN when the state that it leads to is not kept. */
  private build(row: number, entry: number, symbol: number): number {
    const { store } = this.arena
    const { classOf, eofClass } = this.automaton
    const lost = row === LOST + QUIET
    // Another thread may have been faster.
    const meanwhile = lost ? UNKNOWN : Atomics.load(store.entries, entry)
    if (meanwhile !== UNKNOWN) return meanwhile
    if (this.builds++ === 0) this.arena.building.push(this)
    if (this.builds > this.arena.limits.groupBuilds || !this.arena.mayBuild()) {
      this.arena.gaveUp.add(this)
      return DEAD + QUIET
    }
    const cls = symbol === EOF ? eofClass : classOf[symbol]!
    if (lost) this.step(this.loose, 0, this.looseLength, this.looseKind, cls)
    else {
      const record = store.table[this.recordsAt + row - QUIET]!
      const members = record + recordHead
      const head = store.table[record]!
      this.step(store.table, members, members + (head >> 2), head & 3, cls)
    }
    const next = this.keep(cls)
    if (next !== UNKNOWN && !lost) store.setEntry(entry, next)
    return next
  }

  /** The entry for the state in `scratch`; UNKNOWN when it could not be kept and became the loose one. */
  private keep(cls: number): number {
    const { store } = this.arena
    const kind = this.automaton.startKind[this.automaton.kindOfClass[cls]!]!
    let entry = store.find(this.number, kind, scratch, this.filled)
    if (entry === UNKNOWN && this.arena.keeps(this.number))
      entry = store.add(this.number, kind, scratch, this.filled)
    if (entry !== UNKNOWN) return entry
    this.arena.withheld++
    if (this.loose.length < this.filled) this.loose = new Int32Array(2 * this.filled)
    for (let i = 0; i < this.filled; i++) this.loose[i] = scratch[i]!
    this.looseLength = this.filled
    this.looseKind = kind
    return UNKNOWN
  }

  private report(members: Int32Array, from: number, to: number, line: number, sink: Sink): void {
    for (let i = from; i < to && members[i]! < 0; i++) sink.accept(this.firstId + ~members[i]!, line)
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
