// Address and name lists (SpamAssassin's DNSEval): which relays a set asks, and what an answer means. A rule named check_rbl opens a
// set; check_rbl_sub rules read the answers of all rules that opened the same set.
import { isIP } from 'node:net'
import { numberDirective, stringDirective } from '../../rules/engine/directive.js'
import type { Directive, Eval, EvalContext, EvalResult, Plugin } from '../../rules/engine/types.js'
import { parseServer } from '../net/dns-server.js'
import type { DnsType } from '../types.js'
import { networkSettings } from '../views/directives.js'
import { hostToAscii } from '../views/hosts.js'
import { ipSource, isPrivate, reverseIp } from '../views/ip.js'
import { containsIp, type NetSet } from '../views/networks.js'
import { allFromAddresses } from './addresses.js'
import {
  askList,
  type ListRecord,
  listName,
  lookUp,
  mayAskLists,
  obeyBlockRule,
  trimZone,
} from './dnslists.js'
import { once } from './once.js'
import { fitsRblSubtest } from './subtests.js'
import { header, headerAll } from './text.js'

/** Relays of one mail that are asked at most (SpamAssassin: num_check_received). */
const addressesMax = 9

interface Listing {
  /** What was asked, readable: '192.0.2.1 listed in zone'. */
  readonly what: string
  readonly type: DnsType
  readonly records: readonly ListRecord[]
}

interface OpenSet {
  readonly answers: Promise<readonly Listing[]>[]
}

/** Sets of this scan, by name. */
const setsOf = once(() => new Map<string, OpenSet>())

/** Name of the signal that a set is open; the blank keeps it out of templates. */
function signalOf(set: string): string {
  return `rbl set ${set}`
}

function uniquePublic(ips: readonly string[]): string[] {
  return [...new Set(ips)].filter((ip) => ip !== '' && !isPrivate(ip))
}

function originatingIps(context: EvalContext): readonly string[] {
  const names = (context.settings.values.get('originating_ip_headers') as readonly string[] | undefined) ?? []
  const pattern = new RegExp(ipSource, 'g')
  const found = names.flatMap((name) => header(context.scan, name).match(pattern) ?? [])
  return found.filter((ip) => !containsIp(trustedNetworks(context), ip))
}

function trustedNetworks(context: EvalContext): NetSet {
  return networkSettings(context.settings).trusted
}

/** The addresses a set asks about, by the ending of its name. */
function addressesOf(context: EvalContext, set: string): readonly string[] {
  const { relays } = context.scan.views
  const untrusted = uniquePublic(relays.untrusted.map((relay) => relay.ip))
  const originating = originatingIps(context)
  if (untrusted.length + originating.length === 0) return []
  const kind = /-(notfirsthop|lastexternal|firsttrusted|untrusted)$/.exec(set)?.[1]
  switch (kind) {
    case 'notfirsthop':
    case 'lastexternal': {
      const trustedExternal = relays.trusted.filter((relay) => !relay.internal)
      const external = uniquePublic([...trustedExternal, ...relays.untrusted].map((relay) => relay.ip))
      if (kind === 'lastexternal') return external.slice(0, 1)
      return external.length > 1 ? external.slice(0, -1) : external
    }
    case 'firsttrusted':
      return uniquePublic([...untrusted, ...originating]).slice(0, 1)
    case 'untrusted':
      return uniquePublic([...untrusted, ...originating]).slice(1)
    default:
      return uniquePublic([...untrusted, ...originating]).reverse()
  }
}

/** Trusted relays are asked only of lists that speak for a relay. */
function withoutTrusted(context: EvalContext, ips: readonly string[]): readonly string[] {
  if (context.tflags.includes('nice')) return ips
  const networks = trustedNetworks(context)
  const first = ips.findIndex((ip) => !containsIp(networks, ip))
  return first < 0 ? [] : ips.slice(first)
}

