// A database that cannot be read is evidence, and may be all that is left of somebody's data: it is set aside by name, never deleted.
import { renameSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { requirePackage } from './commonjs.js'

/**
 * Renames a SQLite file that is none, or that is torn, to `<path>.damaged-<time>`.
 * @returns the new name; undefined when the file is sound, absent or cannot be opened for another reason.
 */
export function setAsideIfDamaged(path: string): string | undefined {
  const reason = damageOf(path)
  if (reason === undefined) return undefined
  const aside = `${path}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
  try {
    renameSync(path, aside)
  } catch {
    // Another thread was quicker, or the folder is read-only: the open that follows says so.
    return undefined
  }
  return aside
}

function damageOf(path: string): string | undefined {
  let db: Database.Database | undefined
  try {
    db = new (requirePackage<typeof Database>('better-sqlite3'))(path, {
      readonly: true,
      fileMustExist: true,
    })
    const found = db.pragma('quick_check(1)', { simple: true })
    return found === 'ok' ? undefined : String(found)
  } catch (error) {
    const { code = '' } = error as { code?: string }
    return code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT') ? code : undefined
  } finally {
    db?.close()
  }
}
