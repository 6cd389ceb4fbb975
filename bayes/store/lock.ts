// One data directory, one process. The lock is an exclusive transaction on a small SQLite file: the system drops it when the process
// dies, however it dies, and the ledger itself stays readable for `hamd scan` and for backups.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

export interface Lock {
  release(): void
}

/** Undefined when the directory belongs to another process; `holder` names it. */
export function lockDirectory(dataDir: string): Lock | { readonly holder: string } {
  const pidFile = join(dataDir, 'learner.pid')
  const db = new Database(join(dataDir, 'learner.lock'), { timeout: 0 })
  try {
    db.pragma('journal_mode = memory')
    db.pragma('locking_mode = exclusive')
    db.exec('begin exclusive')
  } catch (error) {
    db.close()
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error
    return { holder: readHolder(pidFile) }
  }
  try {
    writeFileSync(pidFile, `${process.pid}\n`)
  } catch (error) {
    db.close()
    throw error
  }
  return {
    release() {
      rmSync(pidFile, { force: true })
      db.close()
    },
  }
}

function readHolder(pidFile: string): string {
  try {
    return `process ${readFileSync(pidFile, 'utf8').trim()}`
  } catch {
    return 'another process'
  }
}
