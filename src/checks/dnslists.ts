// What all list evals share: asking a DNS list, telling a listing from a refusal, and saying aloud what could not be found out.
// Lists answer clients they don't serve with special codes, and resolvers with search pages answer everything: neither is a listing
// (features.md C3: such answers have had all mail of whole sites rejected).
import type { EvalContext } from '../../rules/engine/types.js'
import type { DnsAnswer, DnsType, Note } from '../types.js'
import { isFqdn } from '../views/hosts.js'
import { isIpAddress, reverseIp } from '../views/ip.js'
import { once } from './once.js'

/** One record of a list's answer. */
export interface ListRecord {
  readonly text: string
  /** The list (or a resolver in between) refuses us; only a rule that asks for just this code may hit. */
  readonly isRefusal: boolean
}

/** Refusals that lie in the usual range, by zone (the lists' own documentation). */
const refusalCodes: readonly (readonly [zone: string, code: string])[] = [
  ['multi.uribl.com', '127.0.0.1'],
  ['multi.surbl.org', '127.0.0.1'],
  ['list.dnswl.org', '127.0.0.255'],
  ['dbl.spamhaus.org', '127.0.1.255'],
]

/** Sentences with which TXT lists turn clients away (Spamhaus, Validity). */
const refusalText =
  /open resolver|excessive number of queries|quer(?:y|ies) (?:was |were )?(?:refused|blocked)/i

function isRefusal(type: DnsType, zone: string, text: string): boolean {
  if (type === 'TXT') return refusalText.test(text)
  if (type !== 'A') return false
  if (!text.startsWith('127.') || text.startsWith('127.255.255.')) return true
  return refusalCodes.some(([known, code]) => code === text && (zone === known || zone.endsWith(`.${known}`)))
}

function isDenied(name: string, restriction: ReadonlyMap<string, 'allow' | 'deny'> | undefined): boolean {
  if (restriction === undefined || restriction.size === 0) return false
  for (let zone = name.toLowerCase(); ; zone = zone.slice(zone.indexOf('.') + 1)) {
    const said = restriction.get(zone)
    if (said !== undefined) return said === 'deny'
    if (!zone.includes('.')) return restriction.get('*') === 'deny'
  }
}

const noteKinds = {
  timeout: 'timeout',
  servfail: 'unavailable',
  refused: 'unavailable',
  unreachable: 'unavailable',
  limited: 'limited',
  blocked: 'skipped',
  disabled: undefined,
} as const

const notesTold = once(() => new Set<string>())

/** One note per scan and text, however many rules met the same trouble. */
export function noteOnce(context: EvalContext, note: Note): void {
  const told = notesTold(context.scan)
  const key = `${note.check} ${note.kind} ${note.text}`
  if (told.has(key)) return
  told.add(key)
  context.note(note)
}

/** Any look-up of an eval: dns_query_restriction obeyed, failures noted under the name of `check`. */
export async function lookUp(
  context: EvalContext,
  check: string,
  name: string,
  type: DnsType,
): Promise<DnsAnswer> {
  const { scan, settings } = context
  if (isDenied(name, settings.values.get('dns_query_restriction') as ReadonlyMap<string, 'allow' | 'deny'>)) {
    return { status: 'failed', reason: 'disabled' }
  }
  const answer = await scan.net.dns.query(name, type, scan.deadline)
  if (answer.status === 'failed') {
    const kind = noteKinds[answer.reason]
    // Without any resolver it is not the list that fails: one note, not twenty.
    if (answer.reason === 'unreachable')
      noteOnce(context, { check: 'dns', kind: 'unavailable', text: 'no resolver answers' })
    else if (kind !== undefined) noteOnce(context, { check, kind, text: answer.reason })
  }
  return answer
}

/** Asks `host` in a list's zone. No records = not listed or not known; which of them, a Note tells. */
export async function askList(
  context: EvalContext,
  host: string,
  zone: string,
  type: DnsType,
): Promise<readonly ListRecord[]> {
  const answer = await lookUp(context, `list ${zone}`, `${host}.${zone}`, type)
  if (answer.status !== 'found') return []
  const records = answer.records.map((text) => ({ text, isRefusal: isRefusal(type, zone, text) }))
  const refused = records.find((record) => record.isRefusal)
  if (refused !== undefined) {
    noteOnce(context, {
      check: `list ${zone}`,
      kind: 'blocked',
      text: `answers ${refused.text}: it does not serve this resolver`,
    })
  }
  return records
}

/** After a hit: a rule named by dns_block_rule stops further questions to its zones for dns_block_time seconds. */
export function obeyBlockRule(context: EvalContext): void {
  const rules = context.settings.values.get('dns_block_rule') as
    | ReadonlyMap<string, readonly string[]>
    | undefined
  const seconds = (context.settings.values.get('dns_block_time') as number | undefined) ?? 300
  for (const zone of rules?.get(context.rule) ?? []) context.scan.net.dns.block?.(zone, seconds)
}

export function mayAskLists(context: EvalContext, skip: 'skip_rbl_checks' | 'skip_uribl_checks'): boolean {
  return context.scan.net.dns.enabled && context.settings.values.get(skip) !== true
}

/** The name under which a host or address is asked, undefined when the rule's tflags or its form rule it out. */
export function listName(context: EvalContext, host: string): string | undefined {
  if (isIpAddress(host)) return context.tflags.includes('domains_only') ? undefined : reverseIp(host)
  if (context.tflags.includes('ips_only')) return undefined
  const name = host.replace(/\.+$/, '')
  return isFqdn(name) && context.scan.views.domains.registered(name) !== undefined ? name : undefined
}

export function trimZone(zone: string): string {
  return zone.replace(/\.+$/, '')
}

export function addressToNumber(address: string): number {
  const octets = address.split('.').map(Number)
  return octets.length === 4 ? octets.reduce((sum, octet) => sum * 256 + octet, 0) : Number.NaN
}
