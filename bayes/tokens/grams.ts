// Byte 4-grams of what a reader meets first: header, URIs, text. In: bytes of one char each or Unicode text. Out: ids of 22 bits, each
// once. Three salts, because a window of the header means something else in the text. Lengths: docs/learning.md (longer lost).
export const gramBits = 22
export const headBytesMax = 2000
export const uriBytesMax = 500
export const textBytesMax = 1500
const room = headBytesMax + uriBytesMax + textBytesMax
/** Places of the set: twice the room, and small enough to stay in the fastest cache. */
const places = 8192
/** An entry of the set is the id below the number of the mail; when the numbers run out the set is emptied. */
const mailsMax = 2 ** (32 - gramBits) - 1

export class Grams {
  readonly ids = new Uint32Array(room)
  count = 0
  private readonly seen = new Int32Array(places)
  private mail = 0
  private readonly bytes = new Uint8Array(headBytesMax)
  private length = 0

  reset(): void {
    this.count = 0
    this.length = 0
    if (++this.mail > mailsMax) {
      this.seen.fill(0)
      this.mail = 1
    }
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

  /** Like write, of the units of a text (unitsOf), with runs of blanks written as one. */
  writeCollapsed(units: Uint16Array, end: number, max: number): void {
    const bytes = this.bytes
    let length = this.length
    let blank = length > 0 && bytes[length - 1] === 0x20
    for (let i = 0; i < end && length < max; i++) {
      const unit = units[i]!
      if (unit === 0x20 || unit === 0x0a || unit === 0x09 || unit === 0x0d || unit === 0xa0) {
        if (!blank) bytes[length++] = 0x20
        blank = true
        continue
      }
      blank = false
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
    if (!blank && length < max) bytes[length++] = 0x20
    this.length = length
  }

  /** Turns what was written into ids under a salt and empties the buffer. */
  take(salt: number): void {
    const { bytes, seen, ids, length } = this
    const mark = this.mail << gramBits
    let { count } = this
    let window = 0
    for (let i = 0; i < length; i++) {
      window = (window << 8) | bytes[i]!
      if (i < 3) continue
      let h = Math.imul(window ^ salt, 0x9e3779b1)
      h ^= h >>> 15
      const id = Math.imul(h, 0x85ebca6b) >>> (32 - gramBits)
      const entry = mark | id
      let at = id & (places - 1)
      let held = seen[at]!
      while (held !== entry && (held ^ mark) >>> gramBits === 0) {
        at = (at + 1) & (places - 1)
        held = seen[at]!
      }
      if (held === entry) continue
      seen[at] = entry
      ids[count++] = id
    }
    this.count = count
    this.length = 0
  }
}
