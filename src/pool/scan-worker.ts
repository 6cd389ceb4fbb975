// One scan worker as the main thread sees it: the thread, what it scans by, the jobs it holds, and how long it has been silent.
import { MessageChannel, type Worker } from 'node:worker_threads'
import { releaseStates, statesOf } from '../../rules/regex/automata/saved.js'
import { netFlags, serveNet } from '../net/proxy.js'
import type { ScanOutcome } from '../scan.js'
import type { Request } from '../types.js'
import type { AutomataMade } from './automata.js'
import type { PoolOptions } from './pool.js'
import { OutcomeUnpacker, packRequest } from './posted.js'
import { type FromWorker, Progress, type Ruling, type ToWorker, type WorkerSetup } from './protocol.js'
import { startThread } from './threads.js'

export interface Job {
  readonly number: number
  readonly request: Request
  readonly resolve: (outcome: ScanOutcome) => void
  readonly reject: (error: Error) => void
  /** Workers that ended while they ran this job. */
  crashes: number
  /** What the worker that has it judges it by. */
  ruling?: Ruling
}

/** A ruling with the automata of its patterns. */
export interface Equipped {
  readonly ruling: Ruling
  /** Undefined when there are none: the plain engine answers. */
  readonly automata: Promise<AutomataMade['sets'] | undefined>
}

/** From this size on a message counts as large: it must not stand in the way of the others. */
const largeBytes = 512 * 1024

export function isLarge(job: Job): boolean {
  return job.request.raw.length >= largeBytes
}

export class ScanWorker {
  readonly jobs = new Map<number, Job>()
  /** What it scans by; undefined = it cannot scan yet. */
  inForce: Equipped | undefined
  ended = false
  /** What it makes ready to scan by, or has made ready. */
  private next: Equipped | undefined
  private nextReady = false
  private preparing: Promise<void> = Promise.resolve()
  private answer: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined
  private readonly progress: Int32Array
  private readonly worker: Worker
  private lastBeat = -1
  private lastBeatAt = Date.now()

  constructor(
    options: PoolOptions,
    onAnswer: (job: number, outcome: ScanOutcome | Error) => void,
    onExit: () => void,
  ) {
    const shared = new SharedArrayBuffer(Progress.slots * 4)
    this.progress = new Int32Array(shared)
    const { port1, port2 } = new MessageChannel()
    serveNet(port1, options.net)
    port1.unref()
    const setup: WorkerSetup = {
      dataDir: options.dataDir,
      history: options.history === true,
      learner: options.learner(),
      net: port2,
      netFlags: netFlags(options.net),
      progress: shared,
    }
    this.worker = options.threads?.take() ?? startThread()
    this.worker.postMessage(setup, [port2])
    const { threadId } = this.worker
    const unpacker = new OutcomeUnpacker()
    this.worker.on('message', (message: FromWorker) => {
      if ('length' in message) onAnswer(message[0], unpacker.unpack(message))
      else if (message.type === 'failed') onAnswer(message.job, new Error(message.message))
      else if (message.type === 'ready') this.answer?.resolve()
      else this.answer?.reject(new Error(message.message))
    })
    this.worker.on('error', (error) => options.log.error({ err: error }, 'scan worker crashed'))
    this.worker.on('exit', () => {
      this.ended = true
      port1.close()
      this.answer?.reject(endedEarly())
      for (const equipped of [this.inForce, this.next]) {
        void equipped?.automata.then((sets) => {
          const states = sets && statesOf(sets)
          if (states) releaseStates(states, threadId)
        })
      }
      onExit()
    })
  }

  get hasLarge(): boolean {
    for (const job of this.jobs.values()) if (isLarge(job)) return true
    return false
  }

  post(message: ToWorker): void {
    this.worker.postMessage(message)
  }

  /** Resolves when the worker can scan by this, which `use` puts in force. Rejects when it cannot. */
  prepare(next: Equipped): Promise<void> {
    this.preparing = this.preparing.catch(() => {}).then(() => this.makeReady(next))
    return this.preparing
  }

  isReadyFor(equipped: Equipped): boolean {
    return equipped === this.inForce || (equipped === this.next && this.nextReady)
  }

  /** Puts in force what was prepared last: later messages are judged by it, without these rules. */
  use(suspended: readonly string[]): void {
    this.inForce = this.next
    this.next = undefined
    this.nextReady = false
    this.post({ type: 'switch', suspended })
  }

  /** What was prepared is not needed. */
  drop(): void {
    this.next = undefined
    this.nextReady = false
    this.post({ type: 'drop' })
  }

  private async makeReady(next: Equipped): Promise<void> {
    if (this.ended) throw endedEarly()
    this.next = next
    this.nextReady = false
    const answered = new Promise<void>((resolve, reject) => (this.answer = { resolve, reject }))
    answered.catch(() => {})
    this.post({ type: 'load', ruling: next.ruling })
    const automata = await next.automata
    this.post({ type: 'begin', ...(automata ? { automata } : {}) })
    await answered
    this.nextReady = true
  }

  scan(job: Job): void {
    this.jobs.set(job.number, job)
    job.ruling = this.inForce!.ruling
    this.post(packRequest(job.number, job.request))
  }

  /** Milliseconds without a sign of life; 0 when it has nothing to do. */
  silentMs(now: number): number {
    const beat = Atomics.load(this.progress, Progress.heartbeat)
    if (beat !== this.lastBeat || this.jobs.size === 0) {
      this.lastBeat = beat
      this.lastBeatAt = now
    }
    return now - this.lastBeatAt
  }

  /** Job and rule (index in the plan) that are running now. */
  running(): { job: number; rule: number } {
    return {
      job: Atomics.load(this.progress, Progress.job),
      rule: Atomics.load(this.progress, Progress.rule),
    }
  }

  terminate(): void {
    void this.worker.terminate()
  }
}

function endedEarly(): Error {
  return new Error('scan worker ended before it was ready')
}
