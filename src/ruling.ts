// Reads the rules that a configuration names into what scans are judged by. Slow enough (all stock rules: some hundred milliseconds)
// that a running server does it in a thread of its own (loadRulesAside).
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { loadPlan } from '../rules/engine/load.js'
import { setting } from '../rules/engine/settings.js'
import type { Plan } from '../rules/engine/types.js'
import { listDirectives, plugins } from './checks/index.js'
import { packageRoot } from './root.js'
import { viewDirectives } from './views/directives.js'

/** Which rules to read: plain data, so that a thread can be told. */
export interface RuleSources {
  readonly builtin: boolean
  readonly paths: readonly string[]
  readonly local: boolean
  readonly preLines?: string
  readonly cfLines?: string
}

/** Our own rules. */
export const builtinRules = join(packageRoot, 'rules')

export function loadRules(sources: RuleSources): Plan {
  return loadPlan({
    sources: [...(sources.builtin ? [builtinRules] : []), ...sources.paths],
    plugins,
    directives: [...viewDirectives, ...listDirectives],
    local: sources.local,
    ...(sources.preLines === undefined ? {} : { preLines: sources.preLines }),
    ...(sources.cfLines === undefined ? {} : { cfLines: sources.cfLines }),
  })
}

/** Resolvers of the configuration; where it names none, those of the rules (`dns_server`); empty = the system's. */
export function resolversOf(configured: readonly string[], plan: Plan): readonly string[] {
  return configured.length > 0 ? configured : setting<readonly string[]>(plan.settings, 'dns_server')
}

/** The same in a thread: the event loop of a running server goes on turning. */
export function loadRulesAside(sources: RuleSources): Promise<Plan> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./ruling-thread.js', import.meta.url), { workerData: sources })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('reading the rules ended without an answer')))
  })
}
