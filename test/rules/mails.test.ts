// Invented mail of today, judged by our own rules alone: wanted mail of many kinds and scripts stays far from the threshold,
// unwanted mail mostly passes it; also beside a learner that has no opinion. The corpus that scores are fitted on is of 2002; these mails keep the fit honest.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { packageRoot } from '../../src/root.js'
import type { Verdict } from '../../src/types.js'
import { buildCase } from './casefile.js'
import { judgeWith, ownRules, undecided } from './ownrules.js'

function readMails(file: string): { name: string; raw: Buffer }[] {
  const text = readFileSync(join(packageRoot, 'fixtures', 'mails', file), 'utf8')
  return text
    .split(/^== /m)
    .slice(1)
    .map((section) => {
      const [name, ...lines] = section.split('\n')
      const changes = lines.filter((line) => line !== '' && !line.startsWith('#'))
      return { name: name!, raw: buildCase(changes.join(' ;; ')) }
    })
}

const judges = {
  'no learner': judgeWith(ownRules()),
  'undecided learner': judgeWith(ownRules(), undecided()),
}
const told = ({ score, hits }: Verdict): string =>
  `${score.toFixed(2)}: ${hits.map((hit) => `${hit.symbol}(${hit.score})`).join(' ')}`

describe('wanted mail', () => {
  const mails = readMails('ham.mails')
  test('there are many kinds', () => assert.ok(mails.length >= 30))
  for (const { name, raw } of mails)
    test(name, async () => {
      for (const [learner, judge] of Object.entries(judges)) {
        const verdict = await judge(raw)
        assert.ok(verdict.score < 3, `${learner} ${told(verdict)}`)
      }
    })
})

describe('unwanted mail', () => {
  const mails = readMails('spam.mails')
  for (const [learner, judge] of Object.entries(judges))
    test(`at least nine in ten reach 5.0, ${learner}`, async () => {
      const missed: string[] = []
      for (const { name, raw } of mails) {
        const verdict = await judge(raw)
        if (verdict.score < 5) missed.push(`${name} ${told(verdict)}`)
      }
      assert.ok(mails.length >= 20)
      assert.ok(missed.length <= mails.length / 10, missed.join('\n'))
    })
})
