// The automata of the built-in rules, made by the build (scripts/automata.mjs): a first start finds them beside the program instead of
// building them, which takes longer than all the rest of it.
import { patternsKey } from '../../rules/regex/automata/tables.js'
import { loadRules } from '../ruling.js'
import { buildAll } from './automata-builders.js'
import { readSets, shippedFile, writeSets } from './automata-files.js'
import { patternLists } from './pattern-lists.js'

/** Brings the file up to date. Returns how many lists had to be built. */
export async function shipAutomata(file = shippedFile): Promise<number> {
  // Whether look-ups are allowed changes no pattern.
  const plan = loadRules({ builtin: true, paths: [], local: true })
  const lists = new Map(patternLists(plan).map((patterns) => [patternsKey(patterns), patterns]))
  const kept = readSets([file], lists.keys())
  const missing = [...lists].filter(([key]) => !kept.has(key)).map(([, patterns]) => patterns)
  if (missing.length > 0) writeSets(file, new Map([...kept, ...(await buildAll(missing))]))
  return missing.length
}
