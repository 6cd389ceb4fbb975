// Hosts of a mail's URIs that lists are asked about: the interesting kinds first, no more than uridnsbl_max_domains, none that an
// admin called harmless. Comes in: UriView and settings. Goes out: host and registered domain; also the tags URIHOSTS and URIDOMAINS.
import type { EvalContext } from '../../rules/engine/types.js'
import type { Uri } from '../types.js'
import { once } from './once.js'

export interface UriHost {
  readonly host: string
  readonly domain: string
}

/** Links people click stand before what only was found in the text. */
function rankOf({ types, anchor }: Uri): number {
  if (types.has('a')) return anchor.some((text) => text !== '') ? 0 : 5
  if (types.has('form')) return 1
  if (types.has('img')) return 2
  return types.has('parsed') && types.size === 1 ? 4 : 3
}

export function skippedDomains(context: EvalContext): ReadonlySet<string> {
  return (context.settings.values.get('uridnsbl_skip_domain') as ReadonlySet<string> | undefined) ?? new Set()
}

/** SpamAssassin draws lots when there are too many; here the first by rank and name stay, so that a rescan asks the same. */
const askedHosts = once((scan, context: EvalContext): readonly UriHost[] => {
  const { values } = context.settings
  const skipped = skippedDomains(context)
  const skipMailto = values.get('uridnsbl_skip_mailto') !== false
  const ranked: { rank: number; host: string; domain: string }[] = []
  for (const uri of scan.views.uris.detail) {
    if (skipMailto && /^mailto:/i.test(uri.raw)) continue
    const rank = rankOf(uri)
    for (const [host, domain] of uri.hosts) {
      if (!skipped.has(domain.toLowerCase()) && !skipped.has(host.toLowerCase())) {
        ranked.push({ rank, host: host.toLowerCase(), domain: domain.toLowerCase() })
      }
    }
  }
  ranked.sort((a, b) => a.rank - b.rank || (a.host < b.host ? -1 : 1))
  const found = new Map<string, string>()
  const max = (values.get('uridnsbl_max_domains') as number | undefined) ?? 20
  for (const { host, domain } of ranked) if (found.size < max || found.has(host)) found.set(host, domain)
  return [...found].map(([host, domain]) => ({ host, domain }))
})

export function uriHosts(context: EvalContext): readonly UriHost[] {
  return askedHosts(context.scan, context)
}

export function setUriTags(context: EvalContext): void {
  const hosts = uriHosts(context)
  const sorted = (list: readonly string[]) => [...new Set(list)].sort()
  context.tag('URIHOSTS', sorted(hosts.map(({ host }) => host)))
  context.tag('URIDOMAINS', sorted(hosts.map(({ domain }) => domain)))
}
