// The real rspamc against our ports: points 40 to 42 of the conformance list.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createController } from '../../../server/controller/index.js'
import { needs } from '../../support/peers.js'
import { type TestCore, testCore } from './core.js'
import { type Ran, type RspamdPeer, run, startRspamd } from './peer.js'
import { gtube, ham, type ScanServer, scanServer, scored } from './wire.js'

describe('rspamc', needs('rspamc', 'rspamd'), () => {
  let core: TestCore
  let server: ScanServer
  let peer: RspamdPeer
  let controller: ReturnType<typeof createController>
  let control: string
  const folder = mkdtempSync(join(tmpdir(), 'hamd-rspamc-'))
  const file = (name: string) => join(folder, name)

  before(async () => {
    core = testCore()
    server = await scanServer(core, { scanIds: false })
    controller = createController(core, { password: 'readpw', enablePassword: 'enablepw' })
    control = await controller.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    peer = await startRspamd()
    writeFileSync(file('ham'), ham)
    writeFileSync(file('spam'), scored(7.14))
    writeFileSync(file('gtube'), gtube)
  })
  after(async () => {
    await server.close()
    await controller.close()
    await peer.stop()
    rmSync(folder, { recursive: true })
  })

  /** Output without times, and without what our replies have beyond those of 3.4. */
  function comparable({ code, out }: Ran): { code: number | null; lines: string[] } {
    const lines = out
      .replace(/\([\d.]+ seconds\)/g, '(T seconds)')
      .replace(/("?(?:scan_time|time_real)"?\s*[:=] ?)[\d.e-]+/g, '$1T')
      .replace(/X-Spam-Scan-Time: .*/g, 'X-Spam-Scan-Time: T')
      .replace(/^(?:Date|Server|Content-Length|date|server|content-length):.*$/gm, '')
      .replace(/"?milter"? ?[:=]? ?\{[^{}]*\{[^{}]*\}[^{}]*\},?;?/g, '')
      .replace(/"?thresholds"? ?[:=]? ?\{[^{}]*\},?;?/g, '')
      .split('\n')
      .map((line) => line.trim().replace(/,$/, ''))
      .filter((line) => line !== '')
    return { code, lines: lines.sort() }
  }

  const scans: Record<string, [string[], string?]> = {
    'a file': [[file('ham')]],
    'standard input': [[], ham],
    'several files': [['-n', '2', file('ham'), file('spam'), file('gtube')]],
    spam: [[file('spam')]],
    gtube: [[file('gtube')]],
    'as JSON': [['-j', file('spam')]],
    'compact JSON': [['--compact', '-j', file('gtube')]],
    'as UCL': [['--ucl', file('ham')]],
    'reply headers': [['--headers', file('ham')]],
    'the message marked up': [['-m', file('spam')]],
    'the message marked up, LF': [['-m'], scored(7.14).replaceAll('\r', '')],
    compressed: [['-z', file('spam')]],
    'extended URLs': [['--extended-urls', '-j', '--compact', file('ham')]],
    'raw and pass all': [['--raw', '-p', file('ham')]],
    'all sender options': [
      [
        ...[
          '-i',
          '10.1.2.3',
          '-u',
          'joe',
          '-d',
          'bob@example.net',
          '-F',
          'alice@example.com',
          '-r',
          'bob@example.net',
        ],
        ...['--helo', 'mx.example.com', '--hostname', 'host.example.com', '--header', 'Settings-ID: nospam'],
        file('ham'),
      ],
    ],
  }
  for (const [name, [args, input]] of Object.entries(scans)) {
    test(`scans ${name} as against rspamd (40)`, async () => {
      const mine = await run('rspamc', ['-h', `127.0.0.1:${server.port}`, ...args], input)
      const theirs = await run('rspamc', ['-h', `127.0.0.1:${peer.scanPort}`, ...args], input)
      if (name === 'raw and pass all') {
        // --raw makes rspamd skip MIME and hence all header rules; we scan as ever.
        assert.equal(mine.code, 0)
        return
      }
      assert.deepEqual(comparable(mine), comparable(theirs))
      assert.equal(mine.code, 0)
    })
  }

  test('sender options reach the envelope (40)', async () => {
    core.requests.length = 0
    await run('rspamc', ['-h', `127.0.0.1:${server.port}`, ...scans['all sender options']![0]])
    assert.deepEqual(core.requests[0]!.envelope, {
      ip: '10.1.2.3',
      helo: 'mx.example.com',
      hostname: 'host.example.com',
      mailFrom: 'alice@example.com',
      authUser: 'joe',
      rcptTo: ['bob@example.net'],
    })
  })

  const command = (...args: string[]) => run('rspamc', ['-h', control, ...args])

  test('learning: learned, known, switched, refused, not allowed (41)', async () => {
    const learn = (kind: string, name: string) => command('-P', 'enablepw', `learn_${kind}`, file(name))
    const first = await learn('spam', 'spam')
    assert.equal(first.code, 0)
    assert.match(first.out, /success = true;/)
    const again = await learn('spam', 'spam')
    assert.equal(again.code, 0)
    assert.match(again.out, /error = "<m1@example.com> has been already learned as spam, ignore it";/)
    const switched = await learn('ham', 'spam')
    assert.match(switched.out, /success = true;/)
    writeFileSync(file('short'), 'hi')
    const short = await learn('spam', 'short')
    assert.equal(short.code, 0)
    assert.match(short.out, /contains less tokens than required/)
    const readOnly = await command('-P', 'readpw', 'learn_spam', file('ham'))
    assert.equal(readOnly.code, 1)
    assert.match(readOnly.out + readOnly.err, /401, Unauthorized/)
    const classifier = await command('-P', 'enablepw', '-c', 'nosuch', 'learn_spam', file('ham'))
    assert.equal(classifier.code, 1)
    assert.match(classifier.out + classifier.err, /404, cannot find classifier with name nosuch/)
    assert.equal((await command('-P', 'enablepw', '-c', 'bayes', 'learn_spam', file('ham'))).code, 0)
    assert.equal(core.learned.at(-1)!.source, 'controller 127.0.0.1')
  })

  test('statistics commands print and exit 0 (41)', async () => {
    const stat = await command('-P', 'readpw', 'stat')
    assert.equal(stat.code, 0)
    assert.match(stat.out, /Messages scanned: \d+/)
    assert.match(stat.out, /Messages with action reject: \d+/)
    assert.match(stat.out, /Statfile: BAYES_SPAM type: sqlite3;/)
    assert.match(stat.out, /Total learns: \d+/)
    const counters = await command('-P', 'readpw', 'counters')
    assert.equal(counters.code, 0)
    assert.match(counters.out, /TEST_HIT/)
    assert.equal((await command('-P', 'readpw', 'uptime')).code, 0)
    assert.equal((await command('-P', 'readpw', 'stat_reset')).code, 1)
    assert.equal((await command('-P', 'enablepw', 'stat_reset')).code, 0)
    assert.match((await command('-P', 'readpw', 'stat')).out, /Messages scanned: 0/)
  })

  test('what we do not have fails as in a rspamd without the module (41)', async () => {
    const fuzzy = await command('-P', 'enablepw', '-f', '1', '-w', '10', 'fuzzy_add', file('ham'))
    assert.equal(fuzzy.code, 1)
    assert.match(fuzzy.out + fuzzy.err, /500, Module disabled/)
    const refused = await run('rspamc', ['-h', '127.0.0.1:1', 'stat'])
    assert.equal(refused.code, 1)
  })

  test('scanning through the controller port: without a password where none is set, else with it (42)', async (t) => {
    const open = createController(core)
    t.after(() => open.close())
    const bound = await open.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    const scan = await run('rspamc', ['-h', bound], ham)
    assert.equal(scan.code, 0)
    assert.match(scan.out, /Symbol: TEST_HIT \(1\.50\)\[one, ?two\]/)
    assert.equal((await run('rspamc', ['-h', control], ham)).code, 1)
    assert.equal((await run('rspamc', ['-h', control, '-P', 'readpw'], ham)).code, 0)
  })
})
