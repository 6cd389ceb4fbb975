// The header fields of one message by name. Comes in: a Message. Goes out: decoded and raw values, each field decoded at its first use.
// Fields named X-Spam-* are as if they were not there: they come from another filter or from the sender (SpamAssassin drops them too).
import { headerNameBytesMax, headerTextBytesMax, headerValueBytesMax } from '../limits.js'
import { trimBlanks } from '../message/bytes.js'
import { Field, fieldValue, keyOf } from '../message/field.js'
import type { ByteString, Header, Message } from '../types.js'
import { lower } from './lower.js'

/** The fields of one name. */
interface Same {
  readonly key: string
  readonly fields: Header[]
  /** Place of the first and the last of them among all fields. */
  readonly first: number
  last: number
  values?: readonly ByteString[]
  lines?: readonly ByteString[]
  raws?: readonly ByteString[]
}

const nothing: readonly ByteString[] = []

export class Fields {
  readonly #byName = new Map<string, Same>()
  readonly #inOrder: Header[] = []
  #all: readonly ByteString[] | undefined

  constructor(message: Message) {
    for (const header of message.headers) {
      const field = shortened(header)
      const key = keyOf(field)
      if (key.startsWith('x-spam-')) continue
      const place = this.#inOrder.length
      this.#inOrder.push(field)
      const same = this.#byName.get(key)
      if (same) {
        same.fields.push(field)
        same.last = place
      } else this.#byName.set(key, { key, fields: [field], first: place, last: place })
    }
  }

  /** @param name in lower case */
  has(name: string): boolean {
    return this.#byName.has(name)
  }

  /** In lower case, each once. */
  names(): Iterable<string> {
    return this.#byName.keys()
  }

  /** Decoded, unfolded, no line end. */
  decoded(name: string): readonly ByteString[] {
    const same = this.#byName.get(lower(name))
    return same ? (same.values ??= same.fields.map(fieldValue)) : nothing
  }

  /** The same with a line end each. */
  lines(name: string): readonly ByteString[] {
    const same = this.#byName.get(lower(name))
    return same ? (same.lines ??= same.fields.map((field) => `${fieldValue(field)}\n`)) : nothing
  }

  /** As written behind the colon, folding kept. */
  raw(name: string): readonly ByteString[] {
    const same = this.#byName.get(lower(trimBlanks(name)))
    return same ? (same.raws ??= same.fields.map(({ raw }) => raw)) : nothing
  }

  /** Whether a field of that name (lower case) stands below any field of the other name. */
  standsBelow(name: string, upper: string): boolean {
    const above = this.#byName.get(upper)
    const below = this.#byName.get(name)
    return above !== undefined && below !== undefined && below.last > above.first
  }

  /** All fields as `Name: value\n`, in order, cut at headerTextBytesMax. */
  all(): readonly ByteString[] {
    return (this.#all ??= this.#collectAll())
  }

  /** The limit is used up name by name in order of first appearance, not line by line (as SpamAssassin counts). */
  #collectAll(): readonly ByteString[] {
    let size = 0
    for (const field of this.#inOrder) size += keyOf(field).length + fieldValue(field).length + 3
    const kept = size > headerTextBytesMax ? this.#firstNames() : undefined
    const lines: ByteString[] = []
    for (const field of this.#inOrder)
      if (!kept || kept.has(field)) lines.push(`${field.name}: ${fieldValue(field)}\n`)
    return lines
  }

  #firstNames(): ReadonlySet<Header> {
    const kept = new Set<Header>()
    let size = 0
    for (const { key, fields } of this.#byName.values()) {
      for (const field of fields) {
        size += key.length + fieldValue(field).length + 3
        if (size > headerTextBytesMax) return kept
        kept.add(field)
      }
    }
    return kept
  }
}

function shortened(header: Header): Header {
  const { name, raw, offset } = header
  if (name.length <= headerNameBytesMax && raw.length <= headerValueBytesMax) return header
  return new Field(name.slice(0, headerNameBytesMax), raw.slice(0, headerValueBytesMax), offset)
}
