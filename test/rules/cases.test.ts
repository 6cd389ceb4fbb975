// Every rule of ours hits what it is for and leaves alone what only looks like it: fixtures/cases, with LF and with CRLF.
// Rules that need the network or the learner are tested where these are (test/src/facts, test/src/checks/network.test.ts, test/bayes).
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { describe, test } from 'node:test'
import { buildCase, parseCases, readCases } from './casefile.js'
import { allRunning, judgeWith, ownRules, withCrlf } from './ownrules.js'

const elsewhere = new Set(['30_network.cf', '40_bayes.cf'])
const plan = ownRules()
const own = plan.rules.filter((rule) => !rule.name.startsWith('__') && rule.kind !== 'empty')
const local = own.filter((rule) => !elsewhere.has(basename(rule.place.file)))
const cases = readCases()
const judges = new Map<string, ReturnType<typeof judgeWith>>()

async function namesOf(raw: Buffer, config: string): Promise<Set<string>> {
  const judge = judges.get(config) ?? judgeWith(allRunning(ownRules(config)))
  judges.set(config, judge)
  return new Set((await judge(raw)).hits.map((hit) => hit.symbol))
}

describe('our own rules', () => {
  test('are many, clean and described', () => {
    assert.deepEqual(
      plan.problems.filter((problem) => problem.severity !== 'hint'),
      [],
    )
    assert.ok(local.length >= 200, `${local.length} local rules`)
    const bare = own.filter((rule) => !rule.description || rule.description === rule.name)
    assert.deepEqual(
      bare.map((rule) => rule.name),
      [],
    )
  })

  test('none decides alone, nor beside a learner without opinion', () => {
    const undecided = plan.rules.find((rule) => rule.name === 'BAYES_50')!
    const alone = local.filter(
      (rule) =>
        rule.name !== 'GTUBE' && rule.scores.some((score, set) => score + undecided.scores[set]! >= 4.5),
    )
    assert.deepEqual(
      alone.map((rule) => rule.name),
      [],
    )
  })

  test('each has a case, and no case is without its rule', () => {
    const names = new Set(local.map((rule) => rule.name))
    const cased = new Set(cases.map((one) => one.rule))
    assert.deepEqual([...names].filter((name) => !cased.has(name)).sort(), [], 'rules without a case')
    assert.deepEqual([...cased].filter((name) => !names.has(name)).sort(), [], 'cases without a rule')
    assert.equal(cased.size, cases.length, 'a rule stands twice')
  })

  test('thousands of fields and one endless line cost no seconds', async () => {
    const address = `${'a'.repeat(30)}@${'b'.repeat(30)}.example.org`
    const many = `From: ${address}\nReply-To: ${address}\nTo: x${address}\nX-abcdefgh: abcdefgh\n`.repeat(
      2500,
    )
    await namesOf(Buffer.from('From: a@example.org\n\nwarm\n'), '')
    for (const mail of [
      `${many}\nhello\n`,
      `Subject: ${'v i a '.repeat(20000)}\n\n${'verify your '.repeat(20000)}\n`,
    ]) {
      const start = performance.now()
      await namesOf(Buffer.from(mail), '')
      assert.ok(performance.now() - start < 5000)
    }
  })

  test('a case file with an unknown word is refused', () => {
    assert.throws(() => parseCases('x.case', 'SOME_RULE\nhits Subject: a\n'), /x\.case:2/)
    assert.throws(() => buildCase('subject: a'), /no such word: subject/)
    assert.throws(() => buildCase('Subject'), /no change/)
  })
})

describe('cases', () => {
  for (const { rule, file, config, hits, misses } of cases) {
    test(`${rule} (${file})`, async () => {
      assert.ok(hits.length > 0, 'no mail that it hits')
      assert.ok(misses.length > 0, 'no mail that it must not hit')
      for (const [expected, lines] of [
        [true, hits],
        [false, misses],
      ] as const) {
        for (const line of lines) {
          const raw = buildCase(line)
          for (const [ends, bytes] of [
            ['LF', raw],
            ['CRLF', withCrlf(raw)],
          ] as const) {
            const names = await namesOf(bytes, config)
            assert.equal(
              names.has(rule),
              expected,
              `${ends}, ${expected ? 'hit' : 'miss'} ${line}\nhits: ${[...names].join(' ')}`,
            )
          }
        }
      }
    })
  }
})
