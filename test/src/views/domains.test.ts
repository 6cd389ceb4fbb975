// Registered domains by the lists of the rules or the public suffix list, and what counts as a host name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDomains } from '../../../src/views/domains.js'
import { hostToAscii, isFqdn } from '../../../src/views/hosts.js'

const listed = createDomains({
  tlds: new Set(['com', 'uk', 'us', 'jp']),
  two: new Set(['co.uk']),
  three: new Set(['demon.co.uk']),
})

test('boundaries of the rules’ lists', () => {
  assert.equal(listed.registered('a.b.example.com'), 'example.com')
  assert.equal(listed.registered('a.example.co.uk'), 'example.co.uk')
  assert.equal(listed.registered('x.host.demon.co.uk'), 'host.demon.co.uk')
  assert.equal(listed.registered('CO.UK'), 'co.uk')
  assert.equal(listed.registered('fire-dept.ci.los-angeles.ca.us'), 'fire-dept.ci.los-angeles.ca.us')
  assert.equal(listed.registered('host.invalid'), undefined)
  assert.equal(listed.trim('..a.host.invalid.'), 'host.invalid')
})

test('without lists the public suffix list answers', () => {
  const suffixes = createDomains(undefined)
  assert.equal(suffixes.registered('a.b.example.co.uk'), 'example.co.uk')
  assert.ok(suffixes.isTld('com') && suffixes.isTld('xn--p1ai'))
  assert.ok(!suffixes.isTld('invalid') && !suffixes.isTld(''))
})

test('what is a host name', () => {
  for (const host of ['a.b', 'a_b.c.com', 'x.y.']) assert.ok(isFqdn(host), host)
  for (const host of ['a', 'a..b', '-a.b', 'a.b_c', `${'x'.repeat(64)}.com`, 'a b.com', '']) {
    assert.ok(!isFqdn(host), host)
  }
})

test('ASCII form of host names', () => {
  assert.equal(hostToAscii('B\xc3\xbccher.Example', 'punycode'), 'xn--bcher-kva.example')
  assert.equal(hostToAscii('b\xfccher.de', 'punycode'), 'xn--bcher-kva.de')
  assert.equal(hostToAscii('a\xe3\x80\x82com', 'punycode'), 'a.com')
  assert.equal(hostToAscii('B\xc3\xbccher.de', 'off'), 'b\xc3\xbccher.de')
  assert.equal(hostToAscii('H%2Eexample.com', 'punycode'), 'h%2eexample.com')
  assert.equal(hostToAscii('\xff\xfe!', 'punycode'), '\xff\xfe!')
})
