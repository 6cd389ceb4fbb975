// Whether a verdict is clear enough to be learned without anybody's word: gives the learner's decision (bayes/autolearn.ts) what it
// looks at. The points are those of the score set without Bayes, so the learner never teaches itself.
import { type AutolearnHit, decideAutolearn as decide } from '../bayes/autolearn.js'
import { setting } from '../rules/engine/settings.js'
import type { Rule, RuleRun, Settings } from '../rules/engine/types.js'
import type { Classification, Verdict } from './types.js'
import { pointsOf } from './verdict.js'

export interface AutolearnQuestion {
  readonly run: RuleRun
  readonly rules: ReadonlyMap<string, Rule>
  readonly scoreSet: 0 | 1 | 2 | 3
  readonly isSpam: boolean
  readonly settings: Settings
  readonly bayes: Classification | undefined
}

export function decideAutolearn({
  run,
  rules,
  scoreSet,
  isSpam,
  settings,
  bayes,
}: AutolearnQuestion): Verdict['autolearn'] {
  const hits = run.hits.flatMap(({ symbol, count }): AutolearnHit[] => {
    const rule = rules.get(symbol)
    if (!rule) return []
    return [
      {
        symbol,
        score: pointsOf(rule, count, (scoreSet & 1) as 0 | 1),
        scoreInForce: pointsOf(rule, count, scoreSet),
        tflags: rule.tflags,
        area: areaOf(rule),
        ...(rule.kind === 'meta' ? { parts: partsOf(rule.expression, rules) } : {}),
      },
    ]
  })
  const decision = decide({
    hits,
    isSpam,
    settings: {
      hamBelow: setting<number>(settings, 'bayes_auto_learn_threshold_nonspam'),
      spamFrom: setting<number>(settings, 'bayes_auto_learn_threshold_spam'),
      onError: Boolean(setting<number>(settings, 'bayes_auto_learn_on_error')),
    },
    learned: { spam: bayes?.spamLearned ?? 0, ham: bayes?.hamLearned ?? 0 },
  })
  if (!decision.class) return 'no'
  return bayes ? decision.class : 'unavailable'
}

function areaOf(rule: Rule): AutolearnHit['area'] {
  switch (rule.kind) {
    case 'header':
    case 'exists':
      return 'head'
    case 'eval':
      return rule.area === 'header' ? 'head' : rule.area === 'rbl' ? 'other' : 'body'
    case 'meta':
      return 'meta'
    case 'empty':
      return 'other'
    default:
      return 'body'
  }
}

/** How many direct parts of a meta look at the header and at the body. */
function partsOf(expression: string, rules: ReadonlyMap<string, Rule>): { head: number; body: number } {
  const parts = { head: 0, body: 0 }
  for (const name of new Set(expression.match(/[A-Za-z_]\w*/g) ?? [])) {
    const rule = rules.get(name)
    const area = rule && areaOf(rule)
    if (area === 'head' || area === 'body') parts[area]++
  }
  return parts
}
