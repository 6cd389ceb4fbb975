// The inner loop of the walk as WebAssembly, put together byte by byte: so many automata step through a text side by side, their rows in
// registers. A walk waits for memory most of the time, and independent walks wait together. In plain words: walkPlainly (walk.ts).
//
// walk(at, end, from, to, map, closes) -> where it stopped, or -1
//   at, end   the text, as addresses of bytes
//   from, to  addresses of the rows at the beginning, and where they are left: negative numbers
//   map       per symbol (256 bytes, then the end of a line) for each automaton the address of its entry in a row of number 0; the entry is
//             the number of the next row, not negative where the walk is to stop
//   closes    1 = a line ends at `end`; -1 is returned when all automata took that end without notice

/** Bytes from a row to the next, as a power of two. */
export const rowShift = 6
/** Pages of 64 kB that a memory may have at most: the whole address space. */
const pagesMax = 65536

const op = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  get: 0x20,
  set: 0x21,
  load: 0x28,
  loadByte: 0x2d,
  loadHalfSigned: 0x2e,
  store: 0x36,
  const: 0x41,
  geUnsigned: 0x4f,
  geSigned: 0x4e,
  add: 0x6a,
  mul: 0x6c,
  and: 0x71,
  shiftLeft: 0x74,
  none: 0x40,
  i32: 0x7f,
} as const

const unsigned = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
const signed = (value: number): number[] =>
  value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)]

const get = (local: number) => [op.get, ...unsigned(local)]
const set = (local: number) => [op.set, ...unsigned(local)]
const constant = (value: number) => [op.const, ...signed(value)]
/** Memory instructions: alignment as a power of two, then an offset. */
const load = (offset: number) => [op.load, 2, ...unsigned(offset)]
const loadByte = () => [op.loadByte, 0, 0]
const loadHalfSigned = () => [op.loadHalfSigned, 1, 0]
const store = (offset: number) => [op.store, 2, ...unsigned(offset)]

const vector = (items: readonly number[][]) => [...unsigned(items.length), ...items.flat()]
const section = (id: number, bytes: readonly number[]) => [id, ...unsigned(bytes.length), ...bytes]
const name = (text: string) => [text.length, ...Buffer.from(text, 'latin1')]

/** A module whose one function walks `width` automata. It imports the memory that they lie in. */
export function walkModule(width: number): Uint8Array<ArrayBuffer> {
  const each = (make: (walker: number) => number[]) => Array.from({ length: width }, (_, k) => make(k)).flat()
  const [at, end, from, to, map, closes] = [0, 1, 2, 3, 4, 5] as const
  const parameters = 6
  const row = (walker: number) => parameters + walker
  const next = (walker: number) => parameters + width + walker
  const offsets = parameters + 2 * width

  const leaveRows = each((k) => [...get(to), ...get(row(k)), ...store(4 * k)])
  const takeNext = each((k) => [...get(next(k)), ...set(row(k))])
  const offsetsOf = (symbol: readonly number[]) => [
    ...[...symbol, ...constant(4 * width), op.mul, ...get(map), op.add, ...set(offsets)],
  ]
  const entry = (row: number, k: number) => [
    ...[...get(row), ...constant(rowShift), op.shiftLeft],
    ...[...get(offsets), ...load(4 * k), op.add, ...loadHalfSigned()],
  ]
  type Locals = (walker: number) => number
  /** after[k] = the entry of row before[k] for the symbol whose addresses are at `offsets`; then: is one of them not negative? */
  const step = (before: Locals, after: Locals) => [
    ...each((k) => [...entry(before(k), k), ...set(after(k))]),
    ...get(after(0)),
    ...each((k) => (k === 0 ? [] : [...get(after(k)), op.and])),
    ...constant(0),
    op.geSigned,
  ]
  /** One byte of the text; leaves the blocks of these depths at its end and where an automaton wants to be looked at. */
  const byte = (before: Locals, after: Locals, atEnd: number, atStop: number) => [
    ...[...get(at), ...get(end), op.geUnsigned, op.brIf, atEnd],
    ...offsetsOf([...get(at), ...loadByte()]),
    ...[...step(before, after), op.brIf, atStop],
    ...[...get(at), ...constant(1), op.add, ...set(at)],
  ]
  const block = [op.block, op.none]
  const body = [
    ...each((k) => [...get(from), ...load(4 * k), ...set(row(k))]),
    ...block, // left with `row` as it is to be left
    ...block, // left with `next` instead
    ...block, // left at the end of the text with `row`
    ...block, // left at the end of the text with `next`
    // Two bytes in one turn, there and back: no turn has to move what it found to where it looks.
    ...[op.loop, op.none],
    ...byte(row, next, 2, 4),
    ...byte(next, row, 1, 3),
    ...[op.br, 0],
    op.end,
    op.end,
    ...takeNext,
    op.end,
    ...[...get(closes), op.if, op.none],
    ...offsetsOf(constant(256)),
    ...[...step(row, next), op.brIf, 2],
    ...[...constant(-1), op.return],
    op.end,
    ...[op.br, 1],
    op.end,
    ...takeNext,
    op.end,
    ...leaveRows,
    ...get(at),
    op.end,
  ]
  const locals = vector([[...unsigned(2 * width + 1), op.i32]])
  const code = [...locals, ...body]
  const type = [0x60, ...vector(Array.from({ length: parameters }, () => [op.i32])), ...vector([[op.i32]])]
  const sharedMemory = [2, 3, ...unsigned(1), ...unsigned(pagesMax)]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([type])),
    ...section(2, vector([[...name('tables'), ...name('memory'), ...sharedMemory]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...name('walk'), 0, 0]])),
    ...section(10, vector([[...unsigned(code.length), ...code]])),
  ])
}
