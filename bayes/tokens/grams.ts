// Byte 4-grams of what a reader meets first: header, URIs, text. In: bytes of one char each or Unicode text. Out: ids of 22 bits, each
// once. Three salts, because a window of the header means something else in the text. Lengths: docs/learning.md (longer lost).
export const gramBits = 22
export const headBytesMax = 2000
export const uriBytesMax = 500
export const textBytesMax = 1500
export const gramsPerMailMax = headBytesMax + uriBytesMax + textBytesMax
/** Places of the set: twice what a mail may have. */
const places = 8192
const beyondAscii = /[^\x00-\x7f]/

export class Grams {
  /** With room for one more, which is written and not counted. */
  readonly ids = new Uint32Array(gramsPerMailMax + 1)
  count = 0
  /** The id at each place plus one; 0 is a free place. */
  private readonly seen = new Int32Array(places)
  private readonly bytes = Buffer.allocUnsafeSlow(headBytesMax)
  private length = 0

  reset(): void {
    this.count = 0
    this.length = 0
    this.seen.fill(0)
  }

  /** Appends UTF-8 bytes of `text` up to `max`; halves of surrogate pairs are written one by one, as every learned mail has them. */
  write(text: string, max: number): void {
    const bytes = this.bytes
    let length = this.length
    if (!beyondAscii.test(text)) {
      this.length = length + bytes.write(text, length, max - length, 'latin1')
      return
    }
    for (let i = 0; i < text.length && length < max; i++)
      length = putUnit(bytes, length, max, text.charCodeAt(i))
    this.length = length
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
      length = putUnit(bytes, length, max, unit)
    }
    if (!blank && length < max) bytes[length++] = 0x20
    this.length = length
  }

  /** Turns what was written into ids under a salt and empties the buffer. */
  take(salt: number): void {
    const { bytes, seen, ids, length } = this
    let { count } = this
    let window = length < 3 ? 0 : (bytes[0]! << 16) | (bytes[1]! << 8) | bytes[2]!
    for (let i = 3; i < length; i++) {
      window = (window << 8) | bytes[i]!
      let h = Math.imul(window ^ salt, 0x9e3779b1)
      h ^= h >>> 15
      const id = Math.imul(h, 0x85ebca6b) >>> (32 - gramBits)
      let at = id & (places - 1)
      let there = seen[at]!
      // Half of the ids are new, in no order that a processor could guess: only another id at the place (a tenth) is a branch.
      const other = there ^ (id + 1)
      if (((there | -there) & (other | -other)) < 0)
        while (there !== 0 && there !== id + 1) {
          at = (at + 1) & (places - 1)
          there = seen[at]!
        }
      ids[count] = id
      seen[at] = id + 1
      // One more when the place was free.
      count += (there - 1) >>> 31
    }
    this.count = count
    this.length = 0
  }
}

/** One UTF-16 unit as UTF-8, cut at `max`; returns where the next goes. */
function putUnit(bytes: Uint8Array, at: number, max: number, unit: number): number {
  let length = at
  if (unit < 0x80) bytes[length++] = unit
  else if (unit < 0x800) {
    bytes[length++] = 0xc0 | (unit >> 6)
    if (length < max) bytes[length++] = 0x80 | (unit & 63)
  } else {
    bytes[length++] = 0xe0 | (unit >> 12)
    if (length < max) bytes[length++] = 0x80 | ((unit >> 6) & 63)
    if (length < max) bytes[length++] = 0x80 | (unit & 63)
  }
  return length
}
