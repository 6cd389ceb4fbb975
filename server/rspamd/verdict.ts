// The verdict as rspamd's clients know it, before it becomes JSON or text lines. In: Scanned. Out: names of the chosen vocabulary, finite
// rounded numbers, rspamd's required score, and GTUBE as rspamd tells it: a forced reject with the reject threshold as score.
import type { Action, Scanned, ScoredHit, Verdict } from '../../src/types.js'
import { translateHits, type Vocabulary } from './vocabulary.js'

export interface RspamdVerdict {
  readonly skipped: boolean
  readonly score: number
  readonly requiredScore: number
  readonly action: Action
  readonly isSpam: boolean
  readonly hits: readonly ScoredHit[]
  readonly thresholds: Readonly<Record<string, number>>
  readonly messages: Readonly<Record<string, string>>
}

/** Thresholds by severity: the first that is set is what rspamd calls required_score. */
const severity = ['reject', 'rewrite subject', 'add header', 'greylist'] as const

/** `is_spam` and log letter T; a soft reject is not among them (rspamd-protocol.md 1.6). */
const spamActions: ReadonlySet<Action> = new Set<Action>(['reject', 'rewrite subject', 'add header'])

export function rspamdVerdict(scanned: Scanned, vocabulary: Vocabulary): RspamdVerdict {
  const { verdict } = scanned
  const gtube = verdict.hits.find((hit) => hit.symbol === 'GTUBE')
  const requiredScore = requiredOf(verdict.thresholds, verdict.requiredScore)
  if (gtube) return gtubeVerdict(verdict, gtube, requiredScore)
  return {
    skipped: verdict.skipped,
    score: wireNumber(verdict.score),
    requiredScore,
    action: verdict.action,
    isSpam: spamActions.has(verdict.action),
    hits: translateHits(verdict.hits, vocabulary),
    thresholds: verdict.thresholds,
    messages: verdict.messages,
  }
}

/** What is answered without a scan: an empty message, or one that the client wants skipped. */
export function verdictWithoutScan(
  thresholds: Readonly<Record<string, number>>,
  skipped: boolean,
): RspamdVerdict {
  return {
    skipped,
    score: 0,
    requiredScore: requiredOf(thresholds, 0),
    action: 'no action',
    isSpam: false,
    hits: [],
    thresholds,
    messages: {},
  }
}

/** SpamAssassin gives GTUBE 1,000 points among other rules; rspamd shows it alone, scored 0, under a forced action. */
function gtubeVerdict(verdict: Verdict, gtube: ScoredHit, requiredScore: number): RspamdVerdict {
  return {
    skipped: true,
    score: requiredScore,
    requiredScore,
    action: 'reject',
    isSpam: true,
    hits: [{ ...gtube, score: 0, details: [] }],
    thresholds: verdict.thresholds,
    messages: { smtp_message: 'Gtube pattern', ...verdict.messages },
  }
}

function requiredOf(thresholds: Readonly<Record<string, number>>, otherwise: number): number {
  for (const action of severity) {
    const threshold = thresholds[action]
    if (threshold !== undefined) return threshold
  }
  return otherwise
}

/** Six decimals as rspamd prints; never NaN or infinite, which JSON cannot say. */
export function wireNumber(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 1e6) / 1e6 : 0
}

/** Text of a byte string for JSON: UTF-8 where the bytes are, replacement signs where not. Real text passes. */
export function wireText(text: string): string {
  if (!/[\x80-\xff]/.test(text) || /[^\x00-\xff]/.test(text)) return text
  return Buffer.from(text, 'latin1').toString('utf8')
}
