// Pairs: the same bytes to a real spamd and to our front with the same stock rules; what comes back must be the same bytes, apart from
// host names, dates, boundaries and the order of report rows. And what a real spamd once answered (fixtures/wire/spamd.jsonl.gz) must
// have the form of our answers also where no spamd is installed.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { packageRoot } from '../../../src/root.js'
import type { Core } from '../../../src/types.js'
import { smallCore } from '../../support/core.js'
import { exchange } from '../../support/wire.js'
import { childTimeoutSeconds, missing, type SpamdPeer, startSpamd } from './peer.js'
import { askAll, comparable, type Exchange, exchanges } from './requests.js'
import { type SpamdUnderTest, serveCore, stockCore } from './server.js'

const timeouts = { firstLineMs: 1000, requestMs: childTimeoutSeconds * 1000 }

describe('beside a real spamd', { skip: missing('spamd') }, () => {
  let peer: SpamdPeer
  let ours: SpamdUnderTest
  let theirs: Map<string, string>
  let mine: Map<string, string>
  const lines: string[] = []
  before(async () => {
    peer = await startSpamd()
    ours = await serveCore(stockCore(), { ...timeouts, line: (line) => lines.push(line) })
    theirs = await askAll(peer.address)
    mine = await askAll(ours.address)
  })
  after(async () => {
    await ours.close()
    await peer.stop()
  })
  for (const { name } of exchanges)
    test(name, () => assert.equal(comparable(mine.get(name)!), comparable(theirs.get(name)!)))

  test('log lines', async () => {
    // The last line of a request is written after its answer.
    await new Promise((resolve) => setTimeout(resolve, 200))
    const wanted = (line: string) =>
      /^spamd: (?!server|restarting|alive|cannot|handle|fixup|still|setuid)/.test(line)
    const logged = peer.log().filter(wanted).map(comparableLine)
    assert.deepEqual([...new Set(lines.map(comparableLine))].sort(), [...new Set(logged)].sort())
  })

  test('real mail, marked and reported on', async () => {
    let compared = 0
    for (const [index, file] of corpusFiles(400).entries()) {
      const mail = readFileSync(file, 'latin1')
      const verb = index % 2 === 0 ? 'PROCESS' : 'REPORT'
      const request = `${verb} SPAMC/1.5\r\nContent-length: ${mail.length}\r\n\r\n${mail}`
      const [wanted, got] = await Promise.all(
        [peer, ours].map(async ({ address }) => (await exchange(address, request, 'half-close')).text),
      )
      // These rules match with what the child saw first in its life (Perl's /o), so its answer depends on its past.
      if (/\b(?:FREEMAIL|GB)_/.test(wanted! + got!)) continue
      assert.equal(comparable(got!), comparable(wanted!), file)
      compared++
    }
    assert.ok(compared >= 10)
  })
})

describe('beside what a real spamd answered once', () => {
  const path = join(packageRoot, 'fixtures', 'wire', 'spamd.jsonl.gz')
  assert.ok(existsSync(path))
  const recorded = gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Exchange & { readonly reply: string })
  let ours: SpamdUnderTest
  let mine: Map<string, string>
  before(async () => {
    ours = await serveCore(withOneHit(smallCore()), timeouts)
    mine = await askAll(ours.address)
  })
  after(() => ours.close())

  test('the recording holds every request', () =>
    assert.deepEqual(
      recorded.map(({ name }) => name),
      exchanges.map(({ name }) => name),
    ))
  for (const { name, reply } of recorded) test(name, () => assert.equal(form(mine.get(name)!), form(reply)))
})

/** What differs from connection to connection: ports, descriptor, time, account, Bayes and its state. */
function comparableLine(line: string): string {
  return line
    .replace(/\]:\d+ to port \d+, fd \d+/, ']:PORT to port PORT, fd N')
    .replace(/:\d+ in \d+\.\d seconds/, ':UID in T seconds')
    .replace(/:\d+$/, ':UID')
    .replace(/scantime=\d+\.\d/, 'scantime=T')
    .replace(/uid=\d+/, 'uid=UID')
    .replace(/rport=\d+/, 'rport=PORT')
    .replace(/ in \d+\.\d seconds/, ' in T seconds')
}

/** Every so many-th message of the public corpus. */
function corpusFiles(every: number): string[] {
  const folder = join(packageRoot, 'node_modules', '@stdlib', 'datasets-spam-assassin', 'data')
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.txt'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .filter((_, index) => index % every === 3)
}

/** The recorded ham hit one rule; the small core finds one as well, so that lists are not empty. */
function withOneHit(core: Core): Core {
  return {
    ...core,
    async scan(request) {
      const scanned = await core.scan(request)
      const { verdict } = scanned
      if (verdict.hits.length > 0) return scanned
      const hit = { symbol: 'TEST', score: 1, count: 1, details: [], area: '', description: '' }
      return { ...scanned, verdict: { ...verdict, hits: [hit] } }
    },
  }
}

/** Head of a reply with its numbers taken out; of the body whether there is one and how it ends. */
function form(reply: string): string {
  const end = reply.indexOf('\r\n\r\n')
  const head = end < 0 ? reply : reply.slice(0, end + 4)
  const body = reply.slice(head.length)
  const plain = head
    .replace(/^Content-length: [1-9]\d*/m, 'Content-length: N')
    .replace(/^(Spam: \w+ ; )-?\d+\.\d \/ \d+\.\d/m, '$1n.n / n.n')
    // At 1.0 and 1.1 the message follows at once.
    .replace(/^(SPAMD\/1\.0 0 EX_OK\r\n).*$/s, '$1message')
  if (body === '' || plain.endsWith('message')) return plain
  return plain + (body === '\r\n' ? body : `body${body.endsWith('\r\n') ? '\r\n' : ''}`)
}
