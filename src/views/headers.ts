// Header values as rules ask for them (`Subject`, `From:addr`, `ALL`, `X-Spam-Relays-External` ...). Comes in: a Message, its relays, registry
// boundaries. Goes out: a HeaderView that keeps each answer. Requests and their odd corners are SpamAssassin 4.0.1's (sa-rules 3.1).
import { splitLines, trimBlanks } from '../message/bytes.js'
import { decodeHeaderValue } from '../message/encoded-words.js'
import type { ByteString, Domains, HeaderRequest, HeaderView, Message, RelayView } from '../types.js'
import { type Mailbox, parseAddresses } from './addresses.js'
import type { RegistryDomains } from './domains.js'
import { type FieldName, fieldName } from './field-names.js'
import { Fields } from './fields.js'
import { isFqdn } from './hosts.js'
import { reverseIp } from './ip.js'
import { lower } from './lower.js'
import { bytePattern } from './pattern.js'

/** @param fields of that message, where somebody has them already. */
export function createHeaderView(
  message: Message,
  relays: () => RelayView,
  domains: Domains,
  fields = new Fields(message),
): HeaderView {
  return new Headers(fields, message.pristineHeaders, relays, domains)
}

/** A request taken apart. */
interface Request extends HeaderRequest {
  readonly raw: boolean
  readonly first: boolean
  readonly last: boolean
  readonly addr: boolean
  /** Display names. */
  readonly names: boolean
  readonly host: boolean
  readonly domain: boolean
  readonly ip: boolean
  readonly revip: boolean
  /** It gives one value without a line end. */
  readonly single: boolean
  /** The one field that is asked; undefined when the answer comes from elsewhere too. */
  readonly field: FieldName | undefined
  /** Place of its answer in every message; -1 until there is one to keep, -2 when there are too many requests to keep any more. */
  number: number
}

const singleValued = /:(?:addr|name|host|domain|ip|revip)\b/
/** Names that are not those of one field. */
const madeUp =
  /^(?:ALL(?:-TRUSTED|-INTERNAL|-UNTRUSTED|-EXTERNAL)?|MESSAGEID|(?:envelopefrom|tocc|x-spam-relays-.*)|.*[\t-\r ].*)$/is
const nothing: readonly ByteString[] = []
/** What MESSAGEID is made of. */
const idFields = ['x-message-id', 'resent-message-id', 'x-original-message-id', 'message-id'].map(fieldName)
const to = fieldName('to')
const cc = fieldName('cc')

/** Requests known so far: rules and evals ask the same of every message. */
const requests = new Map<string, Request>()
const requestsMax = 8192
/** How many of them were ever answered from fields that were there. */
let answeredRequests = 0

class Headers implements HeaderView {
  /** By the number of the request. */
  readonly #answers: (readonly ByteString[] | undefined)[] = []
  /** Pseudo headers of plugins, by name in lower case. */
  #made: Map<string, readonly ByteString[]> | undefined
  /** Mailboxes of the raw values asked about: addresses and names are asked of the same. */
  readonly #mailboxes = new Map<ByteString, readonly Mailbox[]>()

  constructor(
    private readonly fields: Fields,
    private readonly pristine: ByteString,
    private readonly relays: () => RelayView,
    private readonly domains: Domains,
  ) {}

  get(request: string): ByteString | undefined {
    const parsed = parseRequest(request)
    const values = this.#valuesOf(parsed)
    if (values.length === 0) return undefined
    const first = values[0]!
    if (parsed.single) return first.endsWith('\n') ? first.slice(0, -1) : first
    return values.length === 1 ? first : values.join('')
  }

  getAll(request: string | HeaderRequest): readonly ByteString[] {
    return this.#valuesOf(typeof request === 'string' ? parseRequest(request) : (request as Request))
  }

