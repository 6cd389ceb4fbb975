// What the controller's routes are given, and the table entry a route is. Built once in index.ts.
import type { LearnerClient } from '../../bayes/index.js'
import type { History } from '../../src/history/types.js'
import type { Gauge, Metrics } from '../../src/metrics.js'
import type { Core } from '../../src/types.js'
import type { HttpReply } from '../http-reply.js'
import type { HttpCall } from '../rspamd/http-scan.js'
import type { RspamdOptions } from '../rspamd/options.js'
import type { AuthOptions, Rights } from './auth.js'

/** One line of `/errors`. */
export interface ErrorRow {
  /** Unix time, seconds. */
  readonly ts: number
  readonly type: string
  readonly module: string
  readonly message: string
}

/** What the controller may do with the learner beyond Core: look at the ledger, take back, copy, put back. */
export type LedgerDoor = Pick<
  LearnerClient,
  'rows' | 'revoke' | 'release' | 'held' | 'doubtful' | 'backup' | 'restore' | 'importSaLearn'
>

export interface ControllerOptions extends AuthOptions {
  readonly scan: RspamdOptions
  readonly metrics: Metrics
  /** Absent: history and graphs are empty. */
  readonly history?: History
  /** Live values for /metrics: queue, workers, dns, clamd, learner. */
  readonly gauges?: () => readonly Gauge[] | Promise<readonly Gauge[]>
  /** Absent: there is no learner. */
  readonly ledger?: LedgerDoor
  /** Newest first. */
  readonly errors?: () => readonly ErrorRow[]
  /** Why the server is not ready to scan, undefined when it is. */
  readonly notReady?: () => string | undefined
  /** Connections now open on the scan listeners. */
  readonly connections?: () => number
  readonly version: string
  /** Version told to clients that compare it with rspamd's. */
  readonly startedAt: Date
}

export interface RouteContext {
  readonly core: Core
  readonly options: ControllerOptions
  readonly rights: Rights
  /** Values that /statreset has put aside; /stat tells what came since. */
  readonly counts: Counts
  /** Requests the controller has taken. */
  readonly requests: number
}

/** Counters that may be set back for rspamd's clients while Prometheus' go on growing. */
export interface Counts {
  since(now: CountValues): CountValues
  reset(now: CountValues): void
}

export interface CountValues {
  readonly scanned: number
  readonly learned: number
  readonly actions: Readonly<Record<string, number>>
}

export interface Route {
  /** 'open' answers before any password is looked at. */
  readonly needs: 'open' | 'read' | 'full'
  run(call: HttpCall, context: RouteContext): Promise<HttpReply> | HttpReply
}
