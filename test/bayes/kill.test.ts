// What was acknowledged survives kill -9 (fifty times: bench/accuracy/kills.ts).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killWhileLearning } from '../../bench/accuracy/kills.js'

test('kill -9 during bulk learning loses nothing that was acknowledged and damages nothing', async () => {
  const report = await killWhileLearning(3)
  assert.ok(report.acknowledged > 20, `${report.acknowledged} acknowledged`)
  assert.equal(report.lost, 0)
  assert.deepEqual(report.notes, [])
})
