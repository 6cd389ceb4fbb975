// Features as bytes: for the ledger, for remembered scans, and between threads. Tokens are 7 bytes each in their order (weights are
// rebuilt in the order they were read), grams sorted with differences in 7-bit groups: about 5 KB for a mean mail, and no readable text.
import type { Features } from '../features.js'
import { bodyBit, headBit, senderBit } from '../tokens/sink.js'

const formatVersion = 1

/** The bytes own their memory to the last one, so that a thread can hand them over instead of copying them. */
export function encodeFeatures(features: Features): Buffer {
  const { lo, hi } = features
  const grams = features.grams.slice().sort()
  const out = Buffer.allocUnsafe(1 + 4 + lo.length * 7 + 4 + grams.length * 5)
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
  let previous = 0
  for (let i = 0; i < grams.length; i++) {
    let difference = grams[i]! - previous
    previous = grams[i]!
    while (difference > 127) {
      out[at++] = (difference & 127) | 128
      difference >>>= 7
    }
    out[at++] = difference
  }
  const exact = Buffer.allocUnsafeSlow(at)
  out.copy(exact, 0, 0, at)
  return exact
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
  let previous = 0
  for (let i = 0; i < grams.length; i++) {
    let shift = 0
    let byte = data[at++]!
    let difference = byte & 127
    while (byte & 128) {
      shift += 7
      byte = data[at++]!
      difference |= (byte & 127) << shift
    }
    previous += difference
    grams[i] = previous
  }
  if (at !== data.length) throw new Error(`features of ${id} are cut or too long`)
  return { id, lo, hi, grams, headCount, bodyCount, senderCount }
}
