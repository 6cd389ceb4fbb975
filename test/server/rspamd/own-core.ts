// Our own rules in this thread, without look-ups: what the fronts are given in a server, minus workers and network.
import { hostname } from 'node:os'
import { loadRules } from '../../../src/ruling.js'
import { createScanner, symbolsOf } from '../../../src/scanner.js'
import type { Core, Request } from '../../../src/types.js'
import { smallCore } from '../../support/core.js'

/** `watch` sees every request first and may throw. */
export function ownCore(watch: (request: Request) => void = () => {}): Core {
  const thresholds = { greylist: 4, 'add header': 6, reject: 15 }
  const plan = loadRules({ builtin: true, paths: [], local: true })
  const scanner = createScanner({
    plan,
    policy: { thresholds, lookupMs: 1000, unchecked: 'accept', hostname: hostname(), autolearn: false },
    prefs: { kind: 'off', dir: null, allowUserRules: false },
    net: { dns: { enabled: false, query: async () => ({ status: 'failed', reason: 'disabled' }) } },
  })
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
