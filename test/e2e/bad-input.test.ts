// What the running program answers to broken requests, broken mail, a broken data folder and a broken configuration; other clients go on.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { deflateSync } from 'node:zlib'
import { entry } from '../support/entry.js'
import { exchange } from '../support/exchange.js'
import { type Hamd, startHamd } from '../support/hamd.js'
import { needsMounts, run, runBeside } from '../support/peers.js'
import { mailOf, openFolder, until } from '../support/recipe.js'

const ham = mailOf('Hello Bob, see you on Tuesday at the usual place beside the river.')
const spamd = (verb: string, body: string, ...headers: string[]) =>
  `${[`${verb} SPAMC/1.5`, ...headers, `Content-length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`
const post = (body: string, ...headers: string[]) =>
  `${['POST /checkv2 HTTP/1.1', 'Host: x', ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`

describe('bad input', () => {
  let hamd: Hamd
  before(async () => {
    hamd = await startHamd()
  })
  after(async () => {
    assert.equal(await hamd.stop(), 0)
  })
  const ask = (request: string, halfClose = true) => exchange(hamd.scan, request, halfClose)

  describe('requests', () => {
    const bomb = deflateSync(Buffer.alloc(80 * 1024 * 1024)).toString('latin1')
    for (const [name, request, answer] of [
      ['unknown spamd verb', spamd('FROBNICATE', ham), /^SPAMD\/1\.0 76 /],
      ['neither dialect', 'hello there\r\n\r\n', /^(?:SPAMD\/1\.0 76 |HTTP\/1\.1 400|$)/],
      ['bad Content-length', `CHECK SPAMC/1.5\r\nContent-length: many\r\n\r\n${ham}`, /^SPAMD\/1\.0 76 /],
      [
        'body shorter than announced',
        `CHECK SPAMC/1.5\r\nContent-length: 9999\r\n\r\n${ham}`,
        /^SPAMD\/1\.0 76 /,
      ],
      ['larger than allowed', 'CHECK SPAMC/1.5\r\nContent-length: 99999999\r\n\r\nx', /^SPAMD\/1\.0 69 /],
      ['unknown compression', spamd('CHECK', ham, 'Compress: lzma'), /^SPAMD\/1\.0 (?:69|76) /],
      ['zlib that is none', spamd('CHECK', 'no zlib', 'Compress: zlib'), /^SPAMD\/1\.0 69 /],
      ['zlib bomb', spamd('CHECK', bomb, 'Compress: zlib'), /^SPAMD\/1\.0 69 .*larger/],
      ['endless header line', `CHECK SPAMC/1.5\r\nUser: ${'x'.repeat(100_000)}`, /^SPAMD\/1\.0 76 /],
      [
        '10,000 header lines',
        `CHECK SPAMC/1.5\r\n${'User: x\r\n'.repeat(10_000)}\r\n${ham}`,
        /^SPAMD\/1\.0 76 /,
      ],
      ['request cut off', 'CHECK SPAMC/1.5\r\nUser: x', /^SPAMD\/1\.0 76 /],
      [
        'unknown path',
        post(ham, `Content-Length: ${ham.length}`).replace('/checkv2', '/nothing'),
        /^HTTP\/1\.1 500 invalid command/,
      ],
      ['bad HTTP length', post(ham, 'Content-Length: many'), /^(?:HTTP\/1\.1 400|$)/],
      ['HTTP larger than allowed', post('x', 'Content-Length: 999999999'), /^HTTP\/1\.1 413/],
      [
        'zstd that is none',
        post('no zstd', 'Content-Length: 7', 'Compression: zstd'),
        /^HTTP\/1\.1 [45]\d\d/,
      ],
      [
        'unknown encoding',
        post('x', 'Content-Length: 1', 'Compression: lzma'),
        /^HTTP\/1\.1 (?:[45]\d\d|200)/,
      ],
      [
        'RSPAMC verb that is none',
        `FROBNICATE RSPAMC/1.3\r\nContent-length: 1\r\n\r\nx`,
        /^(?:RSPAMD\/1\.3 \d+ |SPAMD|HTTP|$)/,
      ],
    ] as const) {
      test(name, async () => {
        const reply = await ask(request)
        assert.match(reply, answer)
      })
    }
    test('empty HTTP body: an empty verdict or a refusal, at once', async () => {
      assert.match(await ask(post('', 'Content-Length: 0')), /^HTTP\/1\.1 (?:200|400|500)/)
    })
    test('clients that vanish or send a byte a second cost the others nothing', async () => {
      const slow = Array.from({ length: 20 }, (_, index) => {
        const socket = connect(hamd.scan)
        socket.on('error', () => {})
        socket.write('CHECK SPAMC/1.5\r\nContent-len')
        if (index % 2 === 0) setTimeout(() => socket.resetAndDestroy(), 5)
        return socket
      })
      const startedAt = Date.now()
      assert.match(await ask(spamd('CHECK', ham)), /^SPAMD\/1\.1 0 EX_OK/)
      assert.ok(Date.now() - startedAt < 10_000)
      for (const socket of slow) socket.destroy()
    })
    test('memory stays bounded', () => {
      const status = readFileSync(`/proc/${hamd.child.pid}/status`, 'utf8')
      assert.ok(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) < 1_500_000)
    })
  })

  describe('mail', () => {
    const nested = Array.from(
      { length: 50 },
      (_, level) => `Content-Type: multipart/mixed; boundary=b${level}\n\n--b${level}\n`,
    ).join('')
    const manyParts = `Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(100_000)}--b--\n`
    for (const [name, mail] of [
      ['empty', '\n'],
      ['no header', '\nonly a body\n'],
      ['a single line feedless byte', 'x'],
      ['multipart without boundary', `MIME-Version: 1.0\nContent-Type: multipart/mixed\n\n--b\n\nHello\n`],
      ['50 multiparts deep', `MIME-Version: 1.0\n${nested}\nHello\n`],
      ['NUL bytes', mailOf('a\0b\0\0c'.repeat(100))],
      [
        'a charset that lies',
        mailOf('\xff\xfe\x80').replace('\n\n', '\nContent-Type: text/plain; charset=utf-16le\n\n'),
      ],
      ['broken base64', mailOf('!!!').replace('\n\n', '\nContent-Transfer-Encoding: base64\n\n')],
      ['100,000 parts', `MIME-Version: 1.0\n${manyParts}`],
      ['10,000 header fields', `${'X-Field: a\n'.repeat(10_000)}\nHello\n`],
      ['one line of 20 MB', mailOf('a1 '.repeat(7_000_000))],
      ['one header of 5 MB', `Subject: ${'=?utf-8?q?x?= '.repeat(360_000)}\n\nHello\n`],
    ] as const) {
      test(`${name}: a verdict`, async () => {
        assert.match(
          await ask(spamd('CHECK', mail)),
          /^SPAMD\/1\.1 0 EX_OK\r\nSpam: (?:True|False) ; -?\d+\.\d \/ 5\.0\r\n/,
        )
      })
    }
  })

  describe('a start that cannot be', () => {
    const folder = openFolder('start')
    after(() => rmSync(folder, { recursive: true, force: true }))
    const serve = (...args: string[]) =>
      runBeside(process.execPath, [entry, 'serve', '--data', join(folder, 'data'), ...args])

    test('a wrong configuration: 78, with file, line and remedy', async () => {
      const file = join(folder, 'wrong.toml')
      writeFileSync(file, '[listen]\nscan = 783\n\n[rules]\nbuiltin = "yes"\nbogus = 1\n')
      const { status, stderr } = await serve('--config', file)
      assert.equal(status, 78, stderr)
      assert.match(stderr, /wrong\.toml:2: listen\.scan must be a list of strings/)
      assert.match(stderr, /wrong\.toml:5: rules\.builtin must be true or false/)
      assert.match(stderr, /wrong\.toml:6: unknown key bogus in \[rules\]; known: builtin/)
    })
    test('no TOML, or no such file: 78', async () => {
      const file = join(folder, 'torn.toml')
      writeFileSync(file, '[listen\n')
      assert.equal((await serve('--config', file)).status, 78)
      assert.equal((await serve('--config', join(folder, 'absent.toml'))).status, 78)
    })
    test('an address that is in use: 69', async () => {
      const taken = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => taken.once('listening', resolve))
      const { port } = taken.address() as { port: number }
      const { status, stderr } = await serve(
        '--local',
        '--workers',
        '0',
        '--scan',
        `127.0.0.1:${port}`,
        '--controller',
        '127.0.0.1:0',
      )
      taken.close()
      assert.equal(status, 69, stderr)
      assert.match(stderr, /EADDRINUSE/)
    })
    test('an unknown option: 64', async () => {
      const { status, stderr } = await serve('--frobnicate')
      assert.equal(status, 64)
      assert.match(stderr, /--frobnicate/)
    })
  })

  test('a wrong configuration at a reload: the old one stays', async () => {
    const folder = openFolder('reload')
    const file = join(folder, 'hamd.toml')
    writeFileSync(file, '[actions]\nreject = 7\n')
    const own = await startHamd({ args: ['--config', file, '--workers', '0'] })
    try {
      writeFileSync(file, '[actions]\nreject = "never"\n')
      own.child.kill('SIGHUP')
      const row = await until('the refusal', () =>
        own.log.find((line) => String(line['msg']).startsWith('not reloaded')),
      )
      assert.match(String(row['msg']), /hamd\.toml:2: actions\.reject must be a number/)
      const reply = await exchange(own.scan, post(ham, `Content-Length: ${ham.length}`))
      assert.match(reply, /"reject":7\b/)
    } finally {
      await own.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('corrupt databases are set aside by name and the mail is judged', async () => {
    const folder = openFolder('corrupt')
    const data = join(folder, 'data')
    mkdirSync(data)
    for (const name of ['learner.db', 'history.sqlite', 'scans.db', 'reputation.sqlite'])
      writeFileSync(join(data, name), `this is no database ${'x'.repeat(9000)}`)
    const own = await startHamd({ dataDir: data, args: ['--workers', '0'] })
    try {
      assert.match(await exchange(own.scan, spamd('CHECK', ham)), /^SPAMD\/1\.1 0 EX_OK/)
      const names = readdirSync(data)
      assert.ok(
        names.some((name) => name.startsWith('learner.db.damaged-')),
        String(names),
      )
      assert.ok(
        names.some((name) => /^history\.sqlite\..+/.test(name) && !/-(?:wal|shm)$/.test(name)),
        String(names),
      )
      assert.match(JSON.stringify(own.log), /learner\.db\.damaged-/)
    } finally {
      await own.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  describe('the data folder', needsMounts(), () => {
    test('full: verdicts go on, learning is refused with the reason', async () => {
      const folder = openFolder('full')
      const data = join(folder, 'data')
      mkdirSync(data)
      const own = await startHamd({
        dataDir: data,
        mounts: `mount -t tmpfs -o size=40m tmpfs '${data}'`,
        args: ['--controller', `unix:${join(folder, 'c.sock')}`, '--workers', '0'],
      })
      try {
        const inside = join('/proc', String(own.child.pid), 'root', data)
        run('/bin/dd', ['if=/dev/zero', `of=${inside}/filler`, 'bs=64k'])
        run('/bin/dd', ['if=/dev/zero', `of=${inside}/filler2`, 'bs=1'])
        const learned = await learn(join(folder, 'c.sock'))
        assert.match(learned, /full|disk|space/i)
        assert.match(await exchange(own.scan, spamd('CHECK', ham)), /^SPAMD\/1\.1 0 EX_OK/)
        rmSync(join(inside, 'filler'))
        rmSync(join(inside, 'filler2'))
        assert.match(await learn(join(folder, 'c.sock')), /"success":true/)
      } finally {
        await own.stop()
        rmSync(folder, { recursive: true, force: true })
      }
    })
    test('read-only: verdicts go on, learning is refused with the reason', async () => {
      const folder = openFolder('readonly')
      const data = join(folder, 'data')
      const first = await startHamd({ dataDir: data, args: ['--workers', '0'] })
      await first.stop()
      const own = await startHamd({
        dataDir: data,
        mounts: `mount --bind '${data}' '${data}' && mount -o remount,bind,ro '${data}'`,
        args: ['--controller', `unix:${join(folder, 'c.sock')}`, '--workers', '0'],
      })
      try {
        assert.match(await exchange(own.scan, spamd('CHECK', ham)), /^SPAMD\/1\.1 0 EX_OK/)
        assert.match(await learn(join(folder, 'c.sock')), /read-?only/i)
      } finally {
        await own.stop()
        rmSync(folder, { recursive: true, force: true })
      }
    })
  })
})

/** Body of the controller's answer, over its unix socket. */
async function learn(socket: string): Promise<string> {
  const reply = await exchange(
    { path: socket },
    `POST /learnspam HTTP/1.1\r\nHost: x\r\nContent-Length: ${ham.length}\r\nConnection: close\r\n\r\n${ham}`,
    false,
  )
  return reply
}
