// Addresses as users write them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, parseAddress } from '../../../src/config/address.js'

test('host and port, bracketed v6, unix sockets', () => {
  assert.deepEqual(parseAddress('127.0.0.1:783'), { kind: 'tcp', host: '127.0.0.1', port: 783 })
  assert.deepEqual(parseAddress('mail.example:0'), { kind: 'tcp', host: 'mail.example', port: 0 })
  assert.deepEqual(parseAddress('[::1]:11333'), { kind: 'tcp', host: '::1', port: 11333 })
  assert.deepEqual(parseAddress('unix:/run/x.sock'), { kind: 'unix', path: '/run/x.sock' })
  assert.deepEqual(parseAddress('/run/x.sock'), { kind: 'unix', path: '/run/x.sock' })
})

test('what could mean two things is none', () => {
  for (const text of ['', '783', 'localhost', '::1:783', 'a b:1', 'host:', 'host:65536', 'host:-1', 'unix:'])
    assert.equal(parseAddress(text), undefined, text)
})

test('an address is written as it is read', () => {
  for (const text of ['127.0.0.1:783', '[::1]:11333', 'unix:/run/x.sock'])
    assert.equal(formatAddress(parseAddress(text)!), text)
})
