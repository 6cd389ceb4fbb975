// Scan workers: one queue, least-loaded dispatch, a watchdog. In: Requests. Out: Scanned, or a CoreError that the front answers in its
// own dialect. A worker that is silent too long is replaced; its other messages are scanned again, and the guilty one without the
// rule that was running, which stays suspended until the next reload (DESIGN 8). Nothing that was accepted is lost.
import { existsSync } from 'node:fs'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { SharedLearner } from '../../bayes/index.js'
import type { Plan } from '../../rules/engine/types.js'
import { CoreError } from '../errors.js'
import type { Log } from '../log.js'
import { netFlags, serveNet } from '../net/proxy.js'
import type { ScanOutcome, ScanPolicy } from '../scan.js'
import type { Net, Request } from '../types.js'
import { type AutomataMade, makeAutomata } from './automata.js'
import { type FromWorker, type PrefsSource, Progress, type ToWorker, type WorkerSetup } from './protocol.js'

export interface PoolOptions {
  readonly count: number
  readonly queueMax: number
  readonly hangMs: number
  readonly net: Net
  /** Read anew for each worker that starts: the memory may have moved. */
  readonly learner: () => SharedLearner | undefined
  readonly log: Log
  /** Folder of all state. */
  readonly dataDir: string | undefined
  /** Where built automata are kept; undefined = none are built, the plain engine answers. */
  readonly automataFile: string | undefined
  /** Called when a rule is suspended: metrics. */
  readonly onSuspend?: (rule: string) => void
}

/** What decides how messages are judged; replaced as a whole by a reload. */
export interface Ruling {
  readonly plan: Plan
  readonly policy: ScanPolicy
  readonly prefs: PrefsSource
}

interface Job {
  readonly number: number
  readonly request: Request
  readonly resolve: (outcome: ScanOutcome) => void
  readonly reject: (error: Error) => void
  attempts: number
}

/** Scans a worker holds at once while look-ups are awaited; parsing and rules still run one after the other. */
const jobsPerWorkerNetwork = 32
const jobsPerWorkerLocal = 3
/** A message that made workers hang so often is given up with a temporary failure. */
const attemptsMax = 3
const watchMs = 500

class ScanWorker {
  readonly jobs = new Map<number, Job>()
  private readonly progress: Int32Array
  private readonly worker: Worker
  private lastBeat = -1
  private lastBeatAt = Date.now()
  readonly ready: Promise<void>
  ended = false

  constructor(
    ruling: Ruling,
    suspended: readonly string[],
    automata: AutomataMade['sets'] | undefined,
    options: PoolOptions,
    onMessage: (message: FromWorker) => void,
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
      learner: options.learner(),
      net: port2,
      netFlags: netFlags(options.net),
      progress: shared,
      suspended,
      ...(automata ? { automata } : {}),
    }
    this.worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: setup,
      transferList: [port2],
    })
    this.ready = new Promise((resolve, reject) => {
      this.worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') resolve()
        else onMessage(message)
      })
      this.worker.on('error', (error) => {
        options.log.error({ err: error }, 'scan worker crashed')
        reject(error)
      })
      this.worker.on('exit', () => {
        this.ended = true
        port1.close()
        reject(new Error('scan worker ended before it was ready'))
        onExit()
      })
    })
    this.ready.catch(() => {})
  }

  post(message: ToWorker): void {
    this.worker.postMessage(message)
  }

  /** Milliseconds since the event loop of the worker last turned; 0 when it has nothing to do. */
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

export class WorkerPool {
  private workers: ScanWorker[] = []
  private readonly queue: Job[] = []
  private readonly suspended = new Set<string>()
  private readonly watch: NodeJS.Timeout
  private nextNumber = 1
  private closing = false
  private automata: AutomataMade['sets'] | undefined
  private idle: (() => void) | undefined

  private constructor(
    private ruling: Ruling,
    private readonly options: PoolOptions,
  ) {
    this.watch = setInterval(() => this.watchWorkers(), watchMs)
    this.watch.unref()
  }

  /** Starts the workers and resolves when all are warm: the port opens after that. */
  static async start(ruling: Ruling, options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(ruling, options)
    const automata = pool.fetchAutomata(ruling)
    // Saved ones are there before the workers are warm; a build must not hold up the start.
    if (options.automataFile !== undefined && existsSync(options.automataFile)) await automata
    pool.workers = await pool.startWorkers(ruling)
    return pool
  }

  get waiting(): number {
    return this.queue.length
  }

  get inFlight(): number {
    return this.workers.reduce((sum, worker) => sum + worker.jobs.size, 0)
  }

  get suspendedRules(): readonly string[] {
    return [...this.suspended]
  }

