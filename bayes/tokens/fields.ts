// Tokens of the header: who it claims to come from, the road it took, which fields stand there in which order. In: the header fields,
// decoded. Out: tokens of the header member. Field names are part of the token, so a word in To is not the same word in From.
// Nothing here knows a host, list or program by name.
import { keyOf } from '../../src/message/field.js'
import type { Header } from '../../src/types.js'
import { decodeField } from './decode.js'
import {
  alphanumeric,
  charAt,
  decimal,
  hostPart,
  localPart,
  nameInside,
  nameStart,
  widthOf,
  wordInside,
  wordStart,
} from './field-chars.js'
import { isBlank } from './hops.js'
import type { Sink } from './sink.js'
import { unitsOf } from './units.js'
import { addAddress, addDomains, isAddress } from './uris.js'
import { scanWords } from './words.js'

const addressFields = new Set([
  'from', 'to', 'cc', 'reply-to', 'sender', 'return-path', 'errors-to', 'delivered-to',
]) // biome-ignore format: a list
const agentFields = new Set(['x-mailer', 'user-agent'])
/** Verdicts of filters, ours included: learning them would be learning our own opinion. */
const filterResult =
  /^(?:x-spam|x-bogosity|x-rspamd|x-spambayes|x-hamd|x-dspam|x-crm114|x-amavis|x-virus|x-barracuda|x-spamd|x-spamc|x-popfile|x-ham)/

/** Notes of mail stores and mail programs: written after delivery, so a scan never sees them but learning from a folder would. */
const storeNotes = new Set(['status', 'content-length', 'lines', 'xref', 'delivery-date'])
const ownStoreNotes =
  /^x-(?:status|keywords|uid|uidl|imap|imapbase|mozilla-.*|evolution.*|gmail-labels|gm-.*|folder.*|sieve.*)$/

/** Field values beyond this are not read. Stops one huge field from costing a whole mail. */
const valueUnitsMax = 4000
const addressesPerFieldMax = 60
const wordsPerFieldMax = 60
const fieldsMax = 200
/** Lengths of what is read as one: longer runs are not what they look like. */
const localUnitsMax = 64
const hostUnitsMax = 255
const nameUnitsMax = 30
const fieldWordUnitsMax = 40
const relayWordUnitsMax = 20
const dateUnitsMax = 80
const signsMax = 20

const colon = 0x3a
const greater = 0x3e

const messageId = /<([^@>]*)@([^>]*)>/

export interface DecodedField {
  readonly name: string
  readonly lower: string
  readonly value: string
}

/** The fields that count as the sender's or the road's, decoded once for tokens and grams. */
export function decodeFields(headers: readonly Header[]): DecodedField[] {
  const fields: DecodedField[] = []
  for (const header of headers) {
    const lower = keyOf(header)
    if (lower.startsWith('x-')) {
      if (filterResult.test(lower) || ownStoreNotes.test(lower)) continue
    } else if (storeNotes.has(lower)) continue
    if (fields.length >= fieldsMax) break
    const raw = header.raw.length > valueUnitsMax ? header.raw.slice(0, valueUnitsMax) : header.raw
    fields.push({ name: header.name, lower, value: decodeField(raw) })
  }
  return fields
}

export function scanFields(fields: readonly DecodedField[], sink: Sink): void {
  let relays = 0
  let previous = ''
  for (const field of fields) {
    const { lower, value } = field
    sink.addText(sink.seeds.fieldName, field.name)
    if (lower === 'received') {
      relays++
      scanRelay(value, sink)
      continue
    }
    if (!lower.startsWith('x-')) {
      if (previous !== '') sink.addPair(sink.seeds.fieldPair, previous, greater, lower)
      previous = lower
    }
    if (lower === 'subject') scanSubject(value, sink)
    else if (addressFields.has(lower)) scanAddresses(lower, value, sink)
    else if (lower === 'message-id') scanMessageId(value, sink)
    else if (lower === 'date') scanDate(value, sink)
    else if (lower === 'references' || lower === 'in-reply-to') scanReferences(value, sink)
    else {
      if (agentFields.has(lower)) sink.addText(sink.seeds.agent, value)
      scanFieldWords(lower, value, sink)
    }
  }
  sink.addText(sink.seeds.relayCount, String(Math.min(9, relays)))
}

