// How many spaces, capitals and other letters and digits each line of the body has: one walk for all evals that compare such shares.
import type { ByteString, Scan } from '../types.js'
import { once } from './once.js'

export interface LineLetters {
  readonly line: ByteString
  readonly spaces: number
  readonly upper: number
  readonly lowerOrDigit: number
}

const kinds = new Uint8Array(256)
const space = 1
const upper = 2
const lowerOrDigit = 3
kinds[32] = space
for (let code = 48; code <= 57; code++) kinds[code] = lowerOrDigit
for (let code = 65; code <= 90; code++) kinds[code] = upper
for (let code = 97; code <= 122; code++) kinds[code] = lowerOrDigit

const counts = new Uint32Array(4)

export function lettersOf(line: ByteString): LineLetters {
  counts.fill(0)
  for (let at = 0; at < line.length; at++) counts[kinds[line.charCodeAt(at) & 255]!]!++
  return { line, spaces: counts[space]!, upper: counts[upper]!, lowerOrDigit: counts[lowerOrDigit]! }
}

/** Of the lines that body evals see now: a check may have cut them since they were counted. */
export function bodyLetters(scan: Scan): readonly LineLetters[] {
  const lines = scan.views.bodyForRules
  const { lines: counted, letters } = firstLetters(scan)
  return counted === lines ? letters : lines.map(lettersOf)
}

const firstLetters = once((scan) => {
  const lines = scan.views.bodyForRules
  return { lines, letters: lines.map(lettersOf) }
})
