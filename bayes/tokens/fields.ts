// Tokens of the header: who it claims to come from, the road it took, which fields stand there in which order. In: the header fields,
// decoded. Out: tokens of the header member. Field names are part of the token, so a word in To is not the same word in From.
// Nothing here knows a host, list or program by name.
import type { Header } from '../../src/types.js'
import { decodeField } from './decode.js'
import type { Sink } from './sink.js'
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
const storeNotes =
  /^(?:status|x-status|x-keywords|x-uid|x-uidl|x-imap|x-imapbase|content-length|lines|xref|delivery-date|x-mozilla-.*|x-evolution.*|x-gmail-labels|x-gm-.*|x-folder.*|x-sieve.*)$/

/** Field values beyond this are not read. Stops one huge field from costing a whole mail. */
const valueUnitsMax = 4000
const addressesPerFieldMax = 60
const wordsPerFieldMax = 60
const fieldsMax = 200

const mailAddress = /([\w.+\-=]{1,64})@([\w.-]{1,255})/g
const fieldWord = /[\p{L}\p{N}_][\p{L}\p{N}_.@/\-=]*/gu
const relayWord = /[A-Za-z0-9][\w.-]*/g
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
    const lower = header.name.toLowerCase()
    if (lower.startsWith('x-') && filterResult.test(lower)) continue
    if (storeNotes.test(lower)) continue
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
    sink.addText('fieldName', field.name)
    if (lower === 'received') {
      relays++
      scanRelay(value, sink)
      continue
    }
    if (!lower.startsWith('x-')) {
      if (previous !== '') sink.addText('fieldPair', `${previous}>${lower}`)
      previous = lower
    }
    if (lower === 'subject') scanSubject(value, sink)
    else if (addressFields.has(lower)) scanAddresses(lower, value, sink)
    else if (lower === 'message-id') scanMessageId(value, sink)
    else if (lower === 'date') scanDate(value, sink)
    else if (lower === 'references' || lower === 'in-reply-to') scanReferences(value, sink)
    else {
      if (agentFields.has(lower)) sink.addText('agent', value)
      let count = 0
      for (const [word] of value.matchAll(fieldWord)) {
        if (word.length < 2 || word.length > 40) continue
        sink.addText('fieldWord', `${lower}:${word}`)
        if (++count > wordsPerFieldMax) break
      }
    }
  }
  sink.addText('relayCount', String(Math.min(9, relays)))
}

function scanSubject(value: string, sink: Sink): void {
  scanWords(value, sink, { seed: sink.seeds.subjectWord, lowerSeed: sink.seeds.subjectLower })
  if (/[A-Z]{3}/.test(value) && !/[a-z]/.test(value)) sink.addText('subjectMark', 'capitals')
  if (/\s{4}\S+$/.test(value)) sink.addText('subjectMark', 'trailing word')
  for (const [signs] of value.matchAll(/[!?$]{1,20}/g)) sink.addText('subjectMark', signs)
}

function scanAddresses(field: string, value: string, sink: Sink): void {
  let count = 0
  for (const found of value.matchAll(mailAddress)) {
    if (++count > addressesPerFieldMax) break
    const local = found[1]!.toLowerCase()
    const domain = found[2]!.toLowerCase()
    sink.addText('address', `${field}:${local}@${domain}`)
    sink.addText('addressLocal', `${field}:${local}`)
    addDomains(domain, 'addressDomain', `${field}:`, sink)
  }
  const names = value.replace(mailAddress, ' ')
  let words = 0
  for (const [word] of names.matchAll(/[\p{L}\p{N}\p{M}_$][\p{L}\p{N}\p{M}_'’.\-$%!]*/gu)) {
    if (word.length <= 30) sink.addText('addressName', `${field}:${word.replace(/[.'’-]+$/, '')}`)
    if (++words > wordsPerFieldMax) break
  }
}

/** The road: hosts, addresses and short words of one Received field, without its date. */
function scanRelay(value: string, sink: Sink): void {
  const semicolon = value.lastIndexOf(';')
  const road = semicolon < 0 ? value : value.slice(0, semicolon)
  relayWord.lastIndex = 0
  for (let found = relayWord.exec(road); found; found = relayWord.exec(road)) {
    const word = found[0].toLowerCase().replace(/\.+$/, '')
    if (word.includes('.')) {
      if (isAddress(word)) addAddress(word, 'relayIp', sink)
      else addDomains(word, 'relayHost', '', sink)
    } else if (word.length >= 2 && word.length <= 20 && !/\d{4}/.test(word)) sink.addText('relayWord', word)
  }
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
    sink.addText('messageIdShape', 'bad')
    return
  }
  sink.addText('messageIdShape', shapeOf(found[1]!))
  addDomains(found[2]!.toLowerCase().slice(0, 255), 'messageIdDomain', '', sink)
}

function scanDate(value: string, sink: Sink): void {
  sink.addText('dateZone', /[+-]\d{4}/.exec(value)?.[0] ?? 'none')
  sink.addText(
    'dateShape',
    value
      .slice(0, 80)
      .replace(/\d+/g, '9')
      .replace(/[A-Za-z]+/g, 'a'),
  )
}

function scanReferences(value: string, sink: Sink): void {
  let count = 0
  for (const found of value.matchAll(/@([\w.-]{1,255})/g)) {
    sink.addText('referenceDomain', found[1]!.toLowerCase())
    if (++count > wordsPerFieldMax) break
  }
}
