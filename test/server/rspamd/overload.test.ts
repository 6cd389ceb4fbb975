// Hostile and unlucky clients of the scan port: memory and time stay bounded, and everybody else is answered meanwhile.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, beforeEach, describe, test } from 'node:test'
import { createController } from '../../../server/controller/index.js'
import { ByteBudget } from '../../../server/http-memory.js'
import type { RspamdOptions } from '../../../server/rspamd/options.js'
import { CoreError } from '../../../src/errors.js'
import { scanText, type TestCore, testCore } from './core.js'
import { ask, exchange, ham, parseReply, type ScanServer, scanServer } from './wire.js'

describe('scan port under stress', () => {
  let core: TestCore
  const servers: ScanServer[] = []
  const sockets: Socket[] = []

  beforeEach(() => {
    core = testCore()
  })
  after(async () => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) await server.close()
  })

  async function start(options: Partial<RspamdOptions> = {}): Promise<number> {
    const server = await scanServer(core, options)
    servers.push(server)
    return server.port
  }

  function dial(port: number): Promise<Socket> {
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket))
      socket.on('error', () => {})
      sockets.push(socket)
    })
  }

  /** The rest of the world: a scan that must be answered quickly whatever else goes on. */
  async function othersAreServed(port: number): Promise<void> {
    const started = performance.now()
    assert.equal((await ask(port, '/checkv2', { body: ham })).json.score, 1.5)
    assert.ok(performance.now() - started < 3000)
  }

  test('a full queue is 503 with Retry-After, in JSON and in text', async () => {
    const port = await start()
    core.onScan = () => Promise.reject(new CoreError('overloaded', 'the scan queue is full'))
    const replies = await Promise.all(Array.from({ length: 50 }, () => ask(port, '/checkv2', { body: ham })))
    for (const reply of replies) {
      assert.equal(`${reply.status} ${reply.phrase}`, '503 the scan queue is full')
      assert.equal(reply.headers.get('retry-after'), '5')
      assert.deepEqual(reply.json, { error: 'the scan queue is full' })
    }
    assert.equal((await ask(port, '/ping')).status, 200)
  })

  test('slow clients end at the time limit; others are served', async () => {
    const port = await start({ requestMs: 400 })
    const slow = [
      'POST /checkv2 HTTP/1.1\r\nContent-Le',
      'POST /checkv2 HTTP/1.1\r\nContent-Length: 5000\r\n\r\nFrom: x',
      'POST /checkv2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\nx',
      'CHECK RSPAMC/1.3\r\nContent-length: 900\r\n\r\nx',
    ]
    const started = performance.now()
    const ends = Promise.all(slow.map((text) => exchange(port, { send: [text] })))
    await othersAreServed(port)
    const [head, body, chunk, text] = await ends
    assert.ok(performance.now() - started < 4000)
    for (const bytes of [head, body, chunk]) assert.equal(parseReply(bytes).status, 408)
    assert.equal(text!.length, 0)
  })

  test('a client that trickles bytes gains no time', async () => {
    const port = await start({ requestMs: 300 })
    const started = performance.now()
    const bytes = await exchange(port, {
      send: Array.from({ length: 40 }, () => 'X: y\r\n').toSpliced(0, 0, 'POST /checkv2 HTTP/1.1\r\n'),
      pauseMs: 50,
    })
    assert.equal(parseReply(bytes).status, 408)
    assert.ok(performance.now() - started < 4000)
  })

  test('ten thousand headers are read, a megabyte of them is refused', async () => {
    const port = await start()
    const headers = Array.from({ length: 10_000 }, (_, i) => `Rcpt: <user${i}@example.com>`)
    assert.equal((await ask(port, '/checkv2', { body: ham, headers })).status, 200)
    assert.equal(core.requests[0]!.envelope.rcptTo.length, 10_000)
    const many = Array.from({ length: 60_000 }, (_, i) => `Rcpt: <user${i}@example.com>`)
    const refused = await exchange(port, { send: [`POST /checkv2 HTTP/1.1\r\n${many.join('\r\n')}\r\n\r\n`] })
    assert.equal(parseReply(refused).status, 413)
    await othersAreServed(port)
  })

  test('broken chunking closes without a verdict', async () => {
    const port = await start()
    const start1 = 'POST /checkv2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'
    for (const rest of [
      'zz\r\n',
      '-5\r\nhello\r\n0\r\n\r\n',
      '5\r\nhello!\r\n0\r\n\r\n',
      `5;${'x'.repeat(5000)}\r\n`,
    ]) {
      assert.equal((await exchange(port, { send: [start1 + rest] }))?.length, 0)
    }
    const cut = await exchange(port, { send: [`${start1}5\r\nhel`], halfClose: true })
    assert.equal(cut?.length, 0)
    assert.equal(core.requests.length, 0)
  })

  test('zstd bombs are refused, in little time and memory, others served meanwhile', async () => {
    const port = await start()
    const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x58, 0, 0, 0, 0])
    const block = Buffer.from([0x02, 0x00, 0x10, 0x61])
    const bomb = Buffer.concat([header, ...Array.from({ length: 20_000 }, () => block)])
    const before = process.memoryUsage()
    const started = performance.now()
    const bombs = Array.from({ length: 8 }, () =>
      ask(port, '/checkv2', { body: bomb, headers: ['Compression: zstd'] }),
    )
    await othersAreServed(port)
    for (const reply of await Promise.all(bombs)) assert.ok([413, 503].includes(reply.status), reply.phrase)
    assert.ok(performance.now() - started < 20_000)
    assert.ok(process.memoryUsage().arrayBuffers - before.arrayBuffers < 700 * 1024 * 1024)
    assert.deepEqual(
      core.requests.map((request) => request.raw.length),
      [ham.length],
    )
  })

  test('large uploads that stall use up the budget; ordinary mail still passes, and all of it comes back', async () => {
    const budget = new ByteBudget(4 * 1024 * 1024)
    const port = await start({ budget })
    const stalled = await Promise.all(Array.from({ length: 3 }, () => dial(port)))
    const megabyte = Buffer.alloc(1_500_000, 'x')
    for (const socket of stalled) {
      socket.write('POST /checkv2 HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n')
      socket.write(megabyte)
    }
    while (budget.bytesUsed < 3_000_000) await new Promise((resolve) => setTimeout(resolve, 10))
    const refused = await ask(port, '/checkv2', { body: megabyte })
    assert.equal(refused.status, 503)
    assert.equal(refused.headers.get('retry-after'), '5')
    await othersAreServed(port)
    for (const socket of stalled) socket.destroy()
    while (budget.bytesUsed > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal((await ask(port, '/checkv2', { body: megabyte })).status, 200)
    assert.equal(budget.bytesUsed, 0)
  })

  test('clients that break off at any point leave nothing behind', async () => {
    const budget = new ByteBudget(64 * 1024 * 1024, 0)
    const port = await start({ budget })
    core.onScan = (request) => new Promise((resolve) => setTimeout(() => resolve(scanText(request)), 50))
    const text = `POST /checkv2 HTTP/1.1\r\nContent-Length: ${ham.length}\r\n\r\n${ham}`
    for (let at = 0; at <= text.length; at += 23) {
      const socket = await dial(port)
      socket.write(text.slice(0, at))
      setImmediate(() => socket.resetAndDestroy())
    }
    await othersAreServed(port)
    for (let tries = 0; budget.bytesUsed > 0 && tries < 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.equal(budget.bytesUsed, 0)
  })

  test('hundreds of idle connections disturb nobody', async () => {
    const port = await start()
    const idle = await Promise.all(Array.from({ length: 400 }, () => dial(port)))
    for (const socket of idle) socket.write('POST /checkv2 HTTP/1.1\r\n')
    await othersAreServed(port)
    const busy = await Promise.all(Array.from({ length: 100 }, () => ask(port, '/checkv2', { body: ham })))
    assert.ok(busy.every((reply) => reply.json.score === 1.5))
    for (const socket of idle) socket.destroy()
  })

  test('mutilated requests end neither server', async (t) => {
    const port = await start({ requestMs: 500 })
    const controller = createController(core, { secureIps: ['127.0.0.1'] })
    t.after(() => controller.close())
    const bound = await controller.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 })
    const valid = Buffer.from(
      `POST /checkv2?a=%zz&from=x HTTP/1.1\r\nFlags: groups,zstd\r\nSettings: {"a":[1]}\r\nContent-Length: ${ham.length}\r\n\r\n${ham}`,
    )
    let seed = 1
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const damaged = Array.from({ length: 300 }, () => {
      const bytes = Buffer.from(valid)
      for (let n = random(12); n >= 0; n--) bytes[random(Math.min(bytes.length, 200))] = random(256)
      return bytes.subarray(0, random(3) === 0 ? random(bytes.length) : bytes.length)
    })
    for (const to of [port, Number(bound.split(':')[1])]) {
      await Promise.all(
        damaged.map((bytes) =>
          exchange(to, { send: [Buffer.concat([bytes, Buffer.from('\n\n')])], halfClose: true }),
        ),
      )
      assert.equal((await ask(to, '/checkv2', { body: ham })).json.score, 1.5)
    }
  })

  test('a client that never reads its reply is let go', async () => {
    const port = await start({ requestMs: 400 })
    const urls = Array.from({ length: 500_000 }, (_, i) => `host${i}.example.org`)
    core.onScan = (request) => Promise.resolve({ ...scanText(request), urls })
    const deaf = await dial(port)
    deaf.pause()
    const closed = new Promise<number>((resolve) => deaf.on('close', () => resolve(deaf.bytesRead)))
    deaf.write(`POST /checkv2 HTTP/1.1\r\nContent-Length: ${ham.length}\r\n\r\n${ham}`)
    while (core.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    core.onScan = undefined
    await othersAreServed(port)
    await new Promise((resolve) => setTimeout(resolve, 600))
    deaf.resume()
    assert.ok((await closed) < 9_000_000)
  })
})
