// URIEval: links that lead somewhere else than they say: through a redirector, or to a bare address under a text with https.
import type { Plugin } from '../../rules/engine/types.js'
import type { Domains, Scan } from '../types.js'
import { anchorsByUri } from './anchors.js'

const outerAndInner = /^https?:\/\/([^/:?]+).+?(https?:\/{0,2}?([^/:?]+)[^\n]*)$/i

/** Some URI holds another one of a different domain. */
function redirects(uri: string, domains: Domains): boolean {
  let rest = uri
  for (;;) {
    const found = outerAndInner.exec(rest)
    if (!found) return false
    const [outer, inner] = [found[1]!, found[3]!].map((host) => domains.registered(host) ?? host)
    if (outer !== inner) return true
    rest = found[2]!
  }
}

const toAddress = /^https?:\/*(?:[^@/]+@)?\d+\.\d+\.\d+\.\d+/i
const textToAddress = /^https:\/*(?:[^@/]+@)?\d+\.\d+\.\d+\.\d+/i

function addressUnderHttps(scan: Scan): boolean {
  return scan.views.text.html.some((html) =>
    [...anchorsByUri(html)].some(
      ([uri, texts]) =>
        toAddress.test(uri) && texts.some((text) => !textToAddress.test(text) && /https:/i.test(text)),
    ),
  )
}

export const uriEval: Plugin = {
  name: 'URIEval',
  evals: {
    check_for_http_redirector: ({ scan: { views } }) =>
      views.uris.list.some((uri) => redirects(uri, views.domains)),
    check_https_ip_mismatch: ({ scan }) => addressUnderHttps(scan),
    check_uri_truncated: ({ scan }) => scan.views.uris.truncated,
  },
}
