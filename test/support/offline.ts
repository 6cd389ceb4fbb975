// Scans without network, learner and clock, for tests and benches that are about something else.
import type { Settings } from '../../rules/engine/types.js'
import { parseMessage } from '../../src/message/parse.js'
import type { ScanPolicy } from '../../src/scan.js'
import { createScanner, type Scanner, type ScannerSetup } from '../../src/scanner.js'
import type { Domains, Facts, Net, Scan } from '../../src/types.js'
import { createViews } from '../../src/views/index.js'

export const offlineNet: Net = {
  dns: { enabled: false, query: async () => ({ status: 'failed', reason: 'disabled' }) },
}

/** Every fact is "nothing known". */
export const noFacts: Facts = {
  spf: async () => ({ mfrom: undefined, helo: undefined }),
  dkim: async () => ({ signatures: [], arc: undefined }),
  dmarc: async () => ({
    result: 'none',
    policy: undefined,
    domain: '',
    spfAligned: false,
    dkimAligned: false,
    comment: '',
  }),
  virus: async () => ({ status: 'off' }),
  bayes: () => ({ probability: undefined, spamLearned: 0, hamLearned: 0, clues: [] }),
}

const plainPolicy: ScanPolicy = {
  thresholds: {},
  lookupMs: 1000,
  unchecked: 'accept',
  hostname: 'localhost',
  autolearn: false,
}

/** A scanner of these rules that asks nobody and knows no user. */
export function offlineScanner({
  policy,
  ...setup
}: Pick<ScannerSetup, 'plan' | 'classifier'> & { readonly policy?: Partial<ScanPolicy> }): Scanner {
  return createScanner({
    ...setup,
    policy: { ...plainPolicy, ...policy },
    prefs: { kind: 'off', dir: null, allowUserRules: false },
    net: offlineNet,
  })
}

/** What rules see of one message. */
export function offlineScan(raw: Uint8Array, settings: Settings, domains: Domains): Scan {
  const message = parseMessage(raw)
  const envelope = { rcptTo: [] }
  return {
    request: { id: 'test', raw, envelope, wants: { subtests: true }, front: 'test' },
    message,
    views: createViews(message, settings, domains, envelope),
    facts: noFacts,
    net: offlineNet,
    deadline: Date.now() + 60_000,
    note: () => undefined,
    kept: [],
  }
}
