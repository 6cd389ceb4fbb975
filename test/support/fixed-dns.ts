// A resolver that answers from a table, without sockets: for tests of what is built upon answers. Every question is recorded.
import type { Dns, DnsAnswer, DnsType } from '../../src/types.js'

type Failure = 'timeout' | 'servfail' | 'refused'

export interface FixedDns extends Dns {
  readonly asked: string[]
  readonly blocked: Map<string, number>
}

/** 'TYPE name' -> records, or how it fails. Names that stand nowhere are NXDOMAIN. */
export function fixedDns(
  records: Readonly<Record<string, readonly string[] | Failure>>,
  enabled = true,
): FixedDns {
  const asked: string[] = []
  const blocked = new Map<string, number>()
  return {
    asked,
    blocked,
    enabled,
    async query(name: string, type: DnsType): Promise<DnsAnswer> {
      const key = `${type} ${name.toLowerCase()}`
      asked.push(key)
      const found = records[key]
      if (typeof found === 'string') return { status: 'failed', reason: found }
      if (found !== undefined) return { status: 'found', records: found, ttlSeconds: 60 }
      const exists = Object.keys(records).some((known) => known.endsWith(` ${name.toLowerCase()}`))
      return { status: exists ? 'nodata' : 'nxdomain' }
    },
    block: (zone, seconds) => blocked.set(zone, seconds),
  }
}
