// Hits become a Verdict: the only place where scores are looked up and added, where thresholds decide and where the policy for what
// could not be checked is applied. Pure arithmetic; nothing here knows where a hit came from.

import assert from 'node:assert/strict'
import type { Rule, RuleRun } from '../rules/engine/types.js'
import { actionsBySeverity } from './actions.js'
import type { Mutable } from './mutable.js'
import type { Action, Classification, Hit, Note, ScanSettings, ScoredHit, Verdict } from './types.js'

/** rspamd's actions that a score can reach, mildest first. */
const scoredActions: readonly Action[] = ['greylist', 'add header', 'rewrite subject', 'reject']

export interface Judging {
  readonly run: RuleRun
  /** Rules by name, for score, description and tflags. */
  readonly rules: ReadonlyMap<string, Rule>
  /** 0 none, 1 network, 2 Bayes, 3 both. */
  readonly scoreSet: 0 | 1 | 2 | 3
  /** Scores of the user's preferences: they win over the rules'. */
  readonly userScores?: ReadonlyMap<string, readonly [number, number, number, number]> | undefined
  /** Descriptions of the user's preferences. */
  readonly userDescriptions?: ReadonlyMap<string, string> | undefined
  /** Overrides of this one request: they win over everything. */
  readonly settings?: ScanSettings | undefined
  readonly requiredScore: number
  /** action -> threshold of the configuration; `add header` absent = required score. */
  readonly thresholds: Readonly<Partial<Record<Action, number>>>
  /** rule -> action that a hit forces whatever the score says. */
  readonly forcedActions?: ReadonlyMap<string, Action>
  /** rule -> the admin's words for the SMTP reply. */
  readonly smtpMessages?: ReadonlyMap<string, string>
  readonly notes: readonly Note[]
  /** Set when a scanner that must answer did not, and the policy is not 'accept'. */
  readonly unchecked?: Verdict['unchecked'] | undefined
  readonly bayes?: Classification | undefined
  /** Asked once the verdict is known. */
  readonly autolearn: (isSpam: boolean) => Verdict['autolearn']
  readonly tookMs: number
  readonly stagesMs: Readonly<Record<string, number>>
}

export function judge(judging: Judging): Verdict {
  const { run, settings } = judging
  const hits: ScoredHit[] = []
  for (const hit of run.hits) hits.push(scoreHit(hit, judging))
  for (const symbol of settings?.symbols ?? []) {
    if (!hits.some((hit) => hit.symbol === symbol))
      hits.push(scoreHit({ symbol, count: 1, details: ['by settings'], area: '' }, judging))
  }
  let sum = 0
  for (const hit of hits) sum += hit.score
  const score = roundScore(sum)
  const requiredScore = settings?.requiredScore ?? judging.requiredScore
  // NaN is below every threshold: a score that went wrong would read as ham.
  if (!Number.isFinite(score))
    assert.fail(
      `score of ${hits.find((hit) => !Number.isFinite(hit.score))?.symbol ?? 'the sum'} is no number`,
    )
  assert(Number.isFinite(requiredScore), 'required_score is no number')
  const isSpam = score >= requiredScore
  const thresholds = thresholdsInForce(judging, requiredScore)
  const messages: Record<string, string> = {}
  let action = actionFor(score, thresholds)
  const { forcedActions, smtpMessages } = judging
  if (forcedActions?.size || smtpMessages?.size) {
    for (const [index, hit] of hits.entries()) {
      const forced = forcedActions?.get(hit.symbol)
      if (forced && severity(forced) > severity(action)) action = forced
      const words = wordsFor(run.hits[index] ?? hit, judging)
      if (words !== undefined) messages['smtp_message'] ??= words
    }
  }
  if (judging.unchecked) {
    const { policy, reason } = judging.unchecked
    const wanted: Action = policy === 'reject' ? 'reject' : 'soft reject'
    if (severity(wanted) > severity(action)) action = wanted
    messages['smtp_message'] ??= `not checked: ${reason}`
  }
  const verdict: Mutable<Verdict> = {
    hits,
    subtests: run.subtests,
    score,
    requiredScore,
    isSpam,
    action,
    thresholds,
    messages,
    notes: [...judging.notes, ...run.notes],
    autolearn: judging.autolearn(isSpam),
    skipped: false,
    tookMs: judging.tookMs,
    stagesMs: judging.stagesMs,
  }
  if (judging.unchecked) verdict.unchecked = judging.unchecked
  if (judging.bayes) verdict.bayes = judging.bayes
  return Object.freeze(verdict)
}

