// clamd for real (own signatures, TCP and unix socket), and sockets that play a clamd in trouble: each must be 'failed', never 'clean'.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { clamdBytesMax } from '../../../src/limits.js'
import { checkClamd, createClamd, parseClamdAddress } from '../../../src/net/clamd.js'
import { badWord, eicar, startClamd, startFakeClamd, type TestClamd } from '../../support/clamd.js'
import { needs } from '../../support/peers.js'

const soon = () => Date.now() + 5_000
const mail = (text: string) => Buffer.from(`Subject: x\n\n${text}\n`)

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

describe('clamd, the real one', needs('clamd'), () => {
  let server: TestClamd
  before(async () => {
    server = await startClamd({ streamBytesMax: 1_000_000 })
  })
  after(() => server.close())

  for (const kind of ['tcp', 'unix'] as const) {
    test(`clean, infected and too large over ${kind}`, async () => {
      const clamd = createClamd(server[kind])
      assert.deepEqual(await clamd.scan(mail('hello'), soon()), { status: 'clean' })
      assert.deepEqual(await clamd.scan(shared(mail(`a ${badWord} b`)), soon()), {
        status: 'infected',
        viruses: ['Hamd.Test.Bad.UNOFFICIAL'],
      })
      assert.deepEqual(await clamd.scan(Buffer.from(eicar), soon()), {
        status: 'infected',
        viruses: ['Eicar-Test-File.UNOFFICIAL'],
      })
      const large = await clamd.scan(Buffer.alloc(2_000_000, 'x'), soon())
      assert.equal(large.status, 'failed')
    })
  }

  test('the self test sees the test virus', async () => {
    const check = await checkClamd(createClamd(server.tcp), soon())
    assert.deepEqual(check, { status: 'sees', virus: 'Eicar-Test-File.UNOFFICIAL' })
  })

  test('40 scans at once are all answered', async () => {
    const clamd = createClamd(server.unix)
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        clamd.scan(mail(index % 2 === 0 ? badWord : 'fine'), Date.now() + 15_000),
      ),
    )
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      outcomes.map((_, index) => (index % 2 === 0 ? 'infected' : 'clean')),
    )
  })
})

describe('clamd in trouble is a failure, never clean', () => {
  /** Reads the whole INSTREAM request, then answers so. */
  const answering = (text: string) => (socket: Socket) => {
    let got = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, chunk])
      if (got.subarray(-4).equals(Buffer.alloc(4))) socket.end(text)
    })
  }

  const cases: readonly [string, (socket: Socket) => void, RegExp][] = [
    ['silent', () => {}, /no answer in time/],
    ['closing at once', (socket) => socket.end(), /closed|no answer|aborted/i],
    ['resetting', (socket) => socket.resetAndDestroy(), /ECONNRESET|EPIPE|closed/],
    ['an empty answer', answering(''), /no answer/],
    ['garbage', answering('\x00\xff what?\0'), /answered/],
    ['half a sentence', answering('stream: O'), /answered/],
    ['OK of something else', answering('virus.exe: OK\0'), /answered/],
    ['FOUND without a name', answering('stream: FOUND\0'), /answered/],
    ['an error', answering('stream: Can not open file ERROR\0'), /ERROR|error/],
    ['the size limit', answering('INSTREAM size limit exceeded. ERROR\0'), /INSTREAM size limit exceeded/],
    ['a read time-out of its own', answering('COMMAND READ TIMED OUT\0'), /answered/],
    ['unknown command', answering('UNKNOWN COMMAND\0'), /answered/],
  ]
  for (const [name, behave, reason] of cases) {
    test(name, async () => {
      const fake = await startFakeClamd(behave)
      try {
        const outcome = await createClamd(fake.address).scan(mail('hello'), Date.now() + 400)
        assert.equal(outcome.status, 'failed')
        assert.match(outcome.status === 'failed' ? outcome.reason : '', reason)
      } finally {
        await fake.close()
      }
    })
  }

  test('nobody there', async () => {
    const outcome = await createClamd('127.0.0.1:1').scan(mail('hello'), soon())
    assert.match(outcome.status === 'failed' ? outcome.reason : '', /ECONNREFUSED/)
    const socket = await createClamd('unix:/nowhere/clamd.sock').scan(mail('hello'), soon())
    assert.match(socket.status === 'failed' ? socket.reason : '', /ENOENT/)
  })

  test('a message over our own limit is not sent', async () => {
    const outcome = await createClamd('127.0.0.1:1').scan(new Uint8Array(clamdBytesMax + 1), soon())
    assert.match(outcome.status === 'failed' ? outcome.reason : '', /larger than/)
  })

  test('busy: who finds no free connection before the deadline is told so', async () => {
    let connections = 0
    const fake = await startFakeClamd(() => {
      connections += 1
    })
    try {
      const clamd = createClamd(fake.address)
      const outcomes = await Promise.all(
        // The last two give up long before one of the others lets go of its connection.
        Array.from({ length: 12 }, (_, index) =>
          clamd.scan(mail('hello'), Date.now() + (index < 10 ? 1500 : 300)),
        ),
      )
      assert.equal(connections, 10)
      assert.ok(outcomes.every((outcome) => outcome.status === 'failed'))
      const busy = outcomes.filter((outcome) => outcome.status === 'failed' && /busy/.test(outcome.reason))
      assert.equal(busy.length, 2)
    } finally {
      await fake.close()
    }
  })

  test('the self test tells a blind scanner from a failing one', async () => {
    const blind = await startFakeClamd(answering('stream: OK\0'))
    assert.deepEqual(await checkClamd(createClamd(blind.address), soon()), { status: 'blind' })
    await blind.close()
    assert.equal((await checkClamd(createClamd(blind.address), soon())).status, 'failed')
  })

  test('addresses', () => {
    assert.deepEqual(parseClamdAddress('unix:/run/clamd'), { socket: '/run/clamd' })
    assert.deepEqual(parseClamdAddress('[::1]:3310'), { host: '::1', port: 3310 })
    assert.throws(() => createClamd('nonsense'), /host:port or unix/)
  })
})
