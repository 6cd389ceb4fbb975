// Every thirtieth message of the SpamAssassin corpus through each front of a running hamd: a verdict for each, no hang. All 6,046, with memory:
// node dist/bench/fronts.js
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { corpus } from '../../bench/corpus.js'
import { fronts, runFront } from '../../bench/fronts.js'
import { type Hamd, startHamd } from '../support/hamd.js'

describe('the corpus through the fronts', () => {
  const mails = corpus(30)
  let hamd: Hamd
  before(async () => {
    hamd = await startHamd()
  })
  after(async () => {
    assert.equal(await hamd.stop(), 0)
  })
  for (const front of fronts) {
    test(front, async () => {
      const { wrong } = await runFront(hamd, front, mails)
      assert.deepEqual(wrong, [])
    })
  }
})