/** Kinds whose `tflags multiple` count multiplies the score; a meta's or eval's value does not (micro-head.md 47). */
const countedKinds = new Set(['header', 'body', 'rawbody', 'uri', 'full', 'mimeheader'])

function timesOf(rule: Rule, count: number): number {
  return countedKinds.has(rule.kind) && rule.tflags.includes('multiple') ? count : 1
}

/** Points of a hit by the rules alone. */
export function pointsOf(rule: Rule, count: number, scoreSet: 0 | 1 | 2 | 3): number {
  return rule.scores[scoreSet] * timesOf(rule, count)
}

function scoreHit(hit: RuleRun['hits'][number], judging: Judging): ScoredHit {
  const { symbol, count, area, ownScore, evidence } = hit
  const rule = judging.rules.get(symbol)
  const override = judging.settings?.scores?.[symbol]
  const configured =
    judging.userScores?.get(symbol)?.[judging.scoreSet] ?? rule?.scores[judging.scoreSet] ?? 1
  const each = override ?? ownScore ?? configured
  const times = rule ? timesOf(rule, count) : 1
  const words = wordsFor(hit, judging)
  const details = words === undefined ? hit.details : [...hit.details, words]
  const score = roundScore(each * times)
  const description = hit.description ?? judging.userDescriptions?.get(symbol) ?? rule?.description ?? ''
  // Most hits are of one shape: made so, it takes a fraction of the time that spreading takes.
  if (ownScore === undefined && evidence === undefined && hit.description === undefined && times <= 1)
    return { symbol, count, details, area, score, description }
  return {
    symbol,
    count,
    details,
    area,
    ...(ownScore === undefined ? {} : { ownScore }),
    ...(evidence === undefined ? {} : { evidence }),
    score,
    description,
    ...(times > 1 ? { times } : {}),
  }
}

/** What the admin wants said about a hit; `_DETAILS_` stands for what the check found out: the virus, the list. */
function wordsFor(
  { symbol, details }: Pick<Hit, 'symbol' | 'details'>,
  judging: Judging,
): string | undefined {
  return judging.smtpMessages?.get(symbol)?.replaceAll('_DETAILS_', () => details.join(', '))
}

/** SpamAssassin compares the sum rounded to three decimals (spamd-protocol.md 2.2). */
function roundScore(score: number): number {
  return Math.round(score * 1000) / 1000 + 0
}

function thresholdsInForce(judging: Judging, requiredScore: number): Record<string, number> {
  const thresholds: Record<string, number> = { 'add header': requiredScore, ...judging.thresholds }
  // null leaves a threshold as it is, as rspamd does (rspamd-protocol.md 1.3).
  for (const [action, given] of Object.entries(judging.settings?.actions ?? {}))
    if (typeof given === 'number') thresholds[action] = given
  return thresholds
}

/** The action whose threshold is the highest that is not above the score (rspamd-protocol.md 1.6). */
function actionFor(score: number, thresholds: Readonly<Record<string, number>>): Action {
  let best: Action = 'no action'
  let reached = Number.NEGATIVE_INFINITY
  for (const action of scoredActions) {
    const threshold = thresholds[action]
    if (threshold !== undefined && score >= threshold && threshold >= reached) {
      best = action
      reached = threshold
    }
  }
  return best
}

function severity(action: Action): number {
  return actionsBySeverity.indexOf(action)
}
