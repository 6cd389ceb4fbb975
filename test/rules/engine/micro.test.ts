// Rule files with the answers SpamAssassin 4.0.1 itself gave: hits with counts and scores, subtests, score, lint, preferences.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setting } from '../../../rules/engine/settings.js'
import { type MicroCase, readMicroRules, round, runMicroCase } from '../../support/micro-rules.js'

/**
 * SpamAssassin completes a regex with a captured text once per process (the match has Perl's /o), and the recording had scanned
 * another mail before: its rule kept that mail's sender. Ours takes the text of the mail at hand.
 */
const deviations = new Set(['rules/capture/002', 'rules/capture/011', 'rules/capture/013'])

/** What differs, one line each. */
async function differences(micro: MicroCase): Promise<string[]> {
  const { expect } = micro
  const found: string[] = []
  const same = (what: string, wanted: unknown, got: unknown) => {
    if (JSON.stringify(wanted) !== JSON.stringify(got))
      found.push(`${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`)
  }
  const sorted = (record: object) => Object.fromEntries(Object.entries(record).sort())
  const result = await runMicroCase(micro)
  if (expect.never_ends) return found
  const wantedHits = Object.entries(expect.hits).map(([name, { n, score }]) => [
    name,
    { n, score: round(score) },
  ])
  same('hits', sorted(Object.fromEntries(wantedHits)), sorted(result.hits))
  same('subtests', sorted(expect.subtests), sorted(result.run.subtests))
  same('score', round(expect.score), result.verdict.score)
  same('required', expect.required, result.required)
  same('is_spam', expect.is_spam, result.verdict.isSpam)
  const errors = result.problems.filter((problem) => problem.severity === 'error')
  same('lint errors', expect.lint.errors, errors.length)
  for (const [name, value] of Object.entries(expect.conf ?? {}))
    if (name !== 'dns_available') same(`conf ${name}`, value, result.conf(name))
  for (const [name, text] of Object.entries(expect.descriptions ?? {}))
    same(`description ${name}`, text ?? '', result.descriptions.get(name) ?? '')
  return found
}

test('micro cases of rule files', async (context) => {
  const groups = new Map<string, MicroCase[]>()
  for (const micro of readMicroRules()) {
    const group = micro.id.split('/')[1]!
    groups.set(group, [...(groups.get(group) ?? []), micro])
  }
  assert.ok(groups.size > 10)
  for (const [group, cases] of groups) {
    await context.test(group, async () => {
      const failures: string[] = []
      for (const micro of cases) {
        const found = await differences(micro)
        if (deviations.has(micro.id)) assert.notEqual(found.length, 0, `${micro.id} no longer deviates`)
        else if (found.length > 0) failures.push(`${micro.id} ${micro.what}\n  ${found.join('\n  ')}`)
      }
      assert.deepEqual(failures, [])
    })
  }
})

test('tflags multiple on a negated rule ends, unlike in SpamAssassin', async () => {
  const endless = readMicroRules().find((micro) => micro.expect.never_ends)!
  const { run } = await runMicroCase(endless)
  assert.deepEqual(
    run.hits.map((hit) => [hit.symbol, hit.count]),
    [['A', 1]],
  )
})

test('a user cannot change what only the administrator may', async () => {
  const micro: MicroCase = {
    id: 'own',
    what: 'user preferences',
    message: 'Subject: x\n\nbody\n',
    rules: 'body A /body/\n',
    user_prefs: 'loadplugin X\ninclude /etc/passwd\nbody_part_scan_size 1\nbody MINE /body/\nscore A 3\n',
    expect: {} as MicroCase['expect'],
  }
  const { overlay, plan, hits } = await runMicroCase(micro)
  assert.deepEqual(hits, { A: { n: 1, score: 3 } })
  assert.equal(setting(plan.settings, 'body_part_scan_size'), 50_000)
  assert.deepEqual(
    overlay!.problems.map((problem) => [problem.line, problem.kind]),
    [
      [1, 'not-allowed'],
      [2, 'bad-include'],
      [3, 'not-allowed'],
      [4, 'not-allowed'],
    ],
  )
})
