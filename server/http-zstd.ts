// zstd for request and reply bodies. In: compressed bytes and the most that may come out. Out: bytes, or why not.
// node:zlib has zstd from 22.15 on; Node 20 inflates with fzstd (15 MB/s) and sends frames of stored blocks, which every zstd reader takes
// (RFC 8878, 3.1.1.2: Raw_Block): clients of rspamd ask for the header `Compression`, not for a certain ratio.
import * as zlib from 'node:zlib'
import { Decompress } from 'fzstd'
import { inflateRatioMax } from '../src/limits.js'
import type { Holding } from './http-memory.js'

export type Inflated =
  | { readonly status: 'inflated'; readonly bytes: Uint8Array }
  | { readonly status: 'not-zstd' | 'too-large' | 'broken' | 'overloaded' }

interface ZstdOfNode {
  readonly zstdDecompress?: (
    data: Uint8Array,
    options: { maxOutputLength: number },
    done: (error: (Error & { code?: string }) | null, bytes: Buffer) => void,
  ) => void
  readonly zstdCompress?: (data: Uint8Array, done: (error: Error | null, bytes: Buffer) => void) => void
}

const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
const blockBytesMax = 128 * 1024
/** A small body may inflate to this much whatever its ratio: honest text of one letter is rare but legal. */
const ratioFreeBytes = 1024 * 1024
/** fzstd is fed in slices, sized by what the last one gave, so that the event loop gets its turn about every so many bytes of output. */
const turnBytes = 2 * 1024 * 1024
const sliceBytesMin = 256
const sliceBytesMax = 64 * 1024

/**
 * Inflates into a SharedArrayBuffer, so that scan workers need no copy. Stops at `bytesMax`, at the ratio of a bomb, or when the
 * request may hold no more.
 */
export async function inflateZstd(
  data: Uint8Array,
  bytesMax: number,
  holding: Holding = boundless,
  native: ZstdOfNode = zlib as ZstdOfNode,
): Promise<Inflated> {
  if (data.length < 4 || !magic.equals(data.subarray(0, 4))) return { status: 'not-zstd' }
  const limit = Math.min(bytesMax, Math.max(ratioFreeBytes, data.length * inflateRatioMax))
  return native.zstdDecompress
    ? inflateNative(data, limit, holding, native)
    : inflateSlices(data, limit, holding)
}

const boundless: Holding = { take: () => true, give: () => {}, release: () => {} }

/** node:zlib tells no size on its way: the most that may come out is held until it is known how much did. */
function inflateNative(
  data: Uint8Array,
  limit: number,
  holding: Holding,
  native: ZstdOfNode,
): Promise<Inflated> {
  if (!holding.take(limit)) return Promise.resolve({ status: 'overloaded' })
  return new Promise((resolve) => {
    native.zstdDecompress!(data, { maxOutputLength: limit }, (error, bytes) => {
      holding.give(limit - (error ? 0 : bytes.length))
      if (error) resolve({ status: error.code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'broken' })
      else resolve({ status: 'inflated', bytes: shared([bytes], bytes.length) })
    })
  })
}

async function inflateSlices(data: Uint8Array, limit: number, holding: Holding): Promise<Inflated> {
  const blocks: Uint8Array[] = []
  let length = 0
  let ended = false
  let stopped: 'too-large' | 'overloaded' | undefined
  const inflater = new Decompress((block, final) => {
    length += block.length
    if (length > limit) stopped = 'too-large'
    else if (!holding.take(block.length)) stopped = 'overloaded'
    if (stopped) throw new RangeError(stopped)
    // fzstd reuses its window: what it hands out is only good until the next push.
    blocks.push(block.slice())
    ended = final === true
  })
  try {
    let slice = sliceBytesMin
    for (let at = 0; at < data.length; ) {
      const before = length
      const end = Math.min(data.length, at + slice)
      inflater.push(data.subarray(at, end), end === data.length)
      await new Promise((resolve) => setImmediate(resolve))
      const ratio = Math.max(1, (length - before) / (end - at))
      slice = Math.min(sliceBytesMax, 2 * slice, Math.max(sliceBytesMin, Math.floor(turnBytes / ratio)))
      at = end
    }
  } catch {
    return { status: stopped ?? 'broken' }
  }
  return ended ? { status: 'inflated', bytes: shared(blocks, length) } : { status: 'broken' }
}

/** Compresses a reply; without zstd in node:zlib a frame of stored blocks. */
export function deflateZstd(data: Uint8Array, native: ZstdOfNode = zlib as ZstdOfNode): Promise<Uint8Array> {
  if (!native.zstdCompress) return Promise.resolve(storedFrame(data))
  return new Promise((resolve) => {
    native.zstdCompress!(data, (error, bytes) => resolve(error ? storedFrame(data) : bytes))
  })
}

/** A zstd frame that holds its content uncompressed: magic, single-segment header with an 8-byte size, raw blocks. */
export function storedFrame(data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(13)
  magic.copy(header)
  header[4] = 0xe0
  header.writeBigUInt64LE(BigInt(data.length), 5)
  const pieces: Uint8Array[] = [header]
  let at = 0
  do {
    const block = data.subarray(at, at + blockBytesMax)
    at += block.length
    const word = (block.length << 3) | (at >= data.length ? 1 : 0)
    pieces.push(Uint8Array.of(word & 0xff, (word >> 8) & 0xff, (word >> 16) & 0xff), block)
  } while (at < data.length)
  return Buffer.concat(pieces)
}

function shared(blocks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(length))
  let at = 0
  for (const block of blocks) {
    bytes.set(block, at)
    at += block.length
  }
  return bytes
}
