// The history at rest: the last scans, and counts of actions per minute and hour for the graphs. Synchronous SQLite; runs in another thread
// (service.ts), so neither a checkpoint of the write-ahead log nor a search through all rows holds up a scan. Both tables are bounded.
import Database from 'better-sqlite3'
import type { HistoryQuery, HistoryRow, StoredRow, ThroughputPoint } from './types.js'

/** Minutes are kept for eight days (graphs of a day and a week), hours for a little over a year. */
const minuteSeconds = 60
const hourSeconds = 3600
const minutesKeptSeconds = 8 * 86_400
const hoursKeptSeconds = 400 * 86_400
/** Largest answer of one query: the thread's messages stay small. */
const rowsPerQueryMax = 10_000

export class HistoryStore {
  private readonly db: Database.Database
  private readonly insert: Database.Statement
  private readonly count: Database.Statement
  private readonly dropRows: Database.Statement
  private readonly dropActions: Database.Statement

  constructor(
    path: string,
    private readonly rowsMax: number,
  ) {
    this.db = new Database(path)
    this.db.pragma('journal_mode = WAL')
    this.db.pragma('synchronous = NORMAL')
    // Rows are written once and hardly ever read: with SQLite's own 16 MB the cache would fill up with them.
    this.db.pragma('cache_size = -1000')
    this.db.exec(`
      CREATE TABLE IF NOT EXISTS scans (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL, time REAL NOT NULL, action TEXT NOT NULL, search TEXT NOT NULL, row TEXT NOT NULL);
      CREATE INDEX IF NOT EXISTS scans_id ON scans (id);
      CREATE TABLE IF NOT EXISTS actions (
        step INTEGER NOT NULL, start INTEGER NOT NULL, action TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (step, start, action)) WITHOUT ROWID;`)
    this.insert = this.db.prepare(
      'INSERT INTO scans (id, time, action, search, row) VALUES (?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT))',
    )
    this.count = this.db.prepare(
      'INSERT INTO actions VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
    )
    this.dropRows = this.db.prepare('DELETE FROM scans WHERE n <= (SELECT MAX(n) FROM scans) - ?')
    this.dropActions = this.db.prepare('DELETE FROM actions WHERE step = ? AND start < ?')
  }

  /** Writes a batch in one transaction and drops what has become too old. */
  add(rows: readonly StoredRow[]): void {
    this.db.transaction(() => {
      for (const { id, unixTime, action, search, row } of rows)
        this.insert.run(id, unixTime, action, search, row)
      for (const step of [minuteSeconds, hourSeconds])
        for (const { start, action, count } of countActions(rows, step))
          this.count.run(step, start, action, count)
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
    this.dropRows.run(this.rowsMax)
    this.dropActions.run(minuteSeconds, now - minutesKeptSeconds)
    this.dropActions.run(hourSeconds, now - hoursKeptSeconds)
  }
}

/** How often each action stands in the rows, by the step of time in which it came. */
function countActions(
  rows: readonly StoredRow[],
  step: number,
): Iterable<{ readonly start: number; readonly action: string; count: number }> {
  const counts = new Map<string, { readonly start: number; readonly action: string; count: number }>()
  for (const { unixTime, action } of rows) {
    const start = Math.floor(unixTime / step) * step
    const key = `${start} ${action}`
    const known = counts.get(key)
    if (known) known.count++
    else counts.set(key, { start, action, count: 1 })
  }
  return counts.values()
}
