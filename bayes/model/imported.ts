// The counts of another filter as a model that scan threads can read.
import { importedKey, type SaLearnDump } from '../import.js'
import { control, type SharedModel } from './model.js'
import { hamAt, slotWords, spamAt, TokenTable } from './table.js'

/** In shared memory. */
export function importedModel(dump: SaLearnDump): SharedModel {
  const slots = 2 ** Math.ceil(Math.log2(Math.max(1024, dump.tokens.length * 2)))
  const table = TokenTable.create(slots)
  for (const { token, spam, ham } of dump.tokens) {
    const { lo, hi } = importedKey(token)
    const base = table.insert(lo, hi) * slotWords
    table.words[base + spamAt] = spam
    table.words[base + hamAt] = ham
  }
  const words = new Int32Array(new SharedArrayBuffer(control.words * 4))
  words[control.spam] = dump.spam
  words[control.ham] = dump.ham
  return { control: words.buffer as SharedArrayBuffer, table: table.buffer }
}
