// What the main thread and a scan worker say to each other. Plain data only; message bytes lie in a SharedArrayBuffer.
import type { MessagePort } from 'node:worker_threads'
import type { SharedLearner } from '../../bayes/index.js'
import type { Plan } from '../../rules/engine/types.js'
import type { NetFlags } from '../net/proxy.js'
import type { ScanPolicy } from '../scan.js'
import type { AutomataMade } from './automata.js'
import type { PostedOutcome, PostedRequest } from './posted.js'

/** What decides how messages are judged; replaced as a whole by a reload. */
export interface Ruling {
  readonly plan: Plan
  readonly policy: ScanPolicy
  readonly prefs: PrefsSource
}

/** The first message to a worker: what stays as it is while rulings come and go. */
export interface WorkerSetup {
  /** Folder of all state; undefined = nothing is remembered between messages. */
  readonly dataDir: string | undefined
  /** Rows for the history are made. */
  readonly history: boolean
  /** The learner's shared memory; undefined = no learner. */
  readonly learner: SharedLearner | undefined
  /** Look-ups and clamd are asked for through this port (src/net/proxy.ts). */
  readonly net: MessagePort
  readonly netFlags: NetFlags
  /** What the worker is doing, for the watchdog: see `Progress`. */
  readonly progress: SharedArrayBuffer
}

/** Where per-user preferences come from. */
export interface PrefsSource {
  /** None, files below `dir`, `~user/.spamassassin/user_prefs`, or `dir` as a pattern with %u (user), %l, %d (parts of an address). */
  readonly kind: 'off' | 'dir' | 'home' | 'pattern'
  readonly dir: string | null
  readonly allowUserRules: boolean
}

/** Int32 slots of `WorkerSetup.progress`. */
export const Progress = {
  /** Grows while the worker's event loop turns, and with each step of a scan. */
  heartbeat: 0,
  /** Job whose synchronous part is running, 0 = none. */
  job: 1,
  /** Index of the rule that is running in the Plan that the job is judged by, -1 = none. */
  rule: 2,
  slots: 3,
} as const

/** A worker that is not needed any more is terminated. */
export type ToWorker =
  /** Compile this ruling, beside the one in force if there is one. */
  | { readonly type: 'load'; readonly ruling: Ruling }
  /** Warm up what was loaded, with these automata. Answered by `ready`. */
  | { readonly type: 'begin'; readonly automata?: AutomataMade['sets'] }
  /** What was made ready is in force for the messages that come after this, without these rules. */
  | { readonly type: 'switch'; readonly suspended: readonly string[] }
  /** What was made ready will not be needed. */
  | { readonly type: 'drop' }
  /** This rule ran away in another worker. */
  | { readonly type: 'suspend'; readonly rule: string }
  /** A message to scan. */
  | PostedRequest

export type FromWorker =
  | { readonly type: 'ready' }
  /** The answer to `load` or `begin` when the ruling cannot be scanned by; what is in force stays. */
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'failed'; readonly job: number; readonly message: string }
  /** What came out of a scan. */
  | PostedOutcome
