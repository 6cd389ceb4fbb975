// The worker's net over a MessageChannel: same answers as the real one, one message per tick, and no hanging when nobody answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { createNetProxy, netFlags, serveNet } from '../../../src/net/proxy.js'
import type { DnsAnswer, Net } from '../../../src/types.js'

function fakeNet(): Net & { readonly blocked: string[] } {
  const blocked: string[] = []
  return {
    blocked,
    dns: {
      enabled: true,
      async query(name): Promise<DnsAnswer> {
        return name === 'none.test'
          ? { status: 'nxdomain' }
          : { status: 'found', records: [name], ttlSeconds: 1 }
      },
      block: (zone) => blocked.push(zone),
    },
    clamd: {
      async scan(raw) {
        return raw[0] === 33 && raw.buffer instanceof SharedArrayBuffer
          ? { status: 'infected', viruses: ['X'] }
          : { status: 'clean' }
      },
    },
  }
}

test('questions and answers cross in batches', async () => {
  const { port1, port2 } = new MessageChannel()
  const net = fakeNet()
  let messages = 0
  port1.on('message', () => {
    messages += 1
  })
  serveNet(port1, net)
  const proxy = createNetProxy(port2, netFlags(net))
  const names = Array.from({ length: 40 }, (_, index) => `n${index}.test`)
  const answers = await Promise.all(names.map((name) => proxy.dns.query(name, 'A', Date.now() + 1000)))
  assert.deepEqual(
    answers.map((answer) => answer.status === 'found' && answer.records[0]),
    names,
  )
  assert.equal(messages, 1)
  assert.deepEqual(await proxy.dns.query('none.test', 'A', Date.now() + 1000), { status: 'nxdomain' })
  const bytes = new Uint8Array(new SharedArrayBuffer(4))
  bytes[0] = 33
  assert.deepEqual(await proxy.clamd?.scan(bytes, Date.now() + 1000), { status: 'infected', viruses: ['X'] })
  proxy.dns.block?.('refuses.test', 10)
  await proxy.dns.query('last.test', 'A', Date.now() + 1000)
  assert.deepEqual(net.blocked, ['refuses.test'])
  port1.close()
})

test('a main thread that never answers is a failure, not a hang', async () => {
  const { port1, port2 } = new MessageChannel()
  const proxy = createNetProxy(port2, { dnsEnabled: true, hasClamd: true })
  const [answer, outcome] = await Promise.all([
    proxy.dns.query('x.test', 'A', Date.now()),
    proxy.clamd!.scan(new Uint8Array(1), Date.now()),
  ])
  assert.deepEqual(answer, { status: 'failed', reason: 'timeout' })
  assert.equal(outcome.status, 'failed')
  port1.close()
})

test('without network nothing is posted', async () => {
  const { port1, port2 } = new MessageChannel()
  const proxy = createNetProxy(port2, { dnsEnabled: false, hasClamd: false })
  assert.equal(proxy.clamd, undefined)
  assert.deepEqual(await proxy.dns.query('x.test', 'A', Date.now() + 1000), {
    status: 'failed',
    reason: 'disabled',
  })
  port1.close()
})
