// The sniffing listener: dialects on one port, half-open sockets, unix socket files, refusal and a soft end.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createNetServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { wrongNetwork } from '../../server/allowed.js'
import { type Fronts, type ListenOptions, type ListenTo, listen, type Opening } from '../../server/listen.js'
import { dialectOf } from '../../server/sniff.js'
import { parseAddress } from '../../src/config/address.js'
import { exchange, open } from '../support/wire.js'

const quiet = { debug() {}, info() {}, warn() {} }
const folder = mkdtempSync(join(tmpdir(), 'hamd-listen-'))
after(() => rmSync(folder, { recursive: true }))

const http = createHttpServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => response.end(`http ${request.method} ${Buffer.concat(chunks).length}`))
})

/** Answers `name first-bytes-length state` when the client has finished sending. */
function echo(name: string) {
  return (socket: Socket, first: Buffer, opening: Opening) => {
    let size = first.length
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length
    })
    const answer = () => socket.end(`${name} ${size} ${opening.state}`)
    if (socket.readableEnded || opening.state !== 'line') answer()
    else socket.on('end', answer)
  }
}

const fronts: Fronts = {
  spamd: echo('spamd'),
  rspamc: echo('rspamc'),
  http: (socket, first) => {
    socket.unshift(first)
    http.emit('connection', socket)
  },
}

async function start(address: string, options: Partial<ListenOptions> = {}, to: Partial<ListenTo> = {}) {
  const parsed = parseAddress(address)
  assert.ok(parsed)
  const listening = await listen([{ ...to, address: parsed }], {
    fronts,
    log: quiet,
    limits: { firstLineBytesMax: 1000, firstLineMs: 2000, connectionsMax: 100 },
    ...options,
  })
  assert.deepEqual(listening.failed, [])
  after(() => listening.close(100))
  return { ...listening, to: listening.addresses[0]! }
}

test('the first line decides the dialect', () => {
  assert.equal(dialectOf('GET / HTTP/1.0\r'), 'http')
  assert.equal(dialectOf('CHECK /checkv2 HTTP/1.1'), 'http')
  assert.equal(dialectOf('CHECK RSPAMC/1.3\r'), 'rspamc')
  assert.equal(dialectOf('CHECK SPAMC/1.3\r'), 'spamd')
  assert.equal(dialectOf('PING'), 'spamd')
  assert.equal(dialectOf('GET / HTTP/1.1 x'), 'spamd')
})

test('networks that may connect', () => {
  assert.equal(wrongNetwork(['127.0.0.1', '10.0.0.0/8', '::1', 'fe80::/10']), undefined)
  assert.equal(wrongNetwork(['127.0.0.1', '10.0.0.0/33']), '10.0.0.0/33')
  assert.equal(wrongNetwork(['example.org']), 'example.org')
})

test('every dialect on one port, with the bytes that came along', async () => {
  const { to } = await start('127.0.0.1:0')
  assert.equal((await exchange(to, 'PING SPAMC/1.5\r\n\r\nabc', 'half-close')).text, 'spamd 21 line')
  assert.equal((await exchange(to, 'CHECK RSPAMC/1.3\r\n\r\nabc', 'half-close')).text, 'rspamc 23 line')
  const post = 'POST /checkv2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nmail'
  assert.match((await exchange(to, post)).text, /^HTTP\/1\.1 200 .*http POST 4$/s)
  assert.match((await exchange(to, post, 'byte-by-byte')).text, /^HTTP\/1\.1 200 .*http POST 4$/s)
})

test('a first line that never comes, is cut, is missing or too long goes to the spamd front', async () => {
  const { to } = await start('127.0.0.1:0', {
    limits: { firstLineBytesMax: 1000, firstLineMs: 150, connectionsMax: 100 },
  })
  assert.equal((await exchange(to, 'PING SP')).text, 'spamd 7 timeout')
  assert.equal((await exchange(to, '')).text, 'spamd 0 timeout')
  assert.equal((await exchange(to, 'PING SPAMC/1.2', 'half-close')).text, 'spamd 14 line')
  assert.equal((await exchange(to, '', 'half-close')).text, 'spamd 0 ended')
  assert.match((await exchange(to, 'x'.repeat(1001))).text, /^spamd \d+ too-long$/)
})

