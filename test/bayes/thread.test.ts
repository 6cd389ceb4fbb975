// The learner thread as a server uses it: learn through it, classify beside it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createClassifier, encodeFeatures, openLearner } from '../../bayes/index.js'
import { parseMessage } from '../../src/message/parse.js'
import { ham, spam } from './mails.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-learner-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('what is learned through the thread is seen by a classifier that was made before', async () => {
  const learner = await openLearner({ dataDir: join(folder, 'a'), minSpam: 5, minHam: 5 })
  const classifier = createClassifier(learner.shared)
  const opinion = (raw: Buffer) => classifier.classify(classifier.extractor.extract(parseMessage(raw)))
  assert.equal(opinion(spam(1)).probability, undefined)
  assert.match(opinion(spam(1)).reason ?? '', /too little learned/)
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_, i) => [
      learner.learn({ raw: spam(i), class: 'spam', source: 'test' }),
      learner.learn({ raw: ham(i), class: 'ham', source: 'test' }),
    ]).flat(),
  )
  assert.ok(outcomes.every((outcome) => outcome.status === 'learned'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.ok(opinion(spam(100)).probability! > 0.9, `spam ${opinion(spam(100)).probability}`)
  assert.ok(opinion(ham(100)).probability! < 0.1, `ham ${opinion(ham(100)).probability}`)
  assert.equal((await learner.stats()).spam, 40)
  assert.equal((await learner.learn({ raw: spam(3), class: 'spam', source: 'test' })).status, 'known')
  assert.equal((await learner.learn({ raw: spam(3), class: 'ham', source: 'test' })).status, 'relearned')
  assert.equal((await learner.learn({ raw: spam(3), class: 'forget', source: 'test' })).status, 'forgotten')
  assert.equal((await learner.learn({ raw: spam(3), class: 'forget', source: 'test' })).status, 'unknown')
  await learner.close()
})

test('a second process on the same directory is refused by name', async () => {
  const learner = await openLearner({ dataDir: join(folder, 'b') })
  await assert.rejects(openLearner({ dataDir: join(folder, 'b') }), /in use by process \d+/)
  await learner.close()
  const again = await openLearner({ dataDir: join(folder, 'b') })
  await again.close()
})

test('a scanned mail is taught by its scan id and gives the same tokens as the mail itself', async () => {
  const byId = await openLearner({ dataDir: join(folder, 'c'), salt: 7 })
  const byFile = await openLearner({ dataDir: join(folder, 'd'), salt: 7 })
  const { extractor } = createClassifier(byId.shared)
  for (let i = 0; i < 20; i++) {
    const features = extractor.extract(parseMessage(spam(i)))
    byId.remember({
      id: `scan-${i}`,
      owner: '',
      mail: features.id,
      timeMs: Date.now(),
      features: encodeFeatures(features),
    })
    assert.equal((await byId.learnScan(`scan-${i}`, 'spam', 'test')).status, 'learned')
    await byFile.learn({ raw: spam(i), class: 'spam', source: 'test' })
  }
  assert.equal(await byId.digest(), await byFile.digest())
  assert.equal((await byId.learnScan('scan-99', 'spam', 'test')).status, 'refused')
  assert.equal((await byId.learnScan('scan-1', 'ham', 'test', 'somebody')).status, 'refused')
  await Promise.all([byId.close(), byFile.close()])
})

test('backup and restore carry everything', async () => {
  const learner = await openLearner({ dataDir: join(folder, 'e') })
  for (let i = 0; i < 10; i++) await learner.learn({ raw: spam(i), class: 'spam', source: 'test' })
  const before = await learner.digest()
  await learner.backup(join(folder, 'e.backup'))
  for (let i = 0; i < 10; i++) await learner.learn({ raw: ham(i), class: 'ham', source: 'test' })
  await learner.restore(join(folder, 'e.backup'))
  assert.equal(await learner.digest(), before)
  await learner.close()
  const other = await openLearner({ dataDir: join(folder, 'f') })
  const classifier = createClassifier(other.shared)
  await other.restore(join(folder, 'e.backup'))
  assert.equal(await other.digest(), before)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(classifier.classify(classifier.extractor.extract(parseMessage(spam(1)))).spamLearned, 10)
  await other.close()
})
