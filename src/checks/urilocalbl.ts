// URILocalBL: links whose host lies in a network an admin names. Country and provider of an address need databases that hamd does not
// have: those words are accepted and never hit. Hosts that are names are looked up where there is network.

import { setting } from '../../rules/engine/settings.js'
import type {
  Directive,
  DirectiveContext,
  EvalContext,
  EvalResult,
  Plugin,
} from '../../rules/engine/types.js'
import { isIpAddress } from '../views/ip.js'
import { containsIp, type Network, parseNetwork } from '../views/networks.js'
import { lower, words } from './text.js'

type Networks = ReadonlyMap<string, readonly Network[]>
type Exclusions = ReadonlyMap<string, ReadonlySet<string>>

function ruleAndWords(
  value: string,
  written: string,
  context: DirectiveContext,
): [string, string[]] | undefined {
  const [rule, ...rest] = words(value)
  if (rule !== undefined && rest.length > 0) return [rule, rest]
  context.problem('missing-value', `${written} wants a rule and a value`)
  return undefined
}

const blocks: Directive = {
  name: 'uri_block_cidr',
  scope: 'privileged',
  initial: new Map(),
  read(line, value, context) {
    const parts = ruleAndWords(line.value, line.written, context)
    if (!parts) return value
    const [rule, texts] = parts
    const networks = texts.map(parseNetwork)
    for (const [index, network] of networks.entries()) {
      if (!network) context.problem('invalid-value', `${line.written}: no network: ${texts[index]}`)
    }
    context.defineEval(rule, 'body', 'check_uri_local_bl', [], ['net'])
    const known = (value as Networks).get(rule) ?? []
    return new Map(value as Networks).set(rule, [
      ...known,
      ...networks.filter((network) => network !== undefined),
    ])
  },
}

/** Words whose rules exist but cannot be judged here. */
const silent: Directive = {
  name: 'uri_block_cc',
  aliases: ['uri_block_cont', 'uri_block_isp'],
  scope: 'privileged',
  initial: undefined,
  read(line, value, context) {
    const parts = ruleAndWords(line.value, line.written, context)
    if (parts) context.defineEval(parts[0], 'body', 'check_uri_local_bl', [], ['net'])
    return value
  },
}

const exclusions: Directive = {
  name: 'uri_block_exclude',
  scope: 'privileged',
  initial: new Map(),
  read(line, value, context) {
    const parts = ruleAndWords(line.value, line.written, context)
    if (!parts) return value
    const known = (value as Exclusions).get(parts[0]) ?? new Set<string>()
    return new Map(value as Exclusions).set(parts[0], new Set([...known, ...parts[1].map(lower)]))
  },
}

/** Hosts looked up for one message. */
const hostsMax = 20

async function anyInside(
  context: EvalContext,
  hosts: readonly string[],
  networks: readonly Network[],
): Promise<boolean> {
  const { scan } = context
  const answers = await Promise.all(hosts.map((host) => scan.net.dns.query(host, 'A', scan.deadline)))
  for (const [index, answer] of answers.entries()) {
    const inside = answer.status === 'found' && answer.records.find((ip) => containsIp(networks, ip))
    if (!inside) continue
    context.detail(`Host: ${hosts[index]} in ${inside}`)
    return true
  }
  return false
}

function check(context: EvalContext): EvalResult | Promise<EvalResult> {
  const { scan, settings, rule } = context
  const networks = setting<Networks>(settings, 'uri_block_cidr').get(rule)
  if (!networks?.length) return false
  const excluded = setting<Exclusions>(settings, 'uri_block_exclude').get(rule)
  const names = new Set<string>()
  for (const { hosts } of scan.views.uris.detail) {
    for (const [host, domain] of hosts) {
      if (excluded?.has(lower(host)) || excluded?.has(domain)) continue
      const literal = host.replace(/^\[(.*)\]$/, '$1')
      if (!isIpAddress(literal)) names.add(host)
      else if (containsIp(networks, literal)) {
        context.detail(`Host: ${host}`)
        return true
      }
    }
  }
  return scan.net.dns.enabled && names.size > 0
    ? anyInside(context, [...names].slice(0, hostsMax), networks)
    : false
}

export const uriLocalBl: Plugin = {
  name: 'URILocalBL',
  directives: [blocks, silent, exclusions],
  evals: { check_uri_local_bl: check },
}
