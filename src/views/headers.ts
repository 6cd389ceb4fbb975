// Header values as rules ask for them (`Subject`, `From:addr`, `ALL`, `X-Spam-Relays-External` ...). Comes in: a Message, its relays, registry
// boundaries. Goes out: a HeaderView that keeps each answer. Requests and their odd corners are SpamAssassin 4.0.1's (sa-rules 3.1).
import { splitLines } from '../message/bytes.js'
import { decodeHeaderValue } from '../message/encoded-words.js'
import type { ByteString, Domains, HeaderView, Message, RelayView } from '../types.js'
import { parseAddresses } from './addresses.js'
import type { RegistryDomains } from './domains.js'
import { Fields } from './fields.js'
import { isFqdn } from './hosts.js'
import { reverseIp } from './ip.js'
import { lower } from './lower.js'
import { bytePattern } from './pattern.js'

export function createHeaderView(message: Message, relays: () => RelayView, domains: Domains): HeaderView {
  return new Headers(new Fields(message), message.pristineHeaders, relays, domains)
}

/** A request taken apart. */
interface Request {
  readonly name: string
  readonly modifiers: ReadonlySet<string>
  /** It gives one value without a line end. */
  readonly single: boolean
  /** Name in lower case of the one field that is asked; undefined when the answer comes from elsewhere too. */
  readonly field: string | undefined
}

const singleValued = /:(?:addr|name|host|domain|ip|revip)\b/
/** Names that are not those of one field. */
const madeUp =
  /^(?:ALL(?:-TRUSTED|-INTERNAL|-UNTRUSTED|-EXTERNAL)?|MESSAGEID|(?:envelopefrom|tocc|x-spam-relays-.*)|.*[\t-\r ].*)$/is
const nothing: readonly ByteString[] = []

/** Requests known so far: rules and evals ask the same of every message. */
const requests = new Map<string, Request>()
const requestsMax = 8192

class Headers implements HeaderView {
  readonly #answers = new Map<string, readonly ByteString[]>()
  /** Pseudo headers of plugins, by name in lower case. */
  readonly #made = new Map<string, readonly ByteString[]>()

  constructor(
    private readonly fields: Fields,
    private readonly pristine: ByteString,
    private readonly relays: () => RelayView,
    private readonly domains: Domains,
  ) {}

  get(request: string): ByteString | undefined {
    const values = this.getAll(request)
    if (values.length === 0) return undefined
    if (parseRequest(request).single) return values[0]!.replace(/\n$/, '')
    return values.length === 1 ? values[0] : values.join('')
  }

  getAll(request: string): readonly ByteString[] {
    let values = this.#answers.get(request)
    if (!values) {
      const parsed = parseRequest(request)
      if (parsed.field !== undefined && !this.fields.has(parsed.field))
        return this.#made.get(parsed.field) ?? nothing
      values = this.#answer(parsed)
      this.#answers.set(request, values)
    }
    return values
  }

  put(name: string, value: ByteString): void {
    this.#made.set(lower(name), [value])
  }

  #answer({ name, modifiers }: Request): readonly ByteString[] {
    const whole = this.#wholeHeader(name, modifiers.has('raw'))
    if (whole) return whole
    let values = this.#plain(name, modifiers)
    if (values.length > 1 && modifiers.has('first')) values = values.slice(0, 1)
    else if (values.length > 1 && modifiers.has('last')) values = values.slice(-1)
    if (modifiers.has('addr')) values = values.flatMap(addressesOf)
    else if (modifiers.has('name')) values = values.flatMap((raw) => namesOf(raw, modifiers.has('raw')))
    if (modifiers.has('host') || modifiers.has('domain')) return this.#hosts(values, modifiers)
    if (modifiers.has('ip') || modifiers.has('revip')) return values.flatMap((text) => ipsOf(text, modifiers))
    return values
  }

  /** ALL and its kin; undefined for any other name. */
  #wholeHeader(name: string, raw: boolean): readonly ByteString[] | undefined {
    const fields = (): readonly ByteString[] => (raw ? rawFields(this.pristine) : this.fields.all())
    // An encoded word may hold a line end: what follows it is a line of its own here, even a Received one.
    const lines = (): readonly ByteString[] => fields().flatMap((field) => (raw ? field : splitLines(field)))
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

  #plain(name: string, modifiers: ReadonlySet<string>): readonly ByteString[] {
    const raw = modifiers.has('raw')
    if (name === 'MESSAGEID') {
      const names = ['x-message-id', 'resent-message-id', 'x-original-message-id', 'message-id']
      return names.flatMap((id) => this.#oneLine(id, raw))
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
        return [...this.#oneLine('to', raw), ...this.#oneLine('cc', raw)]
      default:
        return raw || modifiers.has('addr') || modifiers.has('name')
          ? this.fields.raw(name)
          : this.fields.decoded(name).map((value) => value + '\n')
    }
  }

  /** Pseudo headers made of several fields unfold their raw values too. */
  #oneLine(name: string, raw: boolean): readonly ByteString[] {
    return raw
      ? this.fields.raw(name).map((value) => value.replace(/\r?\n[\t-\r ]+/g, ' '))
      : this.fields.decoded(name).map((value) => value + '\n')
  }

  #hosts(values: readonly ByteString[], modifiers: ReadonlySet<string>): readonly ByteString[] {
    const found: ByteString[] = []
    for (const text of values) {
      const host = modifiers.has('addr')
        ? /^[\s\S]*@([^\t-\r ]+)/.exec(text)?.[1]
        : findHost(text, this.domains)
      if (!host) continue
      found.push(modifiers.has('domain') ? trimDomain(host, this.domains) : host)
    }
    return found
  }
}

function parseRequest(request: string): Request {
  const known = requests.get(request)
  if (known) return known
  const [name = '', ...modifiers] = request.split(':')
  const parsed: Request = {
    name,
    modifiers: new Set(modifiers),
    single: singleValued.test(request) || request === 'EnvelopeFrom',
    field: madeUp.test(name) ? undefined : lower(name),
  }
  if (requests.size < requestsMax) requests.set(request, parsed)
  return parsed
}

function addressesOf(raw: ByteString): ByteString[] {
  return parseAddresses(raw).flatMap(({ address }) => (address === undefined ? [] : [address]))
}

function namesOf(raw: ByteString, undecoded: boolean): ByteString[] {
  return parseAddresses(raw).flatMap(({ name }) => {
    if (name === undefined) return []
    if (undecoded) return [name]
    if (!/[^\t-\r ]/.test(name)) return [name.replace(/\r?\n/g, '')]
    const decoded = decodeName(name)
    if (!/[^\t-\r ]/.test(decoded)) return [decoded]
    const squeezed = decoded.replace(/[\t-\r ]+/g, ' ').replace(/^ | $/g, '')
    return [squeezed.replace(/^'([^\n]*)'$/, '$1')]
  })
}

/** Between two letters, because a name that decodes to blanks alone keeps them. */
function decodeName(name: ByteString): ByteString {
  return decodeHeaderValue(`x${name}x`, 'name').slice(1, -1)
}

const ipWord = bytePattern('(?<!\\.)\\b({ip})\\b(?!\\.)')

function ipsOf(text: ByteString, modifiers: ReadonlySet<string>): ByteString[] {
  const ip = ipWord.exec(text)?.[1]
  const wanted = ip === undefined || !modifiers.has('revip') ? ip : reverseIp(ip)
  return wanted === undefined ? [] : [wanted]
}

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
    if (/^received:/i.test(line)) received++
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
