// Where things lie in the memory that all scan threads share (store.ts), and that memory as it is in the beginning.
//
// Layout: head, per group its directory entry, the class maps of the walks, a hash table of all states, pieces ("chunks") that groups fill
// with the records of their states, one place per thread for its text and its rows; then per group room for its rows, far more than is
// ever touched: a page that nobody writes to costs nothing.
// Record: number of members * 4 + kind, number of the row, the members (positions, ~pattern for accepting ones, ascending).
// Row: one 16-bit entry per byte class, in planes: the entries of the 32 most usual classes of all rows of a group, one row a cache line,
// then those of the next 32. A walk reads little but the first plane, and waits for each of its cache lines and pages; what only building
// and accepting need is kept out of it.
// Entry: number of the next row, negative (QUIET added) unless the state there accepts; 0 = not computed yet. Threads keep rows in the
// negative form.
import type { MergedAutomaton } from './merge.js'
import { KIND_START } from './nfa.js'
import { createMemory, planeClasses, rowBytes, type TableMemory, widths } from './walk.js'

export const UNKNOWN = 0
/** Added to the number of a row in an entry whose state does not accept. */
export const QUIET = -0x8000
/** Rows that belong to no state: nothing is known of the one, the other leads nowhere else. Then come those of states. */
export const LOST = 0
export const DEAD = 1
export const FIRST = 2
/** Rows of a group, if there are addresses enough: more than mail has been seen to need. */
const rowsMax = 1 << 14
/** Of these, rows take no more memory than so many times that of the records: three times what ordinary mail needs. */
const rowsPerRecords = 1.5
/** Bytes of address space for the rows of all groups. */
const addressesMax = 1 << 30
/** Words per cache line. */
const align = 16
/** Words of a piece. */
export const chunkLength = 2048
/** The first words of a piece: the next piece of its group, and where its records end. */
export const chunkHead = 2
/** However small the bounds, there are so many pieces per group. */
const chunksMin = 2
/** Words of a record before its members. */
export const recordHead = 2
/** Words of records per slot of the hash table. */
const wordsPerSlot = 16
/** Threads that can take part. */
const placesMax = 128
/** Text that is walked at a time. */
export const textLength = 1 << 16
/** Classes and the end of a line fit in a byte. */
const classesMax = 257

/** Words of the head. What threads read at each text does not share a cache line with what others write. */
export const Head = {
  emptying: 0,
  generation: 1,
  lock: align,
  nextChunk: align + 1,
  freeChunk: align + 2,
  freeChunks: align + 3,
  states: align + 4,
  builds: align + 5,
  savedBuilds: align + 6,
  flushes: align + 7,
  fullGroups: align + 8,
  /** Cache lines of rows that were ever written to: their pages do not go back to the system. */
  lines: align + 9,
  owners: 2 * align,
  active: 2 * align + placesMax,
  length: 2 * align + placesMax + align * placesMax,
} as const

/** Words of a group's directory entry. */
export const Dir = {
  /** The row in which a text begins. */
  start: 0,
  /** Pieces: the first, the last, where the next record goes, how many. */
  first: 1,
  last: 2,
  next: 3,
  chunks: 4,
  /** The next row. */
  row: 5,
  /** What emptying a group leaves alone: classes, start kind, address of the rows, word offset of the table of their records, what was touched. */
  classes: 6,
  kind: 7,
  rows: 8,
  records: 9,
  /** Rows that were ever written to. */
  touched: 10,
  length: 16,
} as const

/** A group in the walk of its list. */
export interface Batch {
  readonly width: number
  /** Numbers of the first group and of the one after the last. */
  readonly first: number
  readonly end: number
  /** Address of the class map, and of the rows in the place of a thread. */
  readonly map: number
  readonly rows: number
}

/** What a thread must know to take part; can be posted. */
export interface StoreShape {
  readonly memory: TableMemory
  readonly groups: number
  /** By list. */
  readonly batches: readonly (readonly Batch[])[]
  /** Rows that a group can have. */
  readonly rowCount: number
  /** Cache lines of rows that all groups together may ever write to. */
  readonly linesMax: number
  /** Word offsets. */
  readonly slots: number
  readonly slotCount: number
  readonly chunks: number
  readonly chunkCount: number
  readonly places: number
  readonly placeCount: number
  readonly placeLength: number
}

/** The walks of a list of so many groups. */
function planBatches(count: number): { width: number; first: number; end: number }[] {
  const list: { width: number; first: number; end: number }[] = []
  for (let first = 0; first < count; ) {
    const left = count - first
    const width = widths.find((width) => left > width / 2) ?? widths.at(-1)!
    const end = Math.min(first + width, count)
    list.push({ width, first, end })
    first = end
  }
  return list
}

