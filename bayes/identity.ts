// Who a mail is. In: a parsed mail. Out: the name under which the ledger knows it, the same on whatever road it comes again.
import { createHash } from 'node:crypto'
import { keyOf } from '../src/message/field.js'
import type { ByteString, Message } from '../src/types.js'

/** Bytes of the body that count. */
const bodyBytesMax = 4096

/** Scratch: bytes as they stand in the mail, and without blanks. */
let source = Buffer.allocUnsafeSlow(2 * bodyBytesMax)
let squeezed = Buffer.allocUnsafeSlow(2 * source.length)
let length = 0

/**
 * What the sender fixed and no relay or filter changes: Message-ID, Date, From and the start of the body without blanks. A mail without any of
 * these fields is known by all its bytes.
 */
export function identify(message: Message): string {
  length = 0
  let fields = 0
  for (const header of message.headers) {
    const name = keyOf(header)
    if (name !== 'message-id' && name !== 'date' && name !== 'from') continue
    squeeze(name, true)
    put(0x3a)
    squeeze(header.raw, true)
    put(0x0a)
    fields++
  }
  const hash = createHash('sha1')
  if (fields === 0) return hash.update(message.pristine, 'latin1').digest('hex').slice(0, 32)
  const from = message.pristineHeaders.length
  squeeze(message.pristine.slice(from, from + bodyBytesMax), false)
  return hash.update(squeezed.subarray(0, length)).digest('hex').slice(0, 32)
}

function put(byte: number): void {
  squeezed[length++] = byte
}

/** Appends a text without its blanks; bytes above ASCII as UTF-8 when `wide`. */
function squeeze(text: ByteString, wide: boolean): void {
  const need = length + 2 * text.length + 2
  if (need > squeezed.length) {
    source = Buffer.allocUnsafeSlow(Math.max(source.length, text.length))
    const wider = Buffer.allocUnsafeSlow(2 * need)
    squeezed.copy(wider, 0, 0, length)
    squeezed = wider
  }
  const end = source.write(text, 'latin1')
  for (let i = 0; i < end; i++) {
    const byte = source[i]!
    if (byte <= 0x20 ? byte === 0x20 || (byte >= 9 && byte <= 13) : byte === 0xa0) continue
    if (wide && byte >= 0x80) {
      squeezed[length++] = 0xc0 | (byte >> 6)
      squeezed[length++] = 0x80 | (byte & 63)
    } else squeezed[length++] = byte
  }
}
