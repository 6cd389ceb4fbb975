// ASN: the autonomous system of the relay that handed the mail over, from a local database or from DNS zones, as tags _ASN_ and
// _ASNCIDR_ (names by asn_lookup), pseudo header X-ASN and eval check_asn.
import { boolDirective } from '../../rules/engine/directive.js'
import { readPattern } from '../../rules/engine/pattern.js'
import { setting } from '../../rules/engine/settings.js'
import type { Directive, Eval, Plugin, PluginContext } from '../../rules/engine/types.js'
import type { DnsAnswer } from '../types.js'
import { isIpv4Address, reverseIp } from '../views/ip.js'
import { evalRegex, matches } from './evalregex.js'
import { geoDb } from './geodb.js'

interface Zone {
  readonly zone: string
  readonly asnTag: string
  readonly routeTag: string
}

interface Zones {
  readonly v4: readonly Zone[]
  readonly v6: readonly Zone[]
}

const zones: Directive = {
  name: 'asn_lookup',
  aliases: ['asn_lookup_ipv6', 'clear_asn_lookups'],
  scope: 'privileged',
  initial: { v4: [], v6: [] } satisfies Zones,
  read(line, value, context) {
    const known = value as Zones
    if (line.written === 'clear_asn_lookups') {
      if (line.value === '') return { v4: [], v6: [] }
      context.problem('invalid-value', 'clear_asn_lookups takes no value')
      return value
    }
    const found = /^(\S+?)\.?(?:\s+_(\S+)_\s+_(\S+)_)?$/.exec(line.value)
    if (!found) {
      context.problem('invalid-value', `${line.written} wants a zone and, if any, two _TAGS_`)
      return value
    }
    const side = line.written === 'asn_lookup_ipv6' ? 'v6' : 'v4'
    const zone: Zone = { zone: found[1]!, asnTag: found[2] ?? 'ASN', routeTag: found[3] ?? 'ASNCIDR' }
    return { ...known, [side]: [...known[side], zone] }
  },
}

