// zstd bodies: what real frames inflate to, and that bombs, cuts and garbage end early.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { decompress } from 'fzstd'
import { ByteBudget } from '../../server/http-memory.js'
import { deflateZstd, inflateZstd, storedFrame } from '../../server/http-zstd.js'

const withoutNative = {}
type Done = (error: (Error & { code?: string }) | null, bytes: Buffer) => void

/** A frame of one RLE block: `size` equal bytes in 17 bytes of frame. */
function rleBomb(blocks: number): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x80 | 0x00, 0x58, 0, 0, 0, 0])
  const pieces: Buffer[] = [header]
  for (let i = 0; i < blocks; i++) {
    const word = (128 * 1024 * 8) | (1 << 1) | (i === blocks - 1 ? 1 : 0)
    pieces.push(Buffer.from([word & 0xff, (word >> 8) & 0xff, (word >> 16) & 0xff, 0x61]))
  }
  return Buffer.concat(pieces)
}

describe('zstd bodies', () => {
  test('stored frames are read back by another implementation', async () => {
    for (const length of [0, 1, 255, 70_000, 128 * 1024, 300_000]) {
      const data = Buffer.alloc(length, 'abcdefg')
      const frame = storedFrame(data)
      assert.deepEqual(Buffer.from(decompress(frame)), data)
      const inflated = await inflateZstd(frame, 1024 * 1024, undefined, withoutNative)
      assert.equal(inflated.status, 'inflated')
      if (inflated.status === 'inflated') {
        assert.deepEqual(Buffer.from(inflated.bytes), data)
        assert.ok(inflated.bytes.buffer instanceof SharedArrayBuffer)
      }
    }
  })

  const zstd = spawnSync('sh', ['-c', 'command -v zstd']).status === 0
  test('frames of the zstd program', { skip: !zstd && 'zstd is not installed' }, async () => {
    const data = Buffer.from('Subject: x\r\n\r\nsome text '.repeat(5000))
    const frame = spawnSync('zstd', ['-19', '-c'], { input: data }).stdout
    const inflated = await inflateZstd(frame, 10 * 1024 * 1024, undefined, withoutNative)
    assert.ok(inflated.status === 'inflated' && Buffer.from(inflated.bytes).equals(data))
    assert.deepEqual(spawnSync('zstd', ['-d', '-c'], { input: storedFrame(data) }).stdout, data)
  })

  test('a reply round trip with whatever this Node has', async () => {
    const data = Buffer.from('{"a":1}'.repeat(1000))
    const inflated = await inflateZstd(await deflateZstd(data), 1024 * 1024)
    assert.ok(inflated.status === 'inflated' && Buffer.from(inflated.bytes).equals(data))
  })

  test('a bomb stops at its ratio, long before the size limit', async () => {
    const bomb = rleBomb(2000)
    assert.ok(bomb.length < 10_000)
    const started = performance.now()
    assert.equal((await inflateZstd(bomb, 1024 * 1024 * 1024, undefined, withoutNative)).status, 'too-large')
    assert.ok(performance.now() - started < 5000)
    assert.equal((await inflateZstd(rleBomb(100), 1024 * 1024)).status, 'too-large')
  })

  test('the compressor of newer Nodes is used where it is, and holds no more than came out', async () => {
    const budget = new ByteBudget(10_000_000, 0)
    const native = {
      zstdDecompress(data: Uint8Array, options: { maxOutputLength: number }, done: Done) {
        const bytes = Buffer.from(decompress(data))
        if (bytes.length <= options.maxOutputLength) done(null, bytes)
        else done(Object.assign(new Error('large'), { code: 'ERR_BUFFER_TOO_LARGE' }), Buffer.alloc(0))
      },
      zstdCompress: (data: Uint8Array, done: Done) => done(null, Buffer.from(storedFrame(data))),
    }
    const frame = await deflateZstd(Buffer.alloc(3000, 'x'), native)
    const holding = budget.open()
    const inflated = await inflateZstd(frame, 5_000_000, holding, native)
    assert.ok(inflated.status === 'inflated' && inflated.bytes.length === 3000)
    assert.equal(budget.bytesUsed, 3000)
    assert.equal((await inflateZstd(frame, 2000, holding, native)).status, 'too-large')
    assert.equal(budget.bytesUsed, 3000)
    assert.equal((await inflateZstd(frame, 5e9, new ByteBudget(1, 0).open(), native)).status, 'overloaded')
    assert.equal(
      (await inflateZstd(frame, 5e9, new ByteBudget(1, 0).open(), withoutNative)).status,
      'overloaded',
    )
    holding.release()
    holding.release()
    assert.equal(budget.bytesUsed, 0)
  })

  test('garbage, cut frames and flipped headers are told apart from messages', async () => {
    const frame = storedFrame(Buffer.alloc(5000, 'x'))
    assert.equal(
      (await inflateZstd(Buffer.from('plain text'), 1e6, undefined, withoutNative)).status,
      'not-zstd',
    )
    assert.equal((await inflateZstd(Buffer.alloc(0), 1e6)).status, 'not-zstd')
    for (const end of [4, 5, 13, 15, 100, frame.length - 1]) {
      assert.equal(
        (await inflateZstd(frame.subarray(0, end), 1e6, undefined, withoutNative)).status,
        'broken',
        `cut at ${end}`,
      )
    }
  })
})
