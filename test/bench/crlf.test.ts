// A sample of `npm run compat -- --crlf`.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { lineEndDifferences } from '../../bench/crlf.js'
import { readOracle, stockFolders } from '../../bench/oracle.js'

const missing =
  existsSync(stockFolders.rules) && existsSync(stockFolders.site)
    ? false
    : 'spamassassin is not installed: apt-get install spamassassin'

test('every 400th message of the corpus gives the same hits with CRLF as with LF', {
  skip: missing,
}, async () => {
  const paths = [...readOracle().keys()].sort().filter((_, index) => index % 400 === 11)
  assert.ok(paths.length > 10)
  assert.deepEqual(await lineEndDifferences(stockFolders, paths), [])
})
