// The thread behind loadRulesAside: reads the rules, posts the plan, keeps it for the next start, ends. It has loaded what rules are compiled
// with, so it also finds out by which keys their automata lie in files, and the thread that fetches those need not.
import { parentPort, workerData } from 'node:worker_threads'
import type { Plan } from '../rules/engine/types.js'
import { patternsKey } from '../rules/regex/automata/tables.js'
import { patternLists } from './pool/pattern-lists.js'
import { loadRules } from './ruling.js'
import type { RulingJob } from './ruling-aside.js'
import { PlanKeeper } from './ruling-cache.js'

const { sources, cacheFile } = workerData as RulingJob
const keeper = new PlanKeeper(cacheFile, sources)
const read = loadRules(sources, keeper.onFile)
const plan: Plan = { ...read, patternKeys: patternLists(read).map(patternsKey) }
parentPort!.postMessage(plan)
keeper.save(plan)
