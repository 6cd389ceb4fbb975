// Texts, HTML results and MIME trees against SpamAssassin's recorded answers: every micro case, and a sample of the corpus.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { packageRoot } from '../../../../src/root.js'
import { readOracle } from '../../../support/oracle.js'
import { compareCase, type MicroCase, sha1, textsOf } from '../../../support/texts.js'

for (const name of ['micro-mime', 'micro-html', 'micro-uri']) {
  test(`every case of ${name} comes out as recorded`, () => {
    const wrong = readOracle<MicroCase>(name).flatMap((given) =>
      compareCase(given).map(({ field }) => `${given.id} ${field}`),
    )
    assert.deepEqual(wrong, [])
  })
}

const corpus = join(packageRoot, 'node_modules', '@stdlib', 'datasets-spam-assassin', 'data')
const stages = gunzipSync(readFileSync(join(packageRoot, 'fixtures', 'oracle', 'sa-text-stages.tsv.gz')))
  .toString('latin1')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))

test('every tenth message of the corpus has the recorded texts', () => {
  const wrong: string[] = []
  for (let at = 0; at < stages.length; at += 10) {
    const [path = '', ...expected] = stages[at]!.split('\t')
    const { text } = textsOf(readFileSync(join(corpus, path)))
    const actual = [text.body, text.visible, text.invisible, text.rawbody].map((lines) =>
      sha1(lines.join('\0')).slice(0, 16),
    )
    if (actual.join() !== expected.join()) wrong.push(path)
  }
  assert.deepEqual(wrong, [])
})

test('CRLF and LF versions of a message give the same texts', () => {
  for (let at = 5; at < stages.length; at += 50) {
    const path = stages[at]!.split('\t')[0]!
    const lf = readFileSync(join(corpus, path)).toString('latin1').replaceAll('\r', '')
    const crlf = Buffer.from(lf.replaceAll('\n', '\r\n'), 'latin1')
    const first = textsOf(Buffer.from(lf, 'latin1')).text
    const second = textsOf(crlf).text
    for (const key of ['body', 'visible', 'invisible', 'rawbody'] as const)
      assert.deepEqual(second[key], first[key], `${path} ${key}`)
  }
})
