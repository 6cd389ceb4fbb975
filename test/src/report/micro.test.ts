// Templates, tags and rewritten messages against what SpamAssassin 4.0.1 printed (fixtures/oracle/micro-rules.jsonl.gz, every case that
// recorded a report, a rewritten message or tags). Rules of equal priority have no fixed order there, so rows are compared sorted.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overlaySettings } from '../../../rules/engine/prefs.js'
import { expandTags, type ReportInput, renderReport, rewriteMessage } from '../../../src/report/index.js'
import { type MicroCase, readMicroRules, runMicroCase } from '../../support/micro-rules.js'

process.env['TZ'] = 'UTC'

/** Captures that SpamAssassin carries over from the mail scanned before: the engine's test has the reason. */
const deviations = new Set(['rules/capture/011', 'rules/capture/013'])

const cases = readMicroRules().filter(
  ({ id, expect }) =>
    (expect.rewritten !== undefined || expect.report !== undefined || expect.tags !== undefined) &&
    !deviations.has(id),
)

async function inputOf(micro: MicroCase): Promise<ReportInput> {
  const { plan, overlay, run, scan, verdict } = await runMicroCase(micro)
  return {
    scan,
    verdict: { ...verdict, autolearn: 'disabled' },
    settings: overlaySettings(plan.settings, overlay),
    tags: run.tags,
    shortcircuit: run.shortcircuit,
    rules: new Map(plan.rules.map((rule) => [rule.name, rule])),
    hostname: 'host.example.net',
    now: new Date(1781524800_000),
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

for (const micro of cases) {
  test(`${micro.id}: ${micro.what}`, async () => {
    const input = await inputOf(micro)
    const { report, rewritten, tags } = micro.expect
    if (report !== undefined) assert.equal(comparable(renderReport(input)), comparable(report))
    if (rewritten !== undefined) {
      const { message } = rewriteMessage(input)
      assert.equal(comparable(Buffer.from(message).toString('latin1')), comparable(rewritten))
    }
    for (const [name, value] of Object.entries(tags ?? {}))
      assert.equal(expandTags(`_${name}_`, input), value ?? `_${name}_`)
  })
}

test('the recorded cases are there', () => assert.ok(cases.length >= 60, String(cases.length)))
