// RegExps that give up after a number of backtracks. V8 has them, for its own tests, behind natives syntax (flags.ts); seen in Node 20, 22
// and 24. Beyond the limit such a RegExp finds nothing, as if there were no match: only the time it took tells one from the other.

import type { MakeRegExp } from './anchored.js'
import './flags.js'

/**
 * Backtracks of one search. Takes V8 3 to 8 ms, 30 at its first search, when it interprets; more where each compares a long back
 * reference.
 */
const backtracksMax = 1_000_000
/**
 * No machine backtracks so often in less time: sooner, "nothing found" is the truth. Not lower: large patterns (`__FILL_THIS_FORM_LONG2`, thousands
 * of places) need 0.1 to 0.6 ms for a long line without backtracking much, and the machine would need millions of steps for it.
 */
export const limitMs = 1

/** Undefined where V8 does not offer it. */
export const limitedRegExp: MakeRegExp | undefined = maker()

function maker(): MakeRegExp | undefined {
  try {
    const make = new Function(
      'source',
      'flags',
      'limit',
      'return %NewRegExpWithBacktrackLimit(source, flags, limit)',
    )
    make('a', '', backtracksMax)
    return (source, flags) => make(source, flags, backtracksMax) as RegExp
  } catch {
    return undefined
  }
}
