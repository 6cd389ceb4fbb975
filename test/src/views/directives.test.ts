// Words of the .cf language that decide how a message is looked at: lists that grow, are cleared and are checked.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { domainLists, networkSettings, textOptions, uriSettings } from '../../../src/views/directives.js'
import { containsIp } from '../../../src/views/networks.js'
import { settingsFrom } from '../../support/view-settings.js'

test('lines add, clear_ forgets, what follows counts', () => {
  const networks = networkSettings(
    settingsFrom('trusted_networks 10/8\nclear_trusted_networks\ntrusted_networks 192.0.2.1'),
  )
  assert.ok(networks.trustedConfigured)
  assert.ok(!containsIp(networks.trusted, '10.1.1.1'))
  assert.ok(containsIp(networks.trusted, '192.0.2.1'))
  assert.ok(containsIp(networks.trusted, '127.0.0.1'))
})

test('a list of invalid words only is still configured, and each word is reported', () => {
  const settings = settingsFrom('trusted_networks nonsense 10.0.0.1-10.0.0.9')
  assert.ok(networkSettings(settings).trustedConfigured)
  assert.deepEqual(settings.problems, ['bad-network', 'bad-network'])
})

test('internal networks outside of the trusted ones are dropped', () => {
  const { internal } = networkSettings(
    settingsFrom('trusted_networks 10/8\ninternal_networks 10.1/16 192.168/16'),
  )
  assert.ok(containsIp(internal, '10.1.1.1'))
  assert.ok(!containsIp(internal, '192.168.1.1'))
})

test('registry boundaries: three lists, one clearing word', () => {
  const text = 'util_rb_tld com uk\nutil_rb_2tld co.uk\nutil_rb_3tld a.co.uk'
  const lists = domainLists(settingsFrom(text))
  assert.deepEqual([lists?.tlds.size, lists?.two.size, lists?.three.size], [2, 1, 1])
  assert.equal(domainLists(settingsFrom(`${text}\nclear_util_rb`)), undefined)
  assert.deepEqual(settingsFrom('util_rb_2tld com').problems, ['invalid-value'])
})

test('redirectors in either notation, Perl’s own; a broken one is reported', () => {
  const { redirectors } = uriSettings(
    settingsFrom("redirector_pattern /a(.*)/i\nredirector_pattern m'b(?i:C)(\\S++)'"),
  )
  assert.deepEqual(
    redirectors.map(({ pattern, group }) => pattern.exec('xA1 bc2')?.[group]),
    ['1 bc2', '2'],
  )
  assert.deepEqual(settingsFrom('redirector_pattern /a(/').problems, ['invalid-value'])
})

test('values survive the way to a worker', () => {
  const settings = settingsFrom('trusted_networks 10/8\nutil_rb_tld com\nredirector_pattern /a(.*)/')
  const clone = { values: structuredClone(settings.values) }
  assert.deepEqual(networkSettings(clone), networkSettings(settings))
  assert.deepEqual(domainLists(clone), domainLists(settings))
})

test('the subject goes to the texts without its line end', () => {
  assert.equal(textOptions(settingsFrom(''), 'hello\n').subject, 'hello')
  assert.equal(textOptions(settingsFrom(''), undefined).subject, undefined)
})
