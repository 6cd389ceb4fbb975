// The thread of learner and history (stores.ts): serves each where it is told to.
import { parentPort } from 'node:worker_threads'
import { serveLearner } from '../bayes/service.js'
import { serveHistory } from './history/service.js'
import type { StoreOpening } from './stores.js'

parentPort!.on('message', (opening: StoreOpening) => {
  if (opening.store === 'learner') serveLearner(opening.port, opening.setup)
  else serveHistory(opening.port, opening.setup)
})