  #valuesOf(request: Request): readonly ByteString[] {
    const { field, number } = request
    if (field !== undefined && !this.fields.has(field)) return this.#made?.get(field.key) ?? nothing
    const known = number < 0 ? undefined : this.#answers[number]
    if (known !== undefined) return known
    const values = this.#answer(request)
    if (request.number === -1) request.number = answeredRequests++
    if (request.number >= 0) this.#answers[request.number] = values
    return values
  }

  lacks(place: number): boolean {
    return this.#made === undefined && this.fields.lacks(place)
  }

  put(name: string, value: ByteString): void {
    this.#made ??= new Map()
    this.#made.set(lower(name), [value])
  }

  #answer(request: Request): readonly ByteString[] {
    const whole = request.field === undefined ? this.#wholeHeader(request.name, request.raw) : undefined
    if (whole) return whole
    let values = this.#plain(request)
    if (values.length > 1 && request.first) values = values.slice(0, 1)
    else if (values.length > 1 && request.last) values = values.slice(-1)
    if (request.addr) values = this.#addresses(values)
    else if (request.names) values = this.#names(values, request.raw)
    if (request.host || request.domain) return this.#hosts(values, request)
    if (request.ip || request.revip) return values.flatMap((text) => ipsOf(text, request.revip))
    return values
  }

  #mailboxesOf(raw: ByteString): readonly Mailbox[] {
    let mailboxes = this.#mailboxes.get(raw)
    if (!mailboxes) {
      mailboxes = parseAddresses(raw)
      this.#mailboxes.set(raw, mailboxes)
    }
    return mailboxes
  }

  #addresses(values: readonly ByteString[]): readonly ByteString[] {
    const found: ByteString[] = []
    for (const raw of values)
      for (const { address } of this.#mailboxesOf(raw)) if (address !== undefined) found.push(address)
    return found
  }

  #names(values: readonly ByteString[], undecoded: boolean): readonly ByteString[] {
    const found: ByteString[] = []
    for (const raw of values)
      for (const { name } of this.#mailboxesOf(raw))
        if (name !== undefined) found.push(undecoded ? name : shownName(name))
    return found
  }

  /** ALL and its kin; undefined for any other name. */
  #wholeHeader(name: string, raw: boolean): readonly ByteString[] | undefined {
    const fields = (): readonly ByteString[] => (raw ? rawFields(this.pristine) : this.fields.all())
    // An encoded word may hold a line end: what follows it is a line of its own here, even a Received one.
    const lines = (): readonly ByteString[] =>
      fields().flatMap((field) => (raw || isOneLine(field) ? field : splitLines(field)))
    switch (name) {
      case 'ALL':
        return fields()
      case 'ALL-TRUSTED':
        return splitAtReceived(lines(), undefined, this.relays().lastTrustedIndex + 1)
      case 'ALL-INTERNAL':
        return splitAtReceived(lines(), undefined, this.relays().lastInternalIndex + 1)
      case 'ALL-UNTRUSTED':
        return splitAtReceived(lines(), this.relays().lastTrustedIndex + 1, undefined)
      case 'ALL-EXTERNAL':
        return splitAtReceived(lines(), this.relays().lastInternalIndex + 1, undefined)
      default:
        return undefined
    }
  }

  #plain({ name, field, raw, addr, names }: Request): readonly ByteString[] {
    if (field !== undefined) return raw || addr || names ? this.fields.raw(field) : this.fields.lines(field)
    if (name === 'MESSAGEID') {
      return idFields.flatMap((id) => this.#oneLine(id, raw))
    }
    switch (name.toLowerCase()) {
      case 'envelopefrom': {
        const from = this.relays().envelopeFrom
        return from === undefined ? [] : [from]
      }
      case 'x-spam-relays-trusted':
        return [this.relays().trustedText]
      case 'x-spam-relays-untrusted':
        return [this.relays().untrustedText]
      case 'x-spam-relays-internal':
        return [this.relays().internalText]
      case 'x-spam-relays-external':
        return [this.relays().externalText]
      case 'tocc':
        return [...this.#oneLine(to, raw), ...this.#oneLine(cc, raw)]
      default:
        return raw || addr || names
          ? this.fields.raw(fieldName(trimBlanks(name)))
          : this.fields.lines(fieldName(name))
    }
  }

  /** Pseudo headers made of several fields unfold their raw values too. */
  #oneLine(name: FieldName, raw: boolean): readonly ByteString[] {
    return raw
      ? this.fields.raw(name).map((value) => value.replace(/\r?\n[\t-\r ]+/g, ' '))
      : this.fields.lines(name)
  }

  #hosts(values: readonly ByteString[], { addr, domain }: Request): readonly ByteString[] {
    const found: ByteString[] = []
    for (const text of values) {
      const host = addr ? /^[\s\S]*@([^\t-\r ]+)/.exec(text)?.[1] : findHost(text, this.domains)
      if (!host) continue
      found.push(domain ? trimDomain(host, this.domains) : host)
    }
    return found
  }
}

function parseRequest(request: string): Request {
  const known = requests.get(request)
  if (known) return known
  const [name = '', ...modifiers] = request.split(':')
  const asks = (modifier: string) => modifiers.includes(modifier)
  const field = madeUp.test(name) ? undefined : fieldName(name)
  const parsed: Request = {
    name,
    raw: asks('raw'),
    first: asks('first'),
    last: asks('last'),
    addr: asks('addr'),
    names: asks('name'),
    host: asks('host'),
    domain: asks('domain'),
    ip: asks('ip'),
    revip: asks('revip'),
    single: singleValued.test(request) || request === 'EnvelopeFrom',
    field,
    number: requests.size < requestsMax ? -1 : -2,
  }
  if (requests.size < requestsMax) requests.set(request, parsed)
  return parsed
}

/** For those who ask the same of every message. */
export function headerRequest(request: string): HeaderRequest {
  return parseRequest(request)
}

