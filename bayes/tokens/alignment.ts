// Tokens about how the parts of a mail fit each other: does the relay belong to the sender's domain, do the links, does the Message-ID; is
// the recipient named. True of mail in any decade and at any site, and what an honest newsletter has and a copied one lacks.
// In: the decoded header and the URIs. Out: tokens of the header member.
import { charAt, hostPart, localPart } from './field-chars.js'
import type { DecodedField } from './fields.js'
import { baseDomain, type Hop, readHop } from './hops.js'
import type { Sink } from './sink.js'
import { isAddress } from './uris.js'

/** Start of an address field in which a display name is looked for. */
const nameUnitsMax = 300
const hopsMax = 12
const urisMax = 60
const hostUnitsMax = 255
const localUnitsMin = 3
const localUnitsMax = 64
const schemeUnitsMax = 21

const colon = 0x3a
const slash = 0x2f

/** First values of the fields that are compared, '' for those that are not there. */
interface Named {
  from: string
  to: string
  cc: string
  subject: string
  replyTo: string
  returnPath: string
  messageId: string
}

const keys: ReadonlyMap<string, keyof Named> = new Map([
  ['from', 'from'],
  ['to', 'to'],
  ['cc', 'cc'],
  ['subject', 'subject'],
  ['reply-to', 'replyTo'],
  ['return-path', 'returnPath'],
  ['message-id', 'messageId'],
])

/** The sender's domain is compared with these. */
const names = ['relay', 'return', 'reply', 'id', 'origin'] as const
const messageIdAt = names.indexOf('id')

export function scanAlignment(fields: readonly DecodedField[], uris: readonly string[], sink: Sink): void {
  const first = { from: '', to: '', cc: '', subject: '', replyTo: '', returnPath: '', messageId: '' }
  const hops: Hop[] = []
  // Backwards, so that the first value of a field is the one that stays.
  for (let i = fields.length - 1; i >= 0; i--) {
    const key = keys.get(fields[i]!.lower)
    if (key !== undefined) first[key] = fields[i]!.value
  }
  for (let i = 0; i < fields.length && hops.length < hopsMax; i++) {
    const read = fields[i]!.lower === 'received' ? readHop(fields[i]!.value) : undefined
    if (read) hops.push(read)
  }

  let border: Hop | undefined
  let outside = 0
  for (const hop of hops) {
    if (!hop.outside) continue
    border ??= hop
    outside++
  }
  const origin = hops.at(-1)
  if (border) addHelo('border:', border, sink)
  if (origin && origin !== border) addHelo('origin:', origin, sink)
  add(sink, 'hops:', String(outside))

  const sender = domainOf(first.from)
  const linked = linkedDomains(uris)
  const others = [
    border ? domainOfHop(border) : '',
    domainOf(first.returnPath),
    domainOf(first.replyTo),
    domainOf(first.messageId),
    origin ? domainOfHop(origin) : '',
  ]
  let pattern = ''
  for (let i = 0; i < names.length; i++) {
    const domain = others[i]!
    const fit = domain === '' ? 'none' : domain === sender ? 'same' : 'other'
    add(sink, 'from-', names[i]!, ':', fit)
    pattern += fit[0]!
    if (domain !== '' && domain !== sender && linked.has(domain)) add(sink, 'link-', names[i]!)
  }
  const links =
    linked.size === 0 ? 'none' : linked.has(sender) ? (linked.size === 1 ? 'only' : 'some') : 'other'
  add(sink, 'from-link:', links)
  add(sink, 'fit:', pattern, ':', links)
  if (border) {
    add(sink, 'relay-id:', String(others[0] === others[messageIdAt]))
    add(sink, 'by-id:', String(baseDomain(border.by) === others[messageIdAt]))
  }
  addRoads(sender, others, linked, hops, sink)
  scanRecipient(first, hops, sink)
}

