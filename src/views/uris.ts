// All URIs of a message: from the text, from HTML, from DKIM signatures. Comes in: a Message and its texts, registry boundaries, settings.
// Goes out: what `uri` rules see (`list`) and what each raw URI led to (`detail`), for uri_detail, URI lists and rspamd's urls and emails.
import { isUtf8 } from 'node:buffer'
import { redirectBytesMax, redirectorStepsMax, uriBytesMax, urisMax } from '../limits.js'
import { bytesOf, has8bit } from '../message/bytes.js'
import type { ByteString, Domains, Message, TextView, Uri, UriView } from '../types.js'
import { createDomains, type RegistryDomains } from './domains.js'
import { fieldName } from './field-names.js'
import { Fields } from './fields.js'
import { type IdnMode, isFqdn } from './hosts.js'
import { requiredLiteral } from './required-literal.js'
import {
  type CleanOptions,
  cleanUri,
  decodePercent,
  type HostAndDomain,
  type HostPlaces,
  hostPlaces,
  uriHost,
} from './uri-clean.js'
import { type Candidate, findInText } from './uri-text.js'

/** redirector_pattern. */
export interface Redirector {
  readonly pattern: RegExp
  /** Group that holds the target; 0 = the pattern has none and never redirects. */
  readonly group: number
}

export interface UriSettings {
  readonly redirectors: readonly Redirector[]
  /** parse_dkim_uris: domains of signatures count as URIs for look-ups. */
  readonly dkimUris: boolean
  readonly idn: IdnMode
}

/**
 * @param added links found in attachments.
 * @param fields of that message, where somebody has them already.
 */
export function findUris(
  message: Message,
  text: TextView,
  domains: Domains,
  settings: UriSettings,
  added: readonly ByteString[] = [],
  fields = new Fields(message),
): UriView {
  const finder = new Finder(registry(domains), settings)
  const seen = new Set<ByteString>()
  const take = (candidate: Candidate): void => {
    const uri = plausible(candidate, seen, finder.domains)
    if (uri) finder.add(uri.text, uri.types, 'valid')
  }
  for (const line of text.body) findInText(line, domains, take)
  for (const html of text.html) {
    if (html.uriTruncated) finder.truncated = true
    for (const [uri, { types, anchor }] of html.uriDetail) {
      // An address that only anchor texts were filed under counts as found in text.
      if (finder.add(uri, types.size > 0 ? types : parsed, 'any') && anchor.length > 0)
        finder.anchors(uri, anchor)
    }
  }
  if (settings.dkimUris) {
    for (const name of signatureFields) {
      for (const value of fields.decoded(name)) {
        for (const [, domain] of value.matchAll(/\bd[\t-\r ]*=[\t-\r ]*([^;]+)/g)) {
          finder.add(`domainkeys:${domain!.replace(/[\t-\r ]+/g, '')}`, dkimTypes, 'lookup')
        }
      }
    }
  }
  for (const uri of added) finder.add(uri, parsed, 'any')
  return finder.view()
}

const parsed: Types = new Set(['parsed'])
const schemeless: Types = new Set(['parsed', 'schemeless'])
const unlinked: Types = new Set(['parsed', 'schemeless', 'unlinked'])
const signatureFields = ['domainkey-signature', 'dkim-signature'].map(fieldName)
const dkimTypes: Types = new Set(['domainkeys', 'nocanon', 'noclean'])

/** Boundaries with the two questions that only this folder asks. */
function registry(domains: Domains): RegistryDomains {
  return 'trim' in domains ? (domains as RegistryDomains) : createDomains(undefined)
}

type Types = ReadonlySet<string>

/** Sets are shared between URIs and messages: they are replaced, never changed. */
interface Found extends Uri {
  types: Types
  readonly cleaned: ByteString[]
  hosts: ReadonlyMap<string, string>
  domains: ReadonlySet<string>
  readonly anchor: ByteString[]
}

const noHosts: ReadonlyMap<string, string> = new Map()
const noTexts: ReadonlySet<string> = new Set()

/** With the text that every URI it matches contains, lower case. */
interface PreparedRedirector extends Redirector {
  readonly must: string
}

/** Prepared once per list of the settings, which all messages share. */
const prepared = new WeakMap<readonly Redirector[], readonly PreparedRedirector[]>()

function prepare(redirectors: readonly Redirector[]): readonly PreparedRedirector[] {
  let ready = prepared.get(redirectors)
  if (!ready) {
    ready = redirectors
      .filter(({ group }) => group > 0)
      .map(({ pattern, group }) => ({ pattern, group, must: requiredLiteral(pattern) }))
    prepared.set(redirectors, ready)
  }
  return ready
}

/** Collects URIs and cleans each once. */
class Finder implements CleanOptions {
  readonly #found = new Map<ByteString, Found>()
  readonly #redirectors: readonly PreparedRedirector[]
  readonly #places: HostPlaces
  readonly idn: IdnMode
  #steps = redirectorStepsMax
  #followed = 0
  truncated = false

  constructor(
    readonly domains: RegistryDomains,
    settings: UriSettings,
  ) {
    this.idn = settings.idn
    this.#redirectors = prepare(settings.redirectors)
    this.#places = hostPlaces(domains, settings.idn)
  }

