// The core as fronts see it (types.ts, Core): scans through the workers or in place, learning, counters. What happens after a verdict
// - remembering features, auto-learning, listeners such as history and metrics - happens here and cannot change the answer any more.
import type { LearnerClient } from '../bayes/index.js'
import { CoreError } from './errors.js'
import type { Log } from './log.js'
import { createScanClassifier } from './opinion.js'
import { type PoolOptions, type Ruling, WorkerPool } from './pool/pool.js'
import { warmUp } from './pool/warmup.js'
import { withoutMarkup } from './report/index.js'
import type { ScanOutcome } from './scan.js'
import { createScanner, type Scanner, symbolsOf } from './scanner.js'
import type {
  Core,
  CoreStats,
  LearnOutcome,
  LearnRequest,
  LearnScanRequest,
  Net,
  Request,
  Scanned,
  SymbolInfo,
} from './types.js'

export interface CoreOptions {
  /** 0 = scan in this thread. */
  readonly workers: number
  readonly queueMax: number
  readonly hangMs: number
  readonly net: Net
  readonly learner: LearnerClient | undefined
  /** Folder of all state; undefined = nothing is remembered between messages. */
  readonly dataDir: string | undefined
  /** Where the automata of the fast path are kept between starts. */
  readonly automataFile: string | undefined
  readonly log: Log
}

/** Told of every scan after its answer is decided: history, metrics, log. One that throws is logged and costs nobody an answer. */
export type ScanListener = (request: Request, scanned: Scanned) => void

/** Scans by the thread that calls, or by workers. */
interface Runner {
  scan(request: Request): Promise<ScanOutcome>
  reload(ruling: Ruling): Promise<void>
  close(): Promise<void>
  readonly waiting: number
  readonly inFlight: number
  readonly suspendedRules: readonly string[]
}

/** Core with what only the server's main needs. */
export interface ServerCore extends Core {
  reload(ruling: Ruling): Promise<void>
  close(): Promise<void>
  onScan(listener: ScanListener): void
  /** For metrics and readiness. */
  load(): { readonly waiting: number; readonly inFlight: number; readonly suspendedRules: readonly string[] }
}

/** Features of finished scans are handed to the learner in batches of a second. */
const rememberMs = 1000

