// The UTF-16 units of a text as an array. Scanners look at every character: in an array that costs a third of what it costs in a string,
// which here is mostly a slice of the whole mail.
let scratch = Buffer.allocUnsafeSlow(2 ** 16)
let units = new Uint16Array(scratch.buffer)

/** Valid until the next call; longer than the text. */
export function unitsOf(text: string): Uint16Array {
  if (2 * text.length > scratch.length) {
    scratch = Buffer.allocUnsafeSlow(4 * text.length)
    units = new Uint16Array(scratch.buffer)
  }
  scratch.write(text, 'utf16le')
  return units
}
