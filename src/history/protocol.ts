// Messages between the history and its thread. Types only.
import type { HistoryQuery, StoredRow } from './types.js'

export interface HistorySetup {
  readonly path: string
  readonly rowsMax: number
}

export type HistoryCommand =
  | { readonly type: 'add'; readonly rows: readonly StoredRow[] }
  | { readonly type: 'rows'; readonly query: HistoryQuery }
  | { readonly type: 'throughput'; readonly since: number; readonly stepSeconds: number }
  | { readonly type: 'reset' }
  | { readonly type: 'close' }

export interface HistoryAnswer {
  readonly call: number
  readonly value?: unknown
  readonly error?: string
}
