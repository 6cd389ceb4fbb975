// Makes a ScanContext from plain data and keeps it: the part of a scan that is the same for all messages of one thread.
import { join } from 'node:path'
import { createEngine } from '../rules/engine/run.js'
import type { Plan } from '../rules/engine/types.js'
import { plugins } from './checks/index.js'
import { openReputationStore } from './checks/reputationstore.js'
import type { PrefsSource } from './pool/protocol.js'
import { createPrefs } from './prefs.js'
import {
  type ScanClassifier,
  type ScanContext,
  type ScanOutcome,
  type ScanPolicy,
  scanMessage,
} from './scan.js'
import { createSkippedRules } from './skipped.js'
import { groupOf } from './symbols.js'
import type { Net, ReputationStore, Request } from './types.js'
import { domainLists } from './views/directives.js'
import { createDomains } from './views/domains.js'

export interface ScannerSetup {
  readonly plan: Plan
  readonly policy: ScanPolicy
  readonly prefs: PrefsSource
  readonly net: Net
  readonly classifier?: ScanClassifier | undefined
  /** Left out; may grow while the scanner is in use. */
  readonly suspended?: ReadonlySet<string>
  /** Folder of all state; absent = nothing is remembered between messages. */
  readonly dataDir?: string | undefined
  /** Rows for the history are made; absent = nobody keeps them. */
  readonly history?: boolean
}

export interface Scanner {
  readonly context: ScanContext
  scan(request: Request, onRule?: (rule: number) => void): Promise<ScanOutcome>
}

export function createScanner(setup: ScannerSetup): Scanner {
  const { plan, net, policy } = setup
  const suspended = setup.suspended ?? new Set()
  const groups = new Map(plan.rules.map((rule) => [rule.name, groupOf(rule)]))
  const context: ScanContext = {
    plan,
    engine: createEngine(plan, plugins, { local: !net.dns.enabled }),
    rules: new Map(plan.rules.map((rule) => [rule.name, rule])),
    domains: createDomains(domainLists(plan.settings)),
    net,
    policy,
    reputation: openReputation(plan, setup.dataDir),
    classifier: setup.classifier,
    prefsOf: createPrefs(plan, setup.prefs),
    suspended,
    skipped: createSkippedRules(plan.rules, groups, suspended),
    history: setup.history === true,
  }
  return { context, scan: (request, onRule) => scanMessage(request, context, onRule) }
}

/** Only when a plugin asks for it: most installations keep no histories. */
function openReputation(plan: Plan, dataDir: string | undefined): ReputationStore | undefined {
  const wanted = plan.plugins.includes('AWL') || plan.plugins.includes('TxRep')
  return wanted && dataDir !== undefined ? openReputationStore(join(dataDir, 'reputation.sqlite')) : undefined
}
