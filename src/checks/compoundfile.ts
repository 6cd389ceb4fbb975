// Reads OLE compound files ([MS-CFB], the container of old Office formats): the streams by path. Every chain is bounded by the number
// of sectors of the file, so loops end.
import type { ByteString } from '../types.js'

export interface Stream {
  /** Names of the storages above and of the stream, joined by '/'. */
  readonly path: string
  readonly data: Buffer
}

const signature = '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'
const endOfChain = 0xfffffffe
const freeSector = 0xffffffff
/** Streams below this size live in the mini stream (2.2: fixed). */
const miniCutoff = 4096
const directoryEntryBytes = 128
/** Streams of one file that are read, and bytes of them together. */
const streamsMax = 500
const bytesMax = 16 * 1024 * 1024

export function isCompoundFile(data: ByteString): boolean {
  return data.startsWith('\xd0\xcf\x11\xe0')
}

export function readCompoundFile(data: ByteString): readonly Stream[] {
  if (!data.startsWith(signature) || data.length < 512) return []
  try {
    return new CompoundFile(Buffer.from(data, 'latin1')).streams()
  } catch (error) {
    // A damaged file points outside itself.
    if (error instanceof RangeError) return []
    throw error
  }
}

interface Entry {
  readonly name: string
  /** 1 storage, 2 stream, 5 root. */
  readonly type: number
  readonly left: number
  readonly right: number
  readonly child: number
  readonly start: number
  readonly size: number
}

class CompoundFile {
  private readonly sectorBytes: number
  private readonly miniBytes: number
  private readonly table: number[]
  private readonly entries: readonly Entry[]
  private mini: Buffer | undefined
  private miniTable: readonly number[] = []
  private bytesLeft = bytesMax

  constructor(private readonly bytes: Buffer) {
    this.sectorBytes = 1 << Math.min(bytes.readUInt16LE(30), 16)
    this.miniBytes = 1 << Math.min(bytes.readUInt16LE(32), 12)
    this.table = this.readTable()
    this.entries = this.readDirectory()
  }

  streams(): Stream[] {
    const found: Stream[] = []
    const seen = new Set<number>()
    const visit = (index: number, path: string): void => {
      const entry = this.entries[index]
      if (!entry || seen.has(index) || found.length >= streamsMax) return
      seen.add(index)
      visit(entry.left, path)
      const own = path === '' ? entry.name : `${path}/${entry.name}`
      if (entry.type === 2) found.push({ path: own, data: this.read(entry) })
      else visit(entry.child, entry.type === 5 ? '' : own)
      visit(entry.right, path)
    }
    visit(0, '')
    return found
  }

  private sector(index: number): Buffer {
    const start = (index + 1) * this.sectorBytes
    return this.bytes.subarray(start, start + this.sectorBytes)
  }

  private readTable(): number[] {
    const places: number[] = []
    for (let at = 76; at < 512; at += 4) places.push(this.bytes.readUInt32LE(at))
    const perSector = this.sectorBytes / 4 - 1
    let next = this.bytes.readUInt32LE(68)
    for (let count = this.bytes.readUInt32LE(72); count > 0 && next < endOfChain; count--) {
      const sector = this.sector(next)
      if (sector.length < this.sectorBytes || places.length > this.bytes.length) break
      for (let index = 0; index < perSector; index++) places.push(sector.readUInt32LE(index * 4))
      next = sector.readUInt32LE(perSector * 4)
    }
    const table: number[] = []
    for (const place of places) {
      if (place >= endOfChain) continue
      const sector = this.sector(place)
      for (let at = 0; at + 4 <= sector.length; at += 4) table.push(sector.readUInt32LE(at))
    }
    return table
  }

  /** Bytes of a chain, at most `size`. */
  private chain(start: number, size: number): Buffer {
    const pieces: Buffer[] = []
    let length = 0
    const sectors = Math.ceil(this.bytes.length / this.sectorBytes)
    for (let index = start, count = 0; index < endOfChain && count <= sectors && length < size; count++) {
      const sector = this.sector(index)
      pieces.push(sector)
      length += sector.length
      index = this.table[index] ?? freeSector
    }
    return Buffer.concat(pieces).subarray(0, size)
  }

  private readDirectory(): Entry[] {
    const bytes = this.chain(this.bytes.readUInt32LE(48), bytesMax)
    const entries: Entry[] = []
    for (let at = 0; at + directoryEntryBytes <= bytes.length; at += directoryEntryBytes) {
      const nameBytes = Math.min(Math.max(bytes.readUInt16LE(at + 64) - 2, 0), 62)
      entries.push({
        name: bytes.toString('utf16le', at, at + nameBytes),
        type: bytes[at + 66]!,
        left: bytes.readUInt32LE(at + 68),
        right: bytes.readUInt32LE(at + 72),
        child: bytes.readUInt32LE(at + 76),
        start: bytes.readUInt32LE(at + 116),
        size: bytes.readUInt32LE(at + 120),
      })
    }
    return entries
  }

  private read({ start, size }: Entry): Buffer {
    const wanted = Math.min(size, this.bytesLeft)
    this.bytesLeft -= wanted
    return size >= miniCutoff ? this.chain(start, wanted) : this.miniChain(start, wanted)
  }

  private miniChain(start: number, size: number): Buffer {
    const root = this.entries[0]
    if (!root) return Buffer.alloc(0)
    if (!this.mini) {
      this.mini = this.chain(root.start, root.size)
      const table = this.chain(this.bytes.readUInt32LE(60), bytesMax)
      this.miniTable = Array.from({ length: Math.floor(table.length / 4) }, (_, index) =>
        table.readUInt32LE(index * 4),
      )
    }
    const pieces: Buffer[] = []
    for (let index = start, length = 0; index < endOfChain && length < size; length += this.miniBytes) {
      pieces.push(this.mini.subarray(index * this.miniBytes, (index + 1) * this.miniBytes))
      index = this.miniTable[index] ?? freeSector
    }
    return Buffer.concat(pieces).subarray(0, size)
  }
}
