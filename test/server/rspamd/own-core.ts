// Our own rules in this thread, without look-ups: what the fronts are given in a server, minus workers and network.
import { hostname } from 'node:os'
import { loadRules } from '../../../src/ruling.js'
import { symbolsOf } from '../../../src/symbols.js'
import type { Core, Request } from '../../../src/types.js'
import { smallCore } from '../../support/core.js'
import { offlineScanner } from '../../support/offline.js'

/** `watch` sees every request first and may throw. */
export function ownCore(watch: (request: Request) => void = () => {}): Core {
  const thresholds = { greylist: 4, 'add header': 6, reject: 15 }
  const plan = loadRules({ builtin: true, paths: [], local: true })
  const scanner = offlineScanner({ plan, policy: { thresholds, hostname: hostname() } })
  return {
    ...smallCore(),
    async scan(request) {
      watch(request)
      return (await scanner.scan(request)).scanned
    },
    stats: async () => ({
      scanned: 0,
      learned: 0,
      spam: 0,
      ham: 0,
      actions: {},
      learner: undefined,
      uptimeSeconds: 0,
      thresholds,
      rules: plan.rules.length,
      configId: 'own',
    }),
    symbols: async () => symbolsOf(plan, 0),
  }
}
