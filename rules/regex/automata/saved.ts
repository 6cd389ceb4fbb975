// The states of a rule set in a file, so that the next start need not find them again.
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import type { StoreShape } from './layout.js'
import { StateStore } from './store.js'
import { type AutomatonSet, tablesVersion } from './tables.js'

/** What the file begins with: which patterns and layout it is for, and a hash of what follows. */
const hashLength = 32
const headLength = 2 * hashLength

type Sets = ReadonlyMap<string, AutomatonSet>

/** The states of a rule set; can be posted. */
export interface RuleStates {
  readonly keys: readonly string[]
  readonly shape: StoreShape
}

export function statesOf(sets: Sets): RuleStates | undefined {
  for (const { states } of sets.values()) if (states) return { keys: [...sets.keys()], shape: states.shape }
  return undefined
}

/** Names the patterns and everything that the addresses in the tables depend on. */
function keyOf(keys: readonly string[], shape: StoreShape): Buffer {
  const { memory: _, ...numbers } = shape
  return createHash('sha256')
    .update(JSON.stringify([tablesVersion, keys, numbers]))
    .digest()
}

function hashOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** False when the states kept changing. @throws when the file cannot be written. */
export function writeStates({ keys, shape }: RuleStates, file: string): boolean {
  const bytes = new StateStore(shape).save()
  if (!bytes) return false
  const aside = `${file}.${process.pid}`
  const handle = openSync(aside, 'w')
  try {
    writeSync(handle, Buffer.concat([keyOf(keys, shape), hashOf(bytes)]))
    for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at)
  } finally {
    closeSync(handle)
  }
  renameSync(aside, file)
  return true
}

/**
 * Fills the memory of these sets, which no thread uses yet. False when the file is missing or of other patterns. @throws when it is
 * damaged. Nothing has changed in both cases.
 */
export function readStates(sets: Sets, file: string): boolean {
  const states = statesOf(sets)
  if (!states) return false
  const { keys, shape } = states
  let handle: number
  try {
    handle = openSync(file, 'r')
  } catch {
    return false
  }
  try {
    const head = Buffer.alloc(headLength)
    if (readSync(handle, head) < headLength) return false
    if (!head.subarray(0, hashLength).equals(keyOf(keys, shape))) return false
    const bytes = Buffer.allocUnsafeSlow(fstatSync(handle).size - headLength)
    for (let at = 0; at < bytes.length; ) {
      const count = readSync(handle, bytes, at, bytes.length - at, null)
      if (count === 0) break
      at += count
    }
    if (!hashOf(bytes).equals(head.subarray(hashLength))) throw new Error(`${file} is damaged`)
    new StateStore(shape).restore(bytes)
    return true
  } finally {
    closeSync(handle)
  }
}

/** A thread that took part has ended, perhaps in the middle of something. */
export function releaseStates({ shape }: RuleStates, thread: number): void {
  new StateStore(shape).release(thread + 1)
}
