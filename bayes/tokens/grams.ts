// Byte 4-grams of what a reader meets first: header, URIs, text. In: bytes of one char each or Unicode text. Out: ids of 22 bits, each
// once. Three salts, because a window of the header means something else in the text. Lengths: docs/learning.md (longer lost).
export const gramBits = 22
export const headBytesMax = 2000
export const uriBytesMax = 500
export const textBytesMax = 1500
const room = headBytesMax + uriBytesMax + textBytesMax

export class Grams {
  readonly ids = new Uint32Array(room)
  count = 0
  private readonly seen = new Int32Array(16384)
  private readonly bytes = new Uint8Array(headBytesMax)
  private length = 0

  reset(): void {
    this.count = 0
    this.length = 0
    this.seen.fill(-1)
  }

  /** Appends UTF-8 bytes of `text` up to `max`; returns whether there is room for more. */
  write(text: string, max: number): boolean {
    const bytes = this.bytes
    let length = this.length
    for (let i = 0; i < text.length && length < max; i++) {
      const unit = text.charCodeAt(i)
      if (unit < 0x80) bytes[length++] = unit
      else if (unit < 0x800) {
        bytes[length++] = 0xc0 | (unit >> 6)
        if (length < max) bytes[length++] = 0x80 | (unit & 63)
      } else {
        bytes[length++] = 0xe0 | (unit >> 12)
        if (length < max) bytes[length++] = 0x80 | ((unit >> 6) & 63)
        if (length < max) bytes[length++] = 0x80 | (unit & 63)
      }
    }
    this.length = length
    return length < max
  }

  /** Like write, with runs of blanks written as one. */
  writeCollapsed(text: string, max: number): boolean {
    const bytes = this.bytes
    let blank = this.length > 0 && bytes[this.length - 1] === 0x20
    let i = 0
    while (i < text.length && this.length < max) {
      const unit = text.charCodeAt(i)
      if (unit === 0x20 || unit === 0x0a || unit === 0x09 || unit === 0x0d || unit === 0xa0) {
        if (!blank) bytes[this.length++] = 0x20
        blank = true
        i++
        continue
      }
      blank = false
      if (unit < 0x80) {
        bytes[this.length++] = unit
        i++
        continue
      }
      const from = i
      while (i < text.length && text.charCodeAt(i) >= 0x80 && text.charCodeAt(i) !== 0xa0) i++
      this.write(text.slice(from, Math.min(i, from + max)), max)
    }
    return this.length < max
  }

  /** Turns what was written into ids under a salt and empties the buffer. */
  take(salt: number): void {
    const { bytes, seen, ids, length } = this
    let window = 0
    for (let i = 0; i < length; i++) {
      window = (window << 8) | bytes[i]!
      if (i < 3) continue
      let h = Math.imul(window ^ salt, 0x9e3779b1)
      h ^= h >>> 15
      const id = Math.imul(h, 0x85ebca6b) >>> (32 - gramBits)
      let at = id & 16383
      while (seen[at] !== -1 && seen[at] !== id) at = (at + 1) & 16383
      if (seen[at] === id) continue
      seen[at] = id
      ids[this.count++] = id
    }
    this.length = 0
  }
}
