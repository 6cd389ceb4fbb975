// A scan worker: is told what to scan by, warms up with what automata there are and says ready; then receives requests, runs the straight
// line, posts what came out. A reload tells it a further ruling, which it makes ready between its scans: the thread and all that V8 has
// learned in it stay. Each scan ends under the ruling it began with.
import { parentPort } from 'node:worker_threads'
import { statesOf } from '../../rules/regex/automata/saved.js'
import { createNetProxy } from '../net/proxy.js'
import { createScanClassifier } from '../opinion.js'
import { createScanner, type Scanner, type ScannerSetup } from '../scanner.js'
import type { Request } from '../types.js'
import type { AutomataMade } from './automata.js'
import { OutcomePacker, type PostedOutcome, unpackRequest } from './posted.js'
import { type FromWorker, Progress, type Ruling, type ToWorker, type WorkerSetup } from './protocol.js'
import { noticeStaleMemory } from './stale-memory.js'
import { warmUp } from './warmup.js'

type Automata = AutomataMade['sets']

/** A ruling as this thread scans by it. */
interface Ready {
  readonly scanner: Scanner
  automata: Automata | undefined
}

const port = parentPort!
const beatMs = 200

port.once('message', (setup: WorkerSetup) => {
  const thread = new ScanThread(setup)
  port.on('message', (message: ToWorker) => thread.receive(message))
})

function post(message: FromWorker): void {
  port.postMessage(message)
}

class ScanThread {
  /** What every scanner of this thread is given. */
  private readonly lasting: Pick<ScannerSetup, 'net' | 'classifier' | 'dataDir' | 'history'>
  private readonly progress: Int32Array
  private readonly packer = new OutcomePacker()
  private inForce: Ready | undefined
  private next: Ready | undefined

  constructor({ net, netFlags, learner, dataDir, history, progress }: WorkerSetup) {
    this.lasting = {
      net: createNetProxy(net, netFlags),
      classifier: learner && createScanClassifier(learner),
      dataDir,
      history,
    }
    this.progress = new Int32Array(progress)
    setInterval(() => Atomics.add(this.progress, Progress.heartbeat, 1), beatMs).unref()
  }

  receive(message: ToWorker): void {
    if ('length' in message) void this.scan(this.inForce!.scanner, message[0], unpackRequest(message))
    else if (message.type === 'suspend') this.inForce?.scanner.suspend(message.rule)
    else if (message.type === 'switch') this.switch(message.suspended)
    else if (message.type === 'drop') this.drop()
    else if (message.type === 'load') this.load(message.ruling)
    else void this.begin(message.automata)
  }

  // ---- rulings

  private load(ruling: Ruling): void {
    this.drop()
    // A scan that awaits look-ups may have left its rule there.
    this.watched(0)(-1)
    try {
      const scanner = createScanner({ ...ruling, ...this.lasting }, this.inForce?.scanner)
      this.next = { scanner, automata: undefined }
    } catch (error) {
      this.refuse(error)
    }
  }

  private async begin(automata: Automata | undefined): Promise<void> {
    const { next } = this
    if (!next) return
    try {
      const { engine } = next.scanner.context
      if (automata) engine.adopt((next.automata = this.atHand(automata)))
      await warmUp(next.scanner.context, this.watched(0))
      post({ type: 'ready' })
    } catch (error) {
      this.refuse(error)
    }
  }

  /** Those in force if they are of the same patterns. They lie in the same memory, in which the thread would take a second place. */
  private atHand(automata: Automata): Automata {
    const before = this.inForce?.automata
    const isSame = before && statesOf(before)?.keys.join() === statesOf(automata)?.keys.join()
    return isSame ? before : automata
  }

  private refuse(error: unknown): void {
    this.drop()
    post({ type: 'refused', message: error instanceof Error ? error.message : String(error) })
  }

  private drop(): void {
    this.next?.scanner.retire()
    this.next = undefined
  }

  private switch(suspended: readonly string[]): void {
    const before = this.inForce
    before?.scanner.retire()
    this.inForce = this.next!
    this.next = undefined
    if (before?.automata && before.automata !== this.inForce.automata) noticeStaleMemory()
    for (const rule of suspended) this.inForce.scanner.suspend(rule)
  }

  // ---- scans

  /** Says which job is at which rule. */
  private watched(job: number): (rule: number) => void {
    const { progress } = this
    return (rule) => {
      progress[Progress.job] = job
      progress[Progress.rule] = rule
      if (rule < 0) Atomics.add(progress, Progress.heartbeat, 1)
    }
  }

  private async scan(scanner: Scanner, job: number, request: Request): Promise<void> {
    const onRule = this.watched(job)
    onRule(-1)
    try {
      const outcome = this.packer.pack(job, await scanner.scan(request, onRule))
      port.postMessage(outcome, transferOf(outcome))
    } catch (error) {
      this.packer.forget()
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      post({ type: 'failed', job, message: text })
    }
  }
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
