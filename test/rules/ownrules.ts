// A scanner with our own rules and no network, for tests of the rules themselves.
import { randomUUID } from 'node:crypto'
import { createExtractor } from '../../bayes/index.js'
import type { Plan } from '../../rules/engine/types.js'
import { loadRules } from '../../src/ruling.js'
import type { ScanClassifier } from '../../src/scan.js'
import type { Verdict } from '../../src/types.js'
import { offlineScanner } from '../support/offline.js'

export const ownRules = (config = ''): Plan =>
  loadRules({ builtin: true, paths: [], local: true, cfLines: config })

/** The same plan with one point for every rule: what has no score does not run. */
export const allRunning = (plan: Plan): Plan => ({
  ...plan,
  rules: plan.rules.map((rule) => ({ ...rule, scores: [1, 1, 1, 1] as const })),
})

/** A learner that has learned enough and has no opinion on anything: BAYES_50. */
export function undecided(): ScanClassifier {
  const extractor = createExtractor(1)
  return {
    features: (message) => extractor.extract(message),
    classify: () => ({ probability: 0.5, spamLearned: 1000, hamLearned: 1000, clues: [] }),
    ready: () => true,
  }
}

export function judgeWith(plan: Plan, classifier?: ScanClassifier): (raw: Uint8Array) => Promise<Verdict> {
  const scanner = offlineScanner({
    plan,
    classifier,
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
