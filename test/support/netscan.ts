// Scans a mail with real rules and a network of the test: parse, views, facts and engine, as src/scan.ts chains them, without the rest.

import { loadPlan } from '../../rules/engine/load.js'
import { createEngine, type Engine } from '../../rules/engine/run.js'
import type { Plan, Rule, RuleRun } from '../../rules/engine/types.js'
import { listDirectives, plugins } from '../../src/checks/index.js'
import { createFacts } from '../../src/facts/index.js'
import { parseMessage } from '../../src/message/parse.js'
import type { Envelope, Facts, Net, Note, Request } from '../../src/types.js'
import { domainLists, viewDirectives } from '../../src/views/directives.js'
import { createDomains } from '../../src/views/domains.js'
import { createViews } from '../../src/views/index.js'

export interface NetScanner {
  readonly plan: Plan
  scan(mail: string, envelope?: Partial<Envelope>): Promise<NetScanned>
}

export interface NetScanned {
  readonly run: RuleRun
  readonly facts: Facts
  readonly notes: readonly Note[]
  /** Names of hits and subtests, sorted. */
  readonly names: readonly string[]
}

export interface NetScannerOptions {
  readonly sources?: readonly string[]
  readonly cfLines?: string
  readonly preLines?: string
  readonly net: Net
  readonly lookupMs?: number
  /** Run network rules alone: a mail then costs milliseconds, whatever the set. */
  readonly netOnly?: boolean
}

export function isNetRule(rule: Rule): boolean {
  return rule.kind === 'eval' && (rule.area === 'rbl' || rule.tflags.includes('net'))
}

export function createNetScanner(options: NetScannerOptions): NetScanner {
  const plan = loadPlan({
    sources: options.sources ?? [],
    plugins,
    directives: [...viewDirectives, ...listDirectives],
    ...(options.cfLines === undefined ? {} : { cfLines: options.cfLines }),
    ...(options.preLines === undefined ? {} : { preLines: options.preLines }),
  })
  const engine: Engine = createEngine(plan, plugins)
  const domains = createDomains(domainLists(plan.settings))
  const { settings } = plan
  const skip = new Set(
    options.netOnly ? plan.rules.filter((rule) => !isNetRule(rule)).map(({ name }) => name) : [],
  )

  async function scan(mail: string, envelope: Partial<Envelope> = {}): Promise<NetScanned> {
    const raw = Buffer.from(mail, 'latin1')
    const request: Request = {
      id: 'test',
      raw,
      envelope: { rcptTo: [], ...envelope },
      wants: {},
      front: 'test',
    }
    const message = parseMessage(raw)
    const views = createViews(message, settings, domains, request.envelope)
    const notes: Note[] = []
    const deadline = Date.now() + (options.lookupMs ?? 20_000)
    const note = (one: Note) => void notes.push(one)
    const facts = createFacts({ request, message, views, deadline, settings, note }, options.net, () => ({
      probability: undefined,
      spamLearned: 0,
      hamLearned: 0,
      clues: [],
    }))
    const run = await engine.run(
      {
        request,
        message,
        views,
        facts,
        net: options.net,
        deadline,
        note,
        kept: [],
      },
      { scoreSet: 1, subtests: true, skip },
    )
    const hits = run.hits.map(({ symbol }) => symbol)
    return {
      run,
      facts,
      get notes() {
        return [...notes, ...run.notes]
      },
      names: [...new Set([...hits, ...Object.keys(run.subtests)])].sort(),
    }
  }

  return { plan, scan }
}
