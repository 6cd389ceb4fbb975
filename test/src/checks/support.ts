// Runs rules over one message without server, network or learner: what the tests of the evals share.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { loadPlan } from '../../../rules/engine/load.js'
import { createEngine, type Engine } from '../../../rules/engine/run.js'
import { listDirectives, plugins } from '../../../src/checks/index.js'
import type { ByteString, Classification, Hit, Note, Scan } from '../../../src/types.js'
import { domainLists, viewDirectives } from '../../../src/views/directives.js'
import { createDomains } from '../../../src/views/domains.js'
import { offlineScan } from '../../support/offline.js'

export interface RulesUnderTest {
  /** Folders or files; none = only `cf`. */
  readonly sources?: readonly string[]
  /** Lines of .pre and .cf files. */
  readonly pre?: string
  readonly cf?: string
}

export function loadEngine({ sources = [], pre, cf }: RulesUnderTest): Engine {
  const plan = loadPlan({
    sources,
    plugins,
    directives: [...viewDirectives, ...listDirectives],
    local: true,
    ...(pre === undefined ? {} : { preLines: pre }),
    ...(cf === undefined ? {} : { cfLines: cf }),
  })
  return createEngine(plan, plugins, { local: true })
}

export interface Outcome {
  /** Rule -> count; no `__` rules. */
  readonly hits: ReadonlyMap<string, Hit>
  /** `__` rules as the oracle writes them: NAME, or NAME(n) for n > 1. */
  readonly subtests: readonly string[]
  readonly score: number
  readonly notes: readonly Note[]
}

const domainsOf = new WeakMap<Engine, ReturnType<typeof createDomains>>()

export function makeScan(engine: Engine, raw: ByteString, bayes?: Classification): Scan {
  const { settings } = engine.plan
  const domains = domainsOf.get(engine) ?? createDomains(domainLists(settings))
  domainsOf.set(engine, domains)
  const refuse = (): never => {
    throw new Error('a test of evals asked the network')
  }
  const scan = offlineScan(Buffer.from(raw, 'latin1'), settings, domains)
  const nothing = scan.facts.bayes
  return {
    ...scan,
    facts: { spf: refuse, dkim: refuse, dmarc: refuse, virus: refuse, bayes: () => bayes ?? nothing() },
  }
}

export async function runRules(engine: Engine, scan: Scan): Promise<Outcome> {
  const run = await engine.run(scan, { scoreSet: 0, subtests: true })
  const rules = new Map(engine.plan.rules.map((rule) => [rule.name, rule]))
  const hits = new Map(run.hits.map((hit) => [hit.symbol, hit]))
  let score = 0
  for (const hit of run.hits)
    score += hit.ownScore ?? (rules.get(hit.symbol)?.scores[0] ?? 1) * scoredTimes(rules, hit)
  return {
    hits,
    subtests: Object.entries(run.subtests)
      .map(([name, count]) => (count > 1 ? `${name}(${count})` : name))
      .sort(),
    score,
    notes: run.notes,
  }
}

/** `tflags multiple` adds the score for every hit; a meta's value does not. */
function scoredTimes(rules: ReadonlyMap<string, Engine['plan']['rules'][number]>, hit: Hit): number {
  const rule = rules.get(hit.symbol)
  return rule && rule.kind !== 'meta' && rule.tflags.includes('multiple') ? hit.count : 1
}

/** Lines of a gzip file. */
export function gzipLines(path: string | URL): string[] {
  return gunzipSync(readFileSync(path))
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '')
}
