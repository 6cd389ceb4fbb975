// Values of the tags that queries are built from (askdns, HashBL). Those that follow from the mail itself are worked out here, so that
// a query need not wait for another rule to set them; any other tag is waited for.
import type { EvalContext } from '../../rules/engine/types.js'
import { hostToAscii } from '../views/hosts.js'
import { reverseIp } from '../views/ip.js'
import { uriHosts } from './listhosts.js'
import { header, headerAll } from './text.js'

function hostsOf(context: EvalContext, request: string): readonly string[] {
  return headerAll(context.scan, request)
    .filter((host) => host !== '')
    .map((host) => hostToAscii(host, 'punycode'))
}

async function dkimValues(
  context: EvalContext,
  pick: 'domain' | 'identity' | 'selector',
): Promise<readonly string[]> {
  const { signatures } = await context.scan.facts.dkim()
  return signatures.filter(({ result }) => result === 'pass').map((signature) => signature[pick])
}

function reversed(ip: string | undefined): readonly string[] {
  const text = ip === undefined ? undefined : reverseIp(ip)
  return text === undefined ? [] : [text]
}

type Source = (context: EvalContext) => readonly string[] | Promise<readonly string[]>

function relayValue(side: 'external' | 'trusted', pick: 'ip' | 'rdns' | 'helo'): Source {
  return ({ scan }) => {
    const relays = scan.views.relays[side]
    const relay = side === 'external' ? relays[0] : relays.at(-1)
    return relay === undefined ? [] : [relay[pick]]
  }
}

const sources: Readonly<Record<string, Source>> = {
  SENDERDOMAIN: (context) => hostsOf(context, 'EnvelopeFrom:first:addr:host').slice(0, 1),
  AUTHORDOMAIN: (context) => hostsOf(context, 'From:addr:host'),
  LASTEXTERNALIP: relayValue('external', 'ip'),
  LASTEXTERNALREVIP: ({ scan }) => reversed(scan.views.relays.external[0]?.ip),
  LASTEXTERNALRDNS: relayValue('external', 'rdns'),
  LASTEXTERNALHELO: relayValue('external', 'helo'),
  FIRSTTRUSTEDIP: relayValue('trusted', 'ip'),
  FIRSTTRUSTEDREVIP: ({ scan }) => reversed(scan.views.relays.trusted.at(-1)?.ip),
  DKIMDOMAIN: (context) => dkimValues(context, 'domain'),
  DKIMIDENTITY: (context) => dkimValues(context, 'identity'),
  DKIMSELECTOR: (context) => dkimValues(context, 'selector'),
  URIHOSTS: (context) => uriHosts(context).map(({ host }) => host),
  URIDOMAINS: (context) => uriHosts(context).map(({ domain }) => domain),
}

/** Every value once, none empty; an empty list when nobody knows the tag. `tag` may be HEADER(request). */
export async function tagValues(context: EvalContext, tag: string): Promise<readonly string[]> {
  const request = /^HEADER\((.*)\)$/.exec(tag)?.[1]
  const source = sources[tag]
  const found =
    request !== undefined
      ? [header(context.scan, request).trim()]
      : source !== undefined
        ? await source(context)
        : await context.whenTag(tag)
  const values = typeof found === 'string' ? [found] : (found ?? [])
  return [...new Set(values.filter((value) => value !== ''))]
}
