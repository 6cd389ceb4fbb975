// What a scanner holds open, and when it lets go of it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createScanner } from '../../src/scanner.js'
import { offlineNet } from '../support/offline.js'
import { requestOf, rulingOf, symbolsOf } from '../support/pool.js'

const dataDir = mkdtempSync(join(tmpdir(), 'hamd-scanner-'))
after(() => rmSync(dataDir, { recursive: true, force: true }))

const remembering = () =>
  createScanner({
    ...rulingOf(
      'body HELLO /hello/\nheader AWL eval:check_from_in_auto_welcomelist()\n',
      'loadplugin Mail::SpamAssassin::Plugin::AWL\n',
    ),
    net: offlineNet,
    dataDir,
  })

test('a scanner that is retired closes its histories: at once without scans, else after the last one', async () => {
  const idle = remembering()
  const busy = remembering()
  const scans = [1, 2].map(() => busy.scan(requestOf('hello')))
  const isOpen = ({ context }: typeof idle) => {
    try {
      return context.reputation!.get('', 'a@example.org') !== undefined
    } catch {
      return false
    }
  }
  for (const scanner of [idle, busy]) {
    assert.ok(isOpen(scanner))
    scanner.retire()
  }
  assert.ok(!isOpen(idle))
  assert.ok(isOpen(busy))
  for (const outcome of await Promise.all(scans)) {
    assert.ok(symbolsOf(outcome).includes('HELLO'))
    assert.deepEqual(outcome.scanned.verdict.notes, [])
  }
  assert.ok(!isOpen(busy))
})
