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

/** Scratch: how many grams a block has, then where its next goes. */
const ends = new Uint32Array(blocks)

/** The bytes own their memory to the last one, so that a thread can hand them over instead of copying them. */
export function encodeFeatures(features: Features): Buffer {
  const { lo, hi, grams } = features
  const bytes = new ArrayBuffer(1 + 4 + lo.length * 7 + 4 + 2 * blocks + grams.length * 2)
  const out = new DataView(bytes)
  out.setUint8(0, formatVersion)
  out.setUint32(1, lo.length, true)
  let at = 5
  for (let i = 0; i < lo.length; i++) {
    out.setUint32(at, lo[i]!, true)
    // Its fourth byte is 0, and written over by what follows.
    out.setUint32(at + 4, hi[i]!, true)
    at += 7
  }
  out.setUint32(at, grams.length, true)
  at += 4
  ends.fill(0)
  for (let i = 0; i < grams.length; i++) ends[grams[i]! >>> blockBits]!++
  let end = at + 2 * blocks
  for (let block = 0; block < blocks; block++) {
    const size = ends[block]!
    out.setUint16(at, size, true)
    at += 2
    ends[block] = end
    end += 2 * size
  }
  for (let i = 0; i < grams.length; i++) {
    const gram = grams[i]!
    const block = gram >>> blockBits
    const to = ends[block]!
    out.setUint16(to, gram & blockMask, true)
    ends[block] = to + 2
  }
  return Buffer.from(bytes)
}

export function decodeFeatures(id: string, bytes: Uint8Array): Features {
  return new FeatureReader().read(id, bytes)
}

/**
 * Reads features into memory of its own: what it gave is valid until it reads again. A rebuild reads every learned mail several times, and
 * arrays of their own would stay until V8 looks for garbage, which is long after tens of MB of such small ones.
 */
export class FeatureReader {
  private lo = new Uint32Array(0)
  private hi = new Uint32Array(0)
  private grams = new Uint32Array(0)

  /** Throws on bytes that encodeFeatures did not write: a store that gives such bytes is damaged. */
  read(id: string, bytes: Uint8Array): Features {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    if (data[0] !== formatVersion) throw new Error(`features of ${id} have unknown format ${data[0]}`)
    const count = data.readUInt32LE(1)
    let at = 5
    if (this.lo.length < count) {
      this.lo = new Uint32Array(count)
      this.hi = new Uint32Array(count)
    }
    const lo = this.lo
    const hi = this.hi
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
    const gramCount = data.readUInt32LE(at)
    if (this.grams.length < gramCount) this.grams = new Uint32Array(gramCount)
    const { grams } = this
    at += 4
    let done = 0
    let from = at + 2 * blocks
    for (let block = 0; block < blocks; block++, at += 2)
      for (let left = data.readUInt16LE(at); left > 0; left--, from += 2)
        grams[done++] = (block << blockBits) | data.readUInt16LE(from)
    if (from !== data.length || done !== gramCount) throw new Error(`features of ${id} are cut or too long`)
    return {
      id,
      lo: lo.subarray(0, count),
      hi: hi.subarray(0, count),
      grams: grams.subarray(0, gramCount),
      headCount,
      bodyCount,
      senderCount,
      names: undefined,
      foreign: undefined,
    }
  }
}
