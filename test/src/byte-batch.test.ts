// Records of bytes arrive in another thread as they were.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteBatch, recordsOf } from '../../src/byte-batch.js'

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value)

test('records come out as they went in, of whatever size', () => {
  const batch = new ByteBatch()
  const sizes = [0, 1, 5_000, 262_140, 262_141, 300_000, 3, 0]
  for (const [n, size] of sizes.entries()) batch.add(bytes(1, n), bytes(size, n))
  assert.equal(batch.records, sizes.length)
  assert.equal(batch.isFull, true)
  const pieces = batch.take()
  const arrived = structuredClone(pieces, { transfer: pieces.map(({ buffer }) => buffer) })
  assert.deepEqual(
    Array.from(recordsOf(arrived), (record) => record.toString('latin1')),
    sizes.map((size, n) => String.fromCharCode(n).repeat(size + 1)),
  )
  assert.deepEqual([batch.records, batch.take()], [0, []])
  assert.equal(batch.isFull, false)
  batch.add(bytes(2, 7))
  assert.equal([...recordsOf(batch.take())].length, 1)
})
