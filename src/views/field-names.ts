// Numbers for the names of header fields that somebody asks for: rules, evals, relays. Comes in: a name as written. Goes out: its number, by which
// Fields keeps what a message has; most of what is asked of a message is not there, and a number tells that without a look-up by text.
import { ownText } from '../message/remembered.js'
import { lower } from './lower.js'

export interface FieldName {
  /** Lower case. */
  readonly key: string
  /** Number of the name; infinite where there are too many. */
  readonly place: number
}

const names = new Map<string, FieldName>()
const namesMax = 8192

/** A name to ask for; made once for each, because what asks is the same for all messages. */
export function fieldName(written: string): FieldName {
  const key = lower(written)
  const known = names.get(key)
  if (known) return known
  if (names.size >= namesMax) return { key, place: Number.POSITIVE_INFINITY }
  const name = { key, place: names.size }
  names.set(key, name)
  // One of them may be this name as one that nobody asks for.
  spellings.fill(undefined)
  return name
}

/** How many there are now. */
export const placesCount = (): number => names.size

/** A field that nobody asks for, and one that counts as absent: it comes from another filter or from the sender (SpamAssassin drops it too). */
export const noPlace = -1
export const droppedField = -2

interface Spelling {
  readonly written: string
  readonly place: number
}

/** The last spelling met of each kind, told by the length and three of its characters: messages spell their fields in a few ways only. */
const spellings = new Array<Spelling | undefined>(1024).fill(undefined)

/** Number of a field in a message, by its name as written there. */
export function placeOfField(written: string): number {
  const { length } = written
  if (length === 0) return noPlace
  const kind =
    (length * 67 +
      written.charCodeAt(0) * 5 +
      written.charCodeAt(length >> 1) * 17 +
      written.charCodeAt(length - 1)) &
    1023
  const known = spellings[kind]
  if (known !== undefined && known.written === written) return known.place
  const place = findPlace(lower(written))
  if (length <= spellingBytesMax) spellings[kind] = { written: ownText(written), place }
  return place
}
/** Longer names are kept by nobody. */
const spellingBytesMax = 64

function findPlace(key: string): number {
  return key.startsWith('x-spam-') ? droppedField : (names.get(key)?.place ?? noPlace)
}
