// Reads the rules that a configuration names into what scans are judged by. Slow (all stock rules: half a second) and large, so a server
// does it in a thread of its own and keeps the outcome: ruling-aside.ts.
import { join } from 'node:path'
import { type LoadOptions, loadPlan } from '../rules/engine/load.js'
import type { Plan } from '../rules/engine/types.js'
import { listDirectives, plugins } from './checks/index.js'
import { packageRoot } from './root.js'
import type { RuleSources } from './ruling-aside.js'
import { viewDirectives } from './views/directives.js'

/** Our own rules. */
export const builtinRules = join(packageRoot, 'rules')

export function loadRules(sources: RuleSources, onFile?: LoadOptions['onFile']): Plan {
  return loadPlan({
    sources: [...(sources.builtin ? [builtinRules] : []), ...sources.paths],
    plugins,
    directives: [...viewDirectives, ...listDirectives],
    local: sources.local,
    ...(sources.preLines === undefined ? {} : { preLines: sources.preLines }),
    ...(sources.cfLines === undefined ? {} : { cfLines: sources.cfLines }),
    ...(onFile ? { onFile } : {}),
  })
}
