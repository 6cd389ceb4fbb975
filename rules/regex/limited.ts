// RegExps that give up after a number of backtracks. V8 has them, for its own tests, behind natives syntax (flags.ts); seen in Node 20, 22
// and 24. Beyond the limit such a RegExp finds nothing, as if there were no match: only the time it took tells one from the other.

import type { MakeRegExp } from './anchored.js'

/**
 * Backtracks of one search. Takes V8 1 to 2 ms, 8 at its first search, when it interprets; more where each compares a long back
 * reference.
 */
const backtracksMax = 250_000
/** No machine backtracks so often in less time: sooner, "nothing found" is the truth. */
export const limitMs = 0.125

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
