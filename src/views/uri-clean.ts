// Makes the plain forms of a URI: what a browser would ask for, however it was disguised. Comes in: one URI as found. Goes out: the URI and its
// cleaned variants. Which variants exist is SpamAssassin 4.0.1's choice (sa-rules.md 5; fixtures/oracle/micro-uri, groups host, href, redir).
import { redirectsMax } from '../limits.js'
import { has8bit } from '../message/bytes.js'
import { Remembered } from '../message/remembered.js'
import type { ByteString } from '../types.js'
import type { RegistryDomains } from './domains.js'
import { hostToAscii, type IdnMode, isFqdn } from './hosts.js'
import { isIpAddress } from './ip.js'
import { lower } from './lower.js'

export interface CleanOptions {
  readonly domains: RegistryDomains
  readonly idn: IdnMode
  /** Target of a known redirector inside a URI, undefined if it is none. */
  redirectTarget(uri: ByteString): ByteString | undefined
  /** Whether one more target of that length may be followed. */
  mayFollow(bytes: number): boolean
}

const webUri = /^(https?:\/\/)([^@/?#]*@)?([^/?#:]+)((?::(\d*))?[\s\S]*)$/i
const innerWeb = /https?:\/{0,2}[^&#]+/i

/**
 * The URI itself and every variant, each once.
 * @param wide the URI is characters, written as UTF-8: encoding it yields a percent code a character below 256 and leaves the others
 */
export function cleanUri(uri: ByteString, wide: boolean, options: CleanOptions): readonly ByteString[] {
  const out: ByteString[] = []
  const queue = [uri]
  for (let index = 0; index < queue.length && index <= redirectsMax; index++) {
    const target = isPlainWeb(queue[index]!)
      ? addPlain(queue[index]!, options, out)
      : addForms(queue[index]!, wide, options, out)
    if (target !== undefined && options.mayFollow(target.length)) queue.push(target)
  }
  return out
}

function add(out: ByteString[], form: ByteString): void {
  if (!out.includes(form)) out.push(form)
}

function addPlain(uri: ByteString, options: CleanOptions, out: ByteString[]): ByteString | undefined {
  add(out, uri)
  return options.redirectTarget(uri)
}

/** Adds the forms of any URI; returns what it redirects to, if anything. */
function addForms(
  uri: ByteString,
  wide: boolean,
  options: CleanOptions,
  out: ByteString[],
): ByteString | undefined {
  const plain = withoutBreaks(uri)
  add(out, plain)
  if (plain.length <= 1 || isInsideOfPage(plain)) return undefined
  if (!isMail(plain)) return addWebForms(plain, wide, options, out)
  addMailForms(plain, out)
  return undefined
}

const plainHost = 1
const plainRest = 2
/** What may stand in the host of a URI that has no variants, and what behind it. */
const plainBytes = new Uint8Array(256)
for (const char of 'abcdefghijklmnopqrstuvwxyz0123456789-_.')
  plainBytes[char.charCodeAt(0)]! |= plainHost | plainRest
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ/?&=+~,;!$()*') plainBytes[char.charCodeAt(0)]! |= plainRest

/**
 * `http://www.host.example/path?query` with nothing in it that could be a disguise, a port, an address in numbers, a name that lacks its
 * `.com` or another URI: addForms would add nothing but the URI itself.
 */
function isPlainWeb(uri: ByteString): boolean {
  const start = afterHttp(uri)
  if (start === 0 || start >= uri.length || isDigit(uri.charCodeAt(start))) return false
  const end = plainHostEnd(uri, start)
  let dots = 0
  for (let at = start; at < end; at++) if (uri.charCodeAt(at) === 46) dots++
  if (dots < (uri.startsWith('www.', start) ? 2 : 1) || !isAlphanumeric(uri.charCodeAt(end - 1))) return false
  if (end === uri.length) return true
  if (uri.charCodeAt(end) !== 47) return false
  for (let at = end; at < uri.length; at++)
    if ((plainBytes[uri.charCodeAt(at)]! & plainRest) === 0) return false
  return true
}

function plainHostEnd(uri: ByteString, start: number): number {
  let end = start
  while (end < uri.length && (plainBytes[uri.charCodeAt(end)]! & plainHost) !== 0) end++
  return end
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57
/** Of a host in lower case. */
const isAlphanumeric = (code: number): boolean => isDigit(code) || (code >= 97 && code <= 122)

/** No line ends, no blanks around. */
function withoutBreaks(uri: ByteString): ByteString {
  if (!/[\t-\r ]/.test(uri)) return uri
  return uri
    .replace(/\n/g, '')
    .replace(/^[\t-\r ]+|[\t-\r ]+$/g, '')
    .replace(/\r/g, '')
}

/** A fragment, a query, a path. */
function isInsideOfPage(uri: ByteString): boolean {
  const first = uri[0]
  return first === '#' || first === '?' || first === '&' || (first === '/' && uri[1] !== '/')
}

/** A mailto: or something with an @ before the first colon. */
function isMail(uri: ByteString): boolean {
  const sign = uri.indexOf('@')
  if (sign < 0) return startsWithMailto(uri)
  const colon = uri.indexOf(':')
  return colon < 0 || sign < colon || startsWithMailto(uri)
}

function startsWithMailto(uri: ByteString): boolean {
  return (uri.charCodeAt(0) | 32) === 109 && /^mailto:/i.test(uri)
}

/** Parameters and disguises off an address. */
function addMailForms(uri: ByteString, out: ByteString[]): void {
  const query = /^([^@]+@[^?]+)\?/.exec(uri)
  if (query) add(out, query[1]!)
  const ampersand = /^([^@]+@[^?&]+)&/.exec(uri)
  if (ampersand) add(out, ampersand[1]!)
  const blanks = uri.includes('%20') ? /^(?:mailto:)?(?:%20)*([^@]+@[^?&%]+)/.exec(uri) : null
  if (blanks) add(out, `mailto:${blanks[1]}`)
  const angled = /^[^?&]*<([^@>]+@[^>]+)>/.exec(uri)
  if (angled) add(out, `mailto:${angled[1]}`)
}

/** Adds the forms of anything but an address; returns what it redirects to, if anything. */
function addWebForms(
  uri: ByteString,
  wide: boolean,
  options: CleanOptions,
  out: ByteString[],
): ByteString | undefined {
  const plain = undisguise(uri, wide)
  add(out, plain)
  const parts = splitWeb(plain)
  if (!parts) return undefined
  const { scheme, user, rest, port } = parts
  let { host } = parts
  const secure = scheme !== 'http://'
  const withoutPort = port === '' ? undefined : rest.replace(secure ? /^:443\b/ : /^:80\b/, '')
  if (withoutPort !== undefined && withoutPort !== rest) add(out, scheme + host + withoutPort)

  const ascii = hostName(host, options)
  if (ascii !== lower(host)) {
    add(out, scheme + ascii + rest)
    if (withoutPort) add(out, scheme + ascii + withoutPort)
    host = ascii
  }
  const isOdd = /[\0-\x20@]|[^0-9A-Za-z]$/.test(host)
  if (isOdd) host = variant(host.replace(/[\0-\x20]/g, ''), host)
  const target = options.redirectTarget(scheme + host + rest) ?? innerTarget(rest)
  if (isOdd) {
    host = variant(host.replace(/^[^@]+@/, ''), host)
    host = variant(host.replace(/[^0-9A-Za-z]+$/, ''), host)
  }
  const numeric = numericHost(host)
  if (numeric !== undefined) add(out, scheme + numeric + rest)
  else if (!secure && user === '' && ascii !== 'localhost' && (port === '' || port === '80')) {
    const mayBeName = ascii.startsWith('www.') || !ascii.includes('.')
    const name = mayBeName ? /^(?:www\.)?([^.]+)$/.exec(ascii) : null
    if (name && !options.domains.isValid(ascii)) add(out, `${scheme}www.${name[1]}.com${rest}`)
  }
  return target

  function variant(changed: string, before: string): string {
    if (changed !== before) add(out, scheme + changed + rest)
    return changed
  }
}

interface WebParts {
  readonly scheme: string
  readonly user: string
  readonly host: string
  /** Port and all that follows. */
  readonly rest: string
  readonly port: string
}

/** Pieces of an http address as webUri has them; the usual ones are cut by hand. */
function splitWeb(uri: ByteString): WebParts | undefined {
  const start = afterHttp(uri)
  if (start > 0) {
    let end = start
    while (end < uri.length && !endsHost(uri.charCodeAt(end))) end++
    const after = uri[end]
    if (end > start && after !== '@' && after !== ':') {
      return {
        scheme: uri.slice(0, start),
        user: '',
        host: uri.slice(start, end),
        rest: uri.slice(end),
        port: '',
      }
    }
  }
  const found = webUri.exec(uri)
  return found
    ? { scheme: found[1]!, user: found[2] ?? '', host: found[3]!, rest: found[4]!, port: found[5] ?? '' }
    : undefined
}

/** Offset behind `http://` or `https://` in lower case, 0 without. */
function afterHttp(uri: string): number {
  if (uri.startsWith('http://')) return 7
  return uri.startsWith('https://') ? 8 : 0
}

/** Slash, question mark, number sign, colon, @. */
const endsHost = (code: number): boolean =>
  code === 47 || code === 63 || code === 35 || code === 58 || code === 64

/**
 * Lower case, with punycode where that gives a name that can exist. Where it does not, other text is glued to the host (Chinese knows no
 * blanks) and the ASCII in front of it counts, as for SpamAssassin without LibIDN.
 */
function hostName(host: string, { domains, idn }: CleanOptions): string {
  const ascii = hostToAscii(host, idn)
  return idn === 'off' || domains.isValid(ascii) || !has8bit(host) ? ascii : lower(host)
}

/** Back slashes, percent and entity encodings, a missing scheme. */
function undisguise(uri: ByteString, wide: boolean): ByteString {
  let plain = uri.includes('\\') ? uri.replace(/\\/g, '/') : uri
  if (afterHttp(plain) === 0) plain = plain.replace(/^(https?:)\/{0,2}/i, '$1//')
  if (plain.includes('%') && /%[0-9a-fA-F]{2}/.test(plain)) plain = decodePercent(plain, wide)
  if (afterHttp(plain) === 0 && !/^[-_a-z0-9]+:/i.test(plain))
    plain = (plain.startsWith('ftp.') ? 'ftp://' : 'http://') + plain
  if (plain.includes('?') || plain.includes('#'))
    plain = plain.replace(/^(https?:\/\/[^/?#]+)([?#])/i, '$1/$2')
  if (!plain.includes('&#')) return plain
  return plain
    .replace(/&#0*(3[3-9]|[4-9]\d|1[01]\d|12[0-6]);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/&#x0*(2[1-9]|[3-6][a-fA-F0-9]|7[0-9a-eA-E]);/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    )
    .replace(/&#(?:x2e|12290|x3002|65294|xff0e|65377|xff61);/gi, '.')
}

/** %XX of printable ASCII undone; raw bytes (or, of wide text, characters below 256) that belong encoded are encoded. */
export function decodePercent(uri: ByteString, wide = false): ByteString {
  return uri.replace(wide ? percentOrChar : percentOrByte, (found) => {
    const code = found.charCodeAt(0)
    if (found.length === 1) return percent(code)
    if (code === 0x25) {
      const decoded = Number.parseInt(found.slice(1), 16)
      return decoded > 0x20 && decoded < 0x7f ? String.fromCharCode(decoded) : found
    }
    return found.length === 2 && code <= 0xc3 ? percent((code & 3) * 64 + (found.charCodeAt(1) & 63)) : found
  })
}
const percentOrByte = /%[0-9a-fA-F]{2}|[\0-\x20\x7f-\xff"%<>]/g
const percentOrChar = /%[0-9a-fA-F]{2}|[\xc2-\xf4][\x80-\xbf]{1,3}|[\0-\x20\x7f"%<>]/g

function percent(code: number): string {
  return `%${code.toString(16).padStart(2, '0')}`
}

function innerTarget(rest: ByteString): ByteString | undefined {
  const inner = innerWeb.exec(rest)?.[0]
  return inner?.includes('.') ? inner : undefined
}

/** Dotted form of an address in decimal, octal, hexadecimal or as one number; undefined for a name. */
function numericHost(host: string): string | undefined {
  if (!isDigit(host.charCodeAt(0))) return undefined
  const quad =
    /^((?:0x[0-9a-f]+|\d+)\.)((?:0x[0-9a-f]+|\d+)\.)((?:0x[0-9a-f]+|\d+)\.)(0x[0-9a-f]+|\d+)$/i.exec(host)
  if (quad) return quad.slice(1).map(octetText).join('')
  if (/^0x[0-9a-f]+$/i.test(host)) return dotted(BigInt(`0x${host.slice(2).slice(-8)}`))
  return /^\d+$/.test(host) ? dotted(BigInt(host)) : undefined
}

/** An octet that is 0 vanishes (`192..2.7`), as it does with SpamAssassin. */
function octetText(text: string): string {
  return text
    .replace(/^0x([0-9a-f]+)/i, (_, digits: string) => BigInt(`0x${digits}`).toString())
    .replace(/^0+([1-3][0-7]{0,2}|[4-7][0-7]?)\b/, (_, digits: string) =>
      Number.parseInt(digits, 8).toString(),
    )
    .replace(/^0+/, '')
}

function dotted(value: bigint): string {
  const most = 0xffff_ffff_ffff_ffffn
  const hex = (value > most ? most : value).toString(16).padStart(8, '0')
  return [0, 2, 4, 6].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.')
}

export interface HostAndDomain {
  readonly host: string
  readonly domain: string
  /** The same as most URIs have them: one host, one domain. */
  readonly hosts: ReadonlyMap<string, string>
  readonly domains: ReadonlySet<string>
}

const hostAndDomain = (host: string, domain: string): HostAndDomain => ({
  host,
  domain,
  hosts: new Map([[host, domain]]),
  domains: new Set([domain]),
})

/** Host and registered domain of a URI; undefined when it has none that can be looked up. */
export function uriHost(uri: ByteString, places: HostPlaces): HostAndDomain | undefined {
  const start = afterHttp(uri)
  const end = start === 0 ? 0 : plainHostEnd(uri, start)
  if (end > start && (end === uri.length || uri.charCodeAt(end) === 47))
    return places.get(uri.slice(start, end)) ?? undefined
  const authority = authorityOf(lower(uri))
  return authority === undefined ? undefined : (places.get(authority) ?? undefined)
}

/** What stands where a URI (in lower case) has its host; undefined where nothing does. */
function authorityOf(uri: ByteString): ByteString | undefined {
  const text = rawAuthorityOf(uri)
  if (text?.includes('%') && /%(?:2[1-9a-f]|[3-6][0-9a-f]|7[0-9a-e])/.test(text)) return undefined
  return text
}

function rawAuthorityOf(uri: ByteString): ByteString | undefined {
  const start = afterHttp(uri)
  if (start > 0) return withoutLoginAndPort(uri, start)
  if (/^(?:javascript|cid|file):/.test(uri)) return undefined
  if (uri.startsWith('mailto:')) {
    const address = uri.slice(7).replace(/\?[^\n]*/, '')
    const at = address.indexOf('@')
    return at < 0 || address.indexOf('@', at + 1) >= 0 ? undefined : address.slice(at + 1)
  }
  return uri
    .replace(/^[a-z]+:\/{0,2}/, '')
    .replace(/[/?#][\s\S]*/, '')
    .replace(/^[^/]*@/, '')
    .replace(/:\d*$/, '')
}

/** The host of an http address. */
function withoutLoginAndPort(uri: string, from: number): string {
  let start = from
  let end = from
  while (end < uri.length) {
    const code = uri.charCodeAt(end)
    if (code === 47 || code === 63 || code === 35) break
    end++
    if (code === 64) start = end
  }
  const colon = uri.lastIndexOf(':', end - 1)
  if (colon >= start && /^:\d*$/.test(uri.slice(colon, end))) end = colon
  return uri.slice(start, end)
}

/** What hosts came to; null = none that can be looked up. */
export type HostPlaces = Remembered<HostAndDomain | null>

/** For the boundaries and the way with names beyond ASCII at hand: the same hosts come again and again. */
const known = new WeakMap<RegistryDomains, Map<IdnMode, HostPlaces>>()
/** Of one generation. */
const hostsMax = 1024

export function hostPlaces(domains: RegistryDomains, idn: IdnMode): HostPlaces {
  let modes = known.get(domains)
  if (!modes) {
    modes = new Map()
    known.set(domains, modes)
  }
  let places = modes.get(idn)
  if (!places) {
    places = new Remembered(hostsMax, (text) => placeOf(text, domains, idn))
    modes.set(idn, places)
  }
  return places
}

function placeOf(text: string, domains: RegistryDomains, idn: IdnMode): HostAndDomain | null {
  const host = hostToAscii(text, idn)
  if (isIpAddress(host)) return hostAndDomain(host, host)
  return isFqdn(host) && domains.isValid(host) ? hostAndDomain(host, domains.trim(host)) : null
}
