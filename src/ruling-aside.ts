// The rules as a running server gets them: what the last start made of the same files, or read anew in a thread, so that the event loop
// goes on turning. Loads nothing that reads rules: the main thread never needs it.
import { Worker } from 'node:worker_threads'
import { setting } from '../rules/engine/settings.js'
import type { Plan } from '../rules/engine/types.js'

/** Which rules to read: plain data, so that a thread can be told. */
export interface RuleSources {
  readonly builtin: boolean
  readonly paths: readonly string[]
  readonly local: boolean
  readonly preLines?: string
  readonly cfLines?: string
}

/** What the thread is told. */
export interface RulingJob {
  readonly sources: RuleSources
  /** Where the plan is kept for the next start (ruling-cache.ts). */
  readonly cacheFile: string
}

export function loadRulesAside(job: RulingJob): Promise<Plan> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./ruling-thread.js', import.meta.url), { workerData: job })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('reading the rules ended without an answer')))
  })
}

/** Resolvers of the configuration; where it names none, those of the rules (`dns_server`); empty = the system's. */
export function resolversOf(configured: readonly string[], plan: Plan): readonly string[] {
  return configured.length > 0 ? configured : setting<readonly string[]>(plan.settings, 'dns_server')
}
