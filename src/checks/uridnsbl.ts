// Lists asked about the hosts of URIs (SpamAssassin's URIDNSBL). A directive line says what a rule asks: the registered domain
// (urirhsbl/urirhssub), the addresses of the host or of its name servers (uridnsbl/uridnssub with tflags a, ns), or the name servers'
// names (urinsrhsbl: their domain, urifullnsrhsbl: whole).
import { boolDirective, numberDirective } from '../../rules/engine/directive.js'
import type {
  Directive,
  DirectiveContext,
  DirectiveLine,
  Eval,
  EvalContext,
  Plugin,
} from '../../rules/engine/types.js'
import type { DnsType } from '../types.js'
import { hostToAscii } from '../views/hosts.js'
import { isIpv4Address, isPrivate, reverseIp } from '../views/ip.js'
import { askList, lookUp, mayAskLists, obeyBlockRule } from './dnslists.js'
import { setUriTags, type UriHost, uriHosts } from './listhosts.js'
import { fitsRecord, type NumberTest, parseNumberTest } from './subtests.js'

type Asks = 'domain' | 'address' | 'nsDomain' | 'nsName'

interface UriList {
  readonly zone: string
  readonly type: DnsType
  readonly asks: Asks
  readonly test?: NumberTest
  /** Written subtest: TXT answers are compared with it as text. */
  readonly text?: string
}

type UriLists = ReadonlyMap<string, UriList>

const spellings: Readonly<Record<string, Asks>> = {
  uridnsbl: 'address',
  uridnssub: 'address',
  urirhsbl: 'domain',
  urirhssub: 'domain',
  urinsrhsbl: 'nsDomain',
  urinsrhssub: 'nsDomain',
  urifullnsrhsbl: 'nsName',
  urifullnsrhssub: 'nsName',
}

/** `RULE zone type [subtest]`; the words ending in `sub` need the subtest. */
function readLine(line: DirectiveLine, lists: UriLists, context: DirectiveContext): UriLists {
  const [rule, zone, type, ...rest] = line.value.split(/\s+/)
  const text = rest.join(' ')
  const isSub = line.written.endsWith('sub')
  const test = text === '' ? undefined : parseNumberTest(text)
  if (!rule || !zone || !type || isSub === (text === '') || (isSub && test === undefined)) {
    context.problem(
      'invalid-value',
      `${line.written} wants a rule, a zone, a type${isSub ? ' and a subtest' : ''}`,
    )
    return lists
  }
  if (type !== 'A' && type !== 'TXT') {
    context.problem('invalid-value', `${line.written}: answers of type ${type} cannot be judged`)
    return lists
  }
  const list: UriList = {
    zone: zone.replace(/\.$/, ''),
    type,
    asks: spellings[line.written]!,
    ...(test === undefined ? {} : { test, text }),
  }
  return new Map(lists).set(rule, list)
}

const listDirective: Directive = {
  name: 'uri_lists',
  aliases: Object.keys(spellings),
  scope: 'privileged',
  initial: new Map<string, UriList>(),
  read: (line, value, context) => readLine(line, value as UriLists, context),
}

const skipDirective: Directive = {
  name: 'uridnsbl_skip_domain',
  aliases: ['clear_uridnsbl_skip_domain'],
  scope: 'user',
  initial: new Set<string>(),
  read(line, value, context) {
    const domains = line.value
      .toLowerCase()
      .split(/\s+/)
      .filter((domain) => domain !== '')
    if (line.written.startsWith('clear_')) {
      return new Set(
        domains.length === 0
          ? []
          : [...(value as ReadonlySet<string>)].filter((domain) => !domains.includes(domain)),
      )
    }
    if (domains.length === 0) context.problem('missing-value', 'uridnsbl_skip_domain needs a domain')
    return new Set([...(value as ReadonlySet<string>), ...domains])
  },
}

/** One name or address to ask a list about, and how a hit on it is told. */
interface Subject {
  readonly host: string
  readonly origin?: string
}

function isPublicIpv4(host: string): boolean {
  return isIpv4Address(host) && !isPrivate(host)
}

function isLiteral(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.startsWith('[')
}

