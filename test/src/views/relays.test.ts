// What the SMTP session adds to the relays of the header.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMessage } from '../../../src/message/parse.js'
import type { Envelope } from '../../../src/types.js'
import { networkSettings } from '../../../src/views/directives.js'
import { createDomains } from '../../../src/views/domains.js'
import { createHeaderView } from '../../../src/views/headers.js'
import { parseRelays, type RelayOptions } from '../../../src/views/relays.js'
import { settingsFrom } from '../../support/view-settings.js'

/** Exim's spool copy as spamd and rspamd get it: mbox line, two envelope fields, its own Received on top. */
const eximCopy = [
  'From MAILER-DAEMON Sun Nov 22 00:02:13 2026',
  'X-Envelope-From: <alice@example.org>',
  'X-Envelope-To: bob@example.net, carol@example.net',
  'Received: from [198.51.100.7] (helo=client.example.org)',
  '\tby mx.example.net with esmtp (Exim 4.96)',
  '\t(envelope-from <alice@example.org>)',
  '\tid 1xUv28-0000xu-05; Sun, 22 Nov 2026 00:02:13 +0000',
  'Subject: hello',
  '',
  'text',
  '',
].join('\n')

const fromOutside = [
  'Received: from inner.example.org (inner.example.org [203.0.113.5])',
  '\tby client.example.org (Postfix) with ESMTP id AA1; Sun, 22 Nov 2026 00:02:13 +0000',
  'Subject: hello',
  '',
  'text',
  '',
].join('\n')

function relaysOf(message: string, options: RelayOptions = {}, lines = '') {
  return parseRelays(parseMessage(Buffer.from(message)), networkSettings(settingsFrom(lines)), options)
}

function withEnvelope(envelope: Partial<Envelope>): RelayOptions {
  return { envelope: { rcptTo: ['bob@example.net'], ...envelope } }
}

test('Exim plain: the copy tells everything, no address comes with the request', () => {
  const relays = relaysOf(eximCopy, withEnvelope({}))
  assert.deepEqual(
    relays.external.map(({ ip, helo, by }) => [ip, helo, by]),
    [['198.51.100.7', 'client.example.org', 'mx.example.net']],
  )
  assert.equal(relays.envelopeFrom, 'alice@example.org')
  assert.equal(relays.lastTrustedIndex, -1)
})

test('Exim variant=rspamd: the request repeats the top line, the relay is not doubled', () => {
  const relays = relaysOf(
    eximCopy,
    withEnvelope({ ip: '198.51.100.7', helo: 'client.example.org', mailFrom: 'alice@example.org' }),
  )
  assert.equal(
    relays.externalText,
    '[ ip=198.51.100.7 rdns= helo=client.example.org by=mx.example.net ident= envfrom=alice@example.org ' +
      'intl=0 id=1xUv28-0000xu-05 auth= msa=0 ]',
  )
  assert.equal(relays.lastTrustedIndex, -1)
})

test('a session that no line tells of becomes the newest relay', () => {
  const relays = relaysOf(
    fromOutside,
    withEnvelope({
      ip: '198.51.100.7',
      helo: 'client.example.org',
      hostname: 'client.example.org',
      mailFrom: 'alice@example.org',
      queueId: 'Q1',
      mtaName: 'mx.example.net',
    }),
  )
  assert.deepEqual(
    relays.external.map(({ ip }) => ip),
    ['198.51.100.7', '203.0.113.5'],
  )
  assert.ok(
    relays.untrustedText.startsWith(
      '[ ip=198.51.100.7 rdns=client.example.org helo=client.example.org by=mx.example.net ident= ' +
        'envfrom=alice@example.org intl=0 id=Q1 auth= msa=0 ]',
    ),
  )
  assert.equal(relays.envelopeFrom, 'alice@example.org')
})

test('no header line is trusted when the session itself is not', () => {
  const message = parseMessage(Buffer.from(fromOutside))
  const relays = relaysOf(fromOutside, withEnvelope({ ip: '198.51.100.7' }))
  const headers = createHeaderView(message, () => relays, createDomains(undefined))
  assert.equal(relays.lastTrustedIndex, -2)
  assert.equal(headers.get('ALL-TRUSTED'), undefined)
  assert.equal(headers.get('ALL-UNTRUSTED'), headers.get('ALL'))
})

test('a trusted session leaves the header lines to be judged as ever', () => {
  const relays = relaysOf(fromOutside, withEnvelope({ ip: '10.0.0.3' }))
  assert.deepEqual(
    [relays.trusted.map(({ ip }) => ip), relays.untrusted.map(({ ip }) => ip), relays.lastTrustedIndex],
    [['10.0.0.3'], ['203.0.113.5'], -1],
  )
})

test('a sender who forges a line about his own session gains no login', () => {
  const forged = fromOutside.replace('with ESMTP id', 'with ESMTPSA id')
  const relays = relaysOf(forged, withEnvelope({ ip: '203.0.113.5', helo: 'evil' }))
  assert.equal(relays.trustedText, '')
  assert.equal(relays.external[0]?.auth, '')
  assert.equal(relays.external[0]?.rdns, '')
  assert.equal(relays.external[0]?.helo, 'evil')
})

test('a login in the session is one: it extends trust', () => {
  const relays = relaysOf(fromOutside, withEnvelope({ ip: '198.51.100.7', authUser: 'alice' }))
  assert.equal(relays.trusted[0]?.auth, 'ESMTPA')
  assert.equal(relays.trusted.length, 1)
})

test('forms of one address are one address', () => {
  const relays = relaysOf(eximCopy, withEnvelope({ ip: '::ffff:198.51.100.7' }))
  assert.equal(relays.external.length, 1)
})

test('words of the wire cannot break the relay text', () => {
  const relays = relaysOf('Subject: x\n\n', withEnvelope({ ip: '198.51.100.7', helo: 'a ] [ ip=10.0.0.1' }))
  assert.match(relays.externalText, /helo=a!!!!!ip=10\.0\.0\.1 by=/)
})

test('a field that names the session’s address is no line about the session', () => {
  const relays = relaysOf(
    'X-Originating-IP: [198.51.100.7]\nSubject: x\n\n',
    withEnvelope({ ip: '198.51.100.7', helo: 'a.example' }),
    'originating_ip_headers X-Originating-IP',
  )
  assert.deepEqual(
    relays.external.map(({ helo }) => helo),
    ['a.example', ''],
  )
})

test('an address that is none is left out', () => {
  assert.equal(relaysOf(fromOutside, withEnvelope({ ip: 'unix' })).external.length, 1)
})

test('the null sender of the session is known, an absent one is not', () => {
  assert.equal(relaysOf(fromOutside, withEnvelope({ mailFrom: '' })).envelopeFrom, '')
  assert.equal(relaysOf(fromOutside, withEnvelope({})).envelopeFrom, undefined)
})

test('our own user’s mail is trusted through and through, once networks are configured', () => {
  const trusted = (lines: string) => relaysOf(fromOutside, { originating: true }, lines).trusted.length
  assert.equal(trusted(''), 0)
  assert.equal(trusted('trusted_networks 192.0.2.0/24'), 1)
})
