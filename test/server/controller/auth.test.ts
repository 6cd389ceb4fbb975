// Rights on the controller: points 30 to 33 of the conformance list.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Authority } from '../../../server/controller/auth.js'
import type { ControllerOptions } from '../../../server/controller/context.js'
import { createController } from '../../../server/controller/index.js'
import { HeaderList } from '../../../server/http-headers.js'
import { ByteBudget } from '../../../server/http-memory.js'
import type { HttpCall } from '../../../server/rspamd/http-scan.js'
import { testCore } from '../rspamd/core.js'
import { ask, ham } from '../rspamd/wire.js'

const pbkdf = '$1$84tr4x74kokgda3g1porsqj5ks4nt5ni$q9stmszqwtdpux9anfw6stqtm631gmpqbkywt313pux3kkfbae6y'
const readPaths = [
  ...['/stat', '/auth', '/symbols', '/actions', '/maps', '/getmap', '/pie', '/graph?type=day', '/counters'],
  ...['/history', '/neighbours', '/plugins', '/metrics', '/checkv2', '/check', '/scan'],
]
const fullPaths = [
  ...['/statreset', '/historyreset', '/errors', '/learnspam', '/learnham', '/learnclass', '/savemap'],
  ...['/saveactions', '/savesymbols', '/fuzzyadd', '/fuzzydel', '/fuzzydelhash'],
]

const opened: { close(): Promise<void> }[] = []
after(async () => {
  for (const controller of opened) await controller.close()
})

async function open(options: Partial<ControllerOptions>, path?: string) {
  const controller = createController(testCore(), options)
  const bound = await controller.listen(
    path === undefined ? { kind: 'tcp', host: '127.0.0.1', port: 0 } : { kind: 'unix', path },
  )
  const to = path ?? Number(bound.split(':')[1])
  const status = async (target: string, ...headers: string[]) =>
    (await ask(to, target, { headers, body: ham })).status
  opened.push(controller)
  return { to, status, close: () => controller.close() }
}

