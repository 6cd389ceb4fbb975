// What the patterns of one header found in values that come again and again: Content-Type, MIME-Version, the mailer's name, the address
// of a list. A value is kept when it comes the second time and given up for another one that does so in its place; values that come
// once, such as hostile ones, push nothing out and take no memory.
import type { ByteString } from '../../src/types.js'

/** Longer values seldom come again. */
export const answeredBytesMax = 128
/** Values kept per header. With 128 bytes each, and some hundred headers, 3 MB at the worst. */
const slots = 128

/** Pairs of pattern number and count. */
export type Found = readonly number[]

export class Answers {
  /** Of the values kept, and of those that came last. */
  private readonly hashes = new Int32Array(slots)
  private readonly lately = new Int32Array(slots)
  private readonly values: (ByteString | undefined)[] = new Array(slots).fill(undefined)
  private readonly found: (Found | undefined)[] = new Array(slots).fill(undefined)

  /** What was found in the value; 'new' = not known, 'again' = not known, and worth keeping. */
  find(value: ByteString): Found | 'new' | 'again' {
    const hash = hashOf(value)
    const slot = hash & (slots - 1)
    if (this.hashes[slot] === hash && this.values[slot] === value) return this.found[slot]!
    if (this.lately[slot] === hash) return 'again'
    this.lately[slot] = hash
    return 'new'
  }

  keep(value: ByteString, found: Found): void {
    const hash = hashOf(value)
    const slot = hash & (slots - 1)
    this.hashes[slot] = hash
    // A copy: the value may be a piece of the whole message, which would be kept along with it.
    this.values[slot] = Buffer.from(value, 'latin1').toString('latin1')
    this.found[slot] = found
  }
}

/** FNV-1a. */
function hashOf(text: ByteString): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash ^ (hash >>> 15)
}
