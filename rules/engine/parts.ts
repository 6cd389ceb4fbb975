// Rules on something other than a text: mimeheader (fields of MIME parts) and uri_detail (what is known of each URI). SpamAssassin
// implements both as evals on body; their matching rules are kept here.

import { fieldValue, keyOf } from '../../src/message/field.js'
import { Remembered } from '../../src/message/remembered.js'
import type { ByteString, Header, Message, Part, Uri } from '../../src/types.js'
import { countMatches } from '../regex/plain.js'
import type { MimeRule, UriRule } from './table.js'

/** Times the pattern hit; a negated rule gives 1 when no part matches. */
export function matchMimeHeader(rule: MimeRule, message: Message): number {
  const { mime } = rule
  const slot = slotOf(rule)
  const parts = partFields(message, slot.fields)
  let joined = ''
  for (let number = Math.max(1, mime.first); number <= parts.length && number <= mime.last; number++) {
    const known = parts[number - 1] ?? slot.unset
    if (mime.concat) {
      joined += known.value.endsWith('\n') ? known.value : `${known.value}\n`
      continue
    }
    const hits = hitsOn(known, rule, slot.place)
    if (hits > 0) return mime.negated ? 0 : hits
  }
  if (mime.concat) {
    const hits = countMatches(mime.pattern, joined, mime.negated ? 1 : mime.hitsMax)
    if (hits > 0) return mime.negated ? 0 : hits
  }
  return mime.negated ? 1 : 0
}

/** A value of a field, and how often each of the rules that ask for this field hit on it. Mails have the same few values. */
interface KnownValue {
  readonly value: ByteString
  /** By the rule's place: hits + 1, 0 = not asked yet. */
  readonly hits: Uint8Array
}

/** What is asked of parts by one name. */
class AskedField {
  rules = 0
  readonly values: Remembered<KnownValue>

  constructor(
    readonly name: string,
    readonly raw: boolean,
  ) {
    this.values = new Remembered(valuesMax, (value) => ({ value, hits: new Uint8Array(rulesMax) }))
  }
}

/** Of one field and generation. */
const valuesMax = 256
/** Rules on one field whose hits are kept. */
const rulesMax = 128
const hitsKeptMax = 254

interface Slot {
  readonly fields: AskedField
  readonly place: number
  /** Stands for a field that a part does not have. */
  readonly unset: KnownValue
}

let slots = new WeakMap<MimeRule, Slot>()
const asked = new Map<string, AskedField>()

function slotOf(rule: MimeRule): Slot {
  const known = slots.get(rule)
  if (known) return known
  const { request, raw, ifUnset } = rule.mime
  const key = raw ? `${request}:raw` : request
  let fields = asked.get(key)
  if (fields && fields.rules >= rulesMax) {
    // Rules were read again: what the former ones found is of no use.
    slots = new WeakMap()
    asked.clear()
    fields = undefined
  }
  if (!fields) {
    fields = new AskedField(request, raw)
    asked.set(key, fields)
  }
  const slot = { fields, place: fields.rules++, unset: fields.values.get(ifUnset) }
  slots.set(rule, slot)
  return slot
}

function hitsOn(known: KnownValue, { mime }: MimeRule, place: number): number {
  const kept = known.hits[place]!
  if (kept > 0) return kept - 1
  const hits = countMatches(mime.pattern, known.value, mime.negated ? 1 : mime.hitsMax)
  if (hits <= hitsKeptMax) known.hits[place] = hits + 1
  return hits
}

/** What rules asked of the parts of a message so far. */
const answers = new WeakMap<Message, Map<AskedField, readonly (KnownValue | undefined)[]>>()

/** The field of each part: many rules ask for the same few. */
function partFields(message: Message, fields: AskedField): readonly (KnownValue | undefined)[] {
  let known = answers.get(message)
  if (!known) {
    known = new Map()
    answers.set(message, known)
  }
  let values = known.get(fields)
  if (!values) {
    const name = fields.name === 'ALL' ? 'ALL' : fields.name.toLowerCase()
    values = message.parts.map((part) => {
      const value = partField(part, name, fields.raw)
      return value === undefined ? undefined : fields.values.get(value)
    })
    known.set(fields, values)
  }
  return values
}

/** The last field of that name (lower case), decoded or as written; ALL gives the whole header of the part. */
function partField(part: Part, name: string, raw: boolean): ByteString | undefined {
  const { headers } = part
  if (name === 'ALL') return headers.map((header) => `${header.name}:${fieldText(header, raw, ' ')}`).join('')
  for (let index = headers.length - 1; index >= 0; index--) {
    const header = headers[index]!
    if (keyOf(header) === name) return fieldText(header, raw, '')
  }
  return undefined
}

function fieldText(header: Header, raw: boolean, lead: string): ByteString {
  return raw ? header.raw : `${lead}${fieldValue(header).replace(/\n$/, '')}\n`
}

/** All criteria hold on one URI; of several values of a key one suffices, for `!~` too. */
export function matchUriDetail({ criteria }: UriRule, uris: readonly Uri[]): boolean {
  return uris.some((uri) =>
    criteria.every(({ key, regExp, negated }) => {
      const expression = regExp.regExp
      for (const value of valuesOf(uri, key)) {
        expression.lastIndex = 0
        if (expression.test(value) !== negated) return true
      }
      return false
    }),
  )
}

function valuesOf(uri: Uri, key: string): Iterable<ByteString> {
  switch (key) {
    case 'raw':
      return [uri.raw]
    case 'type':
      return uri.types
    case 'cleaned':
      return uri.cleaned
    case 'text':
      return uri.anchor
    case 'domain':
      return uri.domains
    default:
      return uri.hosts.keys()
  }
}
