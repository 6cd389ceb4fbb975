// Makes a ScanContext from plain data and keeps it: the part of a scan that is the same for all messages of one thread under one ruling.
import { join } from 'node:path'
import { createEngine } from '../rules/engine/run.js'
import type { Plan } from '../rules/engine/types.js'
import { plugins } from './checks/index.js'
import { type OpenReputationStore, openReputationStore } from './checks/reputationstore.js'
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
import type { Net, Request } from './types.js'
import { domainLists } from './views/directives.js'
import { createDomains } from './views/domains.js'

export interface ScannerSetup {
  readonly plan: Plan
  readonly policy: ScanPolicy
  readonly prefs: PrefsSource
  readonly net: Net
  readonly classifier?: ScanClassifier | undefined
  /** Folder of all state; absent = nothing is remembered between messages. */
  readonly dataDir?: string | undefined
  /** Rows for the history are made; absent = nobody keeps them. */
  readonly history?: boolean
}

export interface Scanner {
  readonly context: ScanContext
  scan(request: Request, onRule?: (rule: number) => void): Promise<ScanOutcome>
  /** Leaves out a rule that ran away. */
  suspend(rule: string): void
  /** No further scan begins; what the scanner holds open is closed when the last one has ended. */
  retire(): void
}

/** @param before the scanner that this one follows: what it has compiled serves this one as far as the rules are the same. */
export function createScanner(setup: ScannerSetup, before?: Scanner): Scanner {
  const { net, policy } = setup
  const same = before?.context.plan.hash === setup.plan.hash ? before?.context : undefined
  const { plan } = same ?? setup
  const suspended = new Set<string>()
  const groups = new Map(plan.rules.map((rule) => [rule.name, groupOf(rule)]))
  const reputation = openReputation(plan, setup.dataDir)
  const context: ScanContext = {
    plan,
    engine:
      same?.engine ??
      createEngine(plan, plugins, { local: !net.dns.enabled, before: before?.context.engine.compiled }),
    rules: new Map(plan.rules.map((rule) => [rule.name, rule])),
    domains: createDomains(domainLists(plan.settings)),
    net,
    policy,
    reputation,
    classifier: setup.classifier,
    prefsOf: createPrefs(plan, setup.prefs),
    suspended,
    skipped: createSkippedRules(plan.rules, groups, suspended),
    history: setup.history === true,
  }
  let scans = 0
  let retired = false
  const closeAtEnd = () => {
    if (retired && scans === 0) reputation?.close()
  }
  return {
    context,
    async scan(request, onRule) {
      scans++
      try {
        return await scanMessage(request, context, onRule)
      } finally {
        scans--
        closeAtEnd()
      }
    },
    suspend: (rule) => void suspended.add(rule),
    retire() {
      retired = true
      closeAtEnd()
    },
  }
}

/** Only when a plugin asks for it: most installations keep no histories. */
function openReputation(plan: Plan, dataDir: string | undefined): OpenReputationStore | undefined {
  const wanted = plan.plugins.includes('AWL') || plan.plugins.includes('TxRep')
  return wanted && dataDir !== undefined ? openReputationStore(join(dataDir, 'reputation.sqlite')) : undefined
}
