// The stock rules over a sample of the public corpus, against SpamAssassin's recorded answers (all of it: npm run compat).
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compareWithRecorded, readOracle, stockFolders } from '../../../bench/oracle.js'

const installed = existsSync(join(stockFolders.rules, '72_active.cf'))

test('stock rules give the recorded hits', {
  skip: installed ? false : 'apt-get install spamassassin brings the stock rules',
}, async () => {
  const recorded = readOracle()
  const paths = [...recorded.keys()].sort().filter((_, index) => index % 60 === 0)
  const tally = await compareWithRecorded(recorded, paths, stockFolders)
  const differing = [...tally.differences].map(([rule, { paths: where }]) => `${rule} ${where[0]}`)
  assert.equal(tally.failed, 0)
  assert.ok(tally.messages > 100)
  const share = (what: string) => tally.same.get(what)! / tally.messages
  assert.ok(
    share('rules') >= 0.99,
    `rules identical in ${share('rules')}: ${differing.slice(0, 10).join('\n')}`,
  )
  assert.ok(share('score') >= 0.99, `score identical in ${share('score')}`)
})
