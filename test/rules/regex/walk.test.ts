// The inner loop of the automata: WebAssembly and plain JavaScript stop at the same places with the same rows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createMemory,
  createWalk,
  planeClasses,
  rowBytes,
  walkPlainly,
  widths,
} from '../../../rules/regex/automata/walk.js'

/** Numbers from 0 to `below`, the same ones each time. */
function randomNumbers(): (below: number) => number {
  let state = 12345
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >> 8) % below
  }
}

const classes = 2 * planeClasses
const rowCount = 40
const planeBytes = rowCount * rowBytes
const rowsAt = 64 * 1024
const mapAt = 8 * 1024
const textAt = mapAt + 257 * 4 * 16
const textLength = 200
const fromAt = textAt + 256
const toAt = fromAt + 64

for (const width of widths) {
  test(`${width} automata: WebAssembly steps as plain JavaScript does`, () => {
    const memory = createMemory(1 << 17, false)
    const fast = createWalk(memory, width)
    assert.match(String(fast), /native code/)
    const plain = walkPlainly(memory, width)
    const words = new Int32Array(memory.buffer)
    const entries = new Int16Array(memory.buffer)
    const random = randomNumbers()
    const row = () => -1 - random(rowCount)
    const entryAt = (cls: number, row: number) =>
      rowsAt + Math.floor(cls / planeClasses) * planeBytes + row * rowBytes + 2 * (cls % planeClasses)
    for (let cls = 0; cls < classes; cls++)
      for (let number = 0; number < rowCount; number++) entries[entryAt(cls, number) / 2] = row()
    for (let i = 0; i < 257 * width; i++) words[mapAt / 4 + i] = entryAt(random(classes), rowCount)
    let interrupted = 0
    let clean = 0
    for (let turn = 0; turn < 500; turn++) {
      // Unknown and accepting entries, more of them as time goes by.
      if (turn % 50 === 49)
        entries[entryAt(random(classes), random(rowCount)) / 2] = random(2) * (1 + random(rowCount))
      const bytes = new Uint8Array(memory.buffer, textAt, textLength)
      for (let i = 0; i < textLength; i++) bytes[i] = random(256)
      const start = Array.from({ length: width }, row)
      const end = textAt + random(turn % 2 ? textLength : 4)
      const closes = random(2)
      const [one, other] = [fast, plain].map((walk) => {
        words.set(start, fromAt / 4)
        const at = walk(textAt, end, fromAt, toAt, mapAt, closes)
        return { at, rows: at < 0 ? [] : [...words.subarray(toAt / 4, toAt / 4 + width)] }
      })
      assert.deepEqual(one, other)
      if (one!.at < 0) clean++
      else if (one!.at < end) interrupted++
    }
    assert.ok(interrupted > 50 && clean > 20, `${interrupted} interrupted, ${clean} clean`)
  })
}
