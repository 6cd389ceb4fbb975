// `hamd lint`: reads configuration and rules, prints every problem as `file:line: what`.
import { withoutDatabase } from '../checks/geodb.js'
import { loadRules } from '../ruling.js'
import { exits } from './exit.js'
import { type CommonOptions, loadConfig, ruleSources } from './settings.js'

interface LintOptions extends CommonOptions {
  readonly hints?: boolean
}

export async function lint(options: LintOptions): Promise<void> {
  const plan = loadRules(ruleSources(loadConfig(options)))
  const shown = plan.problems.filter((problem) => options.hints || problem.severity !== 'hint')
  for (const { file, line, severity, text } of shown)
    process.stdout.write(`${file}:${line}: ${severity}: ${text}\n`)
  for (const text of withoutDatabase(plan)) process.stdout.write(`note: ${text}\n`)
  process.exitCode = shown.some((problem) => problem.severity !== 'hint') ? exits.failed : exits.ok
}
