// Bytes of the network never throw: cut, mutated and random packets are an answer or undefined, and end soon.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeReply, encodeQuery } from '../../../src/net/dns-message.js'

/** One MX answer with a compressed name, an SOA behind it. */
const packet = Buffer.concat([
  Buffer.from([0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 1, 0, 0]),
  Buffer.from('\x07example\x04test\x00\x00\x0f\x00\x01', 'latin1'),
  Buffer.from([0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 7, 0, 10, 2, 0x6d, 0x78, 0xc0, 12]),
  Buffer.from([0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 30, 0, 26]),
  Buffer.from([1, 0x61, 0xc0, 12, 0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5]),
])

test('a whole packet', () => {
  assert.deepEqual(decodeReply(packet, 'MX'), {
    id: 0x1234,
    name: 'example.test',
    truncated: false,
    rcode: 0,
    records: ['10 mx.example.test'],
    ttlSeconds: 60,
    negativeTtlSeconds: 5,
    soaServer: 'a.example.test',
  })
  assert.equal(decodeReply(packet, 'A'), undefined, 'the answer to another question')
})

test('cut anywhere it is no answer', () => {
  for (let length = 0; length < packet.length; length++) {
    assert.equal(decodeReply(packet.subarray(0, length), 'MX'), undefined, String(length))
  }
})

test('a name that points at itself ends', () => {
  const loop = Buffer.from(packet)
  loop[29] = 0xc0
  loop[30] = 29
  assert.equal(decodeReply(loop, 'MX'), undefined)
})

test('mutated and random packets', () => {
  let state = 99
  const random = () => {
    state = (state * 1103515245 + 12345) % 2147483648
    return state >> 8
  }
  const started = Date.now()
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(packet)
    for (let change = 0; change <= round % 4; change++) bytes[random() % bytes.length] = random() & 255
    decodeReply(bytes, 'MX')
    const noise = Buffer.from(Array.from({ length: random() % 64 }, () => random() & 255))
    decodeReply(noise, 'TXT')
  }
  assert.ok(Date.now() - started < 5_000)
})

test('names that no server can hold', () => {
  for (const name of ['', 'a..b', `${'x'.repeat(64)}.test`, Array(130).fill('a').join('.')]) {
    assert.equal(encodeQuery(1, name, 'A'), undefined, name)
  }
  assert.ok(encodeQuery(1, 'a.test.', 'A'))
})
