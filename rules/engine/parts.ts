// Rules on something other than a text: mimeheader (fields of MIME parts) and uri_detail (what is known of each URI). SpamAssassin
// implements both as evals on body; their matching rules are kept here.

import { fieldValue, keyOf } from '../../src/message/field.js'
import { Remembered } from '../../src/message/remembered.js'
import type { ByteString, Header, Message, Part, Uri } from '../../src/types.js'
import { countMatches } from '../regex/plain.js'
import type { MimeRule, UriRule } from './table.js'

/** Times the pattern hit; a negated rule gives 1 when no part matches. */
export function matchMimeHeader(rule: MimeRule, fields: PartFields): number {
  const parts = fields.of(rule.field)
  let joined = ''
  for (let number = Math.max(1, rule.first); number <= parts.length && number <= rule.last; number++) {
    const known = parts[number - 1]
    if (rule.concat) {
      const value = known ? known.value : rule.ifUnset
      joined += value.endsWith('\n') ? value : `${value}\n`
      continue
    }
    const hits = known ? hitsOn(known, rule) : hitsOnUnset(rule)
    if (hits > 0) return rule.negated ? 0 : hits
  }
  if (rule.concat) {
    const hits = countHits(rule, joined)
    if (hits > 0) return rule.negated ? 0 : hits
  }
  return rule.negated ? 1 : 0
}

/** A value of a field, and how often each of the rules that ask for this field hit on it. Mails have the same few values. */
interface KnownValue {
  readonly value: ByteString
  /** By the rule's place: hits + 1, 0 = not asked yet. */
  readonly hits: Uint8Array
}

/** Values kept of one field and generation. */
const valuesMax = 256
const hitsKeptMax = 254

/** What mimeheader rules ask of parts by one name. */
export class AskedField {
  /** How many rules ask: counted while the rules are read. */
  rules = 0
  readonly values: Remembered<KnownValue>
  /** Hits where a part does not have the field, by the rule's place. */
  readonly onUnset: (number | undefined)[] = []

  constructor(
    readonly number: number,
    /** In lower case, or ALL. */
    readonly name: string,
    readonly raw: boolean,
  ) {
    this.values = new Remembered(valuesMax, (value) => ({ value, hits: new Uint8Array(this.rules) }))
  }
}

/** The fields that the rules of one table ask for. */
export class AskedFields {
  private readonly byRequest = new Map<string, AskedField>()

  of(request: string): AskedField {
    let field = this.byRequest.get(request)
    if (!field) {
      const raw = request.endsWith(':raw')
      const name = raw ? request.slice(0, -4) : request
      field = new AskedField(this.byRequest.size, name === 'ALL' ? 'ALL' : name.toLowerCase(), raw)
      this.byRequest.set(request, field)
    }
    return field
  }
}

/** The fields of a message's parts, each read once however many rules ask. */
export class PartFields {
  private readonly known: (readonly (KnownValue | undefined)[] | undefined)[] = []

  constructor(private readonly message: Message) {}

  of(field: AskedField): readonly (KnownValue | undefined)[] {
    return (this.known[field.number] ??= this.message.parts.map((part) => {
      const value = partField(part, field.name, field.raw)
      return value === undefined ? undefined : field.values.get(value)
    }))
  }
}

function hitsOn({ value, hits }: KnownValue, rule: MimeRule): number {
  const kept = hits[rule.place]!
  if (kept > 0) return kept - 1
  const counted = countHits(rule, value)
  if (counted <= hitsKeptMax) hits[rule.place] = counted + 1
  return counted
}

function hitsOnUnset(rule: MimeRule): number {
  return (rule.field.onUnset[rule.place] ??= countHits(rule, rule.ifUnset))
}

function countHits({ pattern, negated, hitsMax }: MimeRule, value: ByteString): number {
  return countMatches(pattern, value, negated ? 1 : hitsMax)
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
