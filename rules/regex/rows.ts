// Counting, without a RegExp, what is nothing but a choice of fixed rows of bytes: `e`, or every way to write the letter e in UTF-8. Rules
// count such patterns up to a hundred times in a message, and each call of a RegExp costs more than reading the bytes between two matches.
import type { ByteString } from '../../src/types.js'
import { type ByteSet, bytesOf, type Node } from './ast.js'

/** Larger choices are left to V8. */
const rowsMax = 64
const rowBytesMax = 8

type Row = readonly ByteSet[]

/** What a byte tells of a match that begins with it. */
const none = 0
const whole = 1
const perhaps = 2

export class RowCounter {
  /** none, whole: the byte alone is the match; or perhaps. */
  private readonly first = new Uint8Array(256)
  private readonly rows: readonly Row[]

  constructor(rows: readonly Row[]) {
    this.rows = rows
    for (let code = 0; code < 256; code++) {
      const row = rows.find(([set]) => set![code] === 1)
      this.first[code] = row === undefined ? none : row.length === 1 ? whole : perhaps
    }
  }

  /** Matches in the text, each after the end of the one before. */
  count(text: ByteString, hitsMax: number): number {
    const { first } = this
    let count = 0
    for (let at = 0; at < text.length && count < hitsMax; at++) {
      const kind = first[text.charCodeAt(at)]
      if (kind === none) continue
      const bytes = kind === whole ? 1 : this.bytesAt(text, at)
      if (bytes === 0) continue
      count++
      at += bytes - 1
    }
    return count
  }

  /** Bytes of the first row that stands there, 0 = none does. */
  private bytesAt(text: ByteString, at: number): number {
    for (const row of this.rows) {
      let bytes = 0
      while (bytes < row.length && at + bytes < text.length && row[bytes]![text.charCodeAt(at + bytes)] === 1)
        bytes++
      if (bytes === row.length) return bytes
    }
    return 0
  }
}

/** Undefined when the pattern is more than a choice of rows, or the choice is large. */
export function rowCounter(root: Node): RowCounter | undefined {
  const only = root.t === 'seq' && root.items.length === 1 ? root.items[0]! : root
  const rows = (only.t === 'alt' ? only.items : [only]).map(rowOf)
  return rows.length <= rowsMax && rows.every((row) => row !== undefined) ? new RowCounter(rows) : undefined
}

function rowOf(node: Node): Row | undefined {
  const row = (node.t === 'seq' ? node.items : [node]).map(bytesOf)
  const fits = row.length > 0 && row.length <= rowBytesMax && row.every((set) => set !== undefined)
  return fits ? row : undefined
}
