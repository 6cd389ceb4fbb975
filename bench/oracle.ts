// The recorded answers of SpamAssassin 4.0.1 for the public corpus, and the comparison of ours with them: stages, hits, scores.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { loadPlan } from '../rules/engine/load.js'
import { createEngine, type Engine } from '../rules/engine/run.js'
import type { RuleRun } from '../rules/engine/types.js'
import '../rules/regex/flags.js'
import { listDirectives, plugins } from '../src/checks/index.js'
import { packageRoot } from '../src/root.js'
import type { Domains, Views } from '../src/types.js'
import { domainLists, viewDirectives } from '../src/views/directives.js'
import { createDomains } from '../src/views/domains.js'
import { offlineScan } from '../test/support/offline.js'

const oracle = join(packageRoot, 'fixtures', 'oracle')
export const corpus = join(packageRoot, 'node_modules', '@stdlib', 'datasets-spam-assassin', 'data')

/** Where Debian keeps SpamAssassin's .pre files and its stock rules. */
export interface StockFolders {
  readonly site: string
  readonly rules: string
}

export const stockFolders: StockFolders = { site: '/etc/spamassassin', rules: '/usr/share/spamassassin' }

/** Debian's own additions are no part of the recorded run. */
export function ruleFiles({ site, rules }: StockFolders): string[] {
  const names = (folder: string, ending: string) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(ending) && name !== '65_debian.cf')
      .sort()
      .map((name) => join(folder, name))
  return [...names(site, '.pre'), ...names(rules, '.cf')]
}

export interface Recorded {
  readonly score: number
  readonly rules: readonly string[]
  subtests: readonly string[]
  stages: Readonly<Record<string, unknown>>
}

/** @param again false = the first recording alone, without what was recorded again because it was wrong. */
export function readOracle(again = true): Map<string, Recorded> {
  const lines = (name: string) =>
    gunzipSync(readFileSync(join(oracle, name)))
      .toString('latin1')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
  const words = (text: string | undefined) => (text ?? '').split(',').filter((word) => word !== '')
  const all = new Map<string, Recorded>()
  for (const line of lines('sa-hits.tsv.gz')) {
    const [path, , score] = line.split('\t')
    all.set(path!, { score: Number(score), rules: [], subtests: [], stages: {} })
  }
  for (const line of lines('sa-subtests.tsv.gz')) {
    const [path, rules, subtests] = line.split('\t')
    const entry = all.get(path!)
    if (entry) all.set(path!, { ...entry, rules: words(rules), subtests: words(subtests) })
  }
  // Recorded again, one process a message, where the first recording (Perl's $/ undefined, one long process) is not what spamd answers.
  for (const line of again ? lines('sa-rerecorded.tsv.gz') : []) {
    const [path, score, rules, subtests] = line.split('\t')
    const entry = all.get(path!)
    if (entry)
      all.set(path!, { ...entry, score: Number(score), rules: words(rules), subtests: words(subtests) })
  }
  for (const line of lines('sa-stages.jsonl.gz')) {
    const stages = JSON.parse(line) as Record<string, unknown>
    const entry = all.get(String(stages['path']))
    if (entry) entry.stages = stages
  }
  // The texts again, read with Perl's $/ as it should be; the first 16 digits of each hash.
  for (const line of lines('sa-text-stages.tsv.gz')) {
    const [path, body, visible, invisible, raw] = line.split('\t')
    const entry = all.get(path!)
    if (entry) {
      const texts = { body_sha1: body, visible_sha1: visible, invisible_sha1: invisible, raw_sha1: raw }
      entry.stages = { ...entry.stages, ...texts }
    }
  }
  return all
}

function sha1(parts: readonly string[]): string {
  return createHash('sha1').update(parts.join('\0'), 'latin1').digest('hex')
}

const stages: readonly (readonly [name: string, make: (views: Views) => readonly string[]])[] = [
  ['body_sha1', (views) => views.text.body],
  ['visible_sha1', (views) => views.text.visible],
  ['invisible_sha1', (views) => views.text.invisible],
  ['raw_sha1', (views) => views.text.rawbody],
  ['uris_sha1', (views) => views.uris.list],
  [
    'relays_sha1',
    ({ relays }) => [relays.untrustedText, relays.trustedText, relays.externalText, relays.internalText],
  ],
]

