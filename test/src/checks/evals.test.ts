// Each eval once with a message it hits and once with one it does not. A case is rules and two messages; every rule of a case whose
// name begins with HIT must hit on `hit`, and none of them on `miss`.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { evalCases } from './evalcases.js'
import { optionalCases } from './optionalcases.js'
import { loadEngine, makeScan, runRules } from './support.js'

const allPlugins = (names: string): string =>
  names
    .split(' ')
    .map((name) => `loadplugin Mail::SpamAssassin::Plugin::${name}\n`)
    .join('')

const pre = allPlugins(
  'HTMLEval HeaderEval BodyEval MIMEEval RelayEval FreeMail WLBLEval WelcomeListSubject ImageInfo URIEval ' +
    'HTTPSMismatch VBounce Bayes Pyzor Razor2 DCC FromNameSpoof AuthRes PDFInfo OLEVBMacro Phishing',
)

describe('evals', () => {
  for (const { what, rules, hit, miss, bayes } of [...evalCases, ...optionalCases]) {
    test(what, async () => {
      const engine = loadEngine({
        pre,
        cf: `util_rb_tld com net org example test uk de\nutil_rb_2tld co.uk\n${rules}`,
      })
      assert.deepEqual(engine.plan.problems, [])
      const wanted = engine.plan.rules.map((rule) => rule.name).filter((name) => name.startsWith('HIT'))
      assert.notEqual(wanted.length, 0)
      for (const lineEnd of ['\n', '\r\n']) {
        const run = async (raw: string) =>
          runRules(
            engine,
            makeScan(engine, raw.replaceAll('\n', lineEnd), { ...noClues, probability: bayes }),
          )
        const found = await run(hit)
        assert.deepEqual(found.notes, [])
        assert.deepEqual(
          [...found.hits.keys()].filter((name) => name.startsWith('HIT')).sort(),
          wanted.sort(),
        )
        if (miss === undefined) continue
        const missed = await run(miss)
        assert.deepEqual(missed.notes, [])
        assert.deepEqual(
          [...missed.hits.keys()].filter((name) => name.startsWith('HIT')),
          [],
        )
      }
    })
  }
})

const noClues = { spamLearned: 0, hamLearned: 0, clues: [] }
