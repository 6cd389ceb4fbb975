// Undoes the compression of VBA source in Office files ([MS-OVBA] 2.4.1).
import type { ByteString } from '../types.js'
import { readCompoundFile } from './compoundfile.js'

/** Source text of all macros of one compound file together. */
const sourceBytesMax = 2 * 1024 * 1024

/** One container: a signature byte, then chunks of up to 4,096 bytes of text. Ends at the first chunk that is none. */
export function decompressVba(bytes: Buffer, start: number): ByteString {
  if (bytes[start] !== 1) return ''
  const out: number[] = []
  for (let at = start + 1; at + 2 <= bytes.length && out.length < sourceBytesMax; ) {
    const header = bytes.readUInt16LE(at)
    if (((header >> 12) & 7) !== 3) break
    const end = Math.min(at + (header & 0xfff) + 3, bytes.length)
    if (header & 0x8000) decompressChunk(bytes, at + 2, end, out)
    else for (let index = at + 2; index < end; index++) out.push(bytes[index]!)
    at = end
  }
  return Buffer.from(out).toString('latin1')
}

/** Eight tokens after a flag byte each: a literal byte, or a copy of what came before in this chunk. */
function decompressChunk(bytes: Buffer, from: number, end: number, out: number[]): void {
  const chunkStart = out.length
  for (let at = from; at < end; ) {
    const flags = bytes[at++]!
    for (let bit = 0; bit < 8 && at < end; bit++) {
      if (((flags >> bit) & 1) === 0) {
        out.push(bytes[at++]!)
        continue
      }
      if (at + 2 > end) return
      const token = bytes.readUInt16LE(at)
      at += 2
      // The further into the chunk, the more bits the offset needs and the fewer are left for the length.
      const offsetBits = Math.max(Math.ceil(Math.log2(Math.max(out.length - chunkStart, 1))), 4)
      const offset = (token >> (16 - offsetBits)) + 1
      const length = (token & (0xffff >> offsetBits)) + 3
      if (offset > out.length - chunkStart) return
      for (let count = 0; count < length; count++) out.push(out[out.length - offset]!)
    }
  }
}

/** Every module begins with an attribute line; in the stream it stands behind data of the compiler. */
const moduleStart = Buffer.from('\x00Attribut', 'latin1')

/** Source text of the macros of a compound file, '' when it has none. */
export function vbaSource(data: ByteString): ByteString {
  let source = ''
  for (const { data: stream } of readCompoundFile(data)) {
    // The container begins three bytes before: signature, chunk header; the flag byte is the 00.
    const at = stream.indexOf(moduleStart)
    if (at >= 3 && source.length < sourceBytesMax) source += decompressVba(stream, at - 3)
  }
  return source
}
