// The thread behind loadRulesAside: reads the rules, posts the plan, keeps it for the next start, ends.
import { parentPort, workerData } from 'node:worker_threads'
import { loadRules } from './ruling.js'
import type { RulingJob } from './ruling-aside.js'
import { PlanKeeper } from './ruling-cache.js'

const { sources, cacheFile } = workerData as RulingJob
const keeper = new PlanKeeper(cacheFile, sources)
const plan = loadRules(sources, keeper.onFile)
parentPort!.postMessage(plan)
keeper.save(plan)