  /** @throws CoreError overloaded | shutting-down | scan-failed (as rejection). */
  scan(request: Request): Promise<ScanOutcome> {
    if (this.closing) return Promise.reject(new CoreError('shutting-down', 'hamd is shutting down'))
    if (this.queue.length >= this.options.queueMax)
      return Promise.reject(new CoreError('overloaded', `${this.queue.length} messages wait already`))
    return new Promise((resolve, reject) => {
      this.queue.push({ number: this.nextNumber++, request, resolve, reject, attempts: 0 })
      this.dispatch()
    })
  }

  /** Starts workers under the new ruling, then switches: scans under way finish under the old one. */
  async reload(ruling: Ruling): Promise<void> {
    this.suspended.clear()
    const fresh = await this.startWorkers(ruling)
    const old = this.workers
    this.ruling = ruling
    this.workers = fresh
    for (const worker of old) this.retire(worker)
    this.dispatch()
    void this.fetchAutomata(ruling)
  }

  /** Gives the automata of a ruling to its workers as soon as they are there. */
  private async fetchAutomata(ruling: Ruling): Promise<void> {
    const { automataFile, log } = this.options
    if (automataFile === undefined) return
    try {
      const made = await makeAutomata({ plan: ruling.plan, cacheFile: automataFile })
      if (this.ruling !== ruling || this.closing) return
      this.automata = made.sets
      for (const worker of this.workers) worker.post({ type: 'adopt', automata: made.sets })
      if (made.notSaved !== undefined) log.warn(`automata could not be saved: ${made.notSaved}`)
      log.info(
        { lists: made.sets.size, built: made.built, tookMs: Math.round(made.tookMs) },
        'fast path ready',
      )
    } catch (error) {
      log.warn({ err: error }, 'no automata: rules run on the plain engine')
    }
  }

  /** Waits for scans in flight, then ends the workers. */
  async close(): Promise<void> {
    this.closing = true
    if (this.inFlight + this.queue.length > 0) await new Promise<void>((resolve) => (this.idle = resolve))
    clearInterval(this.watch)
    for (const worker of this.workers) worker.terminate()
  }

  private async startWorkers(ruling: Ruling): Promise<ScanWorker[]> {
    const workers = Array.from({ length: this.options.count }, () => this.createWorker(ruling))
    try {
      await Promise.all(workers.map((worker) => worker.ready))
    } catch (error) {
      for (const worker of workers) worker.terminate()
      throw error
    }
    return workers
  }

  private createWorker(ruling: Ruling): ScanWorker {
    const worker: ScanWorker = new ScanWorker(
      ruling,
      [...this.suspended],
      this.automata,
      this.options,
      (message) => this.onMessage(worker, message),
      () => this.onExit(worker),
    )
    return worker
  }

  private dispatch(): void {
    const most =
      this.options.net.dns.enabled || this.options.net.clamd ? jobsPerWorkerNetwork : jobsPerWorkerLocal
    while (this.queue.length > 0) {
      let least: ScanWorker | undefined
      for (const worker of this.workers) {
        if (!worker.ended && worker.jobs.size < (least?.jobs.size ?? most)) least = worker
      }
      if (!least) return
      const job = this.queue.shift()!
      job.attempts++
      least.jobs.set(job.number, job)
      least.post({ type: 'scan', job: job.number, request: job.request })
    }
  }

  private onMessage(worker: ScanWorker, message: FromWorker): void {
    if (message.type === 'ready') return
    const job = worker.jobs.get(message.job)
    if (!job) return
    worker.jobs.delete(message.job)
    if (message.type === 'scanned') job.resolve(message.outcome)
    else job.reject(new CoreError('scan-failed', message.message))
    this.dispatch()
    if (!this.workers.includes(worker) && worker.jobs.size === 0) worker.terminate()
    if (this.idle && this.inFlight + this.queue.length === 0) this.idle()
  }

  /** A worker of an old ruling ends as soon as its scans are answered. */
  private retire(worker: ScanWorker): void {
    if (worker.jobs.size === 0) worker.terminate()
  }

  private onExit(worker: ScanWorker): void {
    for (const job of [...worker.jobs.values()].reverse()) {
      if (job.attempts >= attemptsMax)
        job.reject(new CoreError('scan-failed', 'this message made scan workers fail again and again'))
      else this.queue.unshift(job)
    }
    worker.jobs.clear()
    const place = this.workers.indexOf(worker)
    if (place < 0 || this.closing) return
    const fresh = this.createWorker(this.ruling)
    this.workers[place] = fresh
    fresh.ready.then(
      () => this.dispatch(),
      () => this.options.log.error('a replacement worker did not start'),
    )
    this.dispatch()
  }

  private watchWorkers(): void {
    const now = Date.now()
    for (const worker of this.workers) {
      if (worker.ended || worker.silentMs(now) < this.options.hangMs) continue
      const { job, rule } = worker.running()
      const name = this.ruling.plan.rules[rule]?.name
      if (name !== undefined && job !== 0) {
        this.suspended.add(name)
        this.options.onSuspend?.(name)
      }
      this.options.log.error({ job, rule: name }, 'scan worker silent too long, replaced')
      worker.terminate()
    }
  }
}
