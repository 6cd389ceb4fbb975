// Where things lie in the memory that all scan threads share (store.ts), and that memory as it is in the beginning.
//
// Layout: head, per group its directory entry, two rows that belong to no state, the class maps of the walks, a hash table of all states,
// pieces ("chunks") that groups fill with rows, and at the end one place per thread for its text and its rows.
// Row: one entry per byte class, then the record of its state: number of members * 4 + kind, the members (positions, ~pattern for
// accepting ones, ascending). Entry: address of the next row; UNKNOWN = not computed yet; other negatives = minus the address of a row
// whose state accepts.
import type { MergedAutomaton } from './merge.js'
import { KIND_START } from './nfa.js'
import { createMemory, type TableMemory, widths } from './walk.js'

export const UNKNOWN = -1
/** Entries per cache line: rows begin on one. */
const align = 16
/** Entries of a piece. */
export const chunkLength = 2048
/** The first entries of a piece: the next piece of its group, and where its rows end. */
export const chunkHead = align
/** However small the bounds, there are so many pieces per group. */
const chunksMin = 2
/** Table entries per slot of the hash table: fewer than a state has on average. */
const entriesPerSlot = 48
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
  owners: 2 * align,
  active: 2 * align + placesMax,
  length: 2 * align + placesMax + align * placesMax,
} as const

/** Words of a group's directory entry. */
export const Dir = {
  start: 0,
  first: 1,
  last: 2,
  next: 3,
  chunks: 4,
  classes: 5,
  kind: 6,
  length: 8,
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
  /** Word offsets. */
  readonly lost: number
  readonly dead: number
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

/** Memory as it is before any state is made. */
export function layOut(
  lists: readonly (readonly MergedAutomaton[])[],
  entries: number,
  plain: boolean,
): StoreShape {
  const automata = lists.flat()
  const chunkCount = Math.max(Math.floor(entries / chunkLength), automata.length * chunksMin)
  let words: number = aligned(Head.length)
  const take = (length: number): number => {
    const at = words
    words += aligned(length)
    return at
  }
  take(automata.length * Dir.length)
  const lost = take(classesMax)
  const dead = take(classesMax)
  let rows = 0
  let first = 0
  const batches = lists.map((list) => {
    const own = planBatches(list.length).map((batch) => {
      const placed: Batch = {
        width: batch.width,
        first: first + batch.first,
        end: first + batch.end,
        map: 4 * take((classesMax * batch.width) / 2),
        rows: 4 * rows,
      }
      rows += aligned(batch.width)
      return placed
    })
    first += list.length
    return own
  })
  const slotCount = 2 ** Math.ceil(Math.log2((chunkCount * chunkLength) / entriesPerSlot))
  const slots = take(2 * slotCount)
  const chunks = take(chunkCount * chunkLength)
  // Of a thread: its rows, the start rows, its text.
  const placeLength = 2 * rows + textLength / 4
  const placeCount = plain ? 1 : placesMax
  const places = take(placeLength * placeCount)
  const memory = createMemory(4 * words, plain)
  const shape: StoreShape = {
    memory,
    groups: automata.length,
    batches,
    lost,
    dead,
    slots,
    slotCount,
    chunks,
    chunkCount,
    places,
    placeCount,
    placeLength,
  }
  const table = new Int32Array(memory.buffer)
  table.fill(UNKNOWN, lost, lost + classesMax)
  table.fill(4 * dead, dead, dead + classesMax)
  fillMaps(shape, automata)
  table[Head.nextChunk] = chunks
  for (const [group, { classes, startKind }] of automata.entries()) {
    const dir = directoryOf(group)
    table[dir + Dir.classes] = classes
    table[dir + Dir.kind] = startKind[KIND_START]!
  }
  return shape
}

function fillMaps({ memory, batches }: StoreShape, automata: readonly MergedAutomaton[]): void {
  const offsets = new Uint16Array(memory.buffer)
  for (const { width, first, end, map } of batches.flat()) {
    for (let walker = 0; walker < end - first; walker++) {
      const { classOf, eofClass } = automata[first + walker]!
      for (let symbol = 0; symbol < classesMax; symbol++)
        offsets[map / 2 + symbol * width + walker] = 4 * (symbol < 256 ? classOf[symbol]! : eofClass)
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
