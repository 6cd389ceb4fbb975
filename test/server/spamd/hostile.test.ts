// What nobody should send: random bytes, requests with damaged bytes, any cut of a request into pieces, clients that vanish. The front
// must answer or close every time, answer the same whatever the pieces, and serve the next client.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { type SmallCore, smallCore } from '../../support/core.js'
import { exchange, open } from '../../support/wire.js'
import { exchanges, gtube, ham } from './requests.js'
import { type SpamdUnderTest, serveCore } from './server.js'

let core: SmallCore
let server: SpamdUnderTest
let unhandled = 0
const count = () => {
  unhandled++
}
before(async () => {
  process.on('unhandledRejection', count)
  core = smallCore()
  server = await serveCore(core, { firstLineMs: 300, requestMs: 300 })
})
after(async () => {
  await server.close()
  process.off('unhandledRejection', count)
})

const alive = async () =>
  assert.equal((await exchange(server.address, 'PING SPAMC/1.2\r\n')).text, 'SPAMD/1.5 0 PONG\r\n')

test('random bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const { text } = await exchange(server.address, bytes, 'half-close')
      assert.match(text, /^SPAMD\/1\.\d \d+ |^http|^rspamc|^$/)
    }),
    { numRuns: 100 },
  )
  await alive()
})

test('requests with damaged bytes', async () => {
  const requests = exchanges.filter(({ manner, request }) => manner === 'half-close' && request.length < 3000)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...requests),
      fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 5 }),
      async ({ request }, damages) => {
        const bytes = Buffer.from(request, 'latin1')
        for (const [at, value] of damages) if (at < bytes.length) bytes[at] = value
        const { text } = await exchange(server.address, bytes, 'half-close')
        assert.match(text, /^SPAMD\/1\.\d \d+ |^http|^rspamc|^$/)
      },
    ),
    { numRuns: 150 },
  )
  await alive()
})

test('any cut of a request into pieces gives the same answer', async () => {
  const request = Buffer.from(
    `REPORT SPAMC/1.5\r\nUser: x\r\nContent-length: ${gtube.length}\r\n\r\n${gtube}`,
  )
  const whole = (await exchange(server.address, request)).text
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(request.length), { maxLength: 6 }), async (cuts) => {
      const socket = await open(server.address)
      const chunks: Buffer[] = []
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      const ended = new Promise((resolve) => socket.on('end', resolve))
      let from = 0
      for (const cut of [...cuts.sort((a, b) => a - b), request.length]) {
        socket.write(request.subarray(from, cut))
        from = cut
        await new Promise((resolve) => setImmediate(resolve))
      }
      await ended
      socket.destroy()
      assert.equal(Buffer.concat(chunks).toString('latin1'), whole)
    }),
    { numRuns: 40 },
  )
})

test('clients that vanish at any point leave nothing behind', async () => {
  const request = `PROCESS SPAMC/1.5\r\nContent-length: ${ham.length + 15}\r\n\r\nTest-Wait: 30\n${ham}`
  for (const size of [0, 5, 20, 60, request.length - 3, request.length]) {
    const socket = await open(server.address)
    socket.write(request.slice(0, size), () => socket.resetAndDestroy())
    await new Promise((resolve) => socket.on('close', resolve))
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  await alive()
  assert.equal(unhandled, 0)
})

test('a client that never reads its answer is let go', async () => {
  const socket = await open(server.address)
  socket.pause()
  const large = ham + 'x'.repeat(1_500_000)
  socket.write(`PROCESS SPAMC/1.5\r\nContent-length: ${large.length}\r\n\r\n${large}`)
  await new Promise((resolve) => setTimeout(resolve, 100))
  await alive()
  socket.destroy()
})
