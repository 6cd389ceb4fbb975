// Asks a thread for the automata of a plan (automata-thread.ts). They lie in shared memory: posting them to workers copies nothing.
import { Worker } from 'node:worker_threads'
import type { Plan } from '../../rules/engine/types.js'
import type { AutomatonSet } from '../../rules/regex/automata/tables.js'

export interface AutomataJob {
  readonly plan: Plan
  /** Where built automata are kept for the next start. */
  readonly cacheFile: string
}

export interface AutomataMade {
  /** By the key of their list of patterns (patternsKey). */
  readonly sets: ReadonlyMap<string, AutomatonSet>
  /** Lists that were not in the cache file. */
  readonly built: number
  readonly tookMs: number
  /** Why the cache file could not be written. */
  readonly notSaved?: string
}

export function makeAutomata(job: AutomataJob): Promise<AutomataMade> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./automata-thread.js', import.meta.url), { workerData: job })
    worker.unref()
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the automata thread ended without an answer')))
  })
}
