// The real spamc against our front, every option of reference spamd-protocol.md 3.1: what it prints and its exit code.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packageRoot } from '../../../src/root.js'
import { type SmallCore, smallCore } from '../../support/core.js'
import { missing, type Ran, run } from './peer.js'
import { gtube, ham } from './requests.js'
import { type SpamdUnderTest, serveCore } from './server.js'

const tlsFile = (name: string) => readFileSync(join(packageRoot, 'fixtures', 'tls', name))

describe('spamc', { skip: missing('spamc') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-spamc-'))
  const path = join(folder, 'spamd.sock')
  let core: SmallCore
  let plain: SpamdUnderTest
  let secure: SpamdUnderTest
  let local: SpamdUnderTest
  before(async () => {
    core = smallCore()
    plain = await serveCore(core)
    secure = await serveCore(core, {}, { tls: { key: tlsFile('key.pem'), cert: tlsFile('cert.pem') } })
    local = await serveCore(core, {}, { address: { kind: 'unix', path } })
  })
  after(async () => {
    await plain.close()
    await secure.close()
    await local.close()
    rmSync(folder, { recursive: true })
  })

  const port = (address: string) => address.slice(address.lastIndexOf(':') + 1)
  // -F: no configuration file of the machine may change what the options mean.
  const spamc = (args: readonly string[], input = ham, server = plain): Promise<Ran> =>
    run('spamc', ['-F', '/dev/null', '-d', '127.0.0.1', '-p', port(server.address), ...args], input)
  const marked = (message: string, flag: string) => `X-Spam-Flag: ${flag}\n${message}`

  test('-c', async () => {
    assert.deepEqual(await spamc(['-c']), { code: 0, out: '0.0/5.0\n', err: '' })
    assert.deepEqual(await spamc(['-c'], gtube), { code: 1, out: '1000.0/5.0\n', err: '' })
  })

  test('filtering: plain, -E, -x -E', async () => {
    assert.deepEqual(await spamc([]), { code: 0, out: marked(ham, 'NO'), err: '' })
    assert.deepEqual(await spamc(['-E']), { code: 0, out: marked(ham, 'NO'), err: '' })
    assert.deepEqual(await spamc(['-E'], gtube), { code: 1, out: marked(gtube, 'YES'), err: '' })
    assert.deepEqual(await spamc(['-x', '-E'], gtube), { code: 1, out: marked(gtube, 'YES'), err: '' })
  })

  test('-R, -R -E, -r', async () => {
    const report = (names: string) => `Report on\n caf\xc3\xa9\n${names}\n\n`
    assert.deepEqual(await spamc(['-R']), { code: 0, out: `0.0/5.0\n${report('')}`, err: '' })
    assert.deepEqual(await spamc(['-R', '-E'], gtube), {
      code: 1,
      out: `1000.0/5.0\n${report('GTUBE')}`,
      err: '',
    })
    // REPORT_IFSPAM says Yes, which spamc does not take for True: no score line, exit 0 even with -E.
    assert.deepEqual(await spamc(['-r', '-E'], gtube), { code: 0, out: report('GTUBE'), err: '' })
    assert.equal((await spamc(['-r'])).out, '')
  })

  test('-y and --headers', async () => {
    assert.deepEqual(await spamc(['-y'], gtube), { code: 0, out: 'GTUBE', err: '' })
    assert.deepEqual(await spamc(['-y']), { code: 0, out: '', err: '' })
    assert.deepEqual(await spamc(['--headers']), { code: 0, out: marked(ham, 'NO'), err: '' })
  })

  test('-K', async () =>
    assert.deepEqual(await spamc(['-K'], ''), { code: 0, out: 'SPAMD/1.5 0\n', err: '' }))

  test('-L spam, ham, forget, each twice; -C without reporters', async () => {
    const say = async (...args: string[]) => (await spamc(args, gtube)).out
    assert.match(await say('-L', 'spam'), /^Message successfully un\/learned/)
    assert.match(await say('-L', 'spam'), /^Message was already un\/learned/)
    assert.match(await say('-L', 'ham'), /^Message successfully un\/learned/)
    assert.match(await say('-L', 'ham'), /^Message was already un\/learned/)
    assert.match(await say('-L', 'forget'), /^Message successfully un\/learned/)
    assert.match(await say('-L', 'forget'), /^Message was already un\/learned/)
    assert.match(await say('-C', 'report'), /^Unable to report\/revoke message/)
    assert.match(await say('-C', 'revoke'), /^Unable to report\/revoke message/)
  })

  test('-u with blanks, -U, -s, -B, -e', async () => {
    assert.equal((await spamc(['-c', '-u', 'a b@c.d'])).code, 0)
    assert.equal(core.requests.at(-1)!.user, 'a b@c.d')
    assert.deepEqual(await run('spamc', ['-F', '/dev/null', '-U', path, '-c'], gtube), {
      code: 1,
      out: '1000.0/5.0\n',
      err: '',
    })
    assert.deepEqual(await spamc(['-s', '100']), { code: 0, out: ham, err: '' })
    const bsmtp = `EHLO x\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n${ham}.\nQUIT\n`
    const batch = await spamc(['-B'], bsmtp)
    assert.ok(batch.out.includes(`DATA\nX-Spam-Flag: NO\n`), batch.out)
    assert.equal((await spamc(['-e', '/bin/cat'])).out, marked(ham, 'NO'))
  })

  test('-S: every run works, also when the answer comes late', async () => {
    for (let time = 0; time < 5; time++) {
      assert.deepEqual(await spamc(['-S', '-c'], gtube, secure), { code: 1, out: '1000.0/5.0\n', err: '' })
      assert.equal((await spamc(['-S', '-E'], gtube, secure)).out, marked(gtube, 'YES'))
      assert.match((await spamc(['-S', '-R'], ham, secure)).out, /^0\.0\/5\.0\nReport/)
      assert.match(
        (await spamc(['-S', '-L', 'spam'], gtube, secure)).out,
        /^Message (?:successfully|was already)/,
      )
    }
    const late = await spamc(['-S', '-x'], `Test-Wait: 300\n${ham}`, secure)
    assert.equal(late.code, 0)
    // A plain client at a TLS port fails and goes on to its next server.
    assert.equal((await spamc(['-x'], ham, secure)).code !== 0, true)
  })

  test('a server that refuses, and one that is not there', async () => {
    const closed = await serveCore(core, { allowTell: false })
    assert.equal((await spamc(['-L', 'spam'], gtube, closed)).code, 74)
    await closed.close()
    assert.deepEqual(await spamc(['-c'], gtube, closed), { code: 0, out: '0/0\n', err: '' })
    const quick = ['--connect-retries', '1', '--retry-sleep', '0']
    assert.equal((await spamc(['-x', ...quick], gtube, closed)).code, 69)
    assert.equal((await spamc(['-x', '-X', ...quick], gtube, closed)).code, 75)
    const next = await run(
      'spamc',
      ['-F', '/dev/null', '-d', '127.0.0.9,127.0.0.1', '-p', port(plain.address), '-c', '--retry-sleep', '0'],
      gtube,
    )
    assert.deepEqual(next, { code: 1, out: '1000.0/5.0\n', err: '' })
  })

  test('a server that accepts and stalls', async () => {
    let connections = 0
    const stalled = createServer(() => connections++)
    await new Promise<void>((resolve) => stalled.listen(0, '127.0.0.1', resolve))
    const address = `x:${(stalled.address() as { port: number }).port}`
    const server = { address, close: async () => {} }
    assert.equal((await spamc(['-t', '1', '-x'], ham, server)).code, 74)
    connections = 0
    await spamc(['-t', '1', '-x', '--filter-retries', '2', '--filter-retry-sleep', '0'], ham, server)
    assert.equal(connections, 2)
    stalled.close()
  })

  test('an error line makes spamc hand the mail through', async () => {
    const failing = `Test-Fail: queue\n${ham}`
    assert.deepEqual(await spamc([], failing), { code: 0, out: failing, err: '' })
    assert.equal((await spamc(['-x'], failing)).code, 74)
    assert.equal((await spamc(['-c'], failing)).out, '0/0\n')
  })

  test('twenty at once', async () => {
    const slow = `Test-Wait: 100\n${gtube}`
    const all = await Promise.all(Array.from({ length: 20 }, () => spamc(['-c'], slow)))
    for (const { out } of all) assert.equal(out, '1000.0/5.0\n')
  })

  test('a large message', async () => {
    const large = ham + 'x'.repeat(70).concat('\n').repeat(6000)
    assert.equal((await spamc(['-x'], large)).out, marked(large, 'NO'))
  })
})
