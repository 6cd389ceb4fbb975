// A scan worker: receives requests, runs the straight line, posts what came out. Warms up before it says ready.
import { parentPort, workerData } from 'node:worker_threads'
import { createNetProxy } from '../net/proxy.js'
import { createScanner } from '../scanner.js'
import { type FromWorker, Progress, type ToWorker, type WorkerSetup } from './protocol.js'
import { warmUp } from './warmup.js'

const setup = workerData as WorkerSetup
const port = parentPort!
const progress = new Int32Array(setup.progress)
const beatMs = 200

const scanner = createScanner({ ...setup, net: createNetProxy(setup.net), progress })

function post(message: FromWorker): void {
  port.postMessage(message)
}

port.on('message', async (message: ToWorker) => {
  if (message.type === 'close') return process.exit(0)
  try {
    const scanned = await scanner.scan(message.request, message.job)
    post({ type: 'scanned', job: message.job, scanned })
  } catch (error) {
    post({ type: 'failed', job: message.job, message: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})

setInterval(() => Atomics.add(progress, Progress.heartbeat, 1), beatMs).unref()
const startedAt = performance.now()
await warmUp(scanner)
post({ type: 'ready', warmMs: performance.now() - startedAt })
