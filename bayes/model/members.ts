// The five members and their sum. In: Features and the shared tables. Out: log-odds. Formulae and constants: docs/learning.md, which says
// on what each was tuned. Everything stays in log-odds; a probability is made once, at the end.
import type { Features } from '../features.js'
import { bodyBit, headBit, senderBit } from '../tokens/sink.js'
import type { GramTable } from './grams.js'
import { hamAt, slotWords, spamAt, type TokenTable, weightsAt } from './table.js'

/** Token members: value of a feature is c/n, so that a step moves the score of a long mail as far as that of a short one. */
const lengthBase = 700
/** AdaGrad: rates and the start of the sums. From c 2,000 on the steps overshoot (0.013 to 0.020 half/half). */
const tokenRate = 0.03
const gramRate = 0.015
const sumStart = 0.01
/**
 * One step moves the mail's own score by at most this much. Without it the first steps overshoot so far that damping takes every
 * correction for a wrong label, and what all mails have in common stays spam or ham for ever (test/bayes/languages.test.ts).
 */
const moveMax = 12
/** Steps on labels that contradict the score by more than this are damped: 5 % wrong labels cost 0.03 instead of 0.2. */
const dampMargin = 2
/** Strength and prior of a token's probability, and how far it must lie from 0.5 to count (Robinson; bogofilter's values, found flat). */
const priorStrength = 0.0178
const prior = 0.52
const deviationMin = 0.375
/** Odds of clues are multiplied up to here: the next factor still fits a number. */
const oddsMax = 1e150
/**
 * Weight of each member and the most it may say for spam and for ham. A spammer can write any number of ham words and whatever From he
 * likes, and nobody forges the looks of spam: so body and sender may say much for spam and little for ham.
 */
export const shares = {
  head: { weight: 1, spam: 9, ham: 6 },
  body: { weight: 0.5, spam: 9, ham: 2 },
  sender: { weight: 0.5, spam: 9, ham: 3 },
  grams: { weight: 0.5, spam: 9, ham: 6 },
  counts: { weight: 1, spam: 3, ham: 2 },
} as const
/** Calibration P = 1/(1+exp(-(a S + b))): the fit gives 0.494 and -0.407; b stands on the cautious side, a false positive costs more. */
const calibrationSlope = 0.5
const calibrationOffset = -0.66

export interface MemberScores {
  head: number
  body: number
  sender: number
  grams: number
  counts: number
}

/**
 * Where the weights of the linear members stand: in the shared table, or apart while they are rebuilt. A token has two: the header
 * member's, and the body's or the sender's.
 */
export interface Weights {
  readonly tokens: Float32Array
  /** Floats from one slot to the next, and to its first weight. */
  readonly stride: number
  readonly offset: number
  readonly grams: Float32Array
  /** Floats from the weight of one slot of the grams to that of the next, and to that of the first. */
  readonly gramStride: number
  readonly gramOffset: number
  /** By slot. */
  readonly gramSums: Float32Array
}

export interface Totals {
  readonly spam: number
  readonly ham: number
}

/** A user's own model, laid over the site's. */
export interface Overlay {
  readonly table: TokenTable
  readonly totals: Totals
}

/** One learning of the user's own weighs as much as so many of the site's in the counts. */
export const ownEvidence = 5

export function lengthValue(count: number): number {
  return lengthBase / (count || 1)
}

/** Probability of spam given a token, from counts and class sizes. */
export function tokenProbability(spam: number, ham: number, totals: Totals): number {
  const seen = spam + ham
  if (seen === 0) return prior
  const a = spam / Math.max(1, totals.spam)
  const b = ham / Math.max(1, totals.ham)
  return (priorStrength * prior + seen * (a / (a + b))) / (priorStrength + seen)
}

export interface Scored extends MemberScores {
  readonly known: number
}

