// Figures of merit of a filter, as the spam tracks of TREC defined them. In: scores (higher = more spam) with the truth. Out: Metrics.

export interface Judged {
  readonly score: number
  readonly isSpam: boolean
  readonly decision: 'spam' | 'ham' | 'unsure'
}

export interface Metrics {
  readonly n: number
  readonly spam: number
  readonly ham: number
  /** Share of (ham, spam) pairs ranked wrongly, ties half, in %. */
  readonly roca: number
  /** Ham called spam, and spam not called spam (unsure included), in % and counts. */
  readonly fpr: number
  readonly fnr: number
  readonly falsePositives: number
  readonly falseNegatives: number
  /** Logistic average of both error rates with (n+0.5)/(N+1) smoothing, in %. */
  readonly lam: number
  /** Spam missed, in %, at the score that lets at most 0.1 % / 1 % of the ham through as spam. */
  readonly missedAt01: number
  readonly missedAt1: number
  readonly unsureSpam: number
  readonly unsureHam: number
}

const logit = (p: number): number => Math.log(p / (1 - p))

export function measure(judged: readonly Judged[]): Metrics {
  const sorted = [...judged].sort((a, b) => a.score - b.score)
  let spam = 0
  let wrongPairs = 0
  for (let i = 0; i < sorted.length; ) {
    let tiedHam = 0
    let tiedSpam = 0
    const score = sorted[i]!.score
    for (; i < sorted.length && sorted[i]!.score === score; i++) sorted[i]!.isSpam ? tiedSpam++ : tiedHam++
    wrongPairs += tiedHam * spam + (tiedHam * tiedSpam) / 2
    spam += tiedSpam
  }
  const n = judged.length
  const ham = n - spam
  let falsePositives = 0
  let falseNegatives = 0
  let unsureSpam = 0
  let unsureHam = 0
  for (const { isSpam, decision } of judged) {
    if (isSpam && decision !== 'spam') falseNegatives++
    if (!isSpam && decision === 'spam') falsePositives++
    if (decision === 'unsure') isSpam ? unsureSpam++ : unsureHam++
  }
  const hamFalling = sorted.filter((entry) => !entry.isSpam).map((entry) => entry.score)
  hamFalling.reverse()
  const missedAt = (share: number): number => {
    const limit = hamFalling[Math.floor(share * ham)]
    if (limit === undefined) return 0
    let missed = 0
    for (const entry of sorted) if (entry.isSpam && entry.score <= limit) missed++
    return percent(missed, spam)
  }
  const lam = (logit((falsePositives + 0.5) / (ham + 1)) + logit((falseNegatives + 0.5) / (spam + 1))) / 2
  return {
    n,
    spam,
    ham,
    roca: spam * ham === 0 ? 0 : (100 * wrongPairs) / (spam * ham),
    fpr: percent(falsePositives, ham),
    fnr: percent(falseNegatives, spam),
    falsePositives,
    falseNegatives,
    lam: 100 / (1 + Math.exp(-lam)),
    missedAt01: missedAt(0.001),
    missedAt1: missedAt(0.01),
    unsureSpam,
    unsureHam,
  }
}

function percent(count: number, of: number): number {
  return of === 0 ? 0 : (100 * count) / of
}
