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
  /** The URI is characters, written as UTF-8: encoding it yields a percent code a character below 256 and leaves the others. */
  readonly wide: boolean
  /** Target of a known redirector inside a URI, undefined if it is none. */
  redirectTarget(uri: ByteString): ByteString | undefined
  /** Whether one more target of that length may be followed. */
  mayFollow(bytes: number): boolean
}

const webUri = /^(https?:\/\/)([^@/?#]*@)?([^/?#:]+)((?::(\d*))?[\s\S]*)$/i
const innerWeb = /https?:\/{0,2}[^&#]+/i

/** The URI itself and every variant, each once. */
export function cleanUri(uri: ByteString, options: CleanOptions): ReadonlySet<ByteString> {
  const out = new Set<ByteString>()
  const queue = [uri]
  for (let index = 0; index < queue.length && index <= redirectsMax; index++) {
    const plain = withoutBreaks(queue[index]!)
    out.add(plain)
    if (plain.length <= 1 || isInsideOfPage(plain)) continue
    if (isMail(plain)) addMailForms(plain, out)
    else {
      const target = addWebForms(plain, options, out)
      if (target !== undefined && options.mayFollow(target.length)) queue.push(target)
    }
  }
  return out
}

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
function addMailForms(uri: ByteString, out: Set<ByteString>): void {
  const query = /^([^@]+@[^?]+)\?/.exec(uri)
  if (query) out.add(query[1]!)
  const ampersand = /^([^@]+@[^?&]+)&/.exec(uri)
  if (ampersand) out.add(ampersand[1]!)
  const blanks = uri.includes('%20') ? /^(?:mailto:)?(?:%20)*([^@]+@[^?&%]+)/.exec(uri) : null
  if (blanks) out.add(`mailto:${blanks[1]}`)
  const angled = /^[^?&]*<([^@>]+@[^>]+)>/.exec(uri)
  if (angled) out.add(`mailto:${angled[1]}`)
}

/** Adds the forms of anything but an address; returns what it redirects to, if anything. */
function addWebForms(uri: ByteString, options: CleanOptions, out: Set<ByteString>): ByteString | undefined {
  const plain = undisguise(uri, options.wide)
  out.add(plain)
  const parts = splitWeb(plain)
  if (!parts) return undefined
  const { scheme, user, rest, port } = parts
  let { host } = parts
  const secure = scheme !== 'http://'
  const withoutPort = port === '' ? undefined : rest.replace(secure ? /^:443\b/ : /^:80\b/, '')
  if (withoutPort !== undefined && withoutPort !== rest) out.add(scheme + host + withoutPort)

  const ascii = hostName(host, options)
  if (ascii !== lower(host)) {
    out.add(scheme + ascii + rest)
    if (withoutPort) out.add(scheme + ascii + withoutPort)
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
  if (numeric !== undefined) out.add(scheme + numeric + rest)
  else if (!secure && user === '' && ascii !== 'localhost' && (port === '' || port === '80')) {
    const mayBeName = ascii.startsWith('www.') || !ascii.includes('.')
    const name = mayBeName ? /^(?:www\.)?([^.]+)$/.exec(ascii) : null
    if (name && !options.domains.isValid(ascii)) out.add(`${scheme}www.${name[1]}.com${rest}`)
  }
  return target

  function variant(changed: string, before: string): string {
    if (changed !== before) out.add(scheme + changed + rest)
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
  const first = host.charCodeAt(0)
  if (!(first >= 48 && first <= 57)) return undefined
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
}

/** Host and registered domain of a URI; undefined when it has none that can be looked up. */
export function uriHost(uri: ByteString, domains: RegistryDomains, idn: IdnMode): HostAndDomain | undefined {
  let text = lower(uri)
  const start = afterHttp(text)
  if (start > 0) text = authorityOf(text, start)
  else if (/^(?:javascript|cid|file):/.test(text)) return undefined
  else if (text.startsWith('mailto:')) {
    text = text.slice(7).replace(/\?[^\n]*/, '')
    const at = text.indexOf('@')
    if (at < 0 || text.indexOf('@', at + 1) >= 0) return undefined
    text = text.slice(at + 1)
  } else {
    text = text
      .replace(/^[a-z]+:\/{0,2}/, '')
      .replace(/[/?#][\s\S]*/, '')
      .replace(/^[^/]*@/, '')
      .replace(/:\d*$/, '')
  }
  if (text.includes('%') && /%(?:2[1-9a-f]|[3-6][0-9a-f]|7[0-9a-e])/.test(text)) return undefined
  return placesOf(domains, idn).get(text) ?? undefined
}

/** The host of an http address: without login and port. */
function authorityOf(uri: string, from: number): string {
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

type Places = Remembered<HostAndDomain | null>

/** What hosts came to, for the boundaries and the way with names beyond ASCII at hand; null = none that can be looked up. */
const places = new WeakMap<RegistryDomains, Map<IdnMode, Places>>()
/** Of one generation. */
const hostsMax = 1024

function placesOf(domains: RegistryDomains, idn: IdnMode): Places {
  let modes = places.get(domains)
  if (!modes) {
    modes = new Map()
    places.set(domains, modes)
  }
  let known = modes.get(idn)
  if (!known) {
    known = new Remembered(hostsMax, (text) => placeOf(text, domains, idn))
    modes.set(idn, known)
  }
  return known
}

function placeOf(text: string, domains: RegistryDomains, idn: IdnMode): HostAndDomain | null {
  const host = hostToAscii(text, idn)
  if (isIpAddress(host)) return { host, domain: host }
  return isFqdn(host) && domains.isValid(host) ? { host, domain: domains.trim(host) } : null
}
