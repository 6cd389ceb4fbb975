// Learner and history in one thread: each fails for itself, and neither waits for all of what the other does.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openLearner } from '../../bayes/index.js'
import { openHistory } from '../../src/history/index.js'
import { startStores } from '../../src/stores.js'
import { ham, spam } from '../bayes/mails.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-stores-'))
after(() => rmSync(folder, { recursive: true }))

test('a history that cannot open its file costs the history only', async () => {
  const stores = startStores()
  const learner = await openLearner({ dataDir: join(folder, 'a') }, stores.learner)
  const told: string[] = []
  const options = { path: join(folder, 'no/such/folder/x.sqlite'), rowsMax: 10 }
  const history = openHistory({ ...options, onError: (text) => void told.push(text) }, stores.history)
  await assert.rejects(history.rows({ from: 0, limit: 1 }))
  assert.equal((await learner.learn({ raw: spam(1), class: 'spam', source: 'test' })).status, 'learned')
  assert.equal(told.length, 1)
  await learner.close()
  await history.close()
  await stores.close()
})

test('a learner that is refused says why, and the history goes on', async () => {
  const holder = await openLearner({ dataDir: join(folder, 'b') })
  const stores = startStores()
  const history = openHistory({ path: join(folder, 'b.sqlite'), rowsMax: 10 }, stores.history)
  await assert.rejects(openLearner({ dataDir: join(folder, 'b') }, stores.learner), /in use by process \d+/)
  assert.deepEqual(await history.rows({ from: 0, limit: 1 }), [])
  await history.close()
  await stores.close()
  await holder.close()
})

test('a question to the history is answered while the weights are rebuilt', async () => {
  const stores = startStores()
  const learner = await openLearner({ dataDir: join(folder, 'c') }, stores.learner)
  const history = openHistory({ path: join(folder, 'c.sqlite'), rowsMax: 10 }, stores.history)
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => [
      learner.learn({ raw: spam(i), class: 'spam', source: 'test' }),
      learner.learn({ raw: ham(i), class: 'ham', source: 'test' }),
    ]).flat(),
  )
  const order: string[] = []
  await Promise.all([
    learner.rebuild().then(() => order.push('rebuilt')),
    history.rows({ from: 0, limit: 1 }).then(() => order.push('answered')),
  ])
  assert.deepEqual(order, ['answered', 'rebuilt'])
  await learner.close()
  await history.close()
  await stores.close()
})

test('the end of the thread ends every call', async () => {
  const stores = startStores()
  const learner = await openLearner({ dataDir: join(folder, 'd') }, stores.learner)
  const history = openHistory({ path: join(folder, 'd.sqlite'), rowsMax: 10 }, stores.history)
  await stores.close()
  await assert.rejects(learner.stats())
  await assert.rejects(history.rows({ from: 0, limit: 1 }))
})