function scanSubject(value: string, sink: Sink): void {
  scanWords(value, unitsOf(value), sink, { seed: sink.seeds.subjectWord, lowerSeed: sink.seeds.subjectLower })
  if (isInCapitals(value)) sink.addText(sink.seeds.subjectMark, 'capitals')
  if (endsApart(value)) sink.addText(sink.seeds.subjectMark, 'trailing word')
  for (let at = 0; at < value.length; ) {
    const start = at
    while (at < value.length && at - start < signsMax && isSign(value.charCodeAt(at))) at++
    if (at > start) sink.addText(sink.seeds.subjectMark, value.slice(start, at))
    else at++
  }
}

/** Three capitals in a row somewhere, and no small letter of ASCII. */
function isInCapitals(value: string): boolean {
  let found = false
  for (let at = 0, run = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at)
    if (unit >= 0x61 && unit <= 0x7a) return false
    run = unit >= 0x41 && unit <= 0x5a ? run + 1 : 0
    if (run === 3) found = true
  }
  return found
}

/** A last word behind four blanks or more: a number that makes the mail unlike the others. */
function endsApart(value: string): boolean {
  let start = value.length
  while (start > 0 && !isBlank(value.charCodeAt(start - 1))) start--
  if (start === value.length || start < 4) return false
  for (let at = start - 4; at < start; at++) if (!isBlank(value.charCodeAt(at))) return false
  return true
}

/** ! ? $ */
function isSign(unit: number): boolean {
  return unit === 0x21 || unit === 0x3f || unit === 0x24
}

/** Words of a field that has no other grammar here: two to forty characters, under the name of the field. */
function scanFieldWords(field: string, value: string, sink: Sink): void {
  let count = 0
  for (let at = 0; at < value.length; ) {
    let found = charAt(value, at)
    const start = at
    at += widthOf(found)
    if (!(found & wordStart)) continue
    while (at < value.length && (found = charAt(value, at)) & wordInside) at += widthOf(found)
    if (at - start < 2 || at - start > fieldWordUnitsMax) continue
    sink.open(sink.seeds.fieldWord)
    sink.put(field)
    sink.putUnit(colon)
    sink.putRange(value, start, at)
    sink.close()
    if (++count > wordsPerFieldMax) return
  }
}

/** Start, sign and end of each address of the field that is read; then the words between them. */
const spans = new Int32Array(3 * valueUnitsMax)

function scanAddresses(field: string, value: string, sink: Sink): void {
  const count = findAddresses(value)
  const { address, addressLocal } = sink.seeds
  for (let i = 0; i < Math.min(count, addressesPerFieldMax); i++) {
    const start = spans[3 * i]!
    const sign = spans[3 * i + 1]!
    const end = spans[3 * i + 2]!
    sink.open(address)
    sink.put(field)
    sink.putUnit(colon)
    sink.putLower(value, start, end)
    sink.close()
    sink.open(addressLocal)
    sink.put(field)
    sink.putUnit(colon)
    sink.putLower(value, start, sign)
    sink.close()
    addDomains(value, sign + 1, end, sink.seeds.addressDomain, field, sink)
  }
  let left = wordsPerFieldMax
  for (let i = 0, from = 0; i <= count && left >= 0; i++) {
    left = scanNames(field, value, from, i < count ? spans[3 * i]! : value.length, left, sink)
    from = spans[3 * i + 2]!
  }
}

/** Writes the addresses of a text to `spans` and returns how many there are. */
function findAddresses(value: string): number {
  let count = 0
  let from = 0
  for (let sign = value.indexOf('@'); sign >= 0; sign = value.indexOf('@', Math.max(sign + 1, from))) {
    const least = Math.max(from, sign - localUnitsMax)
    let start = sign
    while (start > least && charAt(value, start - 1) & localPart) start--
    if (start === sign) continue
    const most = Math.min(value.length, sign + 1 + hostUnitsMax)
    let end = sign + 1
    while (end < most && charAt(value, end) & hostPart) end++
    if (end === sign + 1) continue
    spans[3 * count] = start
    spans[3 * count + 1] = sign
    spans[3 * count + 2] = from = end
    count++
  }
  return count
}

