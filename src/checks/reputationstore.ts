// Where reputations live: one SQLite file in the data directory, shared by all workers (WAL), or memory in tests.
import type Database from 'better-sqlite3'
import { requirePackage } from '../commonjs.js'
import { setAsideIfDamaged } from '../damaged-file.js'
import type { Reputation, ReputationStore } from '../types.js'

const unknown: Reputation = { count: 0, total: 0 }
/** A worker waits so long for another one's write, milliseconds. */
const busyMs = 2000
/** Identities not seen for so long are forgotten when the store is opened. */
const expirySeconds = 365 * 24 * 3600

export interface OpenReputationStore extends ReputationStore {
  close(): void
}

/** @param path file, created when absent; ':memory:' for tests. */
export function openReputationStore(
  path: string,
  nowSeconds = Math.floor(Date.now() / 1000),
): OpenReputationStore {
  if (path !== ':memory:') setAsideIfDamaged(path)
  const db = new (requirePackage<typeof Database>('better-sqlite3'))(path)
  db.pragma('journal_mode = WAL')
  db.pragma(`busy_timeout = ${busyMs}`)
  // A lost second of reputation is worth nothing; a sync for every message would cost milliseconds.
  db.pragma('synchronous = NORMAL')
  // Of 16 MB, SQLite's own choice, each worker would have its own.
  db.pragma('cache_size = -2000')
  db.exec(
    'CREATE TABLE IF NOT EXISTS reputation (owner TEXT NOT NULL, key TEXT NOT NULL, count REAL NOT NULL, ' +
      'total REAL NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (owner, key)) WITHOUT ROWID',
  )
  db.prepare('DELETE FROM reputation WHERE seen < ?').run(nowSeconds - expirySeconds)
  const select = db.prepare('SELECT count, total FROM reputation WHERE owner = ? AND key = ?')
  const upsert = db.prepare(
    'INSERT INTO reputation (owner, key, count, total, seen) VALUES (?, ?, 1, ?, ?) ON CONFLICT (owner, key) DO UPDATE SET ' +
      'count = count + 1, total = total + excluded.total, seen = excluded.seen',
  )
  const remove = db.prepare('DELETE FROM reputation WHERE owner = ? AND key = ?')
  return {
    get: (owner, key) => (select.get(owner, key) as Reputation | undefined) ?? unknown,
    add(owner, key, score) {
      upsert.run(owner, key, score, Math.floor(Date.now() / 1000))
    },
    remove(owner, key) {
      remove.run(owner, key)
    },
    close() {
      db.close()
    },
  }
}
