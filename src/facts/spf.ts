// SPF of the envelope sender and of the HELO name (RFC 7208) by mailauth, over our resolver. Every look-up that fails becomes
// temperror: mailauth passes over a SERVFAIL inside an include and would go on to `-all`.
import { isIP } from 'node:net'
import { requirePackage } from '../commonjs.js'
import type { AuthResult, Dns, SpfOutcome } from '../types.js'
import type { Sender } from './sender.js'

/** SpamAssassin's limit; RFC 7208 says 10, with which big senders (ebay, outlook customers) fail for their record alone. */
const lookupsMax = 20

type Resolve = (name: string, type: string) => Promise<unknown[]>

/** What mailauth expects of a resolver: records in node:dns shapes, errors with its codes. */
export function createResolve(dns: Dns, deadline: number): Resolve {
  return async (name, type) => {
    if (type !== 'A' && type !== 'AAAA' && type !== 'TXT' && type !== 'MX' && type !== 'PTR') {
      throw Object.assign(new Error(`unexpected type ${type}`), { code: 'ENODATA' })
    }
    const answer = await dns.query(name, type, deadline)
    switch (answer.status) {
      case 'found':
        break
      case 'nxdomain':
        throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
      case 'nodata':
        throw Object.assign(new Error('no such record'), { code: 'ENODATA' })
      case 'failed':
        throw Object.assign(new Error(`look-up failed: ${answer.reason}`), { code: 'ETIMEOUT' })
    }
    if (type === 'TXT') return answer.records.map((text) => [text])
    if (type !== 'MX') return [...answer.records]
    return answer.records.map((record) => {
      const [priority, exchange] = record.split(' ')
      return { priority: Number(priority), exchange }
    })
  }
}

const results: readonly AuthResult[] = [
  'pass',
  'fail',
  'softfail',
  'neutral',
  'none',
  'temperror',
  'permerror',
]

async function check(
  scope: SpfOutcome['scope'],
  identity: string,
  sender: Sender & { readonly ip: string },
  dns: Dns,
  deadline: number,
): Promise<SpfOutcome> {
  const domain = identity.slice(identity.lastIndexOf('@') + 1)
  try {
    const { spf } = requirePackage<typeof import('mailauth/lib/spf/index.js')>('mailauth/lib/spf/index.js')
    const found = await spf({
      sender: scope === 'helo' ? `postmaster@${identity}` : identity,
      ip: sender.ip,
      helo: sender.helo || 'unknown',
      mta: 'hamd',
      maxResolveCount: lookupsMax,
      resolver: createResolve(dns, deadline) as never,
    })
    const { result, comment } = found.status as { result: AuthResult; comment?: string }
    return {
      scope,
      domain,
      result: results.includes(result) ? result : 'temperror',
      comment: (comment ?? '').replace(/^hamd: /, ''),
    }
  } catch (error) {
    // Odd records make its macro and address code throw: the record can't be read, which is RFC 7208's permerror.
    return { scope, domain, result: 'permerror', comment: (error as Error).message }
  }
}

/** A name that can have an SPF record: not an address, not a single label. */
function isCheckableHelo(helo: string): boolean {
  return !/^[[!]?\d+\.\d+\.\d+\.\d+[\]!]?$/.test(helo) && helo.includes('.') && isIP(helo) === 0
}

export async function checkSpf(
  sender: Sender,
  dns: Dns,
  deadline: number,
): Promise<{ readonly mfrom: SpfOutcome | undefined; readonly helo: SpfOutcome | undefined }> {
  const { ip, mailFrom, helo } = sender
  if (ip === undefined || isIP(ip) === 0) return { mfrom: undefined, helo: undefined }
  const known = { ...sender, ip }
  const [mfrom, heloOutcome] = await Promise.all([
    mailFrom ? check('mfrom', mailFrom, known, dns, deadline) : undefined,
    isCheckableHelo(helo) ? check('helo', helo.toLowerCase(), known, dns, deadline) : undefined,
  ])
  return { mfrom, helo: heloOutcome }
}
