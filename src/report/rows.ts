// The table of hits: one row a hit with score, name and description, under it what the eval said (lists, codes, virus names, an admin's
// own words). Once with fixed columns for report texts (_SUMMARY_), once terse for the X-Spam-Report header (_REPORT_).
import type { Rule } from '../../rules/engine/types.js'
import type { ByteString, ScoredHit } from '../types.js'
import { noDecimal, oneDecimal } from './numbers.js'
import { trimStart, wrap } from './wrap.js'

export interface Row {
  readonly symbol: string
  readonly score: number
  /** Report prefix and description. */
  readonly area: ByteString
  readonly description: ByteString
  readonly details: readonly ByteString[]
}

/** The rows in the order of the hits; a rule that counted several times has one for each. `rules` tells what must not be logged. */
export function rowsOf(hits: readonly ScoredHit[], rules: ReadonlyMap<string, Rule> | undefined): Row[] {
  return hits.flatMap((hit) => {
    const rule = rules?.get(hit.symbol)
    const times = Math.max(1, Math.trunc(hit.times ?? 1))
    const row: Row = {
      symbol: hit.symbol,
      score: hit.score / times,
      area: hit.area,
      description: hit.description === '' ? 'No description available.' : hit.description,
      details: rule?.tflags.includes('nolog') && hit.details.length > 0 ? ['*REDACTED*'] : hit.details,
    }
    return Array.from({ length: times }, () => row)
  })
}

function score(value: number): string {
  return (Math.abs(value) >= 10 ? noDecimal(value) : oneDecimal(value)).padStart(4)
}

/** Text after `taken` columns of a first line, without the blanks that stand for them. */
function wrapAfter(text: ByteString, taken: number, prefix: string, width: number): string {
  return trimStart(wrap(text, { prefix, first: ' '.repeat(taken), width }))
}

/** Row and details for report texts. */
export function summaryRow(row: Row, width: number): ByteString {
  const points = score(row.score)
  const taken = 3 + row.symbol.length + points.length + row.area.length
  const text = wrapAfter(row.description, taken, ' '.repeat(28), width)
  const details = row.details.flatMap(pieces).map((piece) => {
    const bracketed = `[${piece}]`
    return piece.length > 47 ? bracketed.padStart(78) : `${' '.repeat(28)}${bracketed}`
  })
  return [`${points} ${row.symbol.padEnd(22)} ${row.area}${text}`, ...details, ''].join('\n')
}

/** Row and details for the header. */
export function headerRow(row: Row, width: number): ByteString {
  const points = score(row.score)
  const taken = 4 + row.symbol.length + points.length + row.area.length
  const text = wrapAfter(row.description, taken, '*      ', width)
  const details = row.details
    .flatMap(pieces)
    .map((piece, index) => `${index === 0 ? '*      ' : ''}[${piece}]`)
  return [`* ${points} ${row.symbol} ${row.area}${text}`, ...details, ''].join('\n')
}

/** A long detail breaks at the last blank between its 30th and 49th character. */
function pieces(detail: ByteString): ByteString[] {
  const found: ByteString[] = []
  let rest = detail.replace(/[\r\n]+/g, ' ')
  for (let cut = /^(.{30,48})[\t-\r ]/.exec(rest); cut !== null; cut = /^(.{30,48})[\t-\r ]/.exec(rest)) {
    found.push(cut[1]!)
    rest = rest.slice(cut[0].length)
  }
  return [...found, rest]
}
