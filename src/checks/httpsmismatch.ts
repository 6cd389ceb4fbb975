// HTTPSMismatch: a link whose text shows an https address of another domain than the one it leads to.
import type { Plugin } from '../../rules/engine/types.js'
import type { Domains, HtmlResult } from '../types.js'
import { isIpAddress } from '../views/ip.js'
import { anchorsByUri } from './anchors.js'

/** Domain a link leads to; undefined for addresses and names of no registry. */
function targetDomain(uri: string, domains: Domains): string | undefined {
  const host = /^https?:\/\/([^/:?#]+)/i.exec(uri)?.[1]
  return host === undefined || isIpAddress(host) ? undefined : domains.registered(host)
}

/** Some text shows https with another domain, or with an address. */
function shownElsewhere(texts: readonly string[], domain: string, domains: Domains): boolean {
  return texts.some((text) => {
    const host = /https:\/\/([^\t-\r /:?#]+)/i.exec(text)?.[1]
    if (host === undefined) return false
    const shown = isIpAddress(host) ? host : domains.registered(host)
    return shown !== undefined && shown !== domain
  })
}

function mismatch(html: HtmlResult, domains: Domains, min: number, max: number): boolean {
  let anchors = 0
  let hit = false
  for (const [uri, texts] of anchorsByUri(html)) {
    const domain = targetDomain(uri, domains)
    if (domain === undefined) continue
    anchors++
    hit ||= shownElsewhere(texts, domain, domains)
  }
  return hit && anchors >= min && anchors < max
}

export const httpsMismatch: Plugin = {
  name: 'HTTPSMismatch',
  idle: ({ views }) => views.text.html.length === 0,
  evals: {
    check_https_http_mismatch({ scan: { views } }, min?, max?) {
      const least = Number(min) || 1
      const below = max === undefined ? Number.POSITIVE_INFINITY : Number(max)
      return views.text.html.some((html) => mismatch(html, views.domains, least, below))
    },
  },
}