export async function createCore(ruling: Ruling, options: CoreOptions): Promise<ServerCore> {
  let current = ruling
  const runner = await createRunner(ruling, options)
  const { learner, log } = options
  const listeners: ScanListener[] = []
  const counts = { scanned: 0, learned: 0, spam: 0, ham: 0 }
  const actions: Record<string, number> = {}
  const startedAt = Date.now()
  let pending: Parameters<LearnerClient['remember']>[0][number][] = []
  const flush = () => {
    if (pending.length > 0) learner?.remember(pending)
    pending = []
  }
  const timer = setInterval(flush, rememberMs)
  timer.unref()

  /** Whose model it is: without models of their own all users share the site's. */
  const ownerOf = (user: string | undefined) => (current.policy.perUser ? user : undefined)

  function ownedBy<R extends { readonly user?: string }>(request: R): R {
    const { user: _, ...rest } = request
    return current.policy.perUser ? request : (rest as R)
  }

  async function counted(learning: Promise<LearnOutcome>): Promise<LearnOutcome> {
    const outcome = await learning.catch(
      (error: unknown): LearnOutcome => ({ status: 'failed', reason: messageOf(error) }),
    )
    if (outcome.status === 'learned' || outcome.status === 'relearned') counts.learned++
    return outcome
  }

  function after(request: Request, { scanned, features }: ScanOutcome): void {
    const { verdict } = scanned
    counts.scanned++
    if (verdict.isSpam) counts.spam++
    else counts.ham++
    actions[verdict.action] = (actions[verdict.action] ?? 0) + 1
    if (features && learner) {
      pending.push({
        id: request.id,
        owner: ownerOf(request.user) ?? '',
        mail: features.mail,
        timeMs: Date.now(),
        features: features.bytes,
      })
      if (verdict.autolearn === 'spam' || verdict.autolearn === 'ham') {
        flush()
        void learner
          .learnScan(request.id, verdict.autolearn, 'auto')
          .catch((error: unknown) => log.warn({ err: error }, 'auto-learning failed'))
      }
    }
    for (const listener of listeners) {
      try {
        listener(request, scanned)
      } catch (error) {
        log.error({ err: error }, 'what follows a scan failed; its answer stands')
      }
    }
  }

  return {
    async scan(request) {
      const outcome = await runner.scan(request)
      after(request, outcome)
      return outcome.scanned
    },
    async learn(request: LearnRequest): Promise<LearnOutcome> {
      if (!learner) return { status: 'refused', reason: 'hamd runs without a learner' }
      return counted(learner.learn({ ...ownedBy(request), raw: withoutMarkup(request.raw) }))
    },
    async learnScan(request: LearnScanRequest): Promise<LearnOutcome> {
      if (!learner) return { status: 'refused', reason: 'hamd runs without a learner' }
      // Features of scans that have just ended may still be on their way.
      flush()
      const { scanId, class: mailClass, source } = request
      return counted(learner.learnScan(scanId, mailClass, source, ownerOf(request.user)))
    },
    async stats(): Promise<CoreStats> {
      return {
        ...counts,
        actions,
        learner: await learner?.stats().catch(() => undefined),
        uptimeSeconds: Math.floor((Date.now() - startedAt) / 1000),
        thresholds: thresholdsOf(current),
        rules: current.plan.rules.length,
        configId: current.plan.hash.slice(0, 16),
      }
    },
    async symbols(): Promise<readonly SymbolInfo[]> {
      const stats = await learner?.stats().catch(() => undefined)
      const { minSpam, minHam } = learner?.shared ?? { minSpam: 0, minHam: 0 }
      const bayes = stats !== undefined && stats.spam >= minSpam && stats.ham >= minHam ? 2 : 0
      return symbolsOf(current.plan, (bayes + (options.net.dns.enabled ? 1 : 0)) as 0 | 1 | 2 | 3)
    },
    async reload(next) {
      await runner.reload(next)
      current = next
    },
    async close() {
      await runner.close()
      clearInterval(timer)
      flush()
      await learner?.close()
    },
    onScan: (listener) => void listeners.push(listener),
    load: () => ({
      waiting: runner.waiting,
      inFlight: runner.inFlight,
      suspendedRules: runner.suspendedRules,
    }),
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function thresholdsOf(ruling: Ruling): Record<string, number> {
  const required = ruling.plan.settings.values.get('required_score')
  return {
    'add header': typeof required === 'number' ? required : 5,
    ...(ruling.policy.thresholds as Record<string, number>),
  }
}

async function createRunner(ruling: Ruling, options: CoreOptions): Promise<Runner> {
  if (options.workers === 0) return createInlineRunner(ruling, options)
  const poolOptions: PoolOptions = {
    count: options.workers,
    queueMax: options.queueMax,
    hangMs: options.hangMs,
    net: options.net,
    learner: () => options.learner?.shared,
    automataFile: options.automataFile,
    dataDir: options.dataDir,
    log: options.log,
    onSuspend: (rule) => options.log.error({ rule }, 'rule suspended until the next reload'),
  }
  return WorkerPool.start(ruling, poolOptions)
}

/** Small machines, commands and tests: no threads for scanning. */
async function createInlineRunner(ruling: Ruling, options: CoreOptions): Promise<Runner> {
  const make = (given: Ruling): Scanner =>
    createScanner({
      ...given,
      net: options.net,
      dataDir: options.dataDir,
      classifier: options.learner && createScanClassifier(options.learner.shared),
    })
  let scanner = make(ruling)
  await warmUp(scanner.context)
  let inFlight = 0
  let idle: (() => void) | undefined
  let closing = false
  return {
    // Those whose look-ups are awaited: all of them wait for this one thread.
    get waiting() {
      return inFlight
    },
    get inFlight() {
      return inFlight
    },
    suspendedRules: [],
    async scan(request) {
      if (closing) throw new CoreError('shutting-down', 'hamd is shutting down')
      if (inFlight >= options.queueMax)
        throw new CoreError('overloaded', `${inFlight} messages are under way already`)
      inFlight++
      try {
        return await scanner.scan(request)
      } catch (error) {
        throw new CoreError('scan-failed', messageOf(error), { cause: error })
      } finally {
        inFlight--
        if (inFlight === 0) idle?.()
      }
    },
    async reload(next) {
      const fresh = make(next)
      await warmUp(fresh.context)
      scanner = fresh
    },
    async close() {
      closing = true
      if (inFlight > 0) await new Promise<void>((resolve) => (idle = resolve))
    },
  }
}
