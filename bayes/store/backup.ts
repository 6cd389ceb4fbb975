// Looks at a backup before it takes the place of the ledger.
import Database from 'better-sqlite3'
import { tokenizerVersion } from '../features.js'

/** Throws an Error that says what is wrong with the file. */
export function checkBackup(file: string): void {
  const db = new Database(file, { readonly: true, fileMustExist: true })
  try {
    const version = db.prepare("select value from meta where key = 'tokenizer'").pluck().get()
    if (version !== tokenizerVersion)
      throw new Error(`${file} was written with tokenizer ${version}, this is ${tokenizerVersion}`)
    const check = db.pragma('quick_check(1)', { simple: true })
    if (check !== 'ok') throw new Error(`${file} is damaged: ${check}`)
  } finally {
    db.close()
  }
}
