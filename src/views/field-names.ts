// Numbers for the names of header fields that somebody asks for: rules, evals, relays. Comes in: a name as written. Goes out: its number, by which
// Fields keeps what a message has; most of what is asked of a message is not there, and a number tells that without a look-up by text.
import { Remembered } from '../message/remembered.js'
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
  // They may hold this name as one that nobody asks for.
  spellings = rememberedSpellings()
  return name
}

/** How many there are now. */
export const placesCount = (): number => names.size

/** A field that nobody asks for, and one that counts as absent: it comes from another filter or from the sender (SpamAssassin drops it too). */
export const noPlace = -1
export const droppedField = -2

/** Number of a field in a message, by its name as written there. */
export const placeOfField = (written: string): number => spellings.get(written)

const rememberedSpellings = (): Remembered<number> =>
  new Remembered(spellingsMax, (written) => {
    const key = lower(written)
    return key.startsWith('x-spam-') ? droppedField : (names.get(key)?.place ?? noPlace)
  })
/** Of one generation. */
const spellingsMax = 1024
let spellings = rememberedSpellings()
