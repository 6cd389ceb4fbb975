// The history as the rest of hamd sees it: rows go in without waiting, in batches of one transaction; questions are promises. The SQLite work
// happens in another thread (service.ts). A file that cannot be opened or a thread that dies costs the history, never a scan.
import { type Answer, Calls, type ThreadPort } from '../thread-port.js'
import type { Request, Scanned, ScoredHit } from '../types.js'
import type { HistoryCommand, HistoryMessage, HistorySetup } from './protocol.js'
import type { History, HistoryRow, HistorySymbol, StoredRow } from './types.js'

export type * from './types.js'

/** A batch is written after so long, or when it has so many rows. */
const batchMs = 1000
const batchRowsMax = 500
/** Rows become text so many at a time: one by one, with cold caches, each costs several times as much. */
const bundleRows = 32
/** Rows waiting for the thread; above it new rows are dropped and counted. */
const waitingRowsMax = 20_000

export interface HistoryOptions extends HistorySetup {
  /** Told once per failure of the store. */
  readonly onError?: (message: string) => void
}

/** Opens the history where `thread` says. */
export function openHistory(options: HistoryOptions, thread: (setup: HistorySetup) => ThreadPort): History {
  const { path, rowsMax, onError } = options
  const port = thread({ path, rowsMax })
  const calls = new Calls<HistoryCommand>(port)
  let fresh: HistoryRow[] = []
  let batch: StoredRow[] = []
  let timer: NodeJS.Timeout | undefined
  let inFlight = 0
  let dropped = 0

  const fail = (error: Error) => {
    if (calls.ended) return
    calls.end(error)
    onError?.(error.message)
  }
  port.onEnd(fail)
  port.onMessage((posted) => {
    const message = posted as HistoryMessage | Answer
    if ('call' in message) calls.answer(message)
    else if (message.type === 'refused') fail(new Error(message.reason))
    else onError?.(`the database was damaged; it is kept as ${message.aside} and begins anew`)
  })

  function bundle(): void {
    for (const row of fresh) batch.push(storedRow(row))
    fresh = []
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    bundle()
    if (batch.length === 0) return
    const rows = batch
    batch = []
    inFlight += rows.length
    calls
      .ask({ type: 'add', rows })
      .catch((error: Error) => {
        dropped += rows.length
        if (!calls.ended) onError?.(error.message)
      })
      .finally(() => {
        inFlight -= rows.length
      })
  }

  /** Questions see everything that was added before them. */
  async function read<T>(command: HistoryCommand): Promise<T> {
    flush()
    return calls.ask<T>(command)
  }

  return {
    add(row) {
      if (!row) return
      if (calls.ended || fresh.length + batch.length + inFlight >= waitingRowsMax) {
        dropped += 1
        return
      }
      fresh.push(row)
      if (fresh.length >= bundleRows) bundle()
      if (batch.length >= batchRowsMax) flush()
      else timer ??= setTimeout(flush, batchMs).unref()
    },
    rows: (query) => read({ type: 'rows', query }),
    throughput: (since, stepSeconds) => read({ type: 'throughput', since, stepSeconds }),
    reset: () => read({ type: 'reset' }),
    get dropped() {
      return dropped
    },
    async close() {
      if (calls.ended) return
      await read({ type: 'close' }).catch(() => {})
      calls.end(new Error('the history is closed'))
      await port.close()
    },
  }
}

export function storedRow(row: HistoryRow): StoredRow {
  const { id, unixTime, action } = row
  return { id, unixTime, action, search: searchText(row), row: JSON.stringify(row) }
}

function searchText(row: HistoryRow): string {
  let text = `${row.id}\n${row.ip}\n${row.user}\n${row.senderSmtp}\n${row.senderMime}`
  for (const address of row.rcptSmtp) text += `\n${address}`
  for (const address of row.rcptMime) text += `\n${address}`
  text += `\n${row.subject}\n${row.messageId ?? ''}\n${row.queueId ?? ''}`
  for (const symbol of row.symbols) text += `\n${symbol.name}`
  return text.toLowerCase()
}

/** The row of one scan, none for a client that wants none (rspamd `Log: no`). `now` in seconds. */
export function historyRow(request: Request, scanned: Scanned, now: number): HistoryRow | undefined {
  if (request.unlogged) return undefined
  const { envelope } = request
  const { verdict } = scanned
  const row: { -readonly [K in keyof HistoryRow]: HistoryRow[K] } = {
    id: request.id,
    unixTime: now,
    front: request.front,
    ip: envelope.ip ?? 'unknown',
    user: envelope.authUser ?? 'unknown',
    senderSmtp: envelope.mailFrom ?? 'unknown',
    senderMime: scanned.mimeFrom ?? 'unknown',
    rcptSmtp: envelope.rcptTo.length > 0 ? envelope.rcptTo : ['unknown'],
    rcptMime: scanned.mimeRcpt?.length ? scanned.mimeRcpt : ['unknown'],
    subject: utf8(scanned.subject ?? ''),
    size: scanned.sizeBytes,
    score: verdict.score,
    requiredScore: verdict.requiredScore,
    thresholds: verdict.thresholds,
    action: verdict.action,
    skipped: verdict.skipped,
    tookMs: verdict.tookMs,
    symbols: verdict.hits.map(historySymbol),
    notes: verdict.notes.map((note) => `${note.check}: ${note.kind}: ${note.text}`),
  }
  if (scanned.messageId !== undefined) row.messageId = utf8(scanned.messageId)
  if (envelope.queueId !== undefined) row.queueId = envelope.queueId
  return row
}

function historySymbol(hit: ScoredHit): HistorySymbol {
  return {
    name: hit.symbol,
    score: hit.score,
    description: hit.description,
    options: hit.details.map(utf8),
  }
}

/** Byte strings of the scan hold UTF-8. */
function utf8(bytes: string): string {
  return /[\x80-\xff]/.test(bytes) && !/[^\x00-\xff]/.test(bytes)
    ? Buffer.from(bytes, 'latin1').toString('utf8')
    : bytes
}