test('a client outside the list gets no byte', async () => {
  const { to } = await start('127.0.0.1:0', { allowed: ['127.0.0.9', '10.0.0.0/8'] })
  assert.equal((await exchange(to, 'PING SPAMC/1.2\r\n')).text, '')
  const other = await start('*:0', { allowed: ['127.0.0.0/8'] })
  const port = other.to.slice(other.to.lastIndexOf(':') + 1)
  assert.match((await exchange(`127.0.0.1:${port}`, 'PING SPAMC/1.2\r\n', 'half-close')).text, /^spamd/)
})

test('unix sockets: mode, owner, stale file replaced, live one and plain file refused, removed at the end', async () => {
  const path = join(folder, 'scan.sock')
  const owner = process.getuid?.() === 0 ? { owner: 'root', group: '0' } : {}
  const first = await start(`unix:${path}`, { allowed: ['10.0.0.1'] }, { mode: 0o600, ...owner })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.match((await exchange(first.to, 'X\r\n', 'half-close')).text, /^spamd/)
  const options: ListenOptions = {
    fronts,
    log: quiet,
    limits: { firstLineBytesMax: 1000, firstLineMs: 100, connectionsMax: 9 },
  }
  const stranger = { address: { kind: 'unix', path: path + '2' }, owner: 'no such user' } as const
  const refused = await listen([stranger], options)
  assert.match(refused.failed[0]?.error.message ?? '', /no user no such user/)
  const again = await listen([{ address: { kind: 'unix', path } }], options)
  assert.equal(again.failed[0]?.error.code, 'EADDRINUSE')
  await first.close(100)
  assert.equal(existsSync(path), false)

  writeFileSync(path, 'not a socket')
  const plain = await listen([{ address: { kind: 'unix', path } }], options)
  assert.equal(plain.failed[0]?.error.code, 'EEXIST')
  rmSync(path)

  // A socket file nobody listens on: what a killed server leaves behind.
  const dead = createNetServer()
  await new Promise<void>((resolve) => dead.listen(path, resolve))
  renameSync(path, path + '.kept')
  await new Promise((resolve) => dead.close(resolve))
  renameSync(path + '.kept', path)
  const third = await start(`unix:${path}`)
  assert.equal(statSync(path).mode & 0o777, 0o666)
  await third.close(100)
})

test('push-back refuses at the socket and takes clients again on the same port', async () => {
  const server = await start('127.0.0.1:0')
  server.pushBack(true)
  await assert.rejects(exchange(server.to, 'PING SPAMC/1.2\r\n'), { code: 'ECONNREFUSED' })
  server.pushBack(false)
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.match((await exchange(server.to, 'PING SPAMC/1.2\r\n', 'half-close')).text, /^spamd/)
})

test('too many connections close the door until some have gone', async () => {
  const server = await start('127.0.0.1:0', {
    limits: { firstLineBytesMax: 1000, firstLineMs: 5000, connectionsMax: 3 },
  })
  const held = await Promise.all([open(server.to), open(server.to), open(server.to)])
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(server.connections(), 3)
  await assert.rejects(exchange(server.to, 'PING SPAMC/1.2\r\n'), { code: 'ECONNREFUSED' })
  for (const socket of held) socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.match((await exchange(server.to, 'PING SPAMC/1.2\r\n', 'half-close')).text, /^spamd/)
})

test('the end waits for those in flight and those about to ask, cuts idle ones and takes no new ones', async () => {
  const server = await start('127.0.0.1:0')
  const [idle, busy, late] = await Promise.all([open(server.to), open(server.to), open(server.to)])
  idle.resume()
  busy.write('CHECK SPAMC/1.2\r\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  const ended = server.close(2000)
  const answer = (socket: Socket) =>
    new Promise<string>((resolve) => socket.on('data', (data) => resolve(String(data))))
  const replies = Promise.all([answer(busy), answer(late)])
  await assert.rejects(exchange(server.to, 'PING SPAMC/1.2\r\n'), { code: 'ECONNREFUSED' })
  late.end('PING SPAMC/1.2\r\n')
  busy.end('rest')
  assert.deepEqual(await replies, ['spamd 21 line', 'spamd 16 line'])
  await ended
  assert.equal(server.connections(), 0)
  assert.equal(idle.readableEnded || idle.destroyed, true)
})