/** Raw log-odds of the members for one mail. */
export function scoreMembers(
  features: Features,
  table: TokenTable,
  gramTable: GramTable | undefined,
  totals: Totals,
  overlay?: Overlay,
): Scored {
  const { lo, hi } = features
  const { words, floats } = table
  const own = overlay?.table
  const spamTotal = totals.spam + ownEvidence * (overlay?.totals.spam ?? 0)
  const hamTotal = totals.ham + ownEvidence * (overlay?.totals.ham ?? 0)
  const perSpam = 1 / Math.max(1, spamTotal)
  const perHam = 1 / Math.max(1, hamTotal)
  let head = 0
  let body = 0
  let sender = 0
  let clueSum = 0
  let clueOdds = 1
  let clues = 0
  // Never so: it only keeps the reading ahead from being left out.
  let known = Number.isNaN(table.touch(lo)) ? 1 : 0
  for (let i = 0; i < lo.length; i++) {
    const slot = table.find(lo[i]!, hi[i]!)
    const ownSlot = own ? own.find(lo[i]!, hi[i]!) : -1
    if (slot < 0 && ownSlot < 0) continue
    const bits = hi[i]!
    let spam = 0
    let ham = 0
    if (slot >= 0) {
      const base = slot * slotWords
      if (bits & headBit) head += floats[base + weightsAt]!
      if (bits & bodyBit) body += floats[base + weightsAt + 2]!
      else if (bits & senderBit) sender += floats[base + weightsAt + 2]!
      spam = words[base + spamAt]!
      ham = words[base + hamAt]!
    }
    if (ownSlot >= 0) {
      const base = ownSlot * slotWords
      if (bits & headBit) head += own!.floats[base + weightsAt]!
      if (bits & bodyBit) body += own!.floats[base + weightsAt + 2]!
      else if (bits & senderBit) sender += own!.floats[base + weightsAt + 2]!
      spam += ownEvidence * own!.words[base + spamAt]!
      ham += ownEvidence * own!.words[base + hamAt]!
    }
    const seen = spam + ham
    if (seen === 0) continue
    known++
    const a = spam * perSpam
    const b = ham * perHam
    const f = (priorStrength * prior + (seen * a) / (a + b)) / (priorStrength + seen)
    if (f - 0.5 < deviationMin && 0.5 - f < deviationMin) continue
    // One logarithm for many clues.
    clueOdds *= f / (1 - f)
    if (clueOdds > oddsMax || clueOdds < 1 / oddsMax) {
      clueSum += Math.log(clueOdds)
      clueOdds = 1
    }
    clues++
  }
  clueSum += Math.log(clueOdds)
  return {
    head: head * lengthValue(features.headCount),
    body: body * lengthValue(features.bodyCount),
    sender: sender * lengthValue(features.senderCount),
    grams: gramTable ? gramTable.sumOf(features.grams) : 0,
    counts: clues === 0 ? 0 : clueSum / clues,
    known,
  }
}

/** Mean log-odds of the clues among foreign keys: the counts member over an imported store. */
export function scoreForeign(keys: Uint32Array, table: TokenTable, totals: Totals): number {
  let sum = 0
  let clues = 0
  for (let i = 0; i < keys.length; i += 2) {
    const slot = table.find(keys[i]!, keys[i + 1]!)
    if (slot < 0) continue
    const base = slot * slotWords
    const f = tokenProbability(table.words[base + spamAt]!, table.words[base + hamAt]!, totals)
    if (Math.abs(f - 0.5) < deviationMin) continue
    sum += Math.log(f / (1 - f))
    clues++
  }
  return clues === 0 ? 0 : sum / clues
}

/** The sum in which no member can outshout the others: one strange mail must not cost the whole distance. */
export function fuse(scores: MemberScores): number {
  return (
    limited('head', scores.head) +
    limited('body', scores.body) +
    limited('sender', scores.sender) +
    limited('grams', scores.grams) +
    limited('counts', scores.counts)
  )
}

function limited(member: keyof typeof shares, score: number): number {
  const { weight, spam, ham } = shares[member]
  const limit = score > 0 ? spam : ham
  return limit * Math.tanh((weight * score) / limit)
}

export function calibrate(sum: number): number {
  return 1 / (1 + Math.exp(-(calibrationSlope * sum + calibrationOffset)))
}

function gradient(score: number, isSpam: boolean, value: number, damped: boolean): number {
  const p = 1 / (1 + Math.exp(-score))
  const margin = isSpam ? score : -score
  const damp = damped && margin < -dampMargin ? Math.exp((margin + dampMargin) / 2) : 1
  return damp * ((isSpam ? 1 : 0) - p) * value
}

