// What /metrics shows of the parts of a running server at the moment it is asked.
import type { LearnerClient } from '../bayes/client.js'
import type { ServerCore } from '../src/core.js'
import type { Gauge } from '../src/metrics.js'
import type { ProcessDns } from '../src/net/dns.js'
import type { Listening } from './listen.js'

/** What waits for the admin's word. A learner that does not answer leaves the page without these lines. */
export async function learnerGauges(learner: LearnerClient): Promise<Gauge[]> {
  const held = await learner.held().catch(() => undefined)
  if (!held) return []
  const rows = held.reduce((sum, source) => sum + source.rows, 0)
  return [
    { name: 'learner_held', help: 'Learnings held for review', value: rows },
    { name: 'learner_held_sources', help: 'Sources whose learnings are held', value: held.length },
  ]
}

export function gauges(core: ServerCore, dns: ProcessDns, listening: Listening): Gauge[] {
  const load = core.load()
  const stats = dns.stats()
  return [
    { name: 'scan_queue', help: 'Scans waiting for a worker', value: load.waiting },
    { name: 'scans_in_flight', help: 'Scans that workers hold', value: load.inFlight },
    { name: 'workers_ready', help: 'Scan workers that can take a message', value: load.workersReady },
    {
      name: 'rules_suspended',
      help: 'Rules suspended after running away',
      value: load.suspendedRules.length,
    },
    { name: 'connections', help: 'Connections on the scan listeners', value: listening.connections() },
    { name: 'dns_in_flight', help: 'DNS questions under way', value: stats.inFlight },
    { name: 'dns_cached', help: 'Names in the DNS cache', value: stats.cached },
    { name: 'dns_asked', help: 'DNS questions asked by scans', value: stats.asked, counter: true },
    { name: 'dns_failed', help: 'DNS questions that failed', value: stats.failed, counter: true },
  ]
}