/** `NAME`, or `NAME(n)` for a value above 1, sorted. */
export function named(entries: readonly (readonly [string, number])[]): string[] {
  return entries.map(([name, count]) => (count > 1 ? `${name}(${count})` : name)).sort()
}

interface Difference {
  missing: number
  unexpected: number
  readonly paths: string[]
}

export class Tally {
  messages = 0
  failed = 0
  readonly same = new Map<string, number>()
  readonly stageFailures = new Map<string, string[]>()
  readonly differences = new Map<string, Difference>()

  count(what: string, equal: boolean): void {
    this.same.set(what, (this.same.get(what) ?? 0) + (equal ? 1 : 0))
  }

  differ(rule: string, which: 'missing' | 'unexpected', path: string): void {
    const entry = this.differences.get(rule) ?? { missing: 0, unexpected: 0, paths: [] }
    entry[which]++
    entry.paths.push(path)
    this.differences.set(rule, entry)
  }

  /** Compares two lists of names; true if they are equal. */
  compare(expected: readonly string[], got: readonly string[], path: string): boolean {
    const wanted = new Set(expected)
    const present = new Set(got)
    let equal = true
    for (const name of wanted) {
      if (present.has(name)) continue
      equal = false
      this.differ(name, 'missing', path)
    }
    for (const name of present) {
      if (wanted.has(name)) continue
      equal = false
      this.differ(name, 'unexpected', path)
    }
    return equal
  }
}

function scoreOf(run: RuleRun, scores: ReadonlyMap<string, number>, multiple: ReadonlySet<string>): number {
  let sum = 0
  for (const hit of run.hits) {
    const times = multiple.has(hit.symbol) ? hit.count : 1
    sum += (hit.ownScore ?? scores.get(hit.symbol) ?? 1) * times
  }
  return Math.round(sum * 1000) / 1000
}

/** The stock rules without network, learner and memory of senders. */
export function stockEngine(folders: StockFolders, cfLines = ''): { engine: Engine; domains: Domains } {
  const plan = loadPlan({
    sources: ruleFiles(folders),
    cfLines: `use_bayes 0\nuse_auto_welcomelist 0\ndns_available no\n${cfLines}\n`,
    plugins,
    directives: [...viewDirectives, ...listDirectives],
    local: true,
  })
  return {
    engine: createEngine(plan, plugins, { local: true }),
    domains: createDomains(domainLists(plan.settings)),
  }
}

/** Runs the stock rules over these messages, in this order. */
export async function compareWithRecorded(
  recorded: ReadonlyMap<string, Recorded>,
  paths: readonly string[],
  folders: StockFolders,
): Promise<Tally> {
  const { engine, domains } = stockEngine(folders)
  const { plan } = engine
  const scores = new Map(plan.rules.map((rule) => [rule.name, rule.scores[0]]))
  const textKinds = ['header', 'body', 'rawbody', 'uri', 'full', 'mimeheader']
  const multiple = new Set(
    plan.rules
      .filter((rule) => rule.tflags.includes('multiple') && textKinds.includes(rule.kind))
      .map((rule) => rule.name),
  )
  const tally = new Tally()
  for (const path of paths) {
    const expected = recorded.get(path)!
    const scan = offlineScan(readFileSync(join(corpus, path)), engine.plan.settings, domains)
    tally.messages++
    for (const [name, make] of stages) {
      let equal = false
      try {
        equal = sha1(make(scan.views)).startsWith(String(expected.stages[name]))
      } catch (error) {
        if (tally.failed++ < 5) console.error(`${path}: ${name}: ${(error as Error).stack}`)
      }
      tally.count(name, equal)
      if (!equal) tally.stageFailures.set(name, [...(tally.stageFailures.get(name) ?? []), path])
    }
    try {
      const run = await engine.run(scan, { scoreSet: 0, subtests: true })
      const hits = named(run.hits.map((hit) => [hit.symbol, hit.count]))
      tally.count('rules', tally.compare(expected.rules, hits, path))
      tally.count('subtests', tally.compare(expected.subtests, named(Object.entries(run.subtests)), path))
      tally.count('score', Math.abs(scoreOf(run, scores, multiple) - expected.score) < 0.0015)
      for (const note of run.notes) tally.differ(`note: ${note.check} ${note.text}`, 'unexpected', path)
    } catch (error) {
      if (tally.failed++ < 5) console.error(`${path}: ${(error as Error).stack}`)
    }
  }
  return tally
}