/** Words of the display names between two addresses; returns how many more may be read, less than none when it is enough. */
function scanNames(field: string, value: string, from: number, to: number, most: number, sink: Sink): number {
  let left = most
  for (let at = from; at < to; ) {
    let found = charAt(value, at)
    const start = at
    at += widthOf(found)
    if (!(found & nameStart)) continue
    while (at < to && (found = charAt(value, at)) & nameInside) at += widthOf(found)
    if (at - start <= nameUnitsMax) {
      let end = at
      while (end > start && isTrailing(value.charCodeAt(end - 1))) end--
      sink.open(sink.seeds.addressName)
      sink.put(field)
      sink.putUnit(colon)
      sink.putRange(value, start, end)
      sink.close()
    }
    if (--left < 0) return left
  }
  return left
}

/** . ' ’ - do not end a name. */
function isTrailing(unit: number): boolean {
  return unit === 0x2e || unit === 0x27 || unit === 0x2019 || unit === 0x2d
}

/** The road: hosts, addresses and short words of one Received field, without its date. */
function scanRelay(value: string, sink: Sink): void {
  const { relayIp, relayHost, relayWord } = sink.seeds
  const semicolon = value.lastIndexOf(';')
  const road = semicolon < 0 ? value.length : semicolon
  for (let at = 0; at < road; ) {
    const start = at
    if (!(charAt(value, at++) & alphanumeric)) continue
    while (at < road && charAt(value, at) & hostPart) at++
    let end = at
    while (value.charCodeAt(end - 1) === 0x2e) end--
    const dot = value.indexOf('.', start)
    if (dot >= 0 && dot < end) {
      if (isAddress(value, start, end)) addAddress(value, start, end, relayIp, sink)
      else addDomains(value, start, end, relayHost, '', sink)
    } else if (end - start >= 2 && end - start <= relayWordUnitsMax && !hasNumber(value, start, end)) {
      sink.open(relayWord)
      sink.putLower(value, start, end)
      sink.close()
    }
  }
}

/** Four digits in a row: an id, not a word. */
function hasNumber(value: string, from: number, to: number): boolean {
  for (let at = from, run = 0; at < to; at++) {
    run = charAt(value, at) & decimal ? run + 1 : 0
    if (run === 4) return true
  }
  return false
}

/** What a generated name looks like when its digits, hex runs and letters are collapsed: 'a9.h@' and the like. */
export function shapeOf(text: string): string {
  return text
    .slice(0, 200)
    .replace(/[0-9]+/g, '9')
    .replace(/[a-f9]{6,}/gi, 'h')
    .replace(/[A-Za-z]{3,}/g, 'a')
    .slice(0, 30)
}

function scanMessageId(value: string, sink: Sink): void {
  const found = messageId.exec(value)
  if (!found) {
    sink.addText(sink.seeds.messageIdShape, 'bad')
    return
  }
  sink.addText(sink.seeds.messageIdShape, shapeOf(found[1]!))
  const domain = found[2]!.toLowerCase().slice(0, hostUnitsMax)
  addDomains(domain, 0, domain.length, sink.seeds.messageIdDomain, '', sink)
}

function scanDate(value: string, sink: Sink): void {
  sink.addText(sink.seeds.dateZone, /[+-]\d{4}/.exec(value)?.[0] ?? 'none')
  // Runs of digits as 9, runs of letters as a, the rest as it is.
  sink.open(sink.seeds.dateShape)
  for (let at = 0, previous = 0; at < Math.min(value.length, dateUnitsMax); at++) {
    const found = charAt(value, at)
    const shape = found & decimal ? 0x39 : found & alphanumeric ? 0x61 : 0
    if (shape === 0) sink.putUnit(value.charCodeAt(at))
    else if (shape !== previous) sink.putUnit(shape)
    previous = shape
  }
  sink.close()
}

function scanReferences(value: string, sink: Sink): void {
  let count = 0
  for (let sign = value.indexOf('@'); sign >= 0; sign = value.indexOf('@', sign + 1)) {
    const most = Math.min(value.length, sign + 1 + hostUnitsMax)
    let end = sign + 1
    while (end < most && charAt(value, end) & hostPart) end++
    if (end === sign + 1) continue
    sink.open(sink.seeds.referenceDomain)
    sink.putLower(value, sign + 1, end)
    sink.close()
    if (++count > wordsPerFieldMax) return
  }
}
