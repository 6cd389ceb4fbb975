// What the main thread and a scan worker say to each other. Plain data only; message bytes lie in a SharedArrayBuffer.
import type { MessagePort } from 'node:worker_threads'
import type { Plan } from '../../rules/engine/types.js'
import type { ScanPolicy } from '../scan.js'
import type { Request, Scanned } from '../types.js'

/** Given to a worker at its birth. */
export interface WorkerSetup {
  readonly plan: Plan
  readonly policy: ScanPolicy
  readonly prefs: PrefsSource
  /** Handle of the learner's shared tables; undefined = no learner. */
  readonly learner: unknown
  /** Look-ups and clamd are asked for through this port (src/net/proxy.ts). */
  readonly net: MessagePort
  /** What the worker is doing, for the watchdog: see `Progress`. */
  readonly progress: SharedArrayBuffer
  /** Rules that ran away before and are left out. */
  readonly suspended: readonly string[]
}

/** Where per-user preferences come from. */
export interface PrefsSource {
  readonly kind: 'off' | 'dir' | 'home'
  readonly dir: string | null
  readonly allowUserRules: boolean
}

/** Int32 slots of `WorkerSetup.progress`. */
export const Progress = {
  /** Grows while the worker's event loop turns. */
  heartbeat: 0,
  /** Job whose synchronous part is running, 0 = none. */
  job: 1,
  /** Index in Plan.rules of the rule that is running, -1 = none. */
  rule: 2,
  slots: 3,
} as const

export type ToWorker =
  | { readonly type: 'scan'; readonly job: number; readonly request: Request }
  | { readonly type: 'close' }

export type FromWorker =
  | { readonly type: 'ready'; readonly warmMs: number }
  | { readonly type: 'scanned'; readonly job: number; readonly scanned: Scanned }
  | { readonly type: 'failed'; readonly job: number; readonly message: string }
