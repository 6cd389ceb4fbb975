// Messages between the history and its thread. Types only.
import type { HistoryQuery } from './types.js'

export interface HistorySetup {
  readonly path: string
  readonly rowsMax: number
}

export type HistoryCommand =
  /** Packed rows, in a batch of bytes. */
  | { readonly type: 'add'; readonly rows: readonly Uint8Array<ArrayBuffer>[] }
  | { readonly type: 'rows'; readonly query: HistoryQuery }
  | { readonly type: 'throughput'; readonly since: number; readonly stepSeconds: number }
  | { readonly type: 'reset' }
  | { readonly type: 'close' }

/** What the service posts besides answers. */
export type HistoryMessage =
  /** The file that was there could not be read; it is kept under another name. */
  | { readonly type: 'damaged'; readonly aside: string }
  /** It could not start, for this reason, and has ended. */
  | { readonly type: 'refused'; readonly reason: string }
