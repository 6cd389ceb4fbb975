// The history at rest: the last scans, and counts of actions per minute and hour for the graphs. Synchronous SQLite; runs in the history thread
// (worker.ts), so neither a checkpoint of the write-ahead log nor a search through all rows holds up a scan. Both tables are bounded.
import Database from 'better-sqlite3'
import type { HistoryQuery, HistoryRow, ThroughputPoint } from './types.js'

/** Minutes are kept for eight days (graphs of a day and a week), hours for a little over a year. */
const minuteSeconds = 60
const hourSeconds = 3600
const minutesKeptSeconds = 8 * 86_400
const hoursKeptSeconds = 400 * 86_400
/** Largest answer of one query: the thread's messages stay small. */
const rowsPerQueryMax = 10_000

export class HistoryStore {
  private readonly db: Database.Database

  constructor(
    path: string,
    private readonly rowsMax: number,
  ) {
    this.db = new Database(path)
    this.db.pragma('journal_mode = WAL')
    this.db.pragma('synchronous = NORMAL')
    this.db.exec(`
      CREATE TABLE IF NOT EXISTS scans (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL, time REAL NOT NULL, action TEXT NOT NULL, search TEXT NOT NULL, row TEXT NOT NULL);
      CREATE INDEX IF NOT EXISTS scans_id ON scans (id);
      CREATE TABLE IF NOT EXISTS actions (
        step INTEGER NOT NULL, start INTEGER NOT NULL, action TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (step, start, action)) WITHOUT ROWID;`)
  }

  /** Writes a batch in one transaction and drops what has become too old. */
  add(rows: readonly HistoryRow[]): void {
    const insert = this.db.prepare('INSERT INTO scans (id, time, action, search, row) VALUES (?, ?, ?, ?, ?)')
    const count = this.db.prepare(
      'INSERT INTO actions VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1',
    )
    this.db.transaction(() => {
      for (const row of rows) {
        insert.run(row.id, row.unixTime, row.action, searchText(row), JSON.stringify(row))
        for (const step of [minuteSeconds, hourSeconds]) {
          count.run(step, Math.floor(row.unixTime / step) * step, row.action)
        }
      }
      this.trim(rows.at(-1)?.unixTime ?? 0)
    })()
  }

  /** Newest first, from row `from` on, at most `limit`. */
  rows({ from, limit, search, action, id }: HistoryQuery): HistoryRow[] {
    const conditions = ['1']
    const values: unknown[] = []
    for (const word of (search ?? '').toLowerCase().split(/\s+/).filter(Boolean)) {
      conditions.push("search LIKE ? ESCAPE '\\'")
      values.push(`%${word.replace(/[\\%_]/g, '\\$&')}%`)
    }
    if (action !== undefined) conditions.push('action = ?') && values.push(action)
    if (id !== undefined) conditions.push('id = ?') && values.push(id)
    const found = this.db
      .prepare(`SELECT row FROM scans WHERE ${conditions.join(' AND ')} ORDER BY n DESC LIMIT ? OFFSET ?`)
      .all(...values, Math.min(limit, rowsPerQueryMax), from) as { row: string }[]
    return found.map(({ row }) => JSON.parse(row) as HistoryRow)
  }

  /** Counts of actions from `since` on, in buckets of `stepSeconds`. Numbers are bound as REAL, hence the casts. */
  throughput(since: number, stepSeconds: number): ThroughputPoint[] {
    const step = since >= Date.now() / 1000 - minutesKeptSeconds ? minuteSeconds : hourSeconds
    return this.db
      .prepare(
        `SELECT CAST(start / @bucket AS INTEGER) * CAST(@bucket AS INTEGER) AS time, action, SUM(count) AS count FROM actions
         WHERE step = @step AND start >= @since GROUP BY 1, 2 ORDER BY 1`,
      )
      .all({ bucket: Math.max(stepSeconds, step), step, since: Math.floor(since) }) as ThroughputPoint[]
  }

  reset(): void {
    this.db.exec('DELETE FROM scans')
  }

  close(): void {
    this.db.close()
  }

  private trim(now: number): void {
    this.db.prepare('DELETE FROM scans WHERE n <= (SELECT MAX(n) FROM scans) - ?').run(this.rowsMax)
    const drop = this.db.prepare('DELETE FROM actions WHERE step = ? AND start < ?')
    drop.run(minuteSeconds, now - minutesKeptSeconds)
    drop.run(hourSeconds, now - hoursKeptSeconds)
  }
}

/** What a search looks through, lower case. */
function searchText(row: HistoryRow): string {
  const parts = [
    row.id,
    row.ip,
    row.user,
    row.senderSmtp,
    row.senderMime,
    ...row.rcptSmtp,
    ...row.rcptMime,
    row.subject,
    row.messageId ?? '',
    row.queueId ?? '',
    ...row.symbols.map((symbol) => symbol.name),
  ]
  return parts.join('\n').toLowerCase()
}