/** One token in up to four pieces: nothing is put together for it. */
function add(sink: Sink, first: string, second: string, third = '', fourth = ''): void {
  sink.open(sink.seeds.alignment)
  sink.put(first)
  sink.put(second)
  if (third !== '') sink.put(third)
  if (fourth !== '') sink.put(fourth)
  sink.close()
}

/** Domain of the first address. */
function domainOf(value: string): string {
  for (let sign = value.indexOf('@'); sign >= 0; sign = value.indexOf('@', sign + 1)) {
    const most = Math.min(value.length, sign + 1 + hostUnitsMax)
    let end = sign + 1
    while (end < most && charAt(value, end) & hostPart) end++
    if (end > sign + 1) return baseDomain(value.slice(sign + 1, end))
  }
  return ''
}

function domainOfHop({ reverse, reverseDomain, heloDomain }: Hop): string {
  return reverse === '' ? heloDomain : reverseDomain
}

function linkedDomains(uris: readonly string[]): Set<string> {
  const linked = new Set<string>()
  let previous = ''
  for (let i = 0; i < uris.length && i < urisMax; i++) {
    const host = hostOf(uris[i]!)
    // The same host comes again and again.
    if (host === '' || host === previous) continue
    previous = host
    linked.add(isAddress(host) ? host : baseDomain(host))
  }
  return linked
}

/** Host of a URI with a scheme and //; what comes before an @ is left out when something comes behind it. */
function hostOf(uri: string): string {
  const start = behindScheme(uri)
  if (start < 0) return ''
  const end = endOfAuthority(uri, start)
  for (let place = start; place < end; place++) {
    if (uri.charCodeAt(place) !== 0x40) continue
    const host = uri.slice(place + 1, endOfHost(uri, place + 1))
    if (host !== '') return host
    break
  }
  return uri.slice(start, endOfHost(uri, start))
}

/** Index behind `scheme://`, -1 when the URI does not begin so. */
function behindScheme(uri: string): number {
  const sign = uri.indexOf(':')
  if (sign <= 0 || sign > schemeUnitsMax || sign + 2 >= uri.length) return -1
  if (uri.charCodeAt(sign + 1) !== slash || uri.charCodeAt(sign + 2) !== slash) return -1
  if (!isLetter(uri.charCodeAt(0))) return -1
  for (let place = 1; place < sign; place++) {
    const unit = uri.charCodeAt(place)
    const isScheme = isLetter(unit) || (unit >= 0x30 && unit <= 0x39)
    if (!isScheme && unit !== 0x2b && unit !== 0x2d && unit !== 0x2e) return -1
  }
  return sign + 3
}

/** Index of the first / ? or #, or the end. */
function endOfAuthority(uri: string, from: number): number {
  let end = from
  while (end < uri.length && !endsAuthority(uri.charCodeAt(end))) end++
  return end
}

function endOfHost(uri: string, from: number): number {
  let end = from
  while (end < uri.length && uri.charCodeAt(end) !== colon && !endsAuthority(uri.charCodeAt(end))) end++
  return end
}

function endsAuthority(unit: number): boolean {
  return unit === slash || unit === 0x3f || unit === 0x23
}

function isLetter(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a)
}

/**
 * Whether the domains a mail names lie on the road it took: among the reverse names receivers saw, or only among what senders called
 * themselves. Unlike the comparison with one hop this sees through mailing lists and forwarding, where the last hops are not the sender's.
 */
