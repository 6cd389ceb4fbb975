// Automata in files: the one beside the program, with those of the built-in rules, and the one in the data folder, with what was built here.
// A set is found by the patterns it was made of, so a file that is stale or somebody else's can only lack some.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type AutomatonSet, decodeSets, encodeSets } from '../../rules/regex/automata/tables.js'
import { builtFolder } from '../root.js'

/** Made by the build (automata-shipped.ts). */
export const shippedFile = join(builtFolder, 'automata.bin')

/** Those of the wanted sets that lie in one of the files, read as far as needed. A file that is missing or torn has none. */
export function readSets(files: readonly string[], wanted: Iterable<string>): Map<string, AutomatonSet> {
  const found = new Map<string, AutomatonSet>()
  const missing = new Set(wanted)
  for (const file of files) {
    if (missing.size === 0) break
    for (const [key, set] of readFile(file, missing)) {
      found.set(key, set)
      missing.delete(key)
    }
  }
  return found
}

function readFile(file: string, wanted: ReadonlySet<string>): ReadonlyMap<string, AutomatonSet> {
  try {
    return decodeSets(readFileSync(file), wanted) ?? new Map()
  } catch {
    return new Map()
  }
}

/** @throws when it cannot be written. */
export function writeSets(file: string, sets: ReadonlyMap<string, AutomatonSet>): void {
  mkdirSync(dirname(file), { recursive: true })
  const aside = `${file}.${process.pid}`
  writeFileSync(aside, encodeSets(sets))
  renameSync(aside, file)
}
