// Counts what the server does, for Prometheus and for rspamd's /stat. In: one call per finished scan or learning (src/after.ts). Out: OpenMetrics
// text and a few plain numbers. No registry package: a family is a line of HELP, a line of TYPE and its samples. Label values are bounded:
// fronts, actions and stages are ours, and symbols are counted only up to symbolsMax names.
import type { CoreStats, LearnOutcome, LearnRequest, Scanned, Verdict } from './types.js'

/** Upper bounds of the scan-time histogram, seconds: 1 ms for a cached verdict up to the look-up deadline and beyond. */
const bucketSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** Distinct symbols that are counted: stops a rule set of thousands from filling every scrape. */
const symbolsMax = 2000
/** Scans that are counted at a time. */
const bundleScans = 32
/** rspamd's `scan_times` has 31 places. */
const scanTimesKept = 31

/** A value that somebody else knows at the moment of the scrape: queue length, busy workers, DNS queries in flight ... */
export interface Gauge {
  /** Without the `hamd_` in front: 'scan_queue', 'workers_busy', 'dns_in_flight'. */
  readonly name: string
  readonly help: string
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
  /** A counter only grows; its sample is named with `_total`. */
  readonly counter?: boolean
}

export interface Metrics {
  scanned(front: string, scanned: Scanned): void
  /** A scan that gave no verdict, by CoreError code. */
  failed(front: string, code: string): void
  learned(request: Pick<LearnRequest, 'class'>, outcome: LearnOutcome): void
  /** Hits per symbol since the start. */
  symbolHits(): ReadonlyMap<string, number>
  /** Milliseconds of the last scans, newest first; at most 31. */
  scanTimes(): readonly number[]
  readonly scans: number
  text(page: MetricsPage): string
}

/** What a page needs beside the counters. */
export interface MetricsPage {
  readonly stats: CoreStats
  readonly gauges: readonly Gauge[]
  readonly startedAt: Date
  readonly version: string
  /** Group of a symbol, undefined when it is not configured any more. */
  readonly groupOf: (symbol: string) => string | undefined
}

export function createMetrics(): Metrics {
  const scans = new Counters('front', 'action')
  const failures = new Counters('front', 'code')
  const learns = new Counters('class', 'status')
  const symbols = new Counters('symbol')
  const notes = new Counters('kind', 'check')
  const stages = new Map<string, Histogram>()
  const total = new Histogram()
  const times: number[] = []
  let count = 0
  /** Fronts and verdicts that are not counted yet: many at a time cost a fraction of one by one, with cold caches. */
  let fresh: { readonly front: string; readonly verdict: Verdict }[] = []

  function settle(): void {
    const due = fresh
    fresh = []
    for (const { front, verdict } of due) {
      scans.add(front, verdict.action)
      total.add(verdict.tookMs / 1000)
      for (const stage in verdict.stagesMs) observe(stage, verdict.stagesMs[stage]!)
      for (const { symbol } of verdict.hits)
        if (symbols.size < symbolsMax || symbols.has(symbol)) symbols.add(symbol)
      for (const { kind, check } of verdict.notes) notes.add(kind, check.split(' ')[0]!)
    }
    times.unshift(
      ...due
        .slice(-scanTimesKept)
        .map(({ verdict }) => verdict.tookMs)
        .reverse(),
    )
    times.length = Math.min(times.length, scanTimesKept)
  }

  function observe(stage: string, milliseconds: number): void {
    const histogram = stages.get(stage) ?? new Histogram()
    stages.set(stage, histogram)
    histogram.add(milliseconds / 1000)
  }

  return {
    scanned(front, { verdict }) {
      count += 1
      fresh.push({ front, verdict })
      if (fresh.length >= bundleScans) settle()
    },
    failed: (front, code) => failures.add(front, code),
    learned: (request, outcome) => learns.add(request.class, outcome.status),
    symbolHits() {
      settle()
      return symbols.counts
    },
    scanTimes() {
      settle()
      return times
    },
    get scans() {
      return count
    },
    text({ stats, gauges, startedAt, version, groupOf }) {
      settle()
      const page = new Page()
      rspamdFamilies(page, stats, times, startedAt, version)
      page.counter('hamd_scans', 'Scans by front and action', scans.samples())
      page.counter('hamd_scan_failures', 'Scans without a verdict, by error code', failures.samples())
      page.counter('hamd_learned', 'Messages handed to the learner, by class and outcome', learns.samples())
      page.counter('hamd_symbol_hits', 'Messages that a symbol hit', symbols.samples())
      page.counter('hamd_symbol_group_hits', 'Symbol hits by group', groupSamples(symbols, groupOf))
      page.counter('hamd_notes', 'Evidence that was missing, by kind', notes.samples())
      page.histogram('hamd_scan_seconds', 'Time of a whole scan', [[{}, total]])
      const byStage = [...stages].map(([stage, histogram]) => [{ stage }, histogram] as const)
      page.histogram('hamd_scan_stage_seconds', 'Time of a scan by stage', byStage)
      for (const [name, group] of groupBy(gauges, (gauge) => gauge.name)) {
        const samples = group.map((gauge) => [gauge.labels ?? {}, gauge.value] as const)
        const { help, counter } = group[0]!
        if (counter) page.counter(`hamd_${name}`, help, samples)
        else page.gauge(`hamd_${name}`, help, samples)
      }
      return page.end()
    },
  }
}

