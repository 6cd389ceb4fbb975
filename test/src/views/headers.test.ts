// Header requests against SpamAssassin 4.0.1's recorded answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMessage } from '../../../src/message/parse.js'
import { domainLists, networkSettings } from '../../../src/views/directives.js'
import { createDomains } from '../../../src/views/domains.js'
import { createHeaderView } from '../../../src/views/headers.js'
import { parseRelays } from '../../../src/views/relays.js'
import { readOracle } from '../../support/oracle.js'
import { settingsFrom, stockRulesMissing, stockSettings } from '../../support/view-settings.js'

interface HeaderCase {
  readonly id: string
  readonly message: string
  readonly get?: readonly string[]
  readonly expect: {
    readonly get?: Readonly<Record<string, string | null>>
    readonly list?: Readonly<Record<string, readonly string[]>>
    readonly pristine_headers?: string
  }
}

test('every recorded header request gives SpamAssassin’s answer', { skip: stockRulesMissing }, () => {
  const stock = stockSettings()
  const domains = createDomains(domainLists(stock))
  const cases = readOracle<HeaderCase>('micro-header')
  assert.ok(cases.length > 300)
  for (const { id, message, get = [], expect } of cases) {
    const parsed = parseMessage(Buffer.from(message, 'latin1'))
    const relays = parseRelays(parsed, networkSettings(stock))
    const headers = createHeaderView(parsed, () => relays, domains)
    assert.deepEqual(
      Object.fromEntries(get.map((request) => [request, headers.get(request) ?? null])),
      Object.fromEntries(get.map((request) => [request, expect.get?.[request] ?? null])),
      id,
    )
    for (const [request, values] of Object.entries(expect.list ?? {})) {
      assert.deepEqual(headers.getAll(request), values, `${id} ${request}`)
    }
    if (expect.pristine_headers !== undefined)
      assert.equal(parsed.pristineHeaders, expect.pristine_headers, id)
  }
})

function viewOf(header: string) {
  const message = parseMessage(Buffer.from(`${header}\n\ntext\n`, 'latin1'))
  const relays = parseRelays(message, networkSettings(settingsFrom('')))
  return createHeaderView(message, () => relays, createDomains(undefined))
}

test('answers are kept', () => {
  const headers = viewOf('Subject: one')
  assert.equal(headers.getAll('Subject'), headers.getAll('Subject'))
})

test('a name that nobody has asked for before is found, in any spelling', () => {
  const headers = viewOf('X-First-Asked: one\nSubject: two\nx-FIRST-asked: three')
  assert.deepEqual(headers.getAll('x-first-Asked'), ['one\n', 'three\n'])
  // Known by its number now.
  const later = viewOf('X-FIRST-ASKED: four')
  assert.deepEqual(later.getAll('X-First-Asked'), ['four\n'])
  assert.equal(later.get('X-Second-Asked'), undefined)
})

test('fields of another filter are not there', () => {
  const headers = viewOf('X-Spam-Status: No\nSubject: one')
  assert.equal(headers.get('X-Spam-Status'), undefined)
  assert.equal(headers.get('ALL'), 'Subject: one\n')
})

test('ALL ends at its limit', () => {
  const headers = viewOf(Array.from({ length: 200 }, (_, n) => `X-N${n}: ${'x'.repeat(1000)}`).join('\n'))
  assert.ok(headers.get('ALL')!.length <= 65_536)
})
