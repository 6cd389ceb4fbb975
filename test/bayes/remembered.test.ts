// A remembered scan arrives in the learner's thread as it was.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packScan, unpackScan } from '../../bayes/remembered.js'

test('whatever the user is called, and whatever bytes the features have', () => {
  const scan = {
    id: 'one',
    owner: 'caf\u00e9\n"o"',
    mail: '00ff',
    timeMs: 1234.5,
    features: new Uint8Array([10, 0, 255, 10]),
  }
  const { features, ...arrived } = unpackScan(Buffer.concat(packScan(scan)))
  const { features: sent, ...rest } = scan
  assert.deepEqual(arrived, rest)
  assert.deepEqual(new Uint8Array(features), sent)
})
