// Small plans and scans for tests of the engine: rule text in, run out.
import { loadPlan } from '../../rules/engine/load.js'
import { createEngine, type EngineOptions, type RunOptions } from '../../rules/engine/run.js'
import type { Plan, Plugin, RuleRun } from '../../rules/engine/types.js'
import { listDirectives, plugins } from '../../src/checks/index.js'
import { viewDirectives } from '../../src/views/directives.js'
import { makeScan } from './micro-rules.js'

export const directives = [...viewDirectives, ...listDirectives]

export const mail =
  'Received: from out.sender.example (out.sender.example [198.51.100.7])\n\tby mx1.rcpt.example (Postfix) with ESMTP id E1;\n' +
  '\tMon, 15 Jun 2026 12:00:00 +0000\nFrom: Anna <anna@sender.example>\nTo: Bob <bob@rcpt.example>\nSubject: Hello World\n' +
  'Date: Mon, 15 Jun 2026 12:00:00 +0000\nMessage-ID: <m1@sender.example>\n\nten apples and ten pears\n\nsecond paragraph\n'

export function planOf(rules: string, own: readonly Plugin[] = [], pre?: string): Plan {
  return loadPlan({
    sources: [],
    cfLines: rules,
    plugins: [...plugins, ...own],
    directives,
    local: true,
    ...(pre === undefined ? {} : { preLines: pre }),
  })
}

export interface RunWith {
  readonly own?: readonly Plugin[]
  readonly pre?: string
  readonly message?: string
  readonly engine?: EngineOptions
  readonly run?: Partial<RunOptions>
}

export async function runRules(rules: string, options: RunWith = {}): Promise<RuleRun> {
  const plan = planOf(rules, options.own, options.pre)
  const engine = createEngine(plan, [...plugins, ...(options.own ?? [])], options.engine ?? { local: true })
  const scan = makeScan(Buffer.from(options.message ?? mail, 'latin1'), plan)
  return engine.run(scan, { scoreSet: 0, subtests: true, ...options.run })
}

export function names(run: RuleRun): string[] {
  return [...run.hits.map((hit) => hit.symbol), ...Object.keys(run.subtests)].sort()
}
