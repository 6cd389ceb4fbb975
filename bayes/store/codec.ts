// Features as bytes: for the ledger, for remembered scans, and between threads. Tokens are 7 bytes each in their order (weights are
// rebuilt in the order they were read), grams 2 bytes each in 256 blocks: about 6 KB for a mean mail, and no readable text. Sorted with
// differences they would take 10 % less, but sorting them cost a scan more than all the rest of this.
import type { Features } from '../features.js'
import { gramBits } from '../tokens/grams.js'
import { bodyBit, headBit, senderBit } from '../tokens/sink.js'

const formatVersion = 2
/** Grams of one block share their upper bits, so that two bytes are left of each. */
const blockBits = 14
const blockMask = 2 ** blockBits - 1
const blocks = 2 ** (gramBits - blockBits)

/** The bytes own their memory to the last one, so that a thread can hand them over instead of copying them. */
export function encodeFeatures(features: Features): Buffer {
  const { lo, hi, grams } = features
  const out = Buffer.allocUnsafeSlow(1 + 4 + lo.length * 7 + 4 + 2 * blocks + grams.length * 2)
  let at = 0
  out[at++] = formatVersion
  at = out.writeUInt32LE(lo.length, at)
  for (let i = 0; i < lo.length; i++) {
    const low = lo[i]!
    const high = hi[i]!
    out[at] = low
    out[at + 1] = low >>> 8
    out[at + 2] = low >>> 16
    out[at + 3] = low >>> 24
    out[at + 4] = high
    out[at + 5] = high >>> 8
    out[at + 6] = high >>> 16
    at += 7
  }
  at = out.writeUInt32LE(grams.length, at)
  const ends = new Uint32Array(blocks)
  for (let i = 0; i < grams.length; i++) ends[grams[i]! >>> blockBits]!++
  let end = at + 2 * blocks
  for (let block = 0; block < blocks; block++) {
    const size = ends[block]!
    out[at++] = size
    out[at++] = size >>> 8
    ends[block] = end
    end += 2 * size
  }
  for (let i = 0; i < grams.length; i++) {
    const gram = grams[i]!
    const to = ends[gram >>> blockBits]!
    out[to] = gram
    out[to + 1] = (gram & blockMask) >>> 8
    ends[gram >>> blockBits] = to + 2
  }
  return out
}

/** Throws on bytes that encodeFeatures did not write: a store that gives such bytes is damaged. */
export function decodeFeatures(id: string, bytes: Uint8Array): Features {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (data[0] !== formatVersion) throw new Error(`features of ${id} have unknown format ${data[0]}`)
  const count = data.readUInt32LE(1)
  let at = 5
  const lo = new Uint32Array(count)
  const hi = new Uint32Array(count)
  let headCount = 0
  let bodyCount = 0
  let senderCount = 0
  for (let i = 0; i < count; i++) {
    lo[i] = data.readUInt32LE(at)
    const bits = data[at + 4]! | (data[at + 5]! << 8) | (data[at + 6]! << 16)
    hi[i] = bits
    if (bits & headBit) headCount++
    if (bits & bodyBit) bodyCount++
    if (bits & senderBit) senderCount++
    at += 7
  }
  const grams = new Uint32Array(data.readUInt32LE(at))
  at += 4
  let done = 0
  let from = at + 2 * blocks
  for (let block = 0; block < blocks; block++, at += 2)
    for (let left = data.readUInt16LE(at); left > 0; left--, from += 2)
      grams[done++] = (block << blockBits) | data.readUInt16LE(from)
  if (from !== data.length || done !== grams.length) throw new Error(`features of ${id} are cut or too long`)
  return { id, lo, hi, grams, headCount, bodyCount, senderCount }
}