describe('rights', () => {
  let both: Awaited<ReturnType<typeof open>>

  before(async () => {
    both = await open({ password: 'readpw', enablePassword: pbkdf })
  })
  after(() => both.close())

  test('without a password 401 everywhere but on open paths (30)', async () => {
    for (const path of [...readPaths, ...fullPaths]) assert.equal(await both.status(path), 401, path)
    const reply = await ask(both.to, '/stat')
    assert.equal(`${reply.status} ${reply.phrase}`, '401 Unauthorized')
    assert.deepEqual(reply.json, { error: 'Unauthorized' })
    assert.equal(reply.headers.has('www-authenticate'), false)
    assert.equal(reply.headers.get('cache-control'), 'no-store')
    assert.equal(await both.status('/ping'), 200)
    assert.equal(await both.status('/nosuch'), 404)
    assert.equal((await ask(both.to, '/stat', { method: 'OPTIONS' })).status, 200)
  })

  test('probes from the machine itself need none; forwarded ones do not become local (30)', async () => {
    assert.equal(await both.status('/ready'), 200)
    assert.equal(await both.status('/healthy'), 200)
    assert.equal(await both.status('/ready', 'X-Forwarded-For: 203.0.113.9'), 401)
  })

  test('the read password reads and scans (31)', async () => {
    for (const path of readPaths) assert.notEqual(await both.status(path, 'Password: readpw'), 401, path)
    for (const path of fullPaths) assert.equal(await both.status(path, 'Password: readpw'), 401, path)
    assert.equal((await ask(both.to, '/stat', { headers: ['PASSWORD: readpw'] })).json.read_only, true)
  })

  test('the enable password does everything, as a header or an argument (32)', async () => {
    for (const path of [...readPaths, ...fullPaths]) {
      assert.notEqual(await both.status(path, 'Password: secretpw'), 401, path)
    }
    const reply = await ask(both.to, '/stat?PassWord=secretpw')
    assert.equal(reply.json.read_only, false)
    for (const word of ['q1', 'q2', '', 'secretpx', pbkdf]) {
      assert.equal(await both.status('/stat', `Password: ${word}`), 401)
    }
    const single = await open({ password: 'onlypw' })
    assert.equal(await single.status('/learnspam', 'Password: onlypw'), 200)
    assert.equal(await single.status('/stat'), 401)
    await single.close()
  })

  test('the forwarded address counts, and only takes trust away (33)', async () => {
    const trusting = await open({ password: 'readpw', secureIps: ['127.0.0.1', '192.0.2.0/24'] })
    const cases: [string[], number][] = [
      [[], 200],
      [['X-Forwarded-For: 192.0.2.50'], 200],
      [['X-Forwarded-For: 203.0.113.9'], 401],
      [['X-Forwarded-For: 203.0.113.9, 192.0.2.50'], 200],
      [['X-Forwarded-For: 192.0.2.50, 203.0.113.9'], 401],
      [['X-Forwarded-For: unknown'], 401],
      [['X-Forwarded-For: '], 401],
      [['X-Real-IP: 203.0.113.9'], 401],
      [['X-Real-IP: 192.0.2.1'], 200],
      [['X-Forwarded-For: 192.0.2.1', 'X-Real-IP: 203.0.113.9'], 200],
      [['X-Forwarded-For: 203.0.113.9', 'Password: readpw'], 200],
    ]
    for (const [headers, expected] of cases) {
      assert.equal(await trusting.status('/statreset', ...headers), expected, headers.join())
    }
    await trusting.close()
    const untrusted = await open({ password: 'readpw', secureIps: ['192.0.2.0/24'] })
    assert.equal(await untrusted.status('/stat', 'X-Forwarded-For: 192.0.2.50'), 401)
    await untrusted.close()
  })

  test('a unix socket is trusted, unless it forwards for somebody (33)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hamd-unix-'))
    const path = join(folder, 'control')
    const local = await open({ password: 'readpw' }, path)
    assert.equal(statSync(path).mode & 0o777, 0o660)
    assert.equal(await local.status('/learnspam'), 200)
    assert.equal(await local.status('/learnspam', 'X-Forwarded-For: 203.0.113.9'), 401)
    assert.equal(await local.status('/stat', 'X-Forwarded-For: 203.0.113.9', 'Password: readpw'), 200)
    await local.close()
    rmSync(folder, { recursive: true })
  })

  test('no password configured: loopback reads and scans, nobody writes', async () => {
    const bare = await open({})
    assert.equal((await ask(bare.to, '/stat')).json.read_only, true)
    assert.equal(await bare.status('/checkv2'), 200)
    assert.equal(await bare.status('/learnspam'), 401)
    assert.equal(await bare.status('/stat', 'X-Forwarded-For: 203.0.113.9'), 401)
    await bare.close()
  })

  function call(address: string, headers: [string, string][]): HttpCall {
    return {
      method: 'GET',
      path: '/stat',
      query: new Map(),
      headers: new HeaderList(headers),
      body: new Uint8Array(0),
      peer: { address, unix: false },
      holding: new ByteBudget(1).open(),
    }
  }

  test('a stranger cannot pass for a local client by a header', async () => {
    const bare = new Authority({ secureIps: [] })
    assert.equal(await bare.rightsOf(call('127.0.0.1', [])), 'read')
    assert.equal(await bare.rightsOf(call('203.0.113.1', [])), 'none')
    assert.equal(await bare.rightsOf(call('203.0.113.1', [['x-forwarded-for', '127.0.0.1']])), 'none')
    assert.equal(await bare.rightsOf(call('203.0.113.1', [['x-real-ip', '::1']])), 'none')
    assert.equal(await bare.rightsOf(call('unknown', [])), 'none')
  })

  test('many wrong passwords from one source are throttled, the right one known before is not', async () => {
    const clock = { now: 0 }
    const authority = new Authority({ password: 'readpw', secureIps: [] }, () => clock.now)
    const rights = (password: string, address = '203.0.113.1', forwarded = '198.51.100.1') =>
      authority.rightsOf(
        call(address, [
          ['password', password],
          ['x-forwarded-for', forwarded],
        ]),
      )
    assert.equal(await rights('readpw'), 'full')
    for (let i = 0; i < 10; i++)
      assert.equal(await rights(`wrong${i}`, '203.0.113.1', `198.51.100.${i}`), 'none')
    assert.equal(await rights('wrong'), 'throttled')
    assert.equal(await rights('readpw'), 'full')
    assert.equal(await rights('wrong', '203.0.113.2'), 'none')
    clock.now += 61_000
    assert.equal(await rights('wrong'), 'none')
  })

  test('only a few passwords are verified at once', async () => {
    const authority = new Authority({ password: pbkdf, secureIps: [] })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        authority.rightsOf(call(`203.0.113.${i}`, [['password', 'wrong']])),
      ),
    )
    assert.equal(answers.filter((answer) => answer === 'throttled').length, 12)
    assert.equal(await authority.rightsOf(call('203.0.113.99', [['password', 'secretpw']])), 'full')
  })

  test('passwords that cannot work stop the start', () => {
    assert.throws(() => createController(testCore(), { password: 'q1' }), /password: .*choose another/)
    assert.throws(
      () => createController(testCore(), { enablePassword: '$2$x$y' }),
      /enable_password: .*cannot be read/,
    )
  })
})
