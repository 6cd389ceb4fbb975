// The site's model as a file beside the ledger, so that a start need not read every learned mail. A cache: with another stamp, another
// size or a wrong checksum it is ignored and the model is made from the ledger. Written under another name first.
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, readSync, renameSync, writeSync } from 'node:fs'
import type { Model, Profile } from '../model/model.js'

const magic = 'hamd model 4\n'

interface Head {
  readonly stamp: number
  readonly profile: Profile
  readonly spam: number
  readonly ham: number
  readonly tableWords: number
  readonly gramWords: number
  readonly sums: number
  readonly check: string
}

function checksum(...arrays: readonly (Uint32Array | Float32Array)[]): string {
  const hash = createHash('sha1')
  for (const array of arrays) hash.update(bytesOf(array))
  return hash.digest('hex')
}

function bytesOf(array: Uint32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

export function writeSnapshot(file: string, model: Model, stamp: number, profile: Profile): void {
  const { table, grams, sums, totals } = model.state
  const head: Head = {
    stamp,
    profile,
    ...totals,
    tableWords: table.length,
    gramWords: grams.length,
    sums: sums.length,
    check: checksum(table, grams, sums),
  }
  const handle = openSync(file + '.new', 'w', 0o600)
  try {
    writeSync(handle, magic + JSON.stringify(head).padEnd(500) + '\n')
    for (const array of [table, grams, sums]) {
      const bytes = bytesOf(array)
      for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at, bytes.length - at)
    }
  } finally {
    closeSync(handle)
  }
  renameSync(file + '.new', file)
}

/** Fills the model; false when the file is not there or not of this state of the ledger (`stamp` undefined = any). */
export function readSnapshot(
  file: string,
  model: Model,
  stamp: number | undefined,
  profile: Profile,
): boolean {
  if (!existsSync(file)) return false
  const handle = openSync(file, 'r')
  let data: Buffer
  let head: Head
  try {
    const start = Buffer.alloc(magic.length + 501)
    readSync(handle, start, 0, start.length, 0)
    if (!start.toString().startsWith(magic)) return false
    head = JSON.parse(start.toString('utf8', magic.length)) as Head
    if ((stamp !== undefined && head.stamp !== stamp) || head.profile !== profile) return false
    data = readFileSync(file)
  } catch {
    return false
  } finally {
    closeSync(handle)
  }
  const body = data.buffer.slice(data.byteOffset + magic.length + 501, data.byteOffset + data.length)
  if (body.byteLength !== 4 * (head.tableWords + head.gramWords + head.sums)) return false
  const table = new Uint32Array(body, 0, head.tableWords)
  const grams = new Uint32Array(body, 4 * head.tableWords, head.gramWords)
  const sums = new Float32Array(body, 4 * (head.tableWords + head.gramWords), head.sums)
  if (checksum(table, grams, sums) !== head.check) return false
  model.adopt({ table, grams, sums, totals: { spam: head.spam, ham: head.ham } })
  return true
}
