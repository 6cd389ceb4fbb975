// What the templates of a report or of a marked message ask of a scan that is not made unless somebody wants it: subtests, evidence, clues.
import type { HeaderTemplates } from '../../rules/engine/core.js'
import { setting } from '../../rules/engine/settings.js'
import type { Settings } from '../../rules/engine/types.js'
import type { Wants } from '../types.js'

const subtestTags = /_SUBTESTS(?:COLLAPSED)?(?:\(.*?\))?_/
const evidenceTag = /_EVIDENCE_/
const clueTags = /_(?:SPAMMYTOKENS|HAMMYTOKENS|TOKENSUMMARY|BAYESTCSPAMMY|BAYESTCHAMMY)(?:\(.*?\))?_/

/** What the request wants, and what its answer cannot be written without. */
export function withTemplateNeeds(wants: Wants, settings: Settings): Wants {
  if (!wants.report && wants.rewritten === undefined) return wants
  const text = templatesOf(settings)
  return {
    ...wants,
    ...(subtestTags.test(text) ? { subtests: true } : {}),
    ...(evidenceTag.test(text) ? { explain: true } : {}),
    ...(clueTags.test(text) ? { clues: true } : {}),
  }
}

function templatesOf(settings: Settings): string {
  const { spam, ham } = setting<HeaderTemplates>(settings, 'add_header')
  return [
    setting<string>(settings, 'report'),
    setting<string>(settings, 'unsafe_report'),
    ...setting<ReadonlyMap<string, string>>(settings, 'rewrite_header').values(),
    ...[...spam, ...ham].map(([, template]) => template),
  ].join('\n')
}
