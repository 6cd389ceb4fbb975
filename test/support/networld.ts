// The world of the network tests on loopback: rbldnsd with the lists of fixtures/zones behind the small DNS server with the domains.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDns, type ProcessDns } from '../../src/net/dns.js'
import { packageRoot } from '../../src/root.js'
import { startDns, type TestDns } from './dns-server.js'
import { startRbldnsd } from './rbldnsd.js'

export interface NetWorld {
  readonly server: TestDns
  readonly dns: ProcessDns
  close(): Promise<void>
}

/** Lines both SpamAssassin and hamd get: no zone is blocked between cases, and all links of a mail are asked about. */
export const worldLines = 'dns_block_time -1\nuridnsbl_max_domains 30\n'

export async function startNetWorld(): Promise<NetWorld> {
  const lists = await startRbldnsd()
  const domains = JSON.parse(readFileSync(join(packageRoot, 'fixtures', 'zones', 'domains.json'), 'utf8'))
  const server = await startDns(domains, { 'hamd-servfail.com': 'servfail' })
  server.forward(lists.zones, lists.port)
  const dns = createDns({ servers: [server.address], local: false, queryMs: 15_000 })
  return {
    server,
    dns,
    async close() {
      dns.close()
      await server.close()
      await lists.close()
    },
  }
}
