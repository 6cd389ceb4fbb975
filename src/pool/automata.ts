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
  /** All lists have theirs; false = those of the cache file, others are being built. */
  readonly complete: boolean
  /** Lists that were not in the cache file. */
  readonly built: number
  readonly tookMs: number
  /** Why the cache file could not be written. */
  readonly notSaved?: string
}

/** @param onMade called once or twice: with what the cache file has, and when all are built. */
export function makeAutomata(job: AutomataJob, onMade: (made: AutomataMade) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./automata-thread.js', import.meta.url), { workerData: job })
    worker.unref()
    worker.on('message', (made: AutomataMade) => {
      onMade(made)
      if (made.complete) resolve()
    })
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the automata thread ended without an answer')))
  })
}
