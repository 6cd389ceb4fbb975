// The header fields of one message by name. Comes in: a Message. Goes out: decoded and raw values, each field decoded at its first use.
import { headerNameBytesMax, headerTextBytesMax, headerValueBytesMax } from '../limits.js'
import { Field, fieldValue, keyOf } from '../message/field.js'
import type { ByteString, Header, Message } from '../types.js'
import { droppedField, type FieldName, noPlace, placeOfField, placesCount } from './field-names.js'

/** The fields of one name. */
interface Same {
  readonly fields: Header[]
  /** Place of the first and the last of them among all fields. */
  readonly first: number
  last: number
  values: readonly ByteString[] | undefined
  lines: readonly ByteString[] | undefined
  raws: readonly ByteString[] | undefined
}

const sameOf = (fields: Header[], first: number, last: number): Same => ({
  fields,
  first,
  last,
  values: undefined,
  lines: undefined,
  raws: undefined,
})

const nothing: readonly ByteString[] = []

export class Fields {
  /** Names that have a number. */
  readonly #numbered = placesCount()
  /** One bit for each of them, 1 = it is there, sixteen in a word: hundreds are asked for, twenty are there, and this little stays in the cache. */
  readonly #present = new Array<number>((this.#numbered >> 4) + 1).fill(0)
  /** Numbers of those that are there, and the fields of each. */
  readonly #places: number[] = []
  readonly #same: Same[] = []
  readonly #inOrder: Header[] = []
  #all: readonly ByteString[] | undefined

  constructor(message: Message) {
    for (const header of message.headers) this.#add(shortened(header))
  }

  #add(field: Header): void {
    const place = placeOfField(field.name)
    if (place === droppedField) return
    const at = this.#inOrder.push(field) - 1
    if (place === noPlace) return
    const same = this.#numberedOf(place)
    if (same) {
      same.fields.push(field)
      same.last = at
    } else {
      this.#present[place >> 4]! |= 1 << (place & 15)
      this.#places.push(place)
      this.#same.push(sameOf([field], at, at))
    }
  }

  #numberedOf(place: number): Same | undefined {
    return this.#isThere(place) ? this.#same[this.#places.indexOf(place)] : undefined
  }

  #isThere(place: number): boolean {
    return (this.#present[place >> 4]! & (1 << (place & 15))) !== 0
  }

  #of({ key, place }: FieldName): Same | undefined {
    return place < this.#numbered ? this.#numberedOf(place) : this.#search(key)
  }

  /** For names that got their number later, or none. */
  #search(key: string): Same | undefined {
    const fields = this.#inOrder.filter((field) => keyOf(field) === key)
    if (fields.length === 0) return undefined
    return sameOf(fields, this.#inOrder.indexOf(fields[0]!), this.#inOrder.indexOf(fields.at(-1)!))
  }

  has(name: FieldName): boolean {
    return this.#of(name) !== undefined
  }

  /** There is no field of the name with that number. */
  lacks(place: number): boolean {
    return place < this.#numbered && !this.#isThere(place)
  }

  /** Decoded, unfolded, no line end. */
  decoded(name: FieldName): readonly ByteString[] {
    const same = this.#of(name)
    return same ? (same.values ??= same.fields.map(fieldValue)) : nothing
  }

  /** The same with a line end each. */
  lines(name: FieldName): readonly ByteString[] {
    const same = this.#of(name)
    return same ? (same.lines ??= same.fields.map((field) => `${fieldValue(field)}\n`)) : nothing
  }

  /** As written behind the colon, folding kept. */
  raw(name: FieldName): readonly ByteString[] {
    const same = this.#of(name)
    return same ? (same.raws ??= same.fields.map(({ raw }) => raw)) : nothing
  }

  /** Whether a field of that name stands below any field of the other name. */
  standsBelow(name: FieldName, upper: FieldName): boolean {
    const above = this.#of(upper)
    const below = this.#of(name)
    return above !== undefined && below !== undefined && below.last > above.first
  }

  /** All fields as `Name: value\n`, in order, cut at headerTextBytesMax. */
  all(): readonly ByteString[] {
    return (this.#all ??= this.#collectAll())
  }

  /** The limit is used up name by name in order of first appearance, not line by line (as SpamAssassin counts). */
  #collectAll(): readonly ByteString[] {
    let size = 0
    for (const field of this.#inOrder) size += field.name.length + fieldValue(field).length + 3
    const kept = size > headerTextBytesMax ? this.#firstNames() : undefined
    const lines: ByteString[] = []
    for (const field of this.#inOrder)
      if (!kept || kept.has(field)) lines.push(`${field.name}: ${fieldValue(field)}\n`)
    return lines
  }

  #firstNames(): ReadonlySet<Header> {
    const byName = new Map<string, Header[]>()
    for (const field of this.#inOrder) {
      const fields = byName.get(keyOf(field))
      if (fields) fields.push(field)
      else byName.set(keyOf(field), [field])
    }
    const kept = new Set<Header>()
    let size = 0
    for (const field of [...byName.values()].flat()) {
      size += field.name.length + fieldValue(field).length + 3
      if (size > headerTextBytesMax) return kept
      kept.add(field)
    }
    return kept
  }
}

function shortened(header: Header): Header {
  const { name, raw, offset } = header
  if (name.length <= headerNameBytesMax && raw.length <= headerValueBytesMax) return header
  return new Field(name.slice(0, headerNameBytesMax), raw.slice(0, headerValueBytesMax), offset)
}
