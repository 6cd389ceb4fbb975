// Memory that is handed to nobody is gone at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { free, Spent } from '../../src/free.js'

test('what is freed is gone', () => {
  const { buffer } = new Uint8Array(1000)
  free([buffer])
  assert.equal(buffer.byteLength, 0)
})

test('what is spent goes some at a time; memory that others share stays', () => {
  const spent = new Spent()
  const whole = Array.from({ length: 100 }, () => new Uint8Array(10))
  const part = new Uint8Array(10).subarray(1)
  const shared = new Uint8Array(new SharedArrayBuffer(10))
  for (const bytes of [part, shared, ...whole]) spent.add(bytes)
  assert.ok(whole[0]!.length === 0 && whole[99]!.length === 10)
  spent.free()
  assert.ok(whole.every(({ length }) => length === 0))
  assert.deepEqual([part.length, shared.length], [9, 10])
})
