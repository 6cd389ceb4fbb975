// The shapes of the history: one row per scan as it is kept, and what may be asked. Types only.
import type { Action } from '../types.js'

export interface HistoryRow {
  /** Request.id of the scan. */
  readonly id: string
  readonly unixTime: number
  readonly front: string
  /** 'unknown' where the client told none, as rspamd's history says it. */
  readonly ip: string
  readonly user: string
  readonly senderSmtp: string
  readonly senderMime: string
  readonly rcptSmtp: readonly string[]
  readonly rcptMime: readonly string[]
  readonly subject: string
  readonly messageId?: string
  readonly queueId?: string
  readonly size: number
  readonly score: number
  /** SpamAssassin's spam threshold and rspamd's thresholds by action. */
  readonly requiredScore: number
  readonly thresholds: Readonly<Record<string, number>>
  readonly action: Action
  readonly skipped: boolean
  readonly tookMs: number
  readonly symbols: readonly HistorySymbol[]
  readonly notes: readonly string[]
}

/** A row as it is stored. Texts are UTF-8, as SQLite keeps them: it alone reads them again. */
export interface StoredRow {
  readonly id: string
  readonly unixTime: number
  readonly action: string
  /** What a search looks through, lower case as far as SQLite's LIKE does not see to that. */
  readonly search: Uint8Array
  /** JSON of the HistoryRow. */
  readonly row: Uint8Array
}

export interface HistorySymbol {
  readonly name: string
  readonly score: number
  readonly description: string
  readonly options: readonly string[]
}

export interface HistoryQuery {
  /** Rows are numbered from the newest, 0. */
  readonly from: number
  readonly limit: number
  /** Words that must all occur in addresses, subject, ids or symbols. */
  readonly search?: string
  readonly action?: string
  readonly id?: string
}

export interface ThroughputPoint {
  /** Start of the bucket, Unix time. */
  readonly time: number
  readonly action: string
  readonly count: number
}

/** Durable record of the last scans. Nothing here ever rejects into a scan: what can't be kept is counted in `dropped`. */
export interface History {
  /** Takes a packed row for the next batch; returns at once. */
  add(row: Uint8Array): void
  rows(query: HistoryQuery): Promise<readonly HistoryRow[]>
  throughput(since: number, stepSeconds: number): Promise<readonly ThroughputPoint[]>
  reset(): Promise<void>
  /** Rows lost because the store failed or could not keep up. */
  readonly dropped: number
  close(): Promise<void>
}