/** What other weights already say (a user's step starts from the site's scores). */
export interface Base {
  readonly head: number
  readonly body: number
  readonly sender: number
  readonly damped: boolean
}

/** One step of the token members. `slots[i]` is the slot of token i. */
export function stepTokens(
  features: Features,
  slots: Int32Array,
  isSpam: boolean,
  weights: Pick<Weights, 'tokens' | 'stride' | 'offset'>,
  base: Base,
): void {
  const { hi } = features
  const { tokens, stride, offset } = weights
  const headValue = lengthValue(features.headCount)
  const bodyValue = lengthValue(features.bodyCount)
  const senderValue = lengthValue(features.senderCount)
  let head = 0
  let body = 0
  let sender = 0
  for (let i = 0; i < hi.length; i++) {
    const at = slots[i]! * stride + offset
    const bits = hi[i]!
    if (bits & headBit) head += tokens[at]!
    if (bits & bodyBit) body += tokens[at + 2]!
    else if (bits & senderBit) sender += tokens[at + 2]!
  }
  const headStep = gradient(head * headValue + base.head, isSpam, headValue, base.damped)
  const bodyStep = gradient(body * bodyValue + base.body, isSpam, bodyValue, base.damped)
  const senderStep = gradient(sender * senderValue + base.sender, isSpam, senderValue, base.damped)
  const headSquare = headStep * headStep
  const bodySquare = bodyStep * bodyStep
  const senderSquare = senderStep * senderStep
  let headReach = 0
  let bodyReach = 0
  let senderReach = 0
  for (let i = 0; i < hi.length; i++) {
    const at = slots[i]! * stride + offset
    const bits = hi[i]!
    if (bits & headBit) headReach += 1 / Math.sqrt((tokens[at + 1]! += headSquare) + sumStart)
    if (bits & bodyBit) bodyReach += 1 / Math.sqrt((tokens[at + 3]! += bodySquare) + sumStart)
    else if (bits & senderBit) senderReach += 1 / Math.sqrt((tokens[at + 3]! += senderSquare) + sumStart)
  }
  const headChange = capped(tokenRate * headStep, headReach * headValue)
  const bodyChange = capped(tokenRate * bodyStep, bodyReach * bodyValue)
  const senderChange = capped(tokenRate * senderStep, senderReach * senderValue)
  for (let i = 0; i < hi.length; i++) {
    const at = slots[i]! * stride + offset
    const bits = hi[i]!
    if (bits & headBit) tokens[at] = tokens[at]! + headChange / Math.sqrt(tokens[at + 1]! + sumStart)
    if (bits & (bodyBit | senderBit)) {
      const change = bits & bodyBit ? bodyChange : senderChange
      tokens[at + 2] = tokens[at + 2]! + change / Math.sqrt(tokens[at + 3]! + sumStart)
    }
  }
}

/** The change, held so that `reach` times it moves the mail's own score by no more than the limit. */
function capped(change: number, reach: number): number {
  const moved = Math.abs(change) * reach
  return moved > moveMax ? (change * moveMax) / moved : change
}

/** Scratch of one step, so that each root is drawn once. */
let inverses = new Float64Array(4096)

/** One step of the grams. The first `count` of `slots` are those of the mail's grams. */
export function stepGrams(
  slots: Int32Array,
  count: number,
  isSpam: boolean,
  weights: Pick<Weights, 'grams' | 'gramStride' | 'gramOffset' | 'gramSums'>,
): void {
  const { grams: w, gramStride, gramOffset, gramSums } = weights
  let score = 0
  for (let i = 0; i < count; i++) score += w[slots[i]! * gramStride + gramOffset]!
  const step = gradient(score, isSpam, 1, true)
  const square = step * step
  if (inverses.length < count) inverses = new Float64Array(count * 2)
  let reach = 0
  for (let i = 0; i < count; i++)
    reach += inverses[i] = 1 / Math.sqrt((gramSums[slots[i]!]! += square) + sumStart)
  const move = capped(gramRate * step, reach)
  for (let i = 0; i < count; i++) {
    const at = slots[i]! * gramStride + gramOffset
    w[at] = w[at]! + move * inverses[i]!
  }
}