const prefixDirective: Directive = {
  name: 'asn_prefix',
  scope: 'user',
  initial: 'AS',
  read: (line) => /^(['"])(.*)\1$/s.exec(line.value)?.[2] ?? line.value,
}

/** Address space that nobody announces. */
const nobody = new Set(['0', '4294967295'])
const numbers = /(?:(?:^|\s+)(?:AS)?\d+)+$/i

/** Numbers and routes in one TXT record; the forms of routeviews.org, cymru.com and spameatingmonkey.net. */
function readRecord(strings: readonly string[]): { numbers: readonly string[]; routes: readonly string[] } {
  let items: string[]
  if (strings.length > 1 && !strings.join('').includes('|')) {
    items = [...strings]
    if (items.length >= 3 && !items[1]!.includes('/') && /^\d+$/.test(items[2]!)) items[1] += `/${items[2]}`
  } else items = strings.join(' ').split(/\s*\|\s*/)
  const [first = '', second = ''] = items
  const split = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')
  if (numbers.test(first)) return { numbers: split(first), routes: split(second) }
  if (numbers.test(second)) return { numbers: split(second), routes: split(first) }
  return { numbers: [], routes: [] }
}

/** What the tags hold so far; several zones may fill the same ones. */
class Found {
  private readonly values = new Map<string, string>()

  constructor(
    private readonly context: PluginContext,
    private readonly prefix: string,
  ) {}

  /** A tag that stays empty is there all the same, so that templates show nothing in its place. */
  reserve(tag: string): void {
    this.set(tag, this.values.get(tag) ?? '')
  }

  set(tag: string, value: string | readonly string[]): void {
    this.values.set(tag, typeof value === 'string' ? value : value.join(' '))
    this.context.tag(tag, value)
  }

  addAnswer({ asnTag, routeTag }: Zone, answer: DnsAnswer): void {
    if (answer.status !== 'found') return
    const records = answer.records.map((text, index) => readRecord(answer.strings?.[index] ?? [text]))
    const plain = records.flatMap((record) => record.numbers.map((text) => text.replace(/^AS(?=\d)/i, '')))
    const known = this.wordsOf(asnTag).map((word) => this.withoutPrefix(word))
    const all = union(
      known,
      plain.filter((asn) => !nobody.has(asn)),
    )
    if (all.length > known.length) {
      this.context.scan.views.headers.put('X-ASN', all.join(' '))
      this.set(asnTag, single(all.map((asn) => this.prefix + asn)))
    }
    const knownRoutes = this.wordsOf(routeTag)
    const routes = union(
      knownRoutes,
      records.flatMap((record) => record.routes).filter((route) => !/\/0+$/.test(route)),
    )
    if (routes.length > knownRoutes.length) this.set(routeTag, single(routes))
  }

  private wordsOf(tag: string): string[] {
    return (this.values.get(tag) ?? '').split(' ').filter((word) => word !== '')
  }

  private withoutPrefix(word: string): string {
    const rest = word.startsWith(this.prefix) ? word.slice(this.prefix.length) : word
    return /^\d/.test(rest) ? rest : word
  }
}

const union = (known: readonly string[], more: readonly string[]): string[] => [
  ...new Set([...known, ...more]),
]
const single = (values: readonly string[]): string | readonly string[] =>
  values.length === 1 ? values[0]! : values

function prepare(context: PluginContext): void | Promise<void> {
  const { scan, settings } = context
  const { dns } = scan.net
  const asnOf = setting<boolean>(settings, 'asn_use_geodb') ? geoDb(settings).asn : undefined
  const useDns = setting<boolean>(settings, 'asn_use_dns') && dns.enabled
  if (!asnOf && !useDns) return
  const { v4, v6 } = setting<Zones>(settings, 'asn_lookup')
  const prefix = setting<string>(settings, 'asn_prefix')
  const found = new Found(context, prefix)
  for (const { asnTag, routeTag } of [...v4, ...v6]) {
    found.reserve(asnTag)
    found.reserve(routeTag)
  }
  const relay = scan.views.relays.external[0]
  if (!relay || relay.private) return
  const asn = asnOf?.(relay.ip)
  if (asn) {
    const { number, owner } = asn
    found.set('ASN', `${prefix}${number}${owner === '' ? '' : ` ${owner}`}`)
    scan.views.headers.put('X-ASN', String(number))
    if (setting<boolean>(settings, 'asn_prefer_geodb')) return
  }
  const reversed = reverseIp(relay.ip)
  const asked = isIpv4Address(relay.ip) ? v4 : v6
  if (!useDns || reversed === undefined || asked.length === 0) return
  return Promise.all(
    asked.map(async (zone) =>
      found.addAnswer(zone, await dns.query(`${reversed}.${zone.zone}`, 'TXT', scan.deadline)),
    ),
  ).then(() => undefined)
}

const checkAsn: Eval = async (context, written, tag = 'ASN') => {
  const read = written === undefined ? undefined : readPattern(written)
  if (!read?.ok) return false
  const { source, flags } = read.pattern
  const pattern = evalRegex(flags === '' ? source : `(?${flags})${source}`)
  const value = await context.whenTag(tag)
  if (!pattern || value === undefined) return false
  const text = typeof value === 'string' ? value : value.join(' ')
  if (!matches(pattern, text)) return false
  context.detail(`${tag}: ${text}`)
  return true
}

export const asn: Plugin = {
  name: 'ASN',
  features: ['has_asn_lookup_ipv6', 'has_asn_geodb', 'has_check_asn', 'has_check_asn_tag'],
  directives: [
    zones,
    prefixDirective,
    boolDirective('asn_use_geodb', true, { scope: 'admin' }),
    boolDirective('asn_prefer_geodb', true, { scope: 'admin' }),
    boolDirective('asn_use_dns', true, { scope: 'admin' }),
  ],
  evals: { check_asn: checkAsn },
  prepare,
}
