// The core as fronts see it (types.ts, Core): scans through the workers or in place, learning, counters. What happens after a verdict
// - remembering features, auto-learning, listeners such as history and metrics - happens here and cannot change the answer any more.
import type { LearnerClient } from '../bayes/index.js'
import type { Log } from './log.js'
import { type PoolOptions, type Ruling, WorkerPool } from './pool/pool.js'
import type { ScanThreads } from './pool/threads.js'
import { withoutMarkup } from './report/unmark.js'
import type { ScanOutcome } from './scan.js'
import { symbolsOf } from './symbols.js'
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
  /** Threads that were started ahead of the core. */
  readonly threads?: ScanThreads
  readonly queueMax: number
  readonly hangMs: number
  readonly net: Net
  readonly learner: LearnerClient | undefined
  /** Folder of all state; undefined = nothing is remembered between messages. */
  readonly dataDir: string | undefined
  /** Where the automata of the fast path are kept between starts. */
  readonly automataFile: string | undefined
  /** Scans bring rows for the history; absent = nobody keeps them. */
  readonly history?: boolean
  readonly log: Log
}

/**
 * Told of every scan after its answer is decided: history, metrics, log. One that throws is logged and costs nobody an answer. The row is the
 * history's, absent where the client wants none.
 */
export type ScanListener = (request: Request, scanned: Scanned, row: Uint8Array | undefined) => void

/** Scans by the thread that calls, or by workers. */
export interface Runner {
  scan(request: Request): Promise<ScanOutcome>
  reload(ruling: Ruling): Promise<void>
  close(): Promise<void>
  readonly waiting: number
  readonly inFlight: number
  /** Threads that can take a message now; the asking one counts where there are no others. */
  readonly workersReady: number
  readonly suspendedRules: readonly string[]
}

/** Core with what only the server's main needs. */
export interface ServerCore extends Core {
  reload(ruling: Ruling): Promise<void>
  close(): Promise<void>
  onScan(listener: ScanListener): void
  /** For metrics and readiness. */
  load(): Pick<Runner, 'waiting' | 'inFlight' | 'workersReady' | 'suspendedRules'>
}

export async function createCore(ruling: Ruling, options: CoreOptions): Promise<ServerCore> {
  let current = ruling
  const runner = await createRunner(ruling, options)
  const { learner, log } = options
  const listeners: ScanListener[] = []
  const counts = { scanned: 0, learned: 0, spam: 0, ham: 0 }
  const actions: Record<string, number> = {}
  const startedAt = Date.now()
  let listed: { plan: Ruling['plan']; scoreSet: number; symbols: readonly SymbolInfo[] } | undefined

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

  function after(request: Request, { scanned, features, row }: ScanOutcome): void {
    const { verdict } = scanned
    counts.scanned++
    if (verdict.isSpam) counts.spam++
    else counts.ham++
    actions[verdict.action] = (actions[verdict.action] ?? 0) + 1
    if (features && learner) {
      learner.remember({
        id: request.id,
        owner: ownerOf(request.user) ?? '',
        mail: features.mail,
        timeMs: Date.now(),
        features: features.bytes,
      })
      if (verdict.autolearn === 'spam' || verdict.autolearn === 'ham')
        void learner
          .learnScan(request.id, verdict.autolearn, 'auto')
          .catch((error: unknown) => log.warn({ err: error }, 'auto-learning failed'))
    }
    for (const listener of listeners) {
      try {
        listener(request, scanned, row)
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
      const scoreSet = (bayes + (options.net.dns.enabled ? 1 : 0)) as 0 | 1 | 2 | 3
      if (listed?.plan !== current.plan || listed.scoreSet !== scoreSet)
        listed = { plan: current.plan, scoreSet, symbols: symbolsOf(current.plan, scoreSet) }
      return listed.symbols
    },
    async reload(next) {
      await runner.reload(next)
      current = next
    },
    async close() {
      await runner.close()
      await learner?.close()
    },
    onScan: (listener) => void listeners.push(listener),
    load: () => ({
      waiting: runner.waiting,
      inFlight: runner.inFlight,
      workersReady: runner.workersReady,
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
  // What scans is large: a server with workers never loads it in this thread.
  if (options.workers === 0) return (await import('./inline.js')).createInlineRunner(ruling, options)
  const poolOptions: PoolOptions = {
    count: options.workers,
    threads: options.threads,
    queueMax: options.queueMax,
    hangMs: options.hangMs,
    net: options.net,
    learner: () => options.learner?.shared,
    automataFile: options.automataFile,
    dataDir: options.dataDir,
    history: options.history,
    log: options.log,
    onSuspend: (rule) => options.log.error({ rule }, 'rule suspended until the next reload'),
  }
  return WorkerPool.start(ruling, poolOptions)
}