  /** @param kind 'valid' = only with a registered domain; 'any' = whatever; 'lookup' = not cleaned, for look-ups only. */
  add(raw: ByteString, types: Types, kind: 'valid' | 'any' | 'lookup'): boolean {
    const known = this.#found.get(raw)
    if (!known && this.#found.size >= urisMax) return false
    // Attributes of HTML are characters wherever the part has any beyond ASCII, lines of text are bytes.
    const wide = kind === 'any' && has8bit(raw) && isUtf8(bytesOf(raw))
    const forms = kind === 'lookup' ? [raw] : cleanUri(raw, wide, this)
    const cut: ByteString[] = []
    const hosts: HostAndDomain[] = []
    for (const form of forms) {
      if (form.length > uriBytesMax) this.truncated = true
      const short = form.slice(0, uriBytesMax)
      cut.push(short)
      const place = uriHost(short, this.#places)
      if (place) hosts.push(place)
    }
    if (kind !== 'any' && hosts.length === 0) return false
    const uri = known ?? emptyUri(raw)
    if (kind !== 'lookup') for (const form of cut) if (!uri.cleaned.includes(form)) uri.cleaned.push(form)
    for (const place of hosts) addHost(uri, place)
    uri.types = known ? new Set([...uri.types, ...types]) : types
    if (!known) this.#found.set(raw, uri)
    return true
  }

  /** Texts of the links to a URI, each once per html part. */
  anchors(raw: ByteString, texts: readonly ByteString[]): void {
    this.#found.get(raw)?.anchor.push(...(texts.length > 1 ? new Set(texts) : texts))
  }

  mayFollow(bytes: number): boolean {
    this.#followed += bytes
    return this.#followed <= redirectBytesMax
  }

  /** The first pattern whose target has a dot. Patterns may be quadratic in the URI, hence the budget. */
  redirectTarget(uri: ByteString): ByteString | undefined {
    const lower = uri.toLowerCase()
    for (const { pattern, group, must } of this.#redirectors) {
      if (!lower.includes(must)) continue
      this.#steps -= uri.length * uri.length
      if (this.#steps < 0) return undefined
      const target = pattern.exec(uri)?.[group]
      if (target?.includes('.')) return target
    }
    return undefined
  }

  view(): UriView {
    const list = new Set<ByteString>()
    const detail: Uri[] = []
    for (const uri of this.#found.values()) {
      for (const form of uri.cleaned) list.add(form)
      detail.push(uri)
    }
    return { list: [...list].sort(), detail, truncated: this.truncated }
  }
}

const emptyUri = (raw: ByteString): Found => ({
  raw,
  types: noTexts,
  cleaned: [],
  hosts: noHosts,
  domains: noTexts,
  anchor: [],
})

function addHost(uri: Found, { host, domain, hosts, domains }: HostAndDomain): void {
  if (uri.hosts.has(host)) return
  uri.hosts = uri.hosts.size === 0 ? hosts : new Map([...uri.hosts, [host, domain]])
  uri.domains = uri.domains.size === 0 ? domains : new Set([...uri.domains, domain])
}

/** Trims a candidate as mail programs do and adds the scheme they would add; undefined if it is no URI after all. */
function plausible(
  candidate: Candidate,
  seen: Set<ByteString>,
  domains: RegistryDomains,
): { readonly text: ByteString; readonly types: Types } | undefined {
  const raw = trimEnd(candidate.text)
  if (seen.has(raw)) return undefined
  seen.add(raw)
  if (candidate.kind === 'mail' && !raw.includes('@')) return undefined
  if (candidate.host !== undefined && !isFqdn(candidate.host)) return undefined
  if (raw.includes(':') && !(raw.startsWith('http://') && raw.length > 7) && isBareScheme(raw))
    return undefined
  const named = withScheme(raw)
  if (!named) return undefined
  let { text } = named
  if ((text.charCodeAt(0) | 32) === 109 && /^mailto:/i.test(text)) {
    if (/%[0-9a-f]{2}/i.test(text)) text = decodePercent(text)
    const host = /@([^?&>]*)/.exec(text)?.[1]
    if (host === undefined || !domains.isValid(host.replace(/(?:%20)+$/, ''))) return undefined
  }
  return { text, types: named.types }
}

/** A scheme with nothing behind it, or one of other parts of the message. */
const isBareScheme = (raw: ByteString): boolean => /^[cm]id:/i.test(raw) || /^\w+:\/{0,2}$/.test(raw)

/** Cuts at a closing bracket that nothing opened, then punctuation at the end. */
function trimEnd(text: ByteString): ByteString {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')', open < 0 ? undefined : open)
  const cut = close < 0 ? text : text.slice(0, close)
  let end = cut.length
  while (end > 0 && "-~!@#^&*()_+=:;'?,.".includes(cut[end - 1]!)) end--
  return cut.slice(0, end)
}

function withScheme(raw: ByteString): { readonly text: ByteString; readonly types: Types } | undefined {
  if (raw.startsWith('http://') || /^(?:https?|ftp|mailto):/i.test(raw)) return { text: raw, types: parsed }
  const types = schemeless
  if (/^ftp\./i.test(raw)) return { text: `ftp://${raw}`, types }
  if (/^www\d{0,2}\./i.test(raw)) return { text: `http://${raw}`, types }
  const slash = raw.indexOf('/')
  if (slash >= 0 && raw.lastIndexOf('@') > slash + 1) return { text: `http://${raw}`, types }
  if (raw.includes('@')) {
    if (!/@.+?\./.test(raw) || raw.includes('&nbsp;')) return undefined
    return { text: `mailto:${raw.replace(/^(?:skype|e?-?mail)?:+/i, '')}`, types }
  }
  return raw.includes('.') ? { text: `http://${raw}`, types: unlinked } : undefined
}
