// The thread that makes the automata of a plan: from the files as far as they are there; the others are built, which takes seconds, and
// saved. Where the plan names its lists, the rules need not be compiled to know what is wanted.
import { parentPort, workerData } from 'node:worker_threads'
import { readStates, statesOf } from '../../rules/regex/automata/saved.js'
import { StateStore } from '../../rules/regex/automata/store.js'
import { type AutomatonSet, patternsKey, shareStates } from '../../rules/regex/automata/tables.js'
import { type AutomataJob, type AutomataMade, statesFileOf } from './automata.js'
import { readSets, shippedFile, writeSets } from './automata-files.js'

const { plan, cacheFile, inUse = new Map<string, AutomatonSet>() } = workerData as AutomataJob

/** With the states of before, from memory or file, as far as there are any. */
function withStates(sets: Map<string, AutomatonSet>): Map<string, AutomatonSet> {
  const states = statesOf(inUse)
  const shared = shareStates(sets, states)
  if (statesOf(shared)?.shape === states?.shape) return shared
  try {
    readStates(shared, statesFileOf(cacheFile))
    return shared
  } catch {
    return shareStates(sets)
  }
}

async function makeSets(): Promise<{ sets: Map<string, AutomatonSet>; built: number; notSaved?: string }> {
  const keys = plan.patternKeys
  if (keys) {
    const found = findSets(keys)
    if (keys.every((key) => found.has(key))) return { sets: inOrder(keys, found), built: 0 }
  }
  // Everything that rules are compiled with: not for a start that finds all it needs.
  const { patternLists } = await import('./pattern-lists.js')
  const lists = new Map(patternLists(plan).map((patterns) => [patternsKey(patterns), patterns]))
  const found = findSets([...lists.keys()])
  const missing = [...lists].filter(([key]) => !found.has(key)).map(([, patterns]) => patterns)
  const built =
    missing.length === 0 ? new Map() : await (await import('./automata-builders.js')).buildAll(missing)
  const sets = inOrder([...lists.keys()], new Map([...found, ...built]))
  const notSaved = missing.length > 0 ? saveSets(sets) : undefined
  return { sets, built: missing.length, ...(notSaved === undefined ? {} : { notSaved }) }
}

/** Those in use are in shared memory already: read again they would lie there twice. */
function findSets(wanted: readonly string[]): ReadonlyMap<string, AutomatonSet> {
  const read = readSets(
    [cacheFile, shippedFile],
    wanted.filter((key) => !inUse.has(key)),
  )
  return new Map([...inUse, ...read])
}

function inOrder(
  keys: readonly string[],
  sets: ReadonlyMap<string, AutomatonSet>,
): Map<string, AutomatonSet> {
  return new Map(keys.map((key) => [key, sets.get(key)!]))
}

/** All that this plan needs, so that the next start reads one file. Returns why that failed. */
function saveSets(sets: ReadonlyMap<string, AutomatonSet>): string | undefined {
  try {
    writeSets(cacheFile, sets)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const startedAt = performance.now()
const { sets, ...outcome } = await makeSets()
const shared = withStates(sets)
const known = statesOf(shared)
const made: AutomataMade = {
  sets: shared,
  ...outcome,
  known: known ? new StateStore(known.shape).builds : 0,
  tookMs: performance.now() - startedAt,
}
parentPort!.postMessage(made)
