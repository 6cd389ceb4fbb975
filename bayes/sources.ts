// Who teaches, and whether what he taught before agreed with the rest.
import type { Ledger } from './store/ledger.js'

/** Learnings of one source are looked at together; with fewer than this nobody is judged. */
const judgedMin = 10
/** The latest learnings of a source that are looked at. */
const judgedMax = 50
const contradictingShare = 0.3

/** Sources named in the configuration, with what follows the name after a colon or a blank. */
export function isTrustedSource(source: string, trusted: readonly string[]): boolean {
  return trusted.some(
    (name) => source === name || source.startsWith(`${name}:`) || source.startsWith(`${name} `),
  )
}

/** Whether one more contradiction makes too many of them. */
export function isDistrustedSource(source: string, ledger: Ledger): boolean {
  const { n, contradicting } = ledger.reputation(source, judgedMax)
  return n + 1 >= judgedMin && contradicting + 1 > contradictingShare * (n + 1)
}
