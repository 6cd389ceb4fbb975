// Fits scores to samples: those that part spam from ham at 5.0 with the least change from what a rule was given by hand.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../src/root.js'

/** What a rule was given by hand, and how far the corpus may move it. */
export interface Prior {
  readonly given: number
  readonly low: number
  readonly high: number
}

/** A message as rule indices and times, with what is fixed beside the fitted rules. */
export interface Row {
  readonly spam: boolean
  readonly hits: readonly (readonly [rule: number, times: number])[]
  readonly fixed: number
}

export const threshold = 5

export interface Aims {
  /** Score that spam should reach, and that ham should stay below. */
  readonly spam: number
  readonly ham: number
  /** A false positive weighs as much as so many missed spams. */
  readonly hamWeight: number
}

/** Pull towards the prior. */
const pull = 6
const rounds = 400
const rate = 0.05

/** bench/score-priors.txt: NAME prior [most [least]], sizes without sign for nice rules. */
export function readPriors(): ReadonlyMap<string, readonly number[]> {
  const text = readFileSync(join(packageRoot, 'bench', 'score-priors.txt'), 'utf8')
  const rows = text.split('\n').filter((line) => /^\w/.test(line))
  return new Map(
    rows.map((line) => line.split(/\s+/)).map(([name, ...numbers]) => [name!, numbers.map(Number)]),
  )
}

export function priorOf(numbers: readonly number[] | undefined, nice: boolean): Prior {
  const [given = nice ? -0.3 : 0.4, most = Math.max(0.8, Math.abs(given)), least = 0] = numbers ?? []
  return nice ? { given, low: -most, high: -least } : { given, low: least, high: most }
}

export function total(row: Row, scores: Float64Array): number {
  let sum = row.fixed
  for (const [rule, times] of row.hits) sum += scores[rule]! * times
  return sum
}

/** Projected gradient on a smooth hinge. Deterministic. Rules that never hit keep their prior. */
export function fit(rows: readonly Row[], priors: readonly Prior[], aims: Aims): Float64Array {
  const scores = Float64Array.from(priors, ({ given }) => given)
  const seen = new Float64Array(priors.length)
  for (const row of rows) for (const [rule] of row.hits) seen[rule]!++
  const gradient = new Float64Array(priors.length)
  for (let round = 0; round < rounds; round++) {
    gradient.fill(0)
    for (const row of rows) {
      const score = total(row, scores)
      const over = row.spam ? aims.spam - score : score - aims.ham
      if (over <= -3) continue
      const slope = (row.spam ? -1 : aims.hamWeight) / (1 + Math.exp(-2 * over))
      for (const [rule, times] of row.hits) gradient[rule]! += slope * times
    }
    for (const [rule, { given, low, high }] of priors.entries()) {
      if (seen[rule] === 0) continue
      const step = (gradient[rule]! + pull * (scores[rule]! - given)) / Math.sqrt(seen[rule]! * 60 + 400)
      scores[rule] = Math.min(high, Math.max(low, scores[rule]! - rate * step))
    }
  }
  return scores
}

export interface Tally {
  readonly caught: number
  readonly spam: number
  /** Positions of ham at or above the threshold. */
  readonly wrong: readonly number[]
  readonly missed: readonly number[]
  readonly ham: number
}

export function tally(rows: readonly Row[], scores: Float64Array): Tally {
  const wrong: number[] = []
  const missed: number[] = []
  let spam = 0
  for (const [index, row] of rows.entries()) {
    const judged = total(row, scores) >= threshold
    if (row.spam) spam++
    if (row.spam && !judged) missed.push(index)
    if (!row.spam && judged) wrong.push(index)
  }
  return { caught: spam - missed.length, spam, wrong, missed, ham: rows.length - spam }
}

/** Each fifth judged by scores that were fitted on the other four. */
export function foldedTally(rows: readonly Row[], priors: readonly Prior[], aims: Aims, folds = 5): Tally {
  const parts = Array.from({ length: folds }, (_, fold) => {
    const learned = fit(
      rows.filter((_row, index) => index % folds !== fold),
      priors,
      aims,
    )
    return tally(
      rows.filter((_row, index) => index % folds === fold),
      learned,
    )
  })
  const sum = (of: (part: Tally) => number): number => parts.reduce((all, part) => all + of(part), 0)
  return {
    caught: sum((part) => part.caught),
    spam: sum((part) => part.spam),
    ham: sum((part) => part.ham),
    wrong: parts.flatMap((part) => part.wrong),
    missed: parts.flatMap((part) => part.missed),
  }
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`

export const tallyText = ({ caught, spam, wrong, ham }: Tally): string =>
  `spam caught ${percent(caught, spam)} (${caught}/${spam}), ham called spam ${percent(wrong.length, ham)} (${wrong.length}/${ham})`
