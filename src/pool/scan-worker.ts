// One scan worker as the main thread sees it: the thread, the jobs it holds, and how long it has been silent.
import { MessageChannel, type Worker } from 'node:worker_threads'
import { netFlags, serveNet } from '../net/proxy.js'
import type { ScanOutcome } from '../scan.js'
import type { Request } from '../types.js'
import type { AutomataMade } from './automata.js'
import type { PoolOptions, Ruling } from './pool.js'
import { OutcomeUnpacker, packRequest } from './posted.js'
import { type FromWorker, Progress, type ToWorker, type WorkerSetup } from './protocol.js'
import { startThread } from './threads.js'

export interface Job {
  readonly number: number
  readonly request: Request
  readonly resolve: (outcome: ScanOutcome) => void
  readonly reject: (error: Error) => void
  /** Workers that ended while they ran this job. */
  crashes: number
}

/** From this size on a message counts as large: it must not stand in the way of the others. */
const largeBytes = 512 * 1024

export function isLarge(job: Job): boolean {
  return job.request.raw.length >= largeBytes
}

export class ScanWorker {
  readonly jobs = new Map<number, Job>()
  /** Resolves when the rules are compiled; then the worker waits for `begin`. */
  readonly loaded: Promise<void>
  /** Resolves when the hot path is compiled too. */
  readonly ready: Promise<void>
  /** Number of the thread. */
  readonly thread: number
  warm = false
  ended = false
  private readonly progress: Int32Array
  private readonly worker: Worker
  private lastBeat = -1
  private lastBeatAt = Date.now()

  constructor(
    readonly ruling: Ruling,
    suspended: readonly string[],
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
      ...ruling,
      dataDir: options.dataDir,
      history: options.history === true,
      learner: options.learner(),
      net: port2,
      netFlags: netFlags(options.net),
      progress: shared,
      suspended,
    }
    this.worker = options.threads?.take() ?? startThread()
    this.worker.postMessage(setup, [port2])
    this.thread = this.worker.threadId
    const states = { loaded: () => {}, ready: () => {}, failed: [] as ((error: Error) => void)[] }
    this.loaded = new Promise((resolve, reject) => {
      states.loaded = resolve
      states.failed.push(reject)
    })
    this.ready = new Promise((resolve, reject) => {
      states.ready = resolve
      states.failed.push(reject)
    })
    this.loaded.catch(() => {})
    this.ready.catch(() => {})
    const unpacker = new OutcomeUnpacker()
    this.worker.on('message', (message: FromWorker) => {
      if ('length' in message) onAnswer(message[0], unpacker.unpack(message))
      else if (message.type === 'failed') onAnswer(message.job, new Error(message.message))
      else if (message.type === 'loaded') states.loaded()
      else {
        this.warm = true
        states.ready()
      }
    })
    this.worker.on('error', (error) => options.log.error({ err: error }, 'scan worker crashed'))
    this.worker.on('exit', () => {
      this.ended = true
      port1.close()
      for (const fail of states.failed) fail(new Error('scan worker ended before it was ready'))
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

  begin(automata: AutomataMade['sets'] | undefined): void {
    this.post({ type: 'begin', ...(automata ? { automata } : {}) })
  }

  scan(job: Job): void {
    this.jobs.set(job.number, job)
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
