// Follows one short link a step: who is asked, and what the answer says. Links come from the sender, so nothing inside a network is
// ever reached: the address is resolved by our own resolver, judged, and then connected to as judged (no second look-up in between).
import type { Dns } from '../types.js'
import { isIpAddress, parseIp } from '../views/ip.js'

export type Step =
  | { readonly kind: 'redirect'; readonly location: string }
  /** Answered, but not with a redirection. */
  | { readonly kind: 'status'; readonly code: number }
  /** Refused by us, unreachable or too slow. */
  | { readonly kind: 'failed'; readonly reason: string }

/** Asks where a link leads. `deadline` is a Date.now() instant. Never rejects. */
export type Ask = (uri: string, method: 'HEAD' | 'GET', deadline: number) => Promise<Step>

const v4Prefix = [0, 0, 0, 0, 0, 0xffff]

/** First bytes of IPv4 ranges that are not on the public internet (IANA special-purpose registry). */
const closedV4: readonly RegExp[] = [
  /^(?:0|10|127|22[4-9]|23\d|24\d|25[0-5])\./,
  /^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./,
  /^169\.254\./,
  /^172\.(?:1[6-9]|2\d|3[01])\./,
  /^192\.(?:168|0\.0|0\.2|88\.99)\./,
  /^198\.(?:1[89]|51\.100)\./,
  /^203\.0\.113\./,
]

/** Whether an address may be connected to on a stranger's word. */
export function isPublicAddress(ip: string): boolean {
  const words = parseIp(ip)
  if (!words) return false
  const tail = (from: number) => words.slice(from, from + 2).flatMap((word) => [word >> 8, word & 0xff])
  const closed = (octets: readonly number[]) => closedV4.some((range) => range.test(`${octets.join('.')}.`))
  if (v4Prefix.every((word, index) => words[index] === word)) return !closed(tail(6))
  // 2000::/3 is all that is assigned; 6to4, Teredo and NAT64 carry an IPv4 address that must be public as well.
  if (words[0] === 0x2002) return !closed(tail(1))
  if (words[0] === 0x64 && words[1] === 0xff9b) return !closed(tail(6))
  if (words[0] === 0x2001 && (words[1] === 0 || words[1] === 0x0db8)) return false
  return words[0]! >= 0x2000 && words[0]! < 0x4000
}

async function resolve(host: string, dns: Dns, deadline: number): Promise<string | undefined> {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (isIpAddress(bare)) return bare
  const answer = await dns.query(bare, 'A', deadline)
  if (answer.status === 'found') return answer.records[0]
  const wide = await dns.query(bare, 'AAAA', deadline)
  return wide.status === 'found' ? wide.records[0] : undefined
}

/** Longest a single question may take, milliseconds, whatever the scan still allows. */
export function asker(dns: Dns, agent: string, timeoutMs: number): Ask {
  return async (uri, method, deadline) => {
    const url = URL.canParse(uri) ? new URL(uri) : undefined
    if (!url || !/^https?:$/.test(url.protocol)) return { kind: 'failed', reason: 'no http link' }
    if (url.port !== '') return { kind: 'failed', reason: 'unusual port' }
    const address = await resolve(url.hostname, dns, deadline)
    if (address === undefined) return { kind: 'failed', reason: 'no address' }
    if (!isPublicAddress(address)) return { kind: 'failed', reason: 'private address' }
    const left = Math.min(timeoutMs, deadline - Date.now())
    if (left <= 0) return { kind: 'failed', reason: 'no time left' }
    // Some 8 ms to load, for a rule set that hardly anybody has.
    const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
    return send(request, url, method, address, agent, left)
  }
}

function send(
  request: typeof import('node:http').request,
  url: URL,
  method: 'HEAD' | 'GET',
  address: string,
  agent: string,
  timeoutMs: number,
): Promise<Step> {
  return new Promise((settle) => {
    const options = {
      method,
      host: address,
      servername: url.hostname,
      path: url.pathname + url.search,
      headers: { host: url.host, 'user-agent': agent },
      signal: AbortSignal.timeout(timeoutMs),
      agent: false,
    } as const
    const asking = request(options, (response) => {
      const { statusCode = 0, headers } = response
      // Only the header matters.
      response.destroy()
      const redirected = statusCode >= 300 && statusCode < 400 && headers.location !== undefined
      settle(
        redirected ? { kind: 'redirect', location: headers.location! } : { kind: 'status', code: statusCode },
      )
    })
    asking.on('error', (error) => settle({ kind: 'failed', reason: error.message }))
    asking.end()
  })
}
