// Scan workers: a bounded queue, least-loaded dispatch, a watchdog. In: Requests. Out: outcomes, or a CoreError that the front answers in
// its own dialect. A worker that is silent too long is replaced; its other messages are scanned again, and the guilty one without the
// rule that was running, which stays suspended until the next reload (DESIGN 8). A reload gives the same workers another ruling. Nothing
// that was accepted is lost.
import { setTimeout as delay } from 'node:timers/promises'
import type { SharedLearner } from '../../bayes/index.js'
import { CoreError } from '../errors.js'
import { scanQueueBytesMax } from '../limits.js'
import type { Log } from '../log.js'
import type { ScanOutcome } from '../scan.js'
import type { Net, Request } from '../types.js'
import { type AutomataMade, makeAutomata, saveStates } from './automata.js'
import type { Ruling } from './protocol.js'
import { type Equipped, isLarge, type Job, ScanWorker } from './scan-worker.js'
import { noticeStaleMemory } from './stale-memory.js'
import type { ScanThreads } from './threads.js'

export type { Ruling } from './protocol.js'

export interface PoolOptions {
  readonly count: number
  readonly queueMax: number
  readonly hangMs: number
  readonly net: Net
  /** Threads that were started ahead; further ones are started when they are needed. */
  readonly threads?: ScanThreads | undefined
  /** Folder of all state, for what remembers senders; undefined = nothing is remembered. */
  readonly dataDir: string | undefined
  /** Scans bring rows for the history. */
  readonly history?: boolean | undefined
  /** Read anew for each worker that starts: the memory may have moved. */
  readonly learner: () => SharedLearner | undefined
  readonly log: Log
  /** Where built automata are kept; undefined = none are built, the plain engine answers. */
  readonly automataFile: string | undefined
  /** Called when a rule is suspended: metrics. */
  readonly onSuspend?: (rule: string) => void
}

/** Scans a worker holds at once while look-ups are awaited; parsing and rules still run one after the other. */
const jobsPerWorkerNetwork = 32
/** Without look-ups: one that runs, and one that is there when it ends. */
const jobsPerWorkerLocal = 2
/** A message that made workers end so often is given up with a temporary failure. */
const crashesMax = 3
const watchMs = 500
const saveMs = 10 * 60_000
/** No rule takes so long on texts within the limits, not even on a machine that has no time; parsing and reports of large mail may. */
const ruleHangMs = 5000
/** A worker that could not even start is replaced no sooner. */
const restartMs = 1000

export class WorkerPool {
  private workers: ScanWorker[] = []
  private readonly queue: Job[] = []
  private queuedBytes = 0
  private readonly suspended = new Set<string>()
  private readonly watch: NodeJS.Timeout
  private nextNumber = 1
  private closing = false
  private inForce: Equipped
  private reloading: Promise<void> = Promise.resolve()
  /** When the states of the automata go to their file, apart from the end. */
  private readonly saving: NodeJS.Timeout
  private idle: (() => void) | undefined

  private constructor(
    ruling: Ruling,
    private readonly options: PoolOptions,
  ) {
    this.inForce = { ruling, automata: this.fetchAutomata(ruling) }
    this.watch = setInterval(() => this.watchWorkers(), watchMs)
    this.watch.unref()
    this.saving = setInterval(() => void this.saveStates(), saveMs)
    this.saving.unref()
  }

  /** Starts the workers and resolves when all are warm: the port opens after that. */
  static async start(ruling: Ruling, options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(ruling, options)
    await pool.startWorkers()
    return pool
  }

  get waiting(): number {
    return this.queue.length
  }

  get inFlight(): number {
    let sum = 0
    for (const worker of this.workers) sum += worker.jobs.size
    return sum
  }

  get suspendedRules(): readonly string[] {
    return [...this.suspended]
  }

  /** Workers that can take a message now. */
  get workersReady(): number {
    return this.workers.filter(isUsable).length
  }

  /** @throws CoreError overloaded | shutting-down | scan-failed (as rejection). */
  scan(request: Request): Promise<ScanOutcome> {
    if (this.closing) return Promise.reject(new CoreError('shutting-down', 'hamd is shutting down'))
    if (this.queue.length >= this.options.queueMax || this.queuedBytes >= scanQueueBytesMax)
      return Promise.reject(new CoreError('overloaded', `${this.queue.length} messages wait already`))
    return new Promise((resolve, reject) => {
      this.enqueue({ number: this.nextNumber++, request, resolve, reject, crashes: 0 }, false)
      this.dispatch()
    })
  }

