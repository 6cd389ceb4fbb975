// Remembered scans come and go: by number, by age, and at a cost that does not grow with how many are kept.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeFeatures } from '../../../bayes/index.js'
import { ScanStore } from '../../../bayes/store/scans.js'

const dayMs = 86_400_000
const features = encodeFeatures({
  id: 'mail',
  lo: new Uint32Array([7]),
  hi: new Uint32Array([1]),
  grams: new Uint32Array([3]),
  headCount: 0,
  senderCount: 0,
  bodyCount: 0,
})
const scans = (first: number, count: number, timeMs: number) =>
  Array.from({ length: count }, (_, n) => ({
    id: `scan-${first + n}`,
    owner: '',
    mail: 'mail',
    timeMs,
    features,
  }))

test('the oldest go when there are too many, batch after batch', () => {
  const store = ScanStore.open(undefined, 10, 30)
  for (let first = 0; first < 40; first += 4) store.remember(scans(first, 4, dayMs), dayMs)
  assert.equal(store.find('scan-29', undefined, dayMs), undefined)
  for (const number of [30, 35, 39]) assert.ok(store.find(`scan-${number}`, undefined, dayMs), `${number}`)
  assert.equal(store.count, 10)
  store.close()
})

test('a batch larger than all that is kept leaves its last ones', () => {
  const store = ScanStore.open(undefined, 3, 30)
  store.remember(scans(0, 8, dayMs), dayMs)
  assert.equal(store.count, 3)
  assert.ok(store.find('scan-5', undefined, dayMs))
  store.close()
})

test('what is too old is not found, and goes with the batches that follow', () => {
  const store = ScanStore.open(undefined, 1000, 2)
  store.remember(scans(0, 20, dayMs), dayMs)
  const later = 4 * dayMs
  assert.equal(store.find('scan-3', undefined, later), undefined)
  for (let first = 20; first < 60; first += 5) store.remember(scans(first, 5, later), later)
  assert.equal(store.count, 40)
  assert.ok(store.find('scan-20', undefined, later))
  store.close()
})

test('one id twice is one scan, the later', () => {
  const store = ScanStore.open(undefined, 2, 30)
  store.remember(scans(0, 1, dayMs), dayMs)
  store.remember(scans(0, 1, 2 * dayMs), 2 * dayMs)
  store.remember(scans(1, 1, 2 * dayMs), 2 * dayMs)
  assert.ok(store.find('scan-0', undefined, 2 * dayMs))
  assert.ok(store.find('scan-1', undefined, 2 * dayMs))
  store.close()
})