function groupSamples(symbols: Counters, groupOf: MetricsPage['groupOf']): Samples {
  const sums = new Map<string, number>()
  for (const [symbol, count] of symbols.counts) {
    const group = groupOf(symbol) ?? 'ungrouped'
    sums.set(group, (sums.get(group) ?? 0) + count)
  }
  return [...sums].map(([group, count]) => [{ group }, count] as const)
}

/** The names that dashboards for rspamd read (rspamd-protocol.md 3.6); what has no meaning here is left out. */
function rspamdFamilies(
  page: Page,
  stats: CoreStats,
  times: readonly number[],
  startedAt: Date,
  version: string,
): void {
  const average = times.length === 0 ? 0 : times.reduce((a, b) => a + b, 0) / times.length / 1000
  const one = (value: number): Samples => [[{}, value]]
  page.gauge('rspamd_build_info', 'Version of the server', [[{ version }, 1]])
  page.gauge('rspamd_config', 'Id of the configuration', [[{ id: stats.configId }, 1]])
  page.gauge('rspamd_scan_time_average', 'Mean of the last scan times, seconds', one(average))
  page.gauge(
    'process_start_time_seconds',
    'Start of the process, Unix time',
    one(Math.floor(startedAt.getTime() / 1000)),
  )
  page.gauge('rspamd_read_only', 'Whether the scrape had read rights only', one(1))
  page.counter('rspamd_scanned', 'Scanned messages', one(stats.scanned))
  page.counter('rspamd_learned', 'Learned messages', one(stats.learned))
  page.counter('rspamd_spam', 'Messages with a spam action', one(stats.spam))
  page.counter('rspamd_ham', 'Messages without a spam action', one(stats.ham))
  page.counter('rspamd_learns', 'Learnings held by the model', one(learnsOf(stats)))
  const actions = Object.entries(stats.actions).map(([type, value]) => [{ type }, value] as const)
  page.counter('rspamd_actions', 'Messages by action', actions)
  if (!stats.learner) return
  const { spam, ham, tokens, sizeBytes, users } = stats.learner
  const both = (spamValue: number, hamValue: number): Samples => [
    [{ symbol: 'BAYES_SPAM', type: 'sqlite' }, spamValue],
    [{ symbol: 'BAYES_HAM', type: 'sqlite' }, hamValue],
  ]
  page.gauge('rspamd_statfiles_revision', 'Learned messages per class', both(spam, ham))
  page.gauge('rspamd_statfiles_used', 'Tokens in use', both(tokens, tokens))
  page.gauge('rspamd_statfiles_totals', 'Tokens there is room for', both(tokens, tokens))
  page.gauge('rspamd_statfiles_size', 'Bytes of the model', both(sizeBytes, sizeBytes))
  page.gauge('rspamd_statfiles_users', 'Users with a model', both(users, users))
}

export function learnsOf(stats: CoreStats): number {
  return stats.learner ? stats.learner.spam + stats.learner.ham : 0
}

type Labels = Readonly<Record<string, string>>
type Samples = readonly (readonly [Labels, number])[]

/** Counts per set of label values, in the order of their names; values hold no line feed. */
class Counters {
  readonly counts = new Map<string, number>()
  private readonly names: readonly string[]

  constructor(...names: readonly string[]) {
    this.names = names
  }

  add(first: string, second?: string): void {
    const key = second === undefined ? first : `${first}\n${second}`
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
  }

  has(value: string): boolean {
    return this.counts.has(value)
  }

  get size(): number {
    return this.counts.size
  }

  samples(): Samples {
    return [...this.counts].map(([key, count]) => {
      const values = key.split('\n')
      return [Object.fromEntries(this.names.map((name, at) => [name, values[at]!])), count] as const
    })
  }
}

class Histogram {
  readonly buckets = bucketSeconds.map(() => 0)
  count = 0
  sum = 0

  add(seconds: number): void {
    this.count += 1
    this.sum += seconds
    const at = bucketSeconds.findIndex((bound) => seconds <= bound)
    if (at >= 0) this.buckets[at]! += 1
  }
}

/** OpenMetrics text: TYPE carries the base name, counters' samples end in `_total`, the page in `# EOF`. */
class Page {
  private readonly lines: string[] = []

  gauge(name: string, help: string, samples: Samples): void {
    this.family(name, help, 'gauge')
    for (const [labels, value] of samples) this.lines.push(`${name}${labelText(labels)} ${value}`)
  }

  counter(name: string, help: string, samples: Samples): void {
    if (samples.length === 0) return
    this.family(name, help, 'counter')
    for (const [labels, value] of samples) this.lines.push(`${name}_total${labelText(labels)} ${value}`)
  }

  histogram(name: string, help: string, rows: readonly (readonly [Labels, Histogram])[]): void {
    if (rows.length === 0) return
    this.family(name, help, 'histogram')
    for (const [labels, histogram] of rows) {
      let sum = 0
      bucketSeconds.forEach((bound, i) => {
        sum += histogram.buckets[i]!
        this.lines.push(`${name}_bucket${labelText({ ...labels, le: String(bound) })} ${sum}`)
      })
      this.lines.push(`${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${histogram.count}`)
      this.lines.push(`${name}_sum${labelText(labels)} ${histogram.sum}`)
      this.lines.push(`${name}_count${labelText(labels)} ${histogram.count}`)
    }
  }

  end(): string {
    return `${this.lines.join('\n')}\n# EOF\n`
  }

  private family(name: string, help: string, type: string): void {
    this.lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