/** Number of the one field that a request asks for; -1 when others have a say. */
export function placeOfRequest(request: string): number {
  const { field } = parseRequest(request)
  return field === undefined || !Number.isFinite(field.place) ? -1 : field.place
}

/** A display name as a mail program shows it. */
function shownName(name: ByteString): ByteString {
  return isPlainName(name) ? name : decodedName(name)
}

/** Words of printable ASCII with one space between them, nothing encoded, no quotation mark in front. */
function isPlainName(name: ByteString): boolean {
  let before = 32
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at)
    if (code < 32 || code > 126 || code === 61 || (code === 32 && before === 32)) return false
    before = code
  }
  return before !== 32 && name.charCodeAt(0) !== 39
}

function decodedName(name: ByteString): ByteString {
  if (!/[^\t-\r ]/.test(name)) return name.replace(/\r?\n/g, '')
  const decoded = decodeName(name)
  if (!/[^\t-\r ]/.test(decoded)) return decoded
  const squeezed = decoded.replace(/[\t-\r ]+/g, ' ').replace(/^ | $/g, '')
  return squeezed.replace(/^'([^\n]*)'$/, '$1')
}

/** Between two letters, because a name that decodes to blanks alone keeps them. */
function decodeName(name: ByteString): ByteString {
  return decodeHeaderValue(`x${name}x`, 'name').slice(1, -1)
}

const ipWord = bytePattern('(?<!\\.)\\b({ip})\\b(?!\\.)')

function ipsOf(text: ByteString, reversed: boolean): ByteString[] {
  const ip = ipWord.exec(text)?.[1]
  const wanted = ip === undefined || !reversed ? ip : reverseIp(ip)
  return wanted === undefined ? [] : [wanted]
}

/** Its only line end stands at its end. */
const isOneLine = (field: ByteString): boolean => field.indexOf('\n') === field.length - 1

/** Fields as written, one string each with its folding. */
function rawFields(pristine: ByteString): readonly ByteString[] {
  return pristine.match(/(?<![^\n])[^ \t][^\n]*\n(?:[ \t][^\n]*\n)*/g) ?? []
}

/**
 * Fields between two Received lines, counted from the top. The line at the boundary belongs to both sides: it was written by the last
 * trusted host.
 */
function splitAtReceived(
  lines: readonly ByteString[],
  from: number | undefined,
  to: number | undefined,
): readonly ByteString[] {
  if (to !== undefined && to < 0) return []
  const kept: ByteString[] = []
  let received = -1
  for (const line of lines) {
    if ((line.charCodeAt(0) | 32) === 114 && /^received:/i.test(line)) received++
    if (from !== undefined && received < from) continue
    kept.push(line)
    if (to !== undefined && received === to) break
  }
  return kept
}

/** A host with a known TLD: what stands behind the last @ that has one, else the first well-formed one. */
function findHost(text: ByteString, domains: Domains): string | undefined {
  for (const line of text.split('\n')) {
    let at = line.lastIndexOf('@')
    while (at >= 0) {
      const host = hostAt(line, at + 1, wordEnd(line, at + 1), domains)
      if (host !== undefined) {
        if (isFqdn(host)) return host
        break
      }
      at = at === 0 ? -1 : line.lastIndexOf('@', at - 1)
    }
  }
  for (const found of text.matchAll(/[^\t-\r ]+/g)) {
    const end = found.index + found[0].length
    let at = found.index
    while (at < end) {
      const glued = at > 0 && '._-'.includes(text[at - 1]!)
      const host = glued ? undefined : hostAt(text, at, end, domains)
      if (host !== undefined && isFqdn(host)) return host
      // Without a host from here there is one further on only in a word longer than any host.
      if (host === undefined && end - at <= hostCharsMax) break
      at += host?.length ?? 1
    }
  }
  return undefined
}

/** Longest text before the TLD. */
const hostCharsMax = 251

/** The longest text from a place on that ends in a known TLD and is followed by nothing that belongs to a name. */
function hostAt(text: string, at: number, end: number, domains: Domains): string | undefined {
  let dot = text.lastIndexOf('.', Math.min(end - 1, at + hostCharsMax))
  while (dot > at) {
    const label = /^[A-Za-z0-9-]+/.exec(text.slice(dot + 1, Math.min(end, dot + 65)))?.[0]
    const stop = dot + 1 + (label?.length ?? 0)
    const after = stop < text.length ? text[stop]! : ' '
    if (label !== undefined && !'._-'.includes(after) && domains.isTld(label)) return text.slice(at, stop)
    dot = text.lastIndexOf('.', dot - 1)
  }
  return undefined
}

function wordEnd(text: string, at: number): number {
  let end = at
  while (end < text.length && !/[\t-\r ]/.test(text[end]!)) end++
  return end
}

function trimDomain(host: string, domains: Domains): string {
  return 'trim' in domains ? (domains as RegistryDomains).trim(host) : (domains.registered(host) ?? host)
}
