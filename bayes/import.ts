// Counts taken over from `sa-learn --backup`, so that moving from SpamAssassin starts with its knowledge. In: the dump. Out: a table of counts
// by SpamAssassin's token keys (the last 40 bits of a SHA-1), and for a mail the keys its body would have there. Header tokens of
// SpamAssassin are not made again: the body's are most of a dump, and the import only has to serve until mails of our own take over.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { bodyBit, headBit, memberBits } from './tokens/sink.js'

export interface ImportedToken {
  /** 5 bytes. */
  readonly token: Buffer
  readonly spam: number
  readonly ham: number
}

export interface SaLearnDump {
  readonly spam: number
  readonly ham: number
  readonly tokens: readonly ImportedToken[]
}

/** Reads a dump of sa-learn --backup (database version 3). Throws an Error with file and line when it is something else. */
export async function readSaLearnDump(file: string): Promise<SaLearnDump> {
  const tokens: ImportedToken[] = []
  let spam = 0
  let ham = 0
  let number = 0
  for await (const line of createInterface({ input: createReadStream(file, 'latin1') })) {
    number++
    const fields = line.split('\t')
    const bad = (): Error =>
      new Error(`${file}:${number}: not a line of sa-learn --backup: ${line.slice(0, 60)}`)
    if (number === 1 && !/^v\t3\tdb_version/.test(line)) throw bad()
    if (fields[0] === 'v') {
      if (fields[2] === 'num_spam') spam = Number(fields[1])
      if (fields[2] === 'num_nonspam') ham = Number(fields[1])
    } else if (fields[0] === 't') {
      const [, spamCount, hamCount, , hex] = fields
      if (
        !/^\d+$/.test(spamCount ?? '') ||
        !/^\d+$/.test(hamCount ?? '') ||
        !/^[0-9a-f]{10}$/i.test(hex ?? '')
      )
        throw bad()
      tokens.push({ token: Buffer.from(hex!, 'hex'), spam: Number(spamCount), ham: Number(hamCount) })
    } else if (fields[0] !== 's' && line !== '') throw bad()
  }
  if (number === 0) throw new Error(`${file} is empty`)
  return { spam, ham, tokens }
}

/** Key of an imported token in a TokenTable. */
export function importedKey(token: Uint8Array): { lo: number; hi: number } {
  const lo = (token[0]! | (token[1]! << 8) | (token[2]! << 16) | (token[3]! << 24)) >>> 0
  return { lo, hi: (token[4]! << memberBits) | headBit | bodyBit }
}

/** SpamAssassin shortens longer words to their first seven letters (bayes_max_token_length). */
const wordBytesMax = 15
const skippedTo = 7
const wordsMax = 5000
const keysKeptMax = 50_000
const keys = new Map<string, { lo: number; hi: number }>()

function keyOf(token: string): { lo: number; hi: number } {
  let key = keys.get(token)
  if (!key) {
    key = importedKey(createHash('sha1').update(token, 'latin1').digest().subarray(-5))
    if (keys.size >= keysKeptMax) keys.clear()
    keys.set(token, key)
  }
  return key
}

/** Keys that SpamAssassin would look up for these texts, as pairs of numbers. */
export function saBodyKeys(texts: readonly string[]): Uint32Array {
  const found = new Map<string, { lo: number; hi: number }>()
  const add = (token: string): void => {
    if (!found.has(token)) found.set(token, keyOf(token))
  }
  let count = 0
  for (const text of texts) {
    const bytes = /[^\x00-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
    for (const [run] of bytes.matchAll(/[A-Za-z0-9,@*!_'"$.\x80-\xff-]+/g)) {
      if (++count > wordsMax) break
      addWord(run.replace(/^[-'".,]+/, '').replace(/[-'".,]+$/, ''), add)
    }
  }
  const out = new Uint32Array(found.size * 2)
  let at = 0
  for (const { lo, hi } of found.values()) {
    out[at++] = lo
    out[at++] = hi
  }
  return out
}

function addWord(word: string, add: (token: string) => void): void {
  if (word.length < 3) return
  if (!word.includes('@') && /\S\.[a-z]/i.test(word)) {
    add('UD:' + word)
    for (let dot = word.indexOf('.'); dot > 0 && dot < word.length - 1; dot = word.indexOf('.', dot + 1))
      add('UD:' + word.slice(dot + 1))
  }
  const token = word.length > wordBytesMax && !word.includes('*') ? 'sk:' + word.slice(0, skippedTo) : word
  const plain = token.replace(/[^A-Za-z0-9_:*]/g, '')
  if (plain !== token && plain !== '') add(plain)
  const lower = token.toLowerCase()
  if (lower !== token) add(lower)
  if (lower !== token && plain !== token) add(plain.toLowerCase())
  add(token)
}