function describe({ what, type }: Listing, record: ListRecord): string {
  // The code says which of a list's many lists it was.
  if (type !== 'TXT') return `${what} (${record.text})`
  return record.text.replace(/(?<![<([])(https?:\/\/\S+)/gi, '<$1>')
}

function judge(context: EvalContext, listings: readonly Listing[], subtest: string | undefined): EvalResult {
  let isHit = false
  for (const listing of listings) {
    for (const record of listing.records) {
      if (!fitsRblSubtest(subtest, record)) continue
      isHit = true
      if (!context.rule.startsWith('__')) context.detail(describe(listing, record))
    }
  }
  if (!isHit) return false
  obeyBlockRule(context)
  context.hit(context.rule, { area: 'RBL: ' })
  return undefined
}

interface Question {
  readonly name: string
  readonly what: string
}

/** Opens the set with these questions and judges the rule's own subtest. */
async function askSet(
  context: EvalContext,
  set: string,
  zone: string,
  type: DnsType,
  questions: readonly Question[],
  subtest: string | undefined,
): Promise<EvalResult> {
  const bare = trimZone(zone)
  const listings = Promise.all(
    questions.map(async ({ name, what }): Promise<Listing> => {
      const records = await askList(context, name, bare, type)
      return { what: `${what} listed in ${bare.toLowerCase()}`, type, records }
    }),
  )
  const sets = setsOf(context.scan)
  const open = sets.get(set) ?? { answers: [] }
  sets.set(set, open)
  open.answers.push(listings)
  context.tag(signalOf(set), 'open')
  return judge(context, await listings, subtest)
}

function relayRule(type: DnsType): Eval {
  return (context, set = '', zone = '', subtest?: string) => {
    if (!mayAskLists(context, 'skip_rbl_checks')) return false
    const ips = withoutTrusted(context, addressesOf(context, set).slice(0, addressesMax))
    const questions = ips.flatMap((ip) => {
      const name = reverseIp(ip)
      return name === undefined ? [] : { name, what: ip }
    })
    return askSet(context, set, zone, type, questions, subtest)
  }
}

const checkRblSub: Eval = async (context, set = '', subtest = '') => {
  if (!mayAskLists(context, 'skip_rbl_checks') || subtest === '') return false
  await context.whenTag(signalOf(set))
  const open = setsOf(context.scan).get(set)
  if (open === undefined) return false
  // The rules of one set are called in one go; the loop picks up those that came after this one woke.
  const listings: Listing[] = []
  for (let index = 0; index < open.answers.length; index++) listings.push(...(await open.answers[index]!))
  return judge(context, listings, subtest)
}

function questionsFor(context: EvalContext, hosts: Iterable<string>): readonly Question[] {
  return [...new Set(hosts)].flatMap((host) => {
    const name = listName(context, host)
    return name === undefined ? [] : { name, what: host }
  })
}

/** Host parts of addresses, dots repaired, single labels left out. */
function addressHosts(addresses: readonly string[]): readonly string[] {
  return addresses.flatMap((address) => {
    const host = /@([^@\s]+)/
      .exec(address)?.[1]
      ?.replace(/^\.+|\.+$/g, '')
      .replace(/\.{2,}/g, '.')
    return host?.includes('.') ? hostToAscii(host, 'punycode') : []
  })
}

/** Rules that ask about names: the hosts come from `find`. */
function hostRule(find: (context: EvalContext, ...rest: string[]) => readonly string[]): Eval {
  return (context, set = '', zone = '', subtest?: string, ...rest) => {
    if (!mayAskLists(context, 'skip_rbl_checks')) return false
    return askSet(
      context,
      set,
      zone,
      'A',
      questionsFor(context, find(context, ...rest)),
      subtest || undefined,
    )
  }
}

function fromDomains(context: EvalContext): readonly string[] {
  return addressHosts(allFromAddresses(context.scan)).flatMap(
    (host) => context.scan.views.domains.registered(host) ?? [],
  )
}

function headerHosts(context: EvalContext, names?: string): readonly string[] {
  const list = names || (context.settings.values.get('rbl_headers') as string | undefined) || ''
  return list.split(',').flatMap((name) => {
    const addressed = addressHosts(headerAll(context.scan, `${name}:addr`).slice(0, 1))
    return addressed.length > 0
      ? addressed
      : header(context.scan, name)
          .split('\n')
          .map((line) => line.trim())
  })
}

/** The oldest untrusted relay: its address and all its names. */
function oldestRelayHosts(context: EvalContext): readonly string[] {
  const relay = context.scan.views.relays.untrusted.at(-1)
  return relay === undefined ? [] : [relay.ip, relay.by, relay.helo, relay.rdns].filter((host) => host !== '')
}

function envelopeDomain(context: EvalContext): string | undefined {
  const address = header(context.scan, 'EnvelopeFrom:addr').replace(/\.{2,}/g, '.')
  const host = /@([^@\s]+\.[^@\s]+)/.exec(address)?.[1]
  return host === undefined ? undefined : hostToAscii(host, 'punycode')
}

const checkRblNsFrom: Eval = async (context, set = '', zone = '', subtest?: string) => {
  const domain = envelopeDomain(context)
  if (domain === undefined || !mayAskLists(context, 'skip_rbl_checks')) return false
  const answer = await lookUp(context, 'dns', domain, 'NS')
  const servers =
    answer.status === 'found'
      ? answer.records
      : answer.status !== 'failed' && answer.soaServer !== undefined
        ? [answer.soaServer]
        : []
  const questions = questionsFor(context, servers)
  return askSet(context, set, zone, 'A', questions, subtest || undefined)
}

/** The envelope sender's domain does not exist, and a name server said so. */
const checkSenderGone: Eval = async (context) => {
  const host = envelopeDomain(context)
  if (host === undefined || !mayAskLists(context, 'skip_rbl_checks')) return false
  const answers = await Promise.all([lookUp(context, 'dns', host, 'A'), lookUp(context, 'dns', host, 'MX')])
  return answers.every((answer) => answer.status === 'nxdomain')
}

/** A third party that vouches, named in the envelope sender (user@a--NAME.host) or in a header Accreditor. */
const checkRblAccreditor: Eval = (context, set = '', zone = '', subtest = '', accreditor = '') => {
  const inSender = /[@.]a--([a-z0-9]{3,})\./i.exec(header(context.scan, 'EnvelopeFrom:addr'))?.[1]
  const inHeader = header(context.scan, 'Accreditor')
    .split(',')
    .map((text) => text.trim().split(/\s/)[0])
  const named = [inSender, ...inHeader].map((name) => name?.toLowerCase())
  if (!named.includes(accreditor)) return false
  return relayRule('A')(context, set, zone, subtest)
}

/** `dns_block_rule RULE zone...` */
const blockRule: Directive = {
  name: 'dns_block_rule',
  scope: 'admin',
  initial: new Map<string, readonly string[]>(),
  read(line, value, context) {
    const [rule, ...zones] = line.value.split(/\s+/)
    if (!rule || zones.length === 0) {
      context.problem('missing-value', 'dns_block_rule needs a rule and a zone')
      return value
    }
    const map = new Map(value as ReadonlyMap<string, readonly string[]>)
    const bare = zones.map((zone) => zone.toLowerCase().replace(/^\.+|\.+$/g, ''))
    return map.set(rule, [...new Set([...(map.get(rule) ?? []), ...bare])])
  },
}

/** `dns_server ip`, `ip:port`, `[v6]:port`, one a line: used where hamd's own configuration names no resolver. */
const dnsServers: Directive = {
  name: 'dns_server',
  aliases: ['clear_dns_servers'],
  scope: 'admin',
  initial: [],
  read(line, value, context) {
    if (line.written === 'clear_dns_servers') return []
    if (isIP(parseServer(line.value).host) !== 0) return [...(value as readonly string[]), line.value]
    context.problem('invalid-value', `dns_server: '${line.value}' is no address`)
    return value
  },
}

/** Words about the resolver itself that hamd does not need: accepted, so that no old file complains. */
const resolverWords = [
  'dns_available',
  'dns_options',
  'dns_local_ports_permit',
  'dns_local_ports_avoid',
  'dns_local_ports_none',
  'dns_test_interval',
  'rbl_timeout',
].map((name) => stringDirective(name, undefined, { scope: 'admin' }))

const evals: Readonly<Record<string, Eval>> = {
  check_rbl: relayRule('A'),
  check_rbl_txt: relayRule('TXT'),
  check_rbl_sub: checkRblSub,
  check_rbl_from_host: hostRule((context) => addressHosts(allFromAddresses(context.scan))),
  check_rbl_from_domain: hostRule(fromDomains),
  check_rbl_envfrom: hostRule((context) =>
    addressHosts(headerAll(context.scan, 'EnvelopeFrom:addr').slice(0, 1)),
  ),
  check_rbl_headers: hostRule(headerHosts),
  check_rbl_rcvd: hostRule(oldestRelayHosts),
  check_rbl_ns_from: checkRblNsFrom,
  check_rbl_accreditor: checkRblAccreditor,
  check_sender_domain_gone: checkSenderGone,
  // SpamAssassin 4.0.1 counts only those negative answers that carry A or MX records, which there are none of: its NO_DNS_FOR_FROM
  // never hits (measured), and mail must not score here what it does not score there. Our rule of that name uses the eval above.
  check_dns_sender: () => false,
}

export const dnsEval: Plugin = {
  name: 'DNSEval',
  directives: [
    stringDirective(
      'rbl_headers',
      'EnvelopeFrom,Reply-To,Disposition-Notification-To,X-WebmailclientIP,X-Source-IP',
      { scope: 'privileged' },
    ),
    blockRule,
    numberDirective('dns_block_time', 300, { scope: 'admin' }),
    dnsServers,
    ...resolverWords,
  ],
  evals,
}
