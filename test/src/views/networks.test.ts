// trusted_networks and its like: short forms, exclusions, the order that decides.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addNetwork, containsIp, loopback, type NetSet, parseNetwork } from '../../../src/views/networks.js'

function networks(text: string): NetSet {
  let set: NetSet = []
  for (const word of text.split(' ')) set = addNetwork(set, parseNetwork(word)!).set
  return set
}

test('short, masked and bracketed networks', () => {
  assert.ok(containsIp(networks('10.1/16'), '10.1.200.3'))
  assert.ok(containsIp(networks('192.168.'), '192.168.9.9'))
  assert.ok(containsIp(networks('10.0.0.0/255.0.0.0'), '10.9.9.9'))
  assert.ok(containsIp(networks('[2001:db8::]/32'), '2001:db8:1::1'))
  assert.ok(!containsIp(networks('10.1/16'), '10.2.0.1'))
  assert.ok(!containsIp(networks('10/8'), 'nonsense'))
})

test('the first match wins and `!` excludes', () => {
  const set = networks('!10.0.1.5 10.0.1/24')
  assert.ok(!containsIp(set, '10.0.1.5'))
  assert.ok(containsIp(set, '10.0.1.6'))
})

test('an exclusion behind the network that covers it has no effect', () => {
  const set = networks('10.0.1/24')
  const outcome = addNetwork(set, parseNetwork('!10.0.1.5')!)
  assert.equal(outcome.added, false)
  assert.ok(containsIp(outcome.set, '10.0.1.5'))
})

test('mapped addresses meet their plain networks', () => {
  assert.ok(containsIp(networks('10/8'), '::ffff:10.0.0.1'))
  assert.ok(containsIp(networks('::ffff:10.0.0.0/104'), '10.0.0.1'))
})

test('no network', () => {
  for (const word of [
    '10.0.0.1-10.0.0.9',
    '10.0.0.1,',
    '300.1.1.1',
    '10.0.0.0/33',
    'example.org',
    '1.2.3.4.',
    '',
  ]) {
    assert.equal(parseNetwork(word), undefined, word)
  }
})

test('the own machine is always inside', () => {
  assert.ok(containsIp(loopback, '127.3.2.1') && containsIp(loopback, '::1'))
})