function domainSubjects(context: EvalContext, hosts: readonly UriHost[]): readonly Subject[] {
  return hosts.flatMap(({ host, domain }) => {
    if (isLiteral(host)) {
      return isPublicIpv4(host) && !context.tflags.includes('domains_only') ? { host } : []
    }
    if (context.tflags.includes('ips_only')) return []
    return { host: context.tflags.includes('notrim') ? host : domain }
  })
}

async function nameServers(
  context: EvalContext,
  hosts: readonly UriHost[],
): Promise<readonly (readonly [string, string])[]> {
  const domains = [...new Set(hosts.filter(({ host }) => !isLiteral(host)).map(({ domain }) => domain))]
  const found = await Promise.all(
    domains.map(async (domain) => {
      const answer = await lookUp(context, 'dns', hostToAscii(domain, 'punycode'), 'NS')
      const names = answer.status === 'found' ? answer.records : []
      return names.map((name) => [domain, name.toLowerCase()] as const)
    }),
  )
  return found.flat()
}

async function addressesOf(context: EvalContext, names: readonly string[]): Promise<readonly Subject[]> {
  const found = await Promise.all(
    [...new Set(names)].map(async (name) => {
      const ascii = hostToAscii(name, 'punycode')
      const answer = await lookUp(context, 'dns', ascii, 'A')
      return answer.status === 'found' ? answer.records.map((ip) => ({ host: ip, origin: ascii })) : []
    }),
  )
  return found.flat()
}

/**
 * What a rule asks its list about. Addresses of name servers are asked under tflag `a` too and under no other: SpamAssassin 4.0.1
 * hands them to the wrong rules (complete_ns_lookup), so that its URIBL_SBL never hits and URIBL_SBL_A hits instead (measured); the
 * scores of the stock rules stand on that.
 */
async function subjectsOf(
  context: EvalContext,
  list: UriList,
  hosts: readonly UriHost[],
): Promise<readonly Subject[]> {
  if (list.asks === 'domain') return domainSubjects(context, hosts)
  if (list.asks === 'address' && !context.tflags.includes('a')) return []
  const servers = (await nameServers(context, hosts)).map(([, name]) => name)
  if (list.asks === 'nsName') return servers.map((host) => ({ host }))
  if (list.asks === 'nsDomain') {
    return servers.map((host) => ({ host: context.scan.views.domains.registered(host) ?? host }))
  }
  const names = hosts.filter(({ host }) => !isLiteral(host)).map(({ host }) => host)
  return addressesOf(context, [...names, ...servers])
}

async function isListed(context: EvalContext, list: UriList, { host, origin }: Subject): Promise<boolean> {
  const ascii = hostToAscii(host, 'punycode')
  const name = /^\d+\.\d+\.\d+\.\d+$/.test(ascii) ? reverseIp(ascii) : ascii
  if (name === undefined) return false
  const records = await askList(context, name, list.zone, list.type)
  const hit = records.find((record) =>
    list.type === 'TXT' && list.text !== undefined
      ? record.text === list.text
      : fitsRecord(list.test, record),
  )
  if (hit === undefined) return false
  const what = origin === undefined ? ascii : `${origin}/${ascii}`
  context.detail(`URI: ${what} (${list.zone}${list.type === 'A' ? `, ${hit.text}` : ''})`)
  return true
}

const checkUridnsbl: Eval = async (context) => {
  const list = (context.settings.values.get('uri_lists') as UriLists | undefined)?.get(context.rule)
  if (list === undefined || !mayAskLists(context, 'skip_uribl_checks')) return false
  setUriTags(context)
  const subjects = await subjectsOf(context, list, uriHosts(context))
  const unique = new Map(subjects.map((subject) => [subject.host, subject]))
  const listed = await Promise.all([...unique.values()].map((subject) => isListed(context, list, subject)))
  if (!listed.includes(true)) return false
  obeyBlockRule(context)
  context.hit(context.rule, { area: '' })
  return undefined
}

export const uriDnsbl: Plugin = {
  name: 'URIDNSBL',
  directives: [
    listDirective,
    skipDirective,
    boolDirective('skip_uribl_checks', false),
    boolDirective('uridnsbl_skip_mailto', true, { scope: 'admin' }),
    numberDirective('uridnsbl_max_domains', 20, { scope: 'admin' }),
    numberDirective('uridnsbl_timeout', undefined),
  ],
  evals: { check_uridnsbl: checkUridnsbl },
}
