// Whether a verdict is clear enough to be learned without anybody's word (SpamAssassin's AutoLearnThreshold).
import type { RuleRun, Settings } from '../rules/engine/types.js'
import type { Classification, Verdict } from './types.js'

export function decideAutolearn(
  _run: RuleRun,
  _bayes: Classification | undefined,
  _settings: Settings,
): Verdict['autolearn'] {
  return 'no'
}