export const aligned = (words: number) => words + (-words & (align - 1))

/** How many planes the rows of a group have. */
export function planesOf(classes: number): number {
  return Math.ceil(classes / planeClasses)
}

/** Memory as it is before any state is made, with so many words for records. */
export function layOut(
  lists: readonly (readonly MergedAutomaton[])[],
  recordWords: number,
  plain: boolean,
): StoreShape {
  const automata = lists.flat()
  const chunkCount = Math.max(Math.floor(recordWords / chunkLength), automata.length * chunksMin)
  let words: number = aligned(Head.length)
  const take = (length: number): number => {
    const at = words
    words += aligned(length)
    return at
  }
  take(automata.length * Dir.length)
  let rows = 0
  let first = 0
  const batches = lists.map((list) => {
    const own = planBatches(list.length).map((batch) => {
      const placed: Batch = {
        width: batch.width,
        first: first + batch.first,
        end: first + batch.end,
        map: 4 * take(classesMax * batch.width),
        rows: 4 * rows,
      }
      rows += aligned(batch.width)
      return placed
    })
    first += list.length
    return own
  })
  const slotCount = 2 ** Math.ceil(Math.log2((chunkCount * chunkLength) / wordsPerSlot))
  const slots = take(2 * slotCount)
  const chunks = take(chunkCount * chunkLength)
  // Of a thread: its rows, the start rows, its text.
  const placeLength = 2 * rows + textLength / 4
  const placeCount = plain ? 1 : placesMax
  const places = take(placeLength * placeCount)
  const planes = automata.reduce((sum, { classes }) => sum + planesOf(classes), 0)
  let rowCount = rowsMax
  while (planes * rowCount * rowBytes > addressesMax) rowCount /= 2
  const records = automata.map(() => take(rowCount))
  const rowsAt = automata.map(({ classes }) => 4 * take((planesOf(classes) * rowCount * rowBytes) / 4))
  const memory = createMemory(4 * words, plain)
  const shape: StoreShape = {
    memory,
    groups: automata.length,
    batches,
    rowCount,
    linesMax: (rowsPerRecords * 4 * chunkCount * chunkLength) / rowBytes,
    slots,
    slotCount,
    chunks,
    chunkCount,
    places,
    placeCount,
    placeLength,
  }
  const table = new Int32Array(memory.buffer)
  table[Head.nextChunk] = chunks
  for (const [group, { classes, startKind }] of automata.entries()) {
    const dir = directoryOf(group)
    table[dir + Dir.classes] = classes
    table[dir + Dir.kind] = startKind[KIND_START]!
    table[dir + Dir.rows] = rowsAt[group]!
    table[dir + Dir.records] = records[group]!
  }
  const entries = new Int16Array(memory.buffer)
  for (let group = 0; group < automata.length; group++) {
    for (let plane = 0; plane < planesOf(automata[group]!.classes); plane++) {
      const at = entryAt(rowsAt[group]!, rowCount, DEAD, plane * planeClasses)
      entries.fill(DEAD + QUIET, at, at + planeClasses)
    }
  }
  fillMaps(shape, automata, rowsAt)
  return shape
}

/** Where the entry of a class is, in halves of words. */
function entryAt(rowsAt: number, rowCount: number, row: number, cls: number): number {
  const plane = Math.floor(cls / planeClasses)
  return rowsAt / 2 + (plane * rowCount + row) * planeClasses + (cls % planeClasses)
}

/** For each symbol and walker the address of its entry in the row that is 0 in the form that threads keep. */
function fillMaps(
  { memory, batches, rowCount }: StoreShape,
  automata: readonly MergedAutomaton[],
  rowsAt: readonly number[],
): void {
  const table = new Int32Array(memory.buffer)
  for (const { width, first, end, map } of batches.flat()) {
    for (let walker = 0; walker < width; walker++) {
      // Walkers without a group stay in the dead row of the first one.
      const group = first + walker < end ? first + walker : first
      const { classOf, eofClass } = automata[group]!
      for (let symbol = 0; symbol < classesMax; symbol++) {
        const cls = symbol < 256 ? classOf[symbol]! : eofClass
        table[map / 4 + symbol * width + walker] = 2 * entryAt(rowsAt[group]!, rowCount, -QUIET, cls)
      }
    }
  }
}

/** The word that is 1 while the thread of this place walks. */
export function activeOf(place: number): number {
  return Head.active + align * place
}

export function directoryOf(group: number): number {
  return aligned(Head.length) + group * Dir.length
}
