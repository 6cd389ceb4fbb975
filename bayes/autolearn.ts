// Whether a verdict is clear enough to be learned without anybody's word. In: the rules that hit, with scores of the set without Bayes, and
// thresholds. Out: spam, ham or why not. SpamAssassin 4.0.1's AutoLearnThreshold, decision by decision; the learner's own word only vetoes.

/** One rule that hit, as far as auto-learning looks at it. */
export interface AutolearnHit {
  readonly symbol: string
  /** Score in the score set without Bayes. */
  readonly score: number
  /** Score in the set in force: what a `learn` rule (BAYES_xx) gave. */
  readonly scoreInForce: number
  readonly tflags: readonly string[]
  /** Where its points come from; a meta's are split by the areas of its parts. */
  readonly area: 'head' | 'body' | 'meta' | 'other'
  /** For a meta: how many of its direct parts look at the header and at the body. */
  readonly parts?: { readonly head: number; readonly body: number }
}

export interface AutolearnSettings {
  /** bayes_auto_learn_threshold_nonspam: 0.1. */
  readonly hamBelow: number
  /** bayes_auto_learn_threshold_spam: 12. */
  readonly spamFrom: number
  /** bayes_auto_learn_on_error: learn only what the learner did not know. */
  readonly onError: boolean
}

export interface AutolearnInput {
  readonly hits: readonly AutolearnHit[]
  readonly isSpam: boolean
  readonly settings: AutolearnSettings
  /** Mails learned so far: auto-learning keeps the classes within a factor, which SpamAssassin does not. */
  readonly learned?: { readonly spam: number; readonly ham: number }
}

export type AutolearnDecision =
  | { readonly class: 'spam' | 'ham'; readonly points: number; readonly forced: boolean }
  | { readonly class: undefined; readonly points: number; readonly reason: string }

const headPointsMin = 3
const bodyPointsMin = 3
/** Points of the learner's own rules beyond which it is taken to have said ham or spam. */
const learnerSaidHam = -1
const learnerSaidSpam = 1
/** One class may be auto-learned up to so many times the other, once there are some. */
const imbalanceMax = 10
const imbalanceFrom = 200

const rounded = (points: number): number => Math.round(points * 1000) / 1000

export function decideAutolearn({ hits, isSpam, settings, learned }: AutolearnInput): AutolearnDecision {
  let sum = 0
  let head = 0
  let body = 0
  let learner = 0
  let forced = false
  for (const { score, scoreInForce, tflags, area, parts } of hits) {
    if (tflags.includes('noautolearn') || tflags.includes('userconf')) continue
    if (tflags.includes('learn')) {
      learner += scoreInForce
      continue
    }
    if (tflags.includes('autolearn_force')) forced = true
    if (score === 0) continue
    if (tflags.includes('autolearn_header')) head += score
    else if (tflags.includes('autolearn_body')) body += score
    else if (area === 'head') head += score
    else if (area === 'body') body += score
    else if (area === 'meta' && parts && parts.head + parts.body > 0) {
      head += rounded((score * parts.head) / (parts.head + parts.body))
      body += rounded((score * parts.body) / (parts.head + parts.body))
    }
    sum += score
  }
  const points = rounded(sum)
  const no = (reason: string): AutolearnDecision => ({ class: undefined, points, reason })

  const wanted = points < settings.hamBelow ? 'ham' : points >= settings.spamFrom ? 'spam' : undefined
  if (!wanted) return no('inside the thresholds')
  if (wanted === 'spam') {
    if (!forced && body < bodyPointsMin)
      return no(`too few body points (${rounded(body)} < ${bodyPointsMin})`)
    if (!forced && head < headPointsMin)
      return no(`too few header points (${rounded(head)} < ${headPointsMin})`)
    if (learner < learnerSaidHam) return no('the learner says ham')
    if (!isSpam) return no('the verdict is ham')
  } else {
    if (learner > learnerSaidSpam) return no('the learner says spam')
    if (isSpam) return no('the verdict is spam')
  }
  if (settings.onError) {
    const sure = wanted === 'spam' ? 'BAYES_99' : 'BAYES_00'
    if (hits.some((hit) => hit.symbol === sure)) return no('the learner knows it already')
  }
  if (learned) {
    const other = wanted === 'spam' ? learned.ham : learned.spam
    if (learned[wanted] >= imbalanceFrom && learned[wanted] > imbalanceMax * other)
      return no(`${learned[wanted]} ${wanted} against ${other} of the other class`)
  }
  return { class: wanted, points, forced }
}
