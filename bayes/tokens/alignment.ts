// Tokens about how the parts of a mail fit each other: does the relay belong to the sender's domain, do the links, does the Message-ID; is
// the recipient named. True of mail in any decade and at any site, and what an honest newsletter has and a copied one lacks.
// In: the decoded header and the URIs. Out: tokens of the header member.
import type { DecodedField } from './fields.js'
import type { Sink } from './sink.js'
import { isAddress } from './uris.js'

const hop = /^from\s+(\S+)\s*(?:\[[\d.]{7,15}\]\s*)?(?:\(([^()]{0,200}(?:\([^()]{0,200}\)[^()]{0,200})?)\))?/i
const byHost = /\bby\s+([\w.-]{1,255})/i
const forAddress = /\bfor\s+<?([\w.+=-]{1,64}@[\w.-]{1,255})/i
const hostName = /(?:^|[\s=@])((?:[\w-]{1,63}\.)+[a-z]{2,24})\b/i
const privateAddress = /\b(?:10|127|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}/
const uriHost = /^[a-z][a-z0-9+.-]{0,20}:\/\/(?:[^@/?#]*@)?([^/:?#]+)/i
/** Start of an address field in which a display name is looked for. */
const nameUnitsMax = 300
const hopsMax = 12
const urisMax = 60

/** Registered domain by its look: two labels, three when both are as short as in 'co.uk'. */
export function baseDomain(host: string): string {
  let end = host.length
  while (end > 0 && host.charCodeAt(end - 1) === 0x2e) end--
  const last = end === 0 ? -1 : host.lastIndexOf('.', end - 1)
  const second = last <= 0 ? -1 : host.lastIndexOf('.', last - 1)
  if (last < 0 || second < 0) return host.slice(0, end).toLowerCase()
  const isShort = end - last === 3 && last - second <= 4
  const third = isShort && second > 0 ? host.lastIndexOf('.', second - 1) : isShort ? -1 : second
  return host.slice(third + 1, end).toLowerCase()
}

function domainOf(value: string | undefined): string {
  const found = value && /@([\w.-]{1,255})/.exec(value)
  return found ? baseDomain(found[1]!) : ''
}

interface Hop {
  readonly helo: string
  readonly reverse: string
  readonly by: string
  readonly outside: boolean
  readonly forWhom: string
  readonly comment: string
}

function readHop(value: string): Hop | undefined {
  const from = hop.exec(value)
  if (!from) return undefined
  const helo = from[1]!.toLowerCase()
  const comment = from[2] ?? ''
  const reverse = (hostName.exec(comment)?.[1] ?? '').toLowerCase()
  const by = (byHost.exec(value)?.[1] ?? '').toLowerCase()
  const inside =
    privateAddress.test(from[0]) || helo === 'localhost' || baseDomain(reverse || helo) === baseDomain(by)
  return {
    helo,
    reverse,
    by,
    outside: !inside,
    forWhom: (forAddress.exec(value)?.[1] ?? '').toLowerCase(),
    comment,
  }
}

export function scanAlignment(fields: readonly DecodedField[], uris: readonly string[], sink: Sink): void {
  const first = new Map<string, string>()
  const hops: Hop[] = []
  for (const { lower, value } of fields) {
    if (lower === 'received') {
      const read = hops.length < hopsMax ? readHop(value) : undefined
      if (read) hops.push(read)
    } else if (!first.has(lower)) first.set(lower, value)
  }
  const add = (text: string): void => sink.addText(sink.seeds.alignment, text)

  const border = hops.find((each) => each.outside)
  const origin = hops.at(-1)
  if (border) add(`border:${heloShape(border)}`)
  if (origin && origin !== border) add(`origin:${heloShape(origin)}`)
  add(`hops:${hops.filter((each) => each.outside).length}`)

  const sender = domainOf(first.get('from'))
  const linked = new Set<string>()
  for (const uri of uris.slice(0, urisMax)) {
    const host = uriHost.exec(uri)?.[1]
    if (host) linked.add(isAddress(host) ? host : baseDomain(host))
  }
  const others: [string, string][] = [
    ['relay', border ? baseDomain(border.reverse || border.helo) : ''],
    ['return', domainOf(first.get('return-path'))],
    ['reply', domainOf(first.get('reply-to'))],
    ['id', domainOf(first.get('message-id'))],
    ['origin', origin ? baseDomain(origin.reverse || origin.helo) : ''],
  ]
  const pattern: string[] = []
  for (const [name, domain] of others) {
    const fit = domain === '' ? 'none' : domain === sender ? 'same' : 'other'
    add(`from-${name}:${fit}`)
    pattern.push(fit[0]!)
    if (domain !== '' && linked.has(domain) && domain !== sender) add(`link-${name}`)
  }
  const links =
    linked.size === 0 ? 'none' : linked.has(sender) ? (linked.size === 1 ? 'only' : 'some') : 'other'
  add(`from-link:${links}`)
  add(`fit:${pattern.join('')}:${links}`)
  if (border) add(`relay-id:${others[0]![1] === others[3]![1]}`)
  if (border) add(`by-id:${baseDomain(border.by) === others[3]![1]}`)

  addRoads(sender, others, linked, hops, add)
  scanRecipient(first, hops, add)
}

/**
 * Whether the domains a mail names lie on the road it took: among the reverse names receivers saw, or only among what senders called
 * themselves. Unlike the comparison with one hop this sees through mailing lists and forwarding, where the last hops are not the sender's.
 */
function addRoads(
  sender: string,
  others: readonly (readonly [name: string, domain: string])[],
  linked: ReadonlySet<string>,
  hops: readonly Hop[],
  add: (text: string) => void,
): void {
  const seen = new Set<string>()
  const claimed = new Set<string>()
  for (const { outside, reverse, helo } of hops) {
    if (!outside) continue
    if (reverse !== '') seen.add(baseDomain(reverse))
    if (helo.includes('.')) claimed.add(baseDomain(helo))
  }
  const place = (domain: string): string =>
    domain === '' ? 'none' : seen.has(domain) ? 'seen' : claimed.has(domain) ? 'claimed' : 'off'
  let pattern = ''
  for (const [name, domain] of [['from', sender], ...others] as const) {
    if (name === 'relay' || name === 'origin') continue
    const found = place(domain)
    add(`road-${name}:${found}`)
    pattern += found[0]!
  }
  let links = linked.size === 0 ? 'none' : 'off'
  for (const domain of linked) {
    const found = place(domain)
    if (found === 'seen' || (found === 'claimed' && links === 'off')) links = found
    if (found === 'seen') break
  }
  add(`road-link:${links}`)
  add(`roads:${pattern}:${links}`)
}

/** How a relay called itself against what the receiver saw. */
function heloShape({ helo, reverse, comment }: Hop): string {
  const name = /^\[?\d+\.\d+\.\d+\.\d+\]?$/.test(helo) ? 'address' : helo.includes('.') ? 'name' : 'bare'
  const seen =
    reverse === ''
      ? 'unknown'
      : reverse === helo
        ? 'same'
        : baseDomain(reverse) === baseDomain(helo)
          ? 'near'
          : 'other'
  return `${name}-${seen}${/forged/i.test(comment) ? '-forged' : ''}`
}

function scanRecipient(
  first: ReadonlyMap<string, string>,
  hops: readonly Hop[],
  add: (text: string) => void,
): void {
  const to = (first.get('to') ?? '').toLowerCase()
  const cc = (first.get('cc') ?? '').toLowerCase()
  const recipient = hops.map((each) => each.forWhom).find((address) => address !== '') ?? ''
  const count = to.split('@').length - 1
  add(`to-count:${count > 4 ? 'many' : count}`)
  if (recipient !== '')
    add(`to-recipient:${to.includes(recipient) ? 'to' : cc.includes(recipient) ? 'cc' : 'no'}`)
  const local = /([\w.+-]{3,64})@/.exec(to)?.[1]
  const subject = (first.get('subject') ?? '').toLowerCase()
  if (local !== undefined && subject.includes(local)) add('subject-recipient')
  const name = /^\s*"?([^"<]+?)"?\s*</.exec((first.get('from') ?? '').slice(0, nameUnitsMax))?.[1]
  add(
    `from-name:${name === undefined ? 'none' : name.includes('@') ? 'address' : name.includes(' ') ? 'words' : 'word'}`,
  )
  add(`to-name:${/^\s*"?[^"<]+"?\s*</.test(to.slice(0, nameUnitsMax)) ? 'yes' : 'no'}`)
}
