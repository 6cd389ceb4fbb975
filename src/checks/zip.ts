// Reads ZIP archives (APPNOTE.TXT 4.3): names from the central directory, contents on demand and bounded. Damaged archives give the
// members that can still be found; nothing is written anywhere.
import { inflateRawSync } from 'node:zlib'
import type { ByteString } from '../types.js'

export interface ZipMember {
  readonly name: string
  readonly encrypted: boolean
  /** Undefined when it is encrypted, damaged, packed in another way than deflate, or too large. */
  contents(): ByteString | undefined
}

/** Members looked at. */
const membersMax = 2000
/** Inflated size of one member. */
const memberBytesMax = 8 * 1024 * 1024
/** The end record is followed by a comment of at most so many bytes. */
const endSearchBytes = 65_557

const endSignature = 0x06054b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50

function findEnd(bytes: Buffer): number {
  const from = Math.max(bytes.length - endSearchBytes, 0)
  for (let at = bytes.length - 22; at >= from; at--) {
    if (bytes.readUInt32LE(at) === endSignature) return at
  }
  return -1
}

export function readZip(data: ByteString): readonly ZipMember[] {
  const bytes = Buffer.from(data, 'latin1')
  const end = findEnd(bytes)
  if (end < 0) return []
  const members: ZipMember[] = []
  let at = bytes.readUInt32LE(end + 16)
  while (
    at + 46 <= bytes.length &&
    bytes.readUInt32LE(at) === entrySignature &&
    members.length < membersMax
  ) {
    const nameLength = bytes.readUInt16LE(at + 28)
    const next = at + 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
    members.push(member(bytes, at, bytes.toString('latin1', at + 46, at + 46 + nameLength)))
    at = next
  }
  return members
}

function member(bytes: Buffer, entry: number, name: string): ZipMember {
  const encrypted = (bytes.readUInt16LE(entry + 8) & 1) === 1
  return {
    name,
    encrypted,
    contents() {
      const local = bytes.readUInt32LE(entry + 42)
      if (encrypted || local + 30 > bytes.length || bytes.readUInt32LE(local) !== localSignature)
        return undefined
      const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
      const packed = bytes.subarray(start, start + bytes.readUInt32LE(entry + 20))
      return unpack(packed, bytes.readUInt16LE(entry + 10))
    },
  }
}

/** @param method 0 stored, 8 deflated. */
function unpack(packed: Buffer, method: number): ByteString | undefined {
  if (method === 0) return packed.length <= memberBytesMax ? packed.toString('latin1') : undefined
  if (method !== 8) return undefined
  try {
    return inflateRawSync(packed, { maxOutputLength: memberBytesMax }).toString('latin1')
  } catch {
    return undefined
  }
}
