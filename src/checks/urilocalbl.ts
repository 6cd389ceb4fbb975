// URILocalBL: links whose host lies in a country, continent, provider or network an admin names. The first three need a local database
// (geodb.ts); without it they never hit. Hosts that are names are looked up where there is network.

import { setting } from '../../rules/engine/settings.js'
import type {
  Directive,
  DirectiveContext,
  EvalContext,
  EvalResult,
  Plugin,
} from '../../rules/engine/types.js'
import { hostToAscii } from '../views/hosts.js'
import { isIpAddress } from '../views/ip.js'
import { containsIp, type Network, parseNetwork } from '../views/networks.js'
import { type GeoDb, geoDb } from './geodb.js'
import { lower, words } from './text.js'

/** Codes of one rule: those that hit, or with `!` before each of them those that do not. */
interface Codes {
  readonly negated: boolean
  readonly codes: ReadonlySet<string>
}

/** Everything that is said about one rule. */
interface Wanted {
  readonly countries?: Codes
  readonly continents?: Codes
  /** Names in capitals without blanks. */
  readonly isps?: ReadonlySet<string>
  readonly networks?: readonly Network[]
  readonly excluded?: ReadonlySet<string>
}

type Rules = ReadonlyMap<string, Wanted>

/** `NAME RULE words`; undefined = a problem was reported. */
type Reader = (text: string, known: Wanted, context: DirectiveContext, written: string) => Wanted | undefined

function readCodes(pattern: RegExp, member: 'countries' | 'continents'): Reader {
  return (text, known, context, written) => {
    const all = words(text.toUpperCase())
    const negated = all[0]!.startsWith('!')
    const old = known[member]
    const mixed = all.some((word) => word.startsWith('!') !== negated) || (old && old.negated !== negated)
    const codes = all.map((word) => word.replace('!', ''))
    if (mixed || !codes.every((code) => pattern.test(code))) {
      context.problem('invalid-value', `${written} wants codes, all or none of them with !: ${text}`)
      return undefined
    }
    return { ...known, [member]: { negated, codes: new Set([...(old?.codes ?? []), ...codes]) } }
  }
}

/** As providers are compared: capitals, no blanks. */
const ispKey = (name: string): string => name.toUpperCase().replace(/\s+/g, '')

const readers: Readonly<Record<string, Reader>> = {
  uri_block_cc: readCodes(/^[A-Z][A-Z0-9]$/, 'countries'),
  uri_block_cont: readCodes(/^[A-Z]{2}$/, 'continents'),
  uri_block_isp(text, known) {
    const names = (text.match(/"[^"]*"|[^\s"]+/g) ?? []).map((name) => ispKey(name.replace(/"/g, '')))
    return { ...known, isps: new Set([...(known.isps ?? []), ...names]) }
  },
  uri_block_cidr(text, known, context, written) {
    const networks = words(text).map(parseNetwork)
    for (const [index, network] of networks.entries())
      if (!network) context.problem('invalid-value', `${written}: no network: ${words(text)[index]}`)
    return { ...known, networks: [...(known.networks ?? []), ...networks.filter((one) => one !== undefined)] }
  },
  uri_block_exclude: (text, known) => ({
    ...known,
    excluded: new Set([...(known.excluded ?? []), ...words(text).map(lower)]),
  }),
}

const directive: Directive = {
  name: 'uri_block_cidr',
  aliases: ['uri_block_cc', 'uri_block_cont', 'uri_block_isp', 'uri_block_exclude'],
  scope: 'privileged',
  initial: new Map(),
  read(line, value, context) {
    const [, rule, rest] = /^(\S+)\s+(.+?)\s*$/s.exec(line.value) ?? []
    if (rule === undefined || rest === undefined) {
      context.problem('missing-value', `${line.written} wants a rule and a value`)
      return value
    }
    const rules = value as Rules
    const wanted = readers[line.written]!(rest, rules.get(rule) ?? {}, context, line.written)
    if (!wanted) return value
    context.defineEval(rule, 'body', 'check_uri_local_bl', [])
    return new Map(rules).set(rule, wanted)
  },
}

/** What is said about a host with these addresses; undefined = nothing, false = it is excluded. */
function judge(wanted: Wanted, db: GeoDb, ips: readonly string[]): string | false | undefined {
  const { countries, continents, isps, networks, excluded } = wanted
  if (ips.some((ip) => excluded?.has(ip))) return false
  const hits = ({ codes, negated }: Codes, code: string): boolean => codes.has(code) !== negated
  if (countries && db.country)
    for (const code of ips.map(db.country)) if (hits(countries, code)) return `in country ${code}`
  if (continents && db.continent)
    for (const code of ips.map(db.continent)) if (hits(continents, code)) return `in continent ${code}`
  if (isps && db.isp)
    for (const name of ips.map(db.isp))
      if (name !== undefined && isps.has(ispKey(name))) return `in isp ${name}`
  if (networks && ips.some((ip) => containsIp(networks, ip))) return 'in cidr'
  return undefined
}

/** Hosts looked up for one message. */
const hostsMax = 20

async function anyNamed(
  context: EvalContext,
  hosts: readonly string[],
  wanted: Wanted,
  db: GeoDb,
): Promise<boolean> {
  const { net, deadline } = context.scan
  const types = db.country || db.isp ? (['A', 'AAAA'] as const) : (['A'] as const)
  const questions = hosts.flatMap((host) => types.map((type) => ({ host, type })))
  const answers = await Promise.all(
    questions.map(({ host, type }) => net.dns.query(hostToAscii(host, 'punycode'), type, deadline)),
  )
  for (const [index, answer] of answers.entries()) {
    if (answer.status !== 'found') continue
    const what = judge(wanted, db, answer.records)
    if (what === false) return false
    if (what === undefined) continue
    context.detail(`Host: ${questions[index]!.host} ${what}`)
    return true
  }
  return false
}

function check(context: EvalContext): EvalResult | Promise<EvalResult> {
  const { scan, settings, rule } = context
  const wanted = setting<Rules>(settings, 'uri_block_cidr').get(rule)
  if (!wanted) return false
  const db = geoDb(settings)
  const names = new Set<string>()
  for (const { hosts, types } of scan.views.uris.detail) {
    if (!types.has('a') && !types.has('parsed')) continue
    for (const [host, domain] of hosts) {
      if (wanted.excluded?.has(lower(domain))) continue
      const literal = host.replace(/^\[(.*)\]$/, '$1')
      if (!isIpAddress(literal)) {
        names.add(host)
        continue
      }
      const what = judge(wanted, db, [literal])
      if (what === false) return false
      if (what === undefined) continue
      context.detail(`Host: ${host} ${what}`)
      return true
    }
  }
  if (!scan.net.dns.enabled || names.size === 0) return false
  return anyNamed(context, [...names].slice(0, hostsMax), wanted, db)
}

export const uriLocalBl: Plugin = {
  name: 'URILocalBL',
  directives: [directive],
  evals: { check_uri_local_bl: check },
}
