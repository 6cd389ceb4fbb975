// Addresses in all their spellings: forms, private ranges, reversed names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isIpAddress, isPrivate, parseIp, plainIp, reverseIp } from '../../../src/views/ip.js'

test('what is an address', () => {
  for (const ip of [
    '1.2.3.4',
    '::',
    '::1',
    '2001:db8::1',
    'IPv6:fe80::1',
    '::ffff:1.2.3.4',
    '1:2:3:4:5:6:7:8',
  ]) {
    assert.ok(isIpAddress(ip), ip)
  }
  for (const text of ['1.2.3', '01.2.3.4', '1.2.3.256', '1:2:3', ':::', '1::2::3', 'x', '1.2.3.4.5']) {
    assert.ok(!isIpAddress(text), text)
  }
})

test('forms of one address have the same words', () => {
  assert.deepEqual(parseIp('2001:DB8::1'), parseIp('2001:db8:0:0:0:0:0:1'))
  assert.deepEqual(parseIp('10.1.2.3'), parseIp('::ffff:a01:203'))
  assert.equal(parseIp('300.1.1.1'), undefined)
  assert.equal(parseIp('1::2::3'), undefined)
})

test('private ranges are SpamAssassin’s', () => {
  for (const ip of ['10.0.0.1', '127.0.0.1', '172.16.0.1', '100.64.0.1', '169.254.1.1', '::1', 'fe80::1']) {
    assert.ok(isPrivate(ip), ip)
  }
  for (const ip of ['172.32.0.1', '192.0.2.1', 'fd00::1', '100.128.0.1', '::ffff:a00:1', 'x']) {
    assert.ok(!isPrivate(ip), ip)
  }
  assert.ok(isPrivate('::ffff:10.0.0.1'))
})

test('reversed for DNS lists', () => {
  assert.equal(reverseIp('1.2.3.4'), '4.3.2.1')
  assert.equal(reverseIp('2001:db8::1'), '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2')
  assert.equal(reverseIp('host'), undefined)
})

test('prefix, zone and mapping are taken off', () => {
  assert.equal(plainIp('IPv6:fe80::1%eth0'), 'fe80::1')
  assert.equal(plainIp('::ffff:1.2.3.4'), '1.2.3.4')
  assert.equal(plainIp('[::ffff:102:304]'), '::ffff:102:304')
})
