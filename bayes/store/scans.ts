// Features of recent scans, so that a mail can be taught by its scan id without the mail. In: features under an id. Out: the same, for
// so many days. A file of its own, written without synchronising: losing the last scans in a crash loses no learning.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Features } from '../features.js'
import type { RememberedScan } from '../remembered.js'
import { decodeFeatures } from './codec.js'
import { isDamage, makePrivate } from './ledger.js'

/** With each scan that comes, so many that are too old may go: they go sooner than new ones come. */
const agedPerAdded = 4

export class ScanStore {
  private readonly db: Database.Database
  private readonly put: Database.Statement
  private readonly take: Database.Statement
  private readonly ends: Database.Statement
  private readonly dropUpTo: Database.Statement
  private readonly dropOld: Database.Statement

  private constructor(
    db: Database.Database,
    private readonly rowsMax: number,
    private readonly keepMs: number,
  ) {
    this.db = db
    db.pragma('journal_mode = wal')
    db.pragma('synchronous = off')
    // Rows are written once and hardly ever read: with SQLite's own 16 MB the cache would fill up with them.
    db.pragma('cache_size = -1000')
    db.exec(`create table if not exists scan (n integer primary key autoincrement, id text not null unique, owner text not null,
      mail text not null, time integer not null, features blob not null)`)
    this.put = db.prepare(
      'insert or replace into scan (id, owner, mail, time, features) values (?, ?, ?, ?, ?)',
    )
    this.take = db.prepare('select owner, mail, time, features from scan where id = ?')
    this.ends = db.prepare('select (select max(n) from scan) as newest, (select min(n) from scan) as oldest')
    this.dropUpTo = db.prepare('delete from scan where n <= ?')
    this.dropOld = db.prepare('delete from scan where n <= ? and time < ?')
  }

  /** A damaged file is thrown away: it only holds copies of what can be scanned again. */
  static open(dataDir: string | undefined, rowsMax: number, keepDays: number): ScanStore {
    const file = dataDir === undefined ? ':memory:' : join(dataDir, 'scans.db')
    const keepMs = keepDays * 86_400_000
    try {
      const store = new ScanStore(new Database(file), rowsMax, keepMs)
      if (dataDir !== undefined) makePrivate(file)
      return store
    } catch (error) {
      if (!isDamage(error)) throw error
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
      return new ScanStore(new Database(file), rowsMax, keepMs)
    }
  }

  remember(scans: readonly RememberedScan[], nowMs: number): void {
    if (this.rowsMax === 0 || scans.length === 0) return
    this.db.transaction(() => {
      for (const scan of scans) this.put.run(scan.id, scan.owner, scan.mail, scan.timeMs, scan.features)
      this.expire(scans.length, nowMs)
    })()
  }

  /** Scans that are kept. */
  get count(): number {
    return this.db.prepare('select count(*) from scan').pluck().get() as number
  }

  /** Undefined when the scan is unknown, too old or another user's. */
  find(
    id: string,
    owner: string | undefined,
    nowMs: number,
  ): { owner: string; features: Features } | undefined {
    const row = this.take.get(id) as
      | { owner: string; mail: string; time: number; features: Buffer }
      | undefined
    if (!row || row.time < nowMs - this.keepMs) return undefined
    if (owner !== undefined && row.owner !== owner) return undefined
    return { owner: row.owner, features: decodeFeatures(row.mail, row.features) }
  }

  close(): void {
    this.db.close()
  }

  /**
   * Looks at the oldest rows only, a bounded number: the cost of a batch must not grow with what is kept (a look at all rows for each
   * batch cost 0.2 ms a scan). Rows are numbered in the order of their time.
   */
  private expire(added: number, nowMs: number): void {
    const { newest, oldest } = this.ends.get() as { newest: number; oldest: number }
    this.dropUpTo.run(newest - this.rowsMax)
    this.dropOld.run(oldest + agedPerAdded * added, nowMs - this.keepMs)
  }
}
