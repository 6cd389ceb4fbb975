// The thread that makes the automata of a plan: from the cache file as far as they are there; the others are built, which takes seconds,
// and saved. Ends after that, so that the build's memory goes with it.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { createEngine } from '../../rules/engine/run.js'
import {
  type AutomatonSet,
  buildAutomata,
  decodeSets,
  encodeSets,
  patternsKey,
  shareStates,
} from '../../rules/regex/automata/tables.js'
import { plugins } from '../checks/index.js'
import type { AutomataJob, AutomataMade } from './automata.js'

const { plan, cacheFile } = workerData as AutomataJob

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
const made: AutomataMade = {
  sets: shareStates(sets),
  built,
  tookMs: performance.now() - startedAt,
  ...(notSaved === undefined ? {} : { notSaved }),
}
parentPort!.postMessage(made)
