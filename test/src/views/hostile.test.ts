// Mail made to hurt: every view ends, soon, without throwing. Times are far above what is measured, they catch squares and worse.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMessage } from '../../../src/message/parse.js'
import type { HtmlUri, TextView } from '../../../src/types.js'
import { domainLists, networkSettings, uriSettings } from '../../../src/views/directives.js'
import { createDomains } from '../../../src/views/domains.js'
import { createHeaderView } from '../../../src/views/headers.js'
import { parseRelays } from '../../../src/views/relays.js'
import { findUris } from '../../../src/views/uris.js'
import { settingsFrom } from '../../support/view-settings.js'

const settings = settingsFrom(
  "util_rb_tld com a example\nredirector_pattern m'/(?:index.php)?\\?.*(?<=[?&])URL=(.*?)(?:$|[&\\#])'i",
)
const domains = createDomains(domainLists(settings))

const requests = [
  'ALL',
  'ALL:raw',
  'ALL-TRUSTED',
  'ALL-EXTERNAL:raw',
  'From:addr',
  'From:name',
  'From:host',
  'From:addr:domain',
  'Received:ip',
  'Received:revip',
  'Message-ID:host',
  'ToCc:addr',
  'ToCc:raw',
  'MESSAGEID',
  'EnvelopeFrom',
  'X-Spam-Relays-Untrusted',
]

/** Milliseconds that relays and all header requests take. */
function timeHeaders(header: string): number {
  const message = parseMessage(Buffer.from(`${header}\n\ntext\n`, 'latin1'))
  const start = performance.now()
  const relays = parseRelays(message, networkSettings(settings))
  const headers = createHeaderView(message, () => relays, domains)
  for (const request of requests) headers.getAll(request)
  return performance.now() - start
}

function timeUris(body: readonly string[], links: readonly string[] = []): number {
  const message = parseMessage(Buffer.from('Subject: x\n\n'))
  const uriDetail = new Map<string, HtmlUri>(links.map((uri) => [uri, { types: new Set(['a']), anchor: [] }]))
  const html = [{ uriDetail, uriTruncated: false }]
  const start = performance.now()
  findUris(message, { body, html } as unknown as TextView, domains, uriSettings(settings))
  return performance.now() - start
}

const hostileHeaders: Readonly<Record<string, string>> = {
  'ten thousand fields': Array.from({ length: 10_000 }, (_, n) => `X-F${n}: ${n}`).join('\n'),
  'ten thousand Received': 'Received: from a ([192.0.2.1]) by b with SMTP id c; x\n'.repeat(10_000).trimEnd(),
  'long Received that fit nothing': `Received: from ${'(a '.repeat(2700)}\n`.repeat(500).trimEnd(),
  'brackets without end': `Received: from a ${'] ('.repeat(2000)} authenticated\n`.repeat(100).trimEnd(),
  semicolons: `Received: from a ${';'.repeat(8000)} by\n`.repeat(100).trimEnd(),
  'half a qmail line': `Received: from a (HELO a) (1.2.3.4) by a${' (a) with b'.repeat(700)}\n`
    .repeat(100)
    .trimEnd(),
  'addresses without end': `From: ${'<a@b.a>'.repeat(1100)}`,
  'angle brackets': `From: ${'<'.repeat(4000)}${'>'.repeat(4000)}x`,
  quotes: `From: ${'"a" '.repeat(2000)}<`,
  'back slashes': `From: "${'\\'.repeat(8000)}`,
  comments: `From: a@b.a ${'(('.repeat(4000)}`,
  colons: `From: ${':'.repeat(8000)}\nTo: ${'a:'.repeat(4000)}`,
  ats: `From: ${'a@a.a@a.'.repeat(1000)}`,
  dots: `From: ${'.a'.repeat(4000)}\nMessage-ID: <${'@.com-'.repeat(1300)}>`,
  'address digits': `Received: ${'1.'.repeat(4000)}\nReceived: ${'::1:'.repeat(2000)}`,
  'encoded words': `From: ${'=?utf-8?q?a?= '.repeat(550)}`,
}

for (const [what, header] of Object.entries(hostileHeaders)) {
  test(`headers: ${what}`, () => assert.ok(timeHeaders(header) < 3000))
}

const line = (text: string): string => text.repeat(Math.ceil(2048 / text.length)).slice(0, 2048)

const hostileBodies: Readonly<Record<string, readonly string[]>> = {
  'fifty thousand URIs': Array.from({ length: 50_000 }, (_, n) => `http://h${n}.com/ `),
  'ten megabytes of a@a.a@a.': Array.from({ length: 5000 }, () => line('a@a.a@a.')),
  'one line of ten megabytes': ['a@a.a@a.'.repeat(1_300_000)],
  'one word of ten megabytes': ['a'.repeat(10_000_000) + '.com'],
  'dots and dashes': [('a-.'.repeat(1000) + ' ').repeat(1000)],
  'schemes in schemes': Array.from({ length: 500 }, (_, n) => `${n}x ${line('http:')}.com`),
  brackets: [(')('.repeat(1000) + 'a.com ').repeat(1000)],
}

for (const [what, body] of Object.entries(hostileBodies)) {
  test(`URIs: ${what}`, () => assert.ok(timeUris(body) < 6000))
}

test('URIs: links that make redirectors work hard', () => {
  const links = Array.from({ length: 1000 }, (_, n) => `http://a.com/${n}${'/?'.repeat(4000)}xURL=`)
  assert.ok(timeUris([], links) < 6000)
})

test('URIs: chains of redirections end', () => {
  const links = Array.from({ length: 2000 }, (_, n) => `http://a.com/${n}?${'http:a.com/'.repeat(740)}`)
  assert.ok(timeUris([], links) < 6000)
})

test('random bytes give views, not errors', () => {
  let seed = 12345
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const alphabet =
    'Received: from a@b.com [1.2.3.4] (by) <>"\\=?utf-8?Q?\n\t;,::1%20http://www.a.com/\x00\xff\xa0'
  for (let round = 0; round < 300; round++) {
    let text = ''
    for (let n = random(400); n > 0; n--) text += alphabet[random(alphabet.length)]
    timeHeaders(`From: ${text}\nReceived: from ${text}\nTo: ${text}\nMessage-ID:${text}`)
    timeUris([text], [text])
  }
})
