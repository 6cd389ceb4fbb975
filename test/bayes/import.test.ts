// Moving from SpamAssassin: what sa-learn --backup writes is taken over, and fades as own mail is learned.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createClassifier, openLearner, readSaLearnDump } from '../../bayes/index.js'
import { parseMessage } from '../../src/message/parse.js'
import { ham, spam } from './mails.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-import-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('another file is refused with its line', async () => {
  writeFileSync(join(folder, 'other'), 'v\t3\tdb_version # this must be the first line!!!\nt\tx\n')
  await assert.rejects(readSaLearnDump(join(folder, 'other')), /other:2: not a line of sa-learn --backup/)
})

const hasPeer = spawnSync('sa-learn', ['--version']).status === 0

test('a dump of a real sa-learn gives opinions at once', {
  skip: hasPeer ? false : 'sa-learn is not installed: apt-get install spamassassin',
}, async () => {
  for (const name of ['spam', 'ham', 'home']) mkdirSync(join(folder, name))
  for (let i = 0; i < 20; i++) {
    writeFileSync(join(folder, 'spam', String(i)), spam(i))
    writeFileSync(join(folder, 'ham', String(i)), ham(i))
  }
  const env = { ...process.env, HOME: join(folder, 'home') }
  const run = (...args: string[]) => {
    const all = ['--dbpath', join(folder, 'home/bayes'), ...args]
    return spawnSync('sa-learn', all, { env, encoding: 'latin1', maxBuffer: 1 << 26 }).stdout
  }
  run('--no-sync', '--spam', join(folder, 'spam'))
  run('--no-sync', '--ham', join(folder, 'ham'))
  run('--sync')
  writeFileSync(join(folder, 'dump'), run('--backup'), 'latin1')

  const learner = await openLearner({ dataDir: join(folder, 'data'), minSpam: 10, minHam: 10 })
  const classifier = createClassifier(learner.shared)
  const taken = await learner.importSaLearn(join(folder, 'dump'))
  assert.deepEqual([taken.spam, taken.ham], [20, 20])
  await new Promise((resolve) => setTimeout(resolve, 50))
  const opinion = (raw: Buffer) => classifier.classify(classifier.extractor.extract(parseMessage(raw)))
  assert.ok(opinion(spam(100)).probability! > 0.9, `${opinion(spam(100)).probability}`)
  assert.ok(opinion(ham(100)).probability! < 0.1, `${opinion(ham(100)).probability}`)
  await learner.close()
  const again = await openLearner({ dataDir: join(folder, 'data'), minSpam: 10, minHam: 10 })
  const fresh = createClassifier(again.shared)
  const judged = fresh.classify(fresh.extractor.extract(parseMessage(spam(100))))
  assert.ok(judged.probability! > 0.9)
  await again.close()
})
