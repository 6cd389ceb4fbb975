// The thread that writes the states of the automata to their file (automata.ts): some 30 MB, while the others scan.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { workerData } from 'node:worker_threads'
import { writeStates } from '../../rules/regex/automata/saved.js'
import type { SaveJob } from './automata.js'

const { states, file } = workerData as SaveJob
mkdirSync(dirname(file), { recursive: true })
writeStates(states, file)