  /**
   * Resolves when every later message is judged by the new ruling; scans under way end under the old one. Rejects when a worker cannot take
   * it: then the old one stays everywhere.
   */
  reload(ruling: Ruling): Promise<void> {
    this.reloading = this.reloading.catch(() => {}).then(() => this.change(ruling))
    return this.reloading
  }

  /** Waits for scans in flight, then ends the workers. */
  async close(): Promise<void> {
    this.closing = true
    if (this.inFlight + this.queue.length > 0) await new Promise<void>((resolve) => (this.idle = resolve))
    clearInterval(this.watch)
    clearInterval(this.saving)
    for (const worker of this.workers) worker.terminate()
    await this.saveStates()
  }

  private async saveStates(): Promise<void> {
    const { automataFile, log } = this.options
    const automata = await this.inForce.automata
    if (!automata || automataFile === undefined) return
    try {
      const transitions = await saveStates(automata, automataFile)
      if (transitions > 0) log.info({ transitions }, 'states of the automata saved')
    } catch (error) {
      log.warn({ err: error }, 'states of the automata could not be saved')
    }
  }

  // ---- workers

  /**
   * Workers and automata load side by side. Automata are waited for even when they have to be built, some seconds: without them the first
   * message would compile every regex, which takes longer, and the machine code of all of them 400 MB.
   */
  private async startWorkers(): Promise<void> {
    const workers = Array.from({ length: this.options.count }, () => this.createWorker())
    try {
      await Promise.all(workers.map((worker) => worker.prepare(this.inForce)))
    } catch (error) {
      for (const worker of workers) worker.terminate()
      throw error
    }
    for (const worker of workers) worker.use([])
    this.workers = workers
  }

  private async change(ruling: Ruling): Promise<void> {
    const next: Equipped = { ruling, automata: this.fetchAutomata(ruling, this.inForce) }
    await next.automata
    try {
      await this.prepareWorkers(next)
    } catch (error) {
      for (const worker of this.workers) if (worker.isReadyFor(next)) worker.drop()
      throw error
    }
    this.inForce = next
    this.suspended.clear()
    for (const worker of this.workers) worker.use([])
    this.dispatch()
    noticeStaleMemory()
  }

  /** One worker after the other, so that the others answer meanwhile; one that ends has a successor. */
  private async prepareWorkers(next: Equipped): Promise<void> {
    for (let ends = 0; ; ) {
      if (this.closing) throw new CoreError('shutting-down', 'hamd is shutting down')
      const worker = this.workers.find((one) => !one.ended && !one.isReadyFor(next))
      if (!worker) return
      try {
        await worker.prepare(next)
      } catch (error) {
        if (!worker.ended || ++ends === crashesMax) throw error
      }
    }
  }

  /**
   * Undefined when there are none: the plain engine answers.
   * @param before its automata are taken again where the patterns are the same.
   */
  private async fetchAutomata(ruling: Ruling, before?: Equipped): Promise<AutomataMade['sets'] | undefined> {
    const { automataFile, log } = this.options
    if (automataFile === undefined) return undefined
    try {
      const inUse = await before?.automata
      const made = await makeAutomata({ plan: ruling.plan, cacheFile: automataFile, inUse })
      if (made.notSaved !== undefined) log.warn(`automata could not be saved: ${made.notSaved}`)
      log.info(
        {
          lists: made.sets.size,
          built: made.built,
          transitions: made.known,
          tookMs: Math.round(made.tookMs),
        },
        'fast path ready',
      )
      return made.sets
    } catch (error) {
      log.warn({ err: error }, 'no automata: rules run on the plain engine')
      return undefined
    }
  }

  private createWorker(): ScanWorker {
    const worker: ScanWorker = new ScanWorker(
      this.options,
      (job, outcome) => this.onAnswer(worker, job, outcome),
      () => this.onExit(worker),
    )
    return worker
  }

