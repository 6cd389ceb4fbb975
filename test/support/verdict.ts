// A verdict of given hits, for tests of what is made of verdicts.
import type { ScoredHit, Verdict } from '../../src/types.js'

/** At 5.0 points it is spam; `more` wins. */
export function verdictOf(hits: readonly ScoredHit[], more: Partial<Verdict> = {}): Verdict {
  const score = hits.reduce((sum, hit) => sum + hit.score, 0)
  return {
    hits,
    subtests: {},
    score,
    requiredScore: 5,
    isSpam: score >= 5,
    action: 'no action',
    thresholds: {},
    messages: {},
    notes: [],
    autolearn: 'no',
    skipped: false,
    tookMs: 1,
    stagesMs: {},
    ...more,
  }
}
