// The thread that makes the automata of a plan: from the cache file as far as they are there; the others are built, which takes seconds,
// and saved. Ends after that, so that the build's memory goes with it.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { createEngine } from '../../rules/engine/run.js'
import { readStates, statesOf } from '../../rules/regex/automata/saved.js'
import { StateStore } from '../../rules/regex/automata/store.js'
import {
  type AutomatonSet,
  buildAutomata,
  decodeSets,
  encodeSets,
  patternsKey,
  shareStates,
} from '../../rules/regex/automata/tables.js'
import { plugins } from '../checks/index.js'
import { type AutomataJob, type AutomataMade, statesFileOf } from './automata.js'

const { plan, cacheFile, states } = workerData as AutomataJob

function readCache(): Map<string, AutomatonSet> | undefined {
  try {
    return decodeSets(readFileSync(cacheFile))
  } catch {
    return undefined
  }
}

function writeCache(sets: ReadonlyMap<string, AutomatonSet>): string | undefined {
  try {
    mkdirSync(dirname(cacheFile), { recursive: true })
    const aside = `${cacheFile}.${process.pid}`
    writeFileSync(aside, encodeSets(sets))
    renameSync(aside, cacheFile)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** With the states of before, from memory or file, as far as there are any. */
function withStates(sets: Map<string, AutomatonSet>): Map<string, AutomatonSet> {
  const shared = shareStates(sets, states)
  if (statesOf(shared)?.shape === states?.shape) return shared
  try {
    readStates(shared, statesFileOf(cacheFile))
    return shared
  } catch {
    return shareStates(sets)
  }
}

const startedAt = performance.now()
const cached = readCache() ?? new Map<string, AutomatonSet>()
const sets = new Map<string, AutomatonSet>()
let built = 0
for (const patterns of createEngine(plan, plugins).patternLists()) {
  const key = patternsKey(patterns)
  const known = cached.get(key)
  if (!known) built++
  sets.set(key, known ?? buildAutomata(patterns))
}
const notSaved = built > 0 ? writeCache(sets) : undefined
const shared = withStates(sets)
const known = statesOf(shared)
const made: AutomataMade = {
  sets: shared,
  built,
  known: known ? new StateStore(known.shape).builds : 0,
  tookMs: performance.now() - startedAt,
  ...(notSaved === undefined ? {} : { notSaved }),
}
parentPort!.postMessage(made)
