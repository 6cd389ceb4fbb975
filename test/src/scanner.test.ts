// What a scanner takes over from the one before, what it holds open, and when it lets go of it.
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

test('a scanner that follows one of the same rules has its engine, but its own policy and no suspended rules; else its own engine', async () => {
  const rules = 'body HELLO /hello/\nscore HELLO 1\n'
  const first = createScanner({ ...rulingOf(rules), net: offlineNet })
  first.suspend('HELLO')
  const { policy, ...rest } = rulingOf(rules)
  const strict = { ...policy, thresholds: { reject: 0.5 } }
  const second = createScanner({ ...rest, policy: strict, net: offlineNet }, first)
  assert.equal(second.context.engine, first.context.engine)
  const third = createScanner({ ...rulingOf(`${rules}score HELLO 2\n`), net: offlineNet }, second)
  assert.notEqual(third.context.engine, first.context.engine)
  const judged = async (scanner: typeof first) => {
    const { action, score } = (await scanner.scan(requestOf('hello'))).scanned.verdict
    return [action, score]
  }
  assert.deepEqual(await judged(first), ['no action', 0])
  assert.deepEqual(await judged(second), ['reject', 1])
  assert.deepEqual(await judged(third), ['no action', 2])
})
