// The thread behind loadRulesAside: reads the rules, posts the plan, ends.
import { parentPort, workerData } from 'node:worker_threads'
import { loadRules, type RuleSources } from './ruling.js'

parentPort!.postMessage(loadRules(workerData as RuleSources))
