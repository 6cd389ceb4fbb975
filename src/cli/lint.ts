// `hamd lint`: reads configuration and rules, prints every problem as `file:line: what`.
import { existsSync } from 'node:fs'
import { lintPlan } from '../../rules/engine/lint.js'
import type { Problem } from '../../rules/engine/types.js'
import { withoutDatabase } from '../checks/geodb.js'
import { loadRules } from '../ruling.js'
import { CliError, exits } from './exit.js'
import { type CommonOptions, loadConfig, ruleSources } from './settings.js'

interface LintOptions extends CommonOptions {
  readonly hints?: boolean
}

/** Lines of a rule file can be tens of kilobytes long. */
const textCharsMax = 400

export async function lint(options: LintOptions): Promise<void> {
  const sources = ruleSources(loadConfig(options))
  const missing = sources.paths.find((path) => !existsSync(path))
  if (missing !== undefined) throw new CliError(exits.usage, `${missing}: no such file or directory`)
  const plan = loadRules(sources)
  const problems = lintPlan(plan)
  const shown = problems.filter((problem) => options.hints || problem.severity !== 'hint')
  for (const problem of shown) process.stdout.write(`${lineOf(problem)}\n`)
  for (const text of withoutDatabase(plan)) process.stdout.write(`note: ${text}\n`)
  const wrong = shown.filter((problem) => problem.severity !== 'hint').length
  const hints = problems.filter((problem) => problem.severity === 'hint').length
  process.stderr.write(
    `${plan.rules.length} rules, ${wrong} problems, ${hints} hints${hints > 0 && !options.hints ? ' (--hints shows them)' : ''}\n`,
  )
  process.exitCode = wrong > 0 ? exits.failed : exits.ok
}

function lineOf({ file, line, severity, kind, text }: Problem): string {
  const shown = text.length > textCharsMax ? `${text.slice(0, textCharsMax)}...` : text
  return `${file}:${line}: ${severity}: ${shown.replace(/[\r\n]+/g, ' ')} [${kind}]`
}
