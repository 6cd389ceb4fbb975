// A scan worker: is told what to scan by, warms up with what automata there are and says ready; then receives requests, runs the straight
// line, posts what came out.
import { parentPort } from 'node:worker_threads'
import { createNetProxy } from '../net/proxy.js'
import { createScanClassifier } from '../opinion.js'
import { createScanner, type Scanner } from '../scanner.js'
import type { Request } from '../types.js'
import type { AutomataMade } from './automata.js'
import { OutcomePacker, type PostedOutcome, unpackRequest } from './posted.js'
import { type FromWorker, Progress, type ToWorker, type WorkerSetup } from './protocol.js'
import { warmUp } from './warmup.js'

const port = parentPort!
const beatMs = 200

port.once('message', start)

function start(setup: WorkerSetup): void {
  const progress = new Int32Array(setup.progress)
  const suspended = new Set(setup.suspended)
  const packer = new OutcomePacker()
  const scanner = createScanner({
    plan: setup.plan,
    policy: setup.policy,
    prefs: setup.prefs,
    net: createNetProxy(setup.net, setup.netFlags),
    classifier: setup.learner && createScanClassifier(setup.learner),
    suspended,
    dataDir: setup.dataDir,
    history: setup.history,
  })
  port.on('message', (message: ToWorker) => {
    if ('length' in message) void scan(scanner, progress, packer, message[0], unpackRequest(message))
    else if (message.type === 'suspend') suspended.add(message.rule)
    else void begin(scanner, message.automata)
  })
  setInterval(() => Atomics.add(progress, Progress.heartbeat, 1), beatMs).unref()
  post({ type: 'loaded' })
}

function post(message: FromWorker): void {
  port.postMessage(message)
}

async function begin(scanner: Scanner, automata: AutomataMade['sets'] | undefined): Promise<void> {
  if (automata) scanner.context.engine.adopt(automata)
  const startedAt = performance.now()
  await warmUp(scanner.context)
  post({ type: 'ready', warmMs: performance.now() - startedAt })
}

/** What need not be copied on its way to the main thread: large pieces that own their memory. */
function transferOf([, , rewritten, features, row]: PostedOutcome): ArrayBuffer[] {
  const list: ArrayBuffer[] = []
  for (const bytes of [rewritten, features, row]) {
    if (bytes && bytes.buffer instanceof ArrayBuffer && bytes.length === bytes.buffer.byteLength)
      list.push(bytes.buffer)
  }
  return list
}

async function scan(
  scanner: Scanner,
  progress: Int32Array,
  packer: OutcomePacker,
  job: number,
  request: Request,
): Promise<void> {
  const onRule = (rule: number) => {
    progress[Progress.job] = job
    progress[Progress.rule] = rule
    if (rule < 0) Atomics.add(progress, Progress.heartbeat, 1)
  }
  onRule(-1)
  try {
    const outcome = packer.pack(job, await scanner.scan(request, onRule))
    port.postMessage(outcome, transferOf(outcome))
  } catch (error) {
    packer.forget()
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    post({ type: 'failed', job, message: text })
  }
}