  private onExit(worker: ScanWorker): void {
    this.takeBack(worker)
    const place = this.workers.indexOf(worker)
    if (place >= 0 && !(this.closing && this.queue.length === 0)) {
      if (worker.inForce) void this.replace(place)
      else setTimeout(() => this.workers[place] === worker && void this.replace(place), restartMs)
    }
    this.dispatch()
    this.checkIdle()
  }

  /** Until the new worker can scan, by a reload perhaps. */
  private async replace(place: number): Promise<void> {
    const fresh = this.createWorker()
    this.workers[place] = fresh
    while (!fresh.inForce && !fresh.ended) {
      try {
        await fresh.prepare(this.inForce)
        if (!fresh.inForce) fresh.use([...this.suspended])
        this.dispatch()
      } catch (error) {
        this.options.log.error({ err: error }, 'a replacement worker did not start')
        await delay(restartMs)
      }
    }
  }

  /** Jobs of a worker that ended go back to the head of the queue; the one it was running has a limited number of tries. */
  private takeBack(worker: ScanWorker): void {
    const { job: guilty } = worker.running()
    const known = worker.jobs.has(guilty)
    for (const job of [...worker.jobs.values()].reverse()) {
      if (job.number === guilty || !known) job.crashes++
      if (job.crashes < crashesMax) this.enqueue(job, true)
      else job.reject(new CoreError('scan-failed', 'this message made scan workers end again and again'))
    }
    worker.jobs.clear()
  }

  // ---- jobs

  private enqueue(job: Job, first: boolean): void {
    this.queuedBytes += job.request.raw.length
    if (first) this.queue.unshift(job)
    else this.queue.push(job)
  }

  /** Gives waiting messages to workers: in order, except that small ones may pass large ones that have to wait. */
  private dispatch(): void {
    for (let at = 0; at < this.queue.length; ) {
      const job = this.queue[at]!
      const worker = this.placeFor(job)
      if (worker) {
        this.queue.splice(at, 1)
        this.queuedBytes -= job.request.raw.length
        worker.scan(job)
      } else if (isLarge(job)) at++
      else return
    }
  }

  /** The least loaded worker that may take this job. Large messages never hold all workers, if there are several. */
  private placeFor(job: Job): ScanWorker | undefined {
    const { net } = this.options
    const most = net.dns.enabled || net.clamd ? jobsPerWorkerNetwork : jobsPerWorkerLocal
    const usable = this.workers.filter(isUsable)
    const large = usable.filter((worker) => worker.hasLarge)
    if (isLarge(job) && large.length >= Math.max(1, usable.length - 1)) return undefined
    const others = large.length === usable.length ? usable : usable.filter((worker) => !worker.hasLarge)
    let least: ScanWorker | undefined
    for (const worker of others) if (worker.jobs.size < (least?.jobs.size ?? most)) least = worker
    return least
  }

  private onAnswer(worker: ScanWorker, number: number, outcome: ScanOutcome | Error): void {
    const job = worker.jobs.get(number)
    if (!job) return
    worker.jobs.delete(number)
    if (outcome instanceof Error) job.reject(new CoreError('scan-failed', outcome.message))
    else job.resolve(outcome)
    this.dispatch()
    this.checkIdle()
  }

  private checkIdle(): void {
    if (this.idle && this.inFlight + this.queue.length === 0) this.idle()
  }

  // ---- watchdog

  private watchWorkers(): void {
    const now = Date.now()
    for (const worker of this.workers) {
      if (!isUsable(worker)) continue
      const { job, rule } = worker.running()
      const { hangMs } = this.options
      if (worker.silentMs(now) < (rule >= 0 ? Math.min(hangMs, ruleHangMs) : hangMs)) continue
      // By the plan of the job: it may have begun before a reload.
      const name = worker.jobs.get(job)?.ruling?.plan.rules[rule]?.name
      if (name !== undefined) this.suspend(name)
      this.options.log.error({ job, rule: name }, 'scan worker silent too long, replaced')
      worker.terminate()
    }
  }

  private suspend(rule: string): void {
    this.suspended.add(rule)
    this.options.onSuspend?.(rule)
    for (const worker of this.workers) worker.post({ type: 'suspend', rule })
  }
}

function isUsable(worker: ScanWorker): boolean {
  return worker.inForce !== undefined && !worker.ended
}
