// Who a mail is. In: a parsed mail. Out: the name under which the ledger knows it, the same on whatever road it comes again.
import { hash } from 'node:crypto'
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
  if (fields === 0) return digest(Buffer.from(message.pristine, 'latin1'))
  const from = message.pristineHeaders.length
  squeeze(message.pristine.slice(from, from + bodyBytesMax), false)
  return digest(squeezed.subarray(0, length))
}

function digest(bytes: Uint8Array): string {
  return hash('sha1', bytes, 'hex').slice(0, 32)
}

function put(byte: number): void {
  squeezed[length++] = byte
}

/** 1 for bytes that are not blank. */
const isKept = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte === 0x20 || (byte >= 9 && byte <= 13) || byte === 0xa0 ? 0 : 1,
)

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
  const from = source
  const to = squeezed
  let at = length
  for (let i = 0; i < end; i++) {
    const byte = from[i]!
    if (wide && byte >= 0x80 && isKept[byte] === 1) {
      to[at++] = 0xc0 | (byte >> 6)
      to[at] = 0x80 | (byte & 63)
    } else to[at] = byte
    // Written in any case and written over when it does not count: no branch to guess at the end of each word.
    at += isKept[byte]!
  }
  length = at
}
