// Messages between the learner's client and its service. Types only.
import type { LearnRequest, MailClass } from '../src/types.js'
import type { LearnerSettings } from './learner.js'
import type { SharedModel } from './model/model.js'
import type { RowFilter } from './store/ledger.js'

export interface LearnerStart {
  readonly settings: LearnerSettings
  readonly readOnly: boolean
  /** Name of the BroadcastChannel on which models that moved are announced. */
  readonly channel: string
}

export type LearnerCommand =
  | { readonly op: 'learn'; readonly request: LearnRequest }
  | {
      readonly op: 'learnScan'
      readonly scanId: string
      readonly class: MailClass | 'forget'
      readonly source: string
      readonly user?: string
    }
  /** Packed scans in a batch of bytes. The only command that is not answered. */
  | { readonly op: 'remember'; readonly scans: readonly Uint8Array<ArrayBuffer>[] }
  | { readonly op: 'revoke' | 'release'; readonly filter: RowFilter; readonly preview: boolean }
  | { readonly op: 'rows'; readonly filter: RowFilter; readonly limit: number }
  | { readonly op: 'held' | 'stats' | 'notes' | 'doubtful' | 'rebuild' | 'digest' | 'close' }
  | { readonly op: 'backup' | 'restore' | 'importSaLearn'; readonly file: string }

/** What classifiers need to find the models; those that moved only. */
export interface LearnerNews {
  readonly salt?: number
  /** Undefined = it is not held any more. */
  readonly models?: readonly (readonly [owner: string, model: SharedModel | undefined])[]
}

/** What the service posts besides answers. */
export type LearnerMessage =
  | ({ readonly type: 'ready' | 'news' } & LearnerNews)
  /** It could not start, for this reason, and has ended. */
  | { readonly type: 'refused'; readonly reason: string }
