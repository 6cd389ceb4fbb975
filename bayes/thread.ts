// The learner in a thread of its own: commands and tests. A server's shares a thread with the history (src/stores-thread.ts).
import { parentPort, workerData } from 'node:worker_threads'
import type { LearnerStart } from './protocol.js'
import { serveLearner } from './service.js'

serveLearner(parentPort!, workerData as LearnerStart)
