// Templates, tags and rewritten messages against what SpamAssassin 4.0.1 printed (fixtures/oracle/micro-rules.jsonl.gz, every case that
// recorded a report, a rewritten message or tags). Rules of equal priority have no fixed order there, so rows are compared sorted.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setting } from '../../../rules/engine/settings.js'
import type { Rule } from '../../../rules/engine/types.js'
import { type ReportInput, renderReport, rewriteMessage } from '../../../src/report/index.js'
import { judge } from '../../../src/verdict.js'
import { readOracle } from '../../support/oracle.js'
import { loadEngine, makeScan } from '../checks/support.js'

interface Case {
  readonly id: string
  readonly what: string
  readonly rules: string
  readonly files?: Readonly<Record<string, string>>
  readonly plugins?: readonly string[]
  readonly user_prefs?: string
  readonly default_prefs?: unknown
  readonly message: string
  readonly env?: unknown
  readonly expect: {
    readonly rewritten?: string
    readonly report?: string
    readonly tags?: Readonly<Record<string, string>>
    readonly is_spam: boolean
    readonly hits: Readonly<Record<string, { readonly n: number; readonly score: number }>>
  }
}

process.env['TZ'] = 'UTC'
const clock = new Date(1781524800_000)
const common =
  'report_hostname filter.example.net\ndns_available no\nuse_bayes 0\nenable_compat welcomelist_blocklist\n'

const cases = readOracle<Case>('micro-rules').filter(
  (one) =>
    (one.expect.rewritten !== undefined || one.expect.report !== undefined) &&
    // Preferences of users are the engine's subject.
    one.user_prefs === undefined &&
    one.env === undefined,
)
const folder = mkdtempSync(join(tmpdir(), 'hamd-report-'))
after(() => rmSync(folder, { recursive: true }))

async function inputOf(one: Case): Promise<ReportInput> {
  const dir = mkdtempSync(join(folder, 'case-'))
  writeFileSync(join(dir, '50_case.cf'), one.rules, 'latin1')
  for (const [name, text] of Object.entries(one.files ?? {})) writeFileSync(join(dir, name), text, 'latin1')
  const engine = loadEngine({ sources: [dir], cf: common })
  const { settings } = engine.plan
  const scan = makeScan(engine, one.message)
  const run = await engine.run(scan, { scoreSet: 0, subtests: true })
  const rules = new Map<string, Rule>(engine.plan.rules.map((rule) => [rule.name, rule]))
  const verdict = judge({
    run,
    rules,
    scoreSet: 0,
    requiredScore: setting<number>(settings, 'required_score'),
    thresholds: {},
    notes: [],
    autolearn: 'disabled',
    tookMs: 1,
    stagesMs: {},
  })
  return {
    scan,
    verdict,
    settings,
    tags: run.tags,
    rules,
    hostname: 'host.example.net',
    now: clock,
    random: () => 0.5,
  }
}

/** Rows of equal priority in any order; the boundary as the recording writes it. */
function comparable(text: string): string {
  const rows = /(?:^[ \t*]*-?\d+(?:\.\d)? [A-Z_][A-Z0-9_]* .*\r?\n(?:^(?:\t\*| {28}).*\r?\n)*)+/gm
  return text
    .replace(/----------=_[0-9A-F]{8}\.[0-9A-F]{8}/g, '----------=_BOUNDARY1')
    .replace(rows, (table) =>
      table
        .split(/(?<=\n)(?!\t\* {6}| {28})/)
        .sort()
        .join(''),
    )
}

for (const one of cases) {
  test(`${one.id}: ${one.what}`, async () => {
    const input = await inputOf(one)
    if (one.expect.report !== undefined)
      assert.equal(comparable(renderReport(input)), comparable(one.expect.report))
    if (one.expect.rewritten !== undefined) {
      const { message } = rewriteMessage(input)
      assert.equal(comparable(Buffer.from(message).toString('latin1')), comparable(one.expect.rewritten))
    }
  })
}

test('the recorded cases are there', () => assert.ok(cases.length >= 40))
