// The header fields of one message by name. Comes in: a Message. Goes out: decoded and raw values, each field decoded at its first use.
// Fields named X-Spam-* are as if they were not there: they come from another filter or from the sender (SpamAssassin drops them too).
import { headerNameBytesMax, headerTextBytesMax, headerValueBytesMax } from '../limits.js'
import { trimBlanks } from '../message/bytes.js'
import { decodeHeaderValue } from '../message/encoded-words.js'
import type { ByteString, Message } from '../types.js'
import { lower } from './lower.js'

interface Field {
  readonly name: ByteString
  readonly raw: ByteString
  /** Place among the fields that count. */
  readonly index: number
  decoded?: ByteString
}

export class Fields {
  readonly #byName = new Map<string, Field[]>()
  readonly #inOrder: Field[] = []
  #all: readonly ByteString[] | undefined

  constructor(message: Message) {
    for (const { name, raw } of message.headers) {
      const short = name.slice(0, headerNameBytesMax)
      const key = lower(short)
      if (key.startsWith('x-spam-')) continue
      const field: Field = {
        name: short,
        raw: raw.slice(0, headerValueBytesMax),
        index: this.#inOrder.length,
      }
      this.#inOrder.push(field)
      const same = this.#byName.get(key)
      if (same) same.push(field)
      else this.#byName.set(key, [field])
    }
  }

  /** @param name in lower case */
  has(name: string): boolean {
    return this.#byName.has(name)
  }

  /** Decoded, unfolded, no line end. */
  decoded(name: string): readonly ByteString[] {
    return (this.#byName.get(lower(name)) ?? []).map(decodedValue)
  }

  /** As written behind the colon, folding kept. */
  raw(name: string): readonly ByteString[] {
    const key = lower(trimBlanks(name))
    return (this.#byName.get(key) ?? []).map((field) => field.raw)
  }

  /** Whether a field of that name (lower case) stands below any field of the other name. */
  standsBelow(name: string, upper: string): boolean {
    const first = this.#byName.get(upper)?.[0]
    const last = this.#byName.get(name)?.at(-1)
    return first !== undefined && last !== undefined && last.index > first.index
  }

  /** All fields as `Name: value\n`, in order, cut at headerTextBytesMax. */
  all(): readonly ByteString[] {
    return (this.#all ??= this.#collectAll())
  }

  /** The limit is used up name by name in order of first appearance, not line by line (as SpamAssassin counts). */
  #collectAll(): readonly ByteString[] {
    const kept = new Set<Field>()
    let size = 0
    count: for (const [key, fields] of this.#byName) {
      for (const field of fields) {
        size += key.length + decodedValue(field).length + 3
        if (size > headerTextBytesMax) break count
        kept.add(field)
      }
    }
    return this.#inOrder
      .filter((field) => kept.has(field))
      .map((field) => `${field.name}: ${decodedValue(field)}\n`)
  }
}

function decodedValue(field: Field): ByteString {
  return (field.decoded ??= decodeHeaderValue(field.raw, field.name))
}
