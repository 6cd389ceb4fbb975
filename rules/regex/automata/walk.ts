// The inner loop: some automata step through a text side by side until one of them has something to tell. As WebAssembly where the tables
// lie in a WebAssembly memory, else in plain JavaScript; test/rules/regex/walk.test.ts holds both against each other.
import { rowShift, walkModule } from './wasm.js'

/** How many automata go side by side; the last ones of a list go in a narrower walk. */
export const widths = [16, 8, 4, 2] as const

/** Of a row in one plane: a cache line. */
export const rowBytes = 1 << rowShift
/** Classes of a plane. */
export const planeClasses = rowBytes / 2

/** See wasm.ts. */
export type Walk = (at: number, end: number, from: number, to: number, map: number, closes: number) => number

/** What the tables lie in: a WebAssembly.Memory, or shared memory that looks like one. */
export interface TableMemory {
  readonly buffer: SharedArrayBuffer
}

/** As much of WebAssembly as is used: its types come with those of browsers only. */
interface Api {
  readonly Memory: new (size: { initial: number; maximum: number; shared: true }) => TableMemory
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (
    module: object,
    imports: { tables: { memory: TableMemory } },
  ) => { exports: { walk: Walk } }
}
/** Undefined in a Node without machine code of its own making (--jitless). */
const api = (globalThis as { WebAssembly?: Api }).WebAssembly

/** Zeroed; pages that are never touched cost nothing. `plain` keeps WebAssembly out of it. */
export function createMemory(bytes: number, plain: boolean): TableMemory {
  if (plain || !api) return { buffer: new SharedArrayBuffer(bytes) }
  const pages = Math.ceil(bytes / 65536)
  try {
    return new api.Memory({ initial: pages, maximum: pages, shared: true })
  } catch {
    // V8 reserves some GB of addresses for each, and there may be a limit (ulimit -v).
    return { buffer: new SharedArrayBuffer(bytes) }
  }
}

const modules = new Map<number, object>()

/** A walk of this many automata. */
export function createWalk(memory: TableMemory, width: number): Walk {
  if (!api || !(memory instanceof api.Memory)) return walkPlainly(memory, width)
  let module = modules.get(width)
  if (!module) {
    module = new api.Module(walkModule(width))
    modules.set(width, module)
  }
  return new api.Instance(module, { tables: { memory } }).exports.walk
}

export function walkPlainly(memory: TableMemory, width: number): Walk {
  const bytes = new Uint8Array(memory.buffer)
  const entries = new Int16Array(memory.buffer)
  const words = new Int32Array(memory.buffer)
  const rows = new Int32Array(width)
  const next = new Int32Array(width)

  function step(map: number, symbol: number): boolean {
    const base = (map >> 2) + symbol * width
    let all = -1
    for (let k = 0; k < width; k++) all &= next[k] = entries[(words[base + k]! + rowBytes * rows[k]!) >> 1]!
    return all < 0
  }

  return (at, end, from, to, map, closes) => {
    for (let k = 0; k < width; k++) rows[k] = words[(from >> 2) + k]!
    while (at < end && step(map, bytes[at]!)) {
      rows.set(next)
      at++
    }
    if (at === end && closes === 1 && step(map, 256)) return -1
    for (let k = 0; k < width; k++) words[(to >> 2) + k] = rows[k]!
    return at
  }
}
