// A thread of states.test.ts: scans texts on tables that others walk and change at the same time; answers with the hits of each.
import { parentPort, threadId, workerData } from 'node:worker_threads'
import { createSwitchingMatcher } from '../../../rules/regex/fast.js'
import { LazyPattern } from '../../../rules/regex/plain.js'
import type { SharingJob } from './states.test.js'

const { sources, set, texts, rounds } = workerData as SharingJob
const uses = sources.map(({ source, flags }) => ({
  pattern: new LazyPattern(source, flags),
  multiple: false,
  hitsMax: 1,
  skipFirst: false,
}))
const matcher = createSwitchingMatcher(uses)
matcher.adopt(set)
const active = new Uint8Array(uses.length).fill(1)
const hits: string[] = texts.map(() => '')
let differ = 0
for (let round = 0; round < rounds; round++) {
  for (let turn = 0; turn < texts.length; turn++) {
    // Each thread begins elsewhere.
    const place = (turn + threadId * 7) % texts.length
    const found: number[] = []
    matcher.match(texts[place]!, active, (use) => found.push(use), false)
    if (round === 0) hits[place] = found.join()
    else if (hits[place] !== found.join()) differ++
  }
}
parentPort!.postMessage({ hits, differ })
