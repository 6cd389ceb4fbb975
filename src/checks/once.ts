// What several evals of one message share: worked out at the first question and kept with the scan, in a place that is numbered when the
// program starts. Evals ask some 80 times a message; a look-up by name and a closure for each would cost more than many of the answers.
import type { Scan } from '../types.js'

let places = 0
/** Stands for undefined, which means not asked yet. */
const nothing = Symbol('nothing')

/** @param make is asked once per message; what else it is given must be the same for the whole message, as settings are. */
export function once<T, X = void>(make: (scan: Scan, extra: X) => T): (scan: Scan, extra: X) => T {
  const place = places++
  return (scan, extra) => {
    const kept = scan.kept[place]
    if (kept !== undefined) return (kept === nothing ? undefined : kept) as T
    const made = make(scan, extra)
    scan.kept[place] = made === undefined ? nothing : made
    return made
  }
}
