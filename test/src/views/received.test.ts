// Received lines and trust against SpamAssassin 4.0.1's recorded answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMessage } from '../../../src/message/parse.js'
import type { Relay } from '../../../src/types.js'
import { domainLists, networkSettings } from '../../../src/views/directives.js'
import { createDomains } from '../../../src/views/domains.js'
import { createHeaderView } from '../../../src/views/headers.js'
import { parseReceivedLine } from '../../../src/views/received.js'
import { parseRelays, relayTags } from '../../../src/views/relays.js'
import { readOracle } from '../../support/oracle.js'
import { settingsFrom, stockRulesMissing, stockSettings } from '../../support/view-settings.js'

interface ReceivedCase {
  readonly id: string
  readonly message: string
  readonly settings?: string | readonly string[]
  readonly expect: {
    readonly relays: Readonly<Record<'trusted' | 'untrusted' | 'internal' | 'external', string>>
    readonly envelope_from: string | null
    readonly unparseable: number
    readonly last_trusted_index: number
    readonly last_internal_index: number
    readonly all: Readonly<Record<string, string | null>>
    readonly tags: Readonly<Record<string, string>>
    readonly flags: readonly string[]
  }
}

function flagsOf(relay: Relay): string {
  return [
    relay.noReverseDns && 'no_reverse_dns',
    relay.private && 'private',
    relay.rdnsNotInHeaders && 'rdns_not_in_headers',
  ]
    .filter(Boolean)
    .join(' ')
}

// The caller's assertion (`originating`) did not reach SpamAssassin's parser when the cases were recorded: they hold the answer without it.
test('every recorded Received case gives SpamAssassin’s relays', { skip: stockRulesMissing }, () => {
  const stock = stockSettings()
  const domains = createDomains(domainLists(stock))
  const cases = readOracle<ReceivedCase>('micro-received')
  assert.ok(cases.length > 400)
  for (const { id, message, settings, expect } of cases) {
    const lines = typeof settings === 'string' ? settings : (settings ?? []).join('\n')
    const parsed = parseMessage(Buffer.from(message, 'latin1'))
    const relays = parseRelays(parsed, networkSettings(settingsFrom(lines, stock)))
    const headers = createHeaderView(parsed, () => relays, domains)
    const tags = relayTags(relays)
    assert.deepEqual(
      {
        relays: {
          external: relays.externalText,
          internal: relays.internalText,
          trusted: relays.trustedText,
          untrusted: relays.untrustedText,
        },
        envelope_from: relays.envelopeFrom ?? null,
        unparseable: relays.unparseable,
        last_trusted_index: relays.lastTrustedIndex,
        last_internal_index: relays.lastInternalIndex,
        all: Object.fromEntries(
          Object.keys(expect.all).map((side) => [side, headers.get(`ALL-${side.toUpperCase()}`) ?? '']),
        ),
        tags: Object.fromEntries(Object.keys(expect.tags).map((tag) => [tag, tags[tag]])),
        flags: [...relays.trusted, ...relays.untrusted].map(flagsOf),
      },
      {
        relays: expect.relays,
        envelope_from: expect.envelope_from,
        unparseable: expect.unparseable,
        last_trusted_index: expect.last_trusted_index,
        last_internal_index: expect.last_internal_index,
        all: Object.fromEntries(Object.entries(expect.all).map(([side, text]) => [side, text ?? ''])),
        tags: expect.tags,
        flags: expect.flags.map((words) => words.split(' ').sort().join(' ')),
      },
      id,
    )
  }
})

test('a login inside the recipient brackets counts as a login, as with SpamAssassin', () => {
  const parsed = parseReceivedLine(
    'from a.example (a.example [192.0.2.1]) by mx.example (Postfix) with ESMTP id X for <x with ESMTPSA >; x',
  )
  assert.equal(parsed.kind === 'hop' && parsed.hop.auth, 'ESMTPSA')
})

test('an authenticated comment is found without a pattern of the fourth power', () => {
  const filler = '(x) '.repeat(2000)
  const start = Date.now()
  const parsed = parseReceivedLine(`from a.example ([192.0.2.1]) ${filler}(authenticated) by mx.example`)
  assert.equal(parsed.kind === 'hop' && parsed.hop.auth, 'Sendmail')
  assert.ok(Date.now() - start < 1000)
})
