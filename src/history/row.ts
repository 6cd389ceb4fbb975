// The history's row of one scan. It is made where the scan ran and is bytes from there on: rows wait for a second on the main thread, and as
// objects and texts they were two fifths of what outlived its young generation. Out: what the store writes, which it need not decode.
import type { Mutable } from '../mutable.js'
import type { Request, Scanned, ScoredHit } from '../types.js'
import type { HistoryRow, HistorySymbol, StoredRow } from './types.js'

const encoder = new TextEncoder()
const lineFeed = 0x0a
/** Needs lower case for the search: ASCII is the same to SQLite's LIKE in either. */
const outsideAscii = /[^\x00-\x7f]/

/** The packed row of one scan, none for a client that wants none (rspamd `Log: no`). `now` in seconds. */
export function historyRow(request: Request, scanned: Scanned, now: number): Uint8Array | undefined {
  return request.unlogged ? undefined : packRow(rowOf(request, scanned, now))
}

/** One line each, of which only the last, the search text, may have more: JSON has none, and ids are made by hamd. */
export function packRow(row: HistoryRow): Uint8Array {
  const { id, unixTime, action } = row
  return encoder.encode(`${id}\n${unixTime}\n${action}\n${JSON.stringify(row)}\n${searchText(row)}`)
}

export function unpackRow(bytes: Buffer): StoredRow {
  let from = 0
  const line = () => {
    const end = bytes.indexOf(lineFeed, from)
    const found = bytes.subarray(from, end)
    from = end + 1
    return found
  }
  const id = line().toString()
  const unixTime = Number(line().toString())
  const action = line().toString()
  return { id, unixTime, action, row: line(), search: bytes.subarray(from) }
}

function searchText(row: HistoryRow): string {
  let text = `${row.id}\n${row.ip}\n${row.user}\n${row.senderSmtp}\n${row.senderMime}`
  for (const address of row.rcptSmtp) text += `\n${address}`
  for (const address of row.rcptMime) text += `\n${address}`
  text += `\n${row.subject}\n${row.messageId ?? ''}\n${row.queueId ?? ''}`
  for (const symbol of row.symbols) text += `\n${symbol.name}`
  return outsideAscii.test(text) ? text.toLowerCase() : text
}

function rowOf(request: Request, scanned: Scanned, now: number): HistoryRow {
  const { envelope } = request
  const { verdict } = scanned
  const row: Mutable<HistoryRow> = {
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
