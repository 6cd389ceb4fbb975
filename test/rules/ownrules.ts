// A scanner with our own rules and no network, for tests of the rules themselves.
import { randomUUID } from 'node:crypto'
import type { Plan } from '../../rules/engine/types.js'
import { loadRules } from '../../src/ruling.js'
import { createScanner } from '../../src/scanner.js'
import type { Verdict } from '../../src/types.js'

export const ownRules = (config = ''): Plan =>
  loadRules({ builtin: true, paths: [], local: true, cfLines: config })

/** The same plan with one point for every rule: what has no score does not run. */
export const allRunning = (plan: Plan): Plan => ({
  ...plan,
  rules: plan.rules.map((rule) => ({ ...rule, scores: [1, 1, 1, 1] as const })),
})

export function judgeWith(plan: Plan): (raw: Uint8Array) => Promise<Verdict> {
  const scanner = createScanner({
    plan,
    policy: { thresholds: {}, lookupMs: 1000, unchecked: 'accept', hostname: 'localhost', autolearn: false },
    prefs: { kind: 'off', dir: null, allowUserRules: false },
    net: { dns: { enabled: false, query: async () => ({ status: 'failed', reason: 'disabled' }) } },
  })
  return async (raw) => {
    const { scanned } = await scanner.scan({
      id: randomUUID(),
      raw,
      envelope: { rcptTo: [] },
      wants: {},
      front: 'test',
    })
    return scanned.verdict
  }
}

export const withCrlf = (raw: Buffer): Buffer =>
  Buffer.from(raw.toString('latin1').replace(/(?<!\r)\n/g, '\r\n'), 'latin1')
