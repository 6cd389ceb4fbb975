// Asks a thread for the automata of a plan (automata-thread.ts). They lie in shared memory: posting them to workers copies nothing.
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Plan } from '../../rules/engine/types.js'
import { type RuleStates, statesOf } from '../../rules/regex/automata/saved.js'
import { StateStore } from '../../rules/regex/automata/store.js'
import type { AutomatonSet } from '../../rules/regex/automata/tables.js'

export interface AutomataJob {
  readonly plan: Plan
  /** Where built automata are kept for the next start; their states lie beside it. */
  readonly cacheFile: string
  /** Those in use: taken again where the patterns are the same, with their states when all are. */
  readonly inUse?: AutomataMade['sets'] | undefined
}

export interface AutomataMade {
  /** By the key of their list of patterns (patternsKey). */
  readonly sets: ReadonlyMap<string, AutomatonSet>
  /** Lists that were not in the cache file. */
  readonly built: number
  /** Transitions that need not be computed because they were before. */
  readonly known: number
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

export interface SaveJob {
  readonly states: RuleStates
  readonly file: string
}

/** New transitions that are worth a file of some 30 MB. */
const worthSaving = 20_000

export function statesFileOf(cacheFile: string): string {
  return join(dirname(cacheFile), 'states.bin')
}

/** Keeps for the next start what the mail has taught the automata, if that is much. Resolves with how many transitions were new. */
export function saveStates(sets: AutomataMade['sets'], cacheFile: string): Promise<number> {
  const states = statesOf(sets)
  const fresh = states ? new StateStore(states.shape).unsavedBuilds : 0
  if (!states || fresh < worthSaving) return Promise.resolve(0)
  const job: SaveJob = { states, file: statesFileOf(cacheFile) }
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./automata-saver.js', import.meta.url), { workerData: job })
    worker.once('error', reject)
    worker.once('exit', () => resolve(fresh))
  })
}
