// A scan worker: receives requests, runs the straight line, posts what came out. Warms up before it says ready.
import { parentPort, workerData } from 'node:worker_threads'
import { createNetProxy } from '../net/proxy.js'
import { createScanClassifier } from '../opinion.js'
import { createScanner } from '../scanner.js'
import { type FromWorker, Progress, type ToWorker, type WorkerSetup } from './protocol.js'
import { warmUp } from './warmup.js'

const setup = workerData as WorkerSetup
const port = parentPort!
const progress = new Int32Array(setup.progress)
const beatMs = 200

const scanner = createScanner({
  plan: setup.plan,
  policy: setup.policy,
  prefs: setup.prefs,
  net: createNetProxy(setup.net, setup.netFlags),
  classifier: setup.learner && createScanClassifier(setup.learner),
  suspended: setup.suspended,
  dataDir: setup.dataDir,
})

if (setup.automata) scanner.context.engine.adopt(setup.automata)

function post(message: FromWorker): void {
  port.postMessage(message)
}

port.on('message', async (message: ToWorker) => {
  if (message.type === 'adopt') return void scanner.context.engine.adopt(message.automata)
  const { job, request } = message
  const onRule = (rule: number) => {
    progress[Progress.job] = job
    progress[Progress.rule] = rule
  }
  onRule(-1)
  try {
    post({ type: 'scanned', job, outcome: await scanner.scan(request, onRule) })
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    post({ type: 'failed', job, message: text })
  }
})

setInterval(() => Atomics.add(progress, Progress.heartbeat, 1), beatMs).unref()
const startedAt = performance.now()
await warmUp(scanner.context)
post({ type: 'ready', warmMs: performance.now() - startedAt })
