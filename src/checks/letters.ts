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
const isSpace = 1
const isUpper = 2
const isLowerOrDigit = 4
kinds[32] = isSpace
for (let code = 48; code <= 57; code++) kinds[code] = isLowerOrDigit
for (let code = 65; code <= 90; code++) kinds[code] = isUpper
for (let code = 97; code <= 122; code++) kinds[code] = isLowerOrDigit

export function lettersOf(line: ByteString): LineLetters {
  let spaces = 0
  let upper = 0
  let lowerOrDigit = 0
  // Sums of bits, because the next kind is as good as chance to a branch.
  for (let at = 0; at < line.length; at++) {
    const kind = kinds[line.charCodeAt(at) & 255]!
    spaces += kind & isSpace
    upper += (kind & isUpper) >> 1
    lowerOrDigit += kind >> 2
  }
  return { line, spaces, upper, lowerOrDigit }
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
