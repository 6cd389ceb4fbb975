// The thread that makes the automata of a plan: from the cache file as far as they are there; the others are built, which takes seconds,
// and saved. When the last start was of the same plan, even the rules need not be compiled to know what is wanted.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { readStates, statesOf } from '../../rules/regex/automata/saved.js'
import { StateStore } from '../../rules/regex/automata/store.js'
import {
  type AutomatonSet,
  decodeSets,
  encodeSets,
  patternsKey,
  shareStates,
} from '../../rules/regex/automata/tables.js'
import { programId } from '../program.js'
import { type AutomataJob, type AutomataMade, statesFileOf } from './automata.js'

const { plan, cacheFile, states } = workerData as AutomataJob
const keysFile = join(dirname(cacheFile), 'lists.json')
const question = `${plan.hash} ${programId()}`

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

/** Keys of the plan's lists in order, as a start of the same plan and program has written them down. */
function readKeys(): readonly string[] | undefined {
  try {
    const { of, keys } = JSON.parse(readFileSync(keysFile, 'utf8')) as { of: string; keys: readonly string[] }
    return of === question ? keys : undefined
  } catch {
    return undefined
  }
}

/** Of no weight: without them the next start compiles the rules once more. */
function writeKeys(keys: readonly string[]): void {
  try {
    writeFileSync(keysFile, JSON.stringify({ of: question, keys }))
  } catch {
    // The folder of the sets, whose failure is told.
  }
}

async function makeSets(): Promise<{ sets: Map<string, AutomatonSet>; built: number; notSaved?: string }> {
  const cached = readCache() ?? new Map<string, AutomatonSet>()
  const known = readKeys()
  if (known?.every((key) => cached.has(key)))
    return { sets: new Map(known.map((key) => [key, cached.get(key)!])), built: 0 }
  // Everything that rules are compiled with: not for a start that finds all it needs.
  const { patternLists } = await import('./pattern-lists.js')
  const lists = new Map(patternLists(plan).map((patterns) => [patternsKey(patterns), patterns]))
  const missing = [...lists].filter(([key]) => !cached.has(key)).map(([, patterns]) => patterns)
  const built =
    missing.length === 0 ? new Map() : await (await import('./automata-builders.js')).buildAll(missing)
  const sets = new Map([...lists.keys()].map((key) => [key, cached.get(key) ?? built.get(key)!]))
  const notSaved = missing.length > 0 ? writeCache(sets) : undefined
  writeKeys([...sets.keys()])
  return { sets, built: missing.length, ...(notSaved === undefined ? {} : { notSaved }) }
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