function addRoads(
  sender: string,
  others: readonly string[],
  linked: ReadonlySet<string>,
  hops: readonly Hop[],
  sink: Sink,
): void {
  const seen: string[] = []
  const claimed: string[] = []
  for (const { outside, reverse, reverseDomain, helo, heloDomain } of hops) {
    if (!outside) continue
    if (reverse !== '') seen.push(reverseDomain)
    if (helo.includes('.')) claimed.push(heloDomain)
  }
  let pattern = addRoad('from', sender, seen, claimed, sink)
  for (let i = 0; i < names.length; i++)
    if (names[i] !== 'relay' && names[i] !== 'origin')
      pattern += addRoad(names[i]!, others[i]!, seen, claimed, sink)
  let links = linked.size === 0 ? 'none' : 'off'
  for (const domain of linked) {
    const found = placeOf(domain, seen, claimed)
    if (found === 'seen' || (found === 'claimed' && links === 'off')) links = found
    if (found === 'seen') break
  }
  add(sink, 'road-link:', links)
  add(sink, 'roads:', pattern, ':', links)
}

/** Returns the letter that stands for the place. */
function addRoad(
  name: string,
  domain: string,
  seen: readonly string[],
  claimed: readonly string[],
  sink: Sink,
): string {
  const found = placeOf(domain, seen, claimed)
  add(sink, 'road-', name, ':', found)
  return found[0]!
}

function placeOf(domain: string, seen: readonly string[], claimed: readonly string[]): string {
  if (domain === '') return 'none'
  return seen.includes(domain) ? 'seen' : claimed.includes(domain) ? 'claimed' : 'off'
}

/** How a relay called itself against what the receiver saw. */
function addHelo(what: string, { helo, reverse, comment, heloDomain, reverseDomain }: Hop, sink: Sink): void {
  const name = isBracketedAddress(helo) ? 'address-' : helo.includes('.') ? 'name-' : 'bare-'
  let seen = 'other'
  if (reverse === '') seen = 'unknown'
  else if (reverse === helo) seen = 'same'
  else if (reverseDomain === heloDomain) seen = 'near'
  add(sink, what, name, seen, /forged/i.test(comment) ? '-forged' : '')
}

/** Four numbers with dots between them, maybe in square brackets or half of them. */
function isBracketedAddress(helo: string): boolean {
  const unit = helo === '' ? 0 : helo.charCodeAt(0)
  return (unit === 0x5b || (unit >= 0x30 && unit <= 0x39)) && /^\[?\d+\.\d+\.\d+\.\d+\]?$/.test(helo)
}

function scanRecipient(first: Named, hops: readonly Hop[], sink: Sink): void {
  const to = first.to.toLowerCase()
  let recipient = ''
  for (let i = 0; i < hops.length && recipient === ''; i++) recipient = hops[i]!.forWhom
  let count = 0
  for (let sign = to.indexOf('@'); sign >= 0; sign = to.indexOf('@', sign + 1)) count++
  add(sink, 'to-count:', count > 4 ? 'many' : String(count))
  if (recipient !== '') {
    const place = to.includes(recipient) ? 'to' : first.cc.toLowerCase().includes(recipient) ? 'cc' : 'no'
    add(sink, 'to-recipient:', place)
  }
  const local = firstLocalPart(to)
  if (local !== '' && first.subject.toLowerCase().includes(local)) add(sink, 'subject-recipient', '')
  const name = /^\s*"?([^"<]+?)"?\s*</.exec(first.from.slice(0, nameUnitsMax))?.[1]
  const kind =
    name === undefined ? 'none' : name.includes('@') ? 'address' : name.includes(' ') ? 'words' : 'word'
  add(sink, 'from-name:', kind)
  add(sink, 'to-name:', /^\s*"?[^"<]+"?\s*</.test(to.slice(0, nameUnitsMax)) ? 'yes' : 'no')
}

/** The last 64 units at most before the first @ that has three at least; = is not of them. */
function firstLocalPart(text: string): string {
  for (let sign = text.indexOf('@'); sign >= 0; sign = text.indexOf('@', sign + 1)) {
    const least = Math.max(0, sign - localUnitsMax)
    let start = sign
    while (start > least && charAt(text, start - 1) & localPart && text.charCodeAt(start - 1) !== 0x3d)
      start--
    if (sign - start >= localUnitsMin) return text.slice(start, sign)
  }
  return ''
}
