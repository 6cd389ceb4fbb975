// RelayEval: what the trace (Received) says about itself: hops that lie about their name, trust all the way, nothing readable at all.
import type { Plugin } from '../../rules/engine/types.js'
import type { Relay, Scan } from '../types.js'
import { isIpv4Address, isPrivate } from '../views/ip.js'
import { evalRegex, matches } from './evalregex.js'
import { once } from './once.js'
import { escapeRegex, header, lower } from './text.js'

const slash24 = (ip: string): string => ip.slice(0, ip.lastIndexOf('.') + 1)

/** The hop called itself by an address that is neither its own nor near it. */
function heloMismatch({ helo, ip }: Relay): boolean {
  return (
    isIpv4Address(helo) &&
    !isPrivate(helo) &&
    isIpv4Address(ip) &&
    !isPrivate(ip) &&
    helo !== ip &&
    !ip.startsWith(slash24(helo))
  )
}

const bigProvider =
  /(?:\.|^)(?:lycos\.com|lycos\.co\.uk|hotmail\.com|localhost\.com|excite\.com|caramail\.com|cs\.com|aol\.com|msn\.com|yahoo\.com|drizzle\.com)$/i

/** Host name without its first labels, by SpamAssassin's rule of thumb for this one comparison. */
function shorten(host: string): string {
  let end = host.length
  while (end > 0 && host.charCodeAt(end - 1) === dot) end--
  const last = host.lastIndexOf('.', end - 1)
  if (end === 0 || last < 0 || !/[a-zA-Z]/.test(host)) return host
  const second = last > 0 ? host.lastIndexOf('.', last - 1) : -1
  if (/\S{3,}|ie|fr|de/.test(host.slice(last + 1, end))) return host.slice(second + 1, end)
  const third = second > 0 ? host.lastIndexOf('.', second - 1) : -1
  return second >= 0 ? host.slice(third + 1, end) : host
}

const dot = 46

/** At least a label, something, a dot and a last label. */
const dottedName = /^\w[\w.-]+\.\w+$/

const classB = (ip: string): string => ip.split('.', 2).join('.')
const fourNumbers = /^\d+\.\d+\.\d+\.\d+$/

interface Forged {
  readonly from: number
  readonly ipHelo: number
}

/** Counts the hops whose `by` is not the name under which the hop before saw it, and those that gave a far-off address as HELO. */
const forgedReceived = once((scan): Forged => {
  const { untrusted } = scan.views.relays
  let from = 0
  let ipHelo = 0
  let before: string | undefined
  for (let index = 0; index < untrusted.length; index++) {
    const { by, rdns, helo, ip } = untrusted[index]!
    const rival = before
    before = undefined
    const isLast = index === untrusted.length - 1
    const isFar = fourNumbers.test(helo) && fourNumbers.test(ip) && classB(helo) !== classB(ip)
    if (isLast && !isFar && rival === undefined) break
    const asks = isFar || rival !== undefined || ip === '127.0.0.1'
    const server = asks ? shorten(lower(by)) : ''
    const isNamed = dottedName.test(server)
    if (!isLast) {
      const client = shorten(lower(rdns))
      const isLocal = isNamed && ip === '127.0.0.1' && /^localhost(?:\.localdomain)?$/.test(client)
      if (!isLocal) before = client
    }
    if (!isNamed) continue
    if (isFar && !isPrivate(helo)) ipHelo++
    if (rival === undefined || !dottedName.test(rival) || server === rival) continue
    // MSN hands over under Hotmail's name.
    if (server !== 'msn.com' || rival !== 'hotmail.com') from++
  }
  return { from, ipHelo }
})

/** Whether a hop of that domain took the mail from the same domain: undefined when From names another one. */
function fromDomainRelayed(scan: Scan, domain: string): boolean | undefined {
  if (!new RegExp(`\\b${escapeRegex(domain)}`, 'i').test(header(scan, 'From:addr'))) return undefined
  const { trustedText, untrustedText } = scan.views.relays
  const pattern = evalRegex(` rdns=\\S*\\b${domain} [^\\]]*by=\\S*\\b${domain} `)
  return pattern !== undefined && matches(pattern, `${trustedText}\n${untrustedText}`)
}

export const relayEval: Plugin = {
  name: 'RelayEval',
  evals: {
    check_for_numeric_helo({ scan }) {
      const helo = /\bhelo=([\d.]+)(?=[\0- ,;[()<>]|$)/i.exec(scan.views.relays.untrustedText)?.[1]
      return helo !== undefined && isIpv4Address(helo) && !isPrivate(helo)
    },
    // Kept because old rule files name it; never hits since SpamAssassin 3.4.
    check_for_illegal_ip: () => false,
    check_all_trusted({ scan }) {
      const { trusted, untrusted, unparseable } = scan.views.relays
      return trusted.length > 0 && untrusted.length === 0 && unparseable === 0
    },
    check_no_relays({ scan }) {
      const { trusted, untrusted, unparseable } = scan.views.relays
      return trusted.length === 0 && untrusted.length === 0 && unparseable === 0
    },
    check_relays_unparseable: ({ scan }) => scan.views.relays.unparseable > 0,
    check_for_sender_no_reverse({ scan }) {
      const first = scan.views.relays.untrusted.at(-1)
      return first?.rdns.includes('.') === true && !first.private
    },
    check_for_from_domain_in_received_headers({ scan }, domain = '', desired = '') {
      const relayed = fromDomainRelayed(scan, domain)
      return relayed !== undefined && relayed === (desired === 'true')
    },
    check_for_forged_received_trail: ({ scan }) => forgedReceived(scan).from > 1,
    check_for_forged_received_ip_helo: ({ scan }) => forgedReceived(scan).ipHelo > 0,
    helo_ip_mismatch: ({ scan }) => scan.views.relays.untrusted.some(heloMismatch),
    check_for_no_rdns_dotcom_helo({ scan }) {
      // Only the oldest public hop counts: each one overrules those before.
      const oldest = scan.views.relays.untrusted.filter((relay) => !relay.private).at(-1)
      return oldest !== undefined && bigProvider.test(oldest.helo) && oldest.noReverseDns
    },
  },
}
