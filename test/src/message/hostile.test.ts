// Mail that means harm: nothing throws, and the time grows with the size only. Each case would take minutes if a step were quadratic.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { mimePartsTotalMax } from '../../../src/limits.js'
import { parseMessage } from '../../../src/message/parse.js'
import { packageRoot } from '../../../src/root.js'
import { readOracle } from '../../support/oracle.js'
import { type MicroCase, textsOf } from '../../support/texts.js'

const head = 'From: a@example.com\nMIME-Version: 1.0\n'
const html = head + 'Content-Type: text/html\n\n'
const plain = head + 'Content-Type: text/plain\n\n'
const mixed = head + 'Content-Type: multipart/mixed; boundary=BB\n\n'
const encoded = (encoding: string): string =>
  head + `Content-Type: text/plain\nContent-Transfer-Encoding: ${encoding}\n\n`
const million = 1_000_000

const cases: Readonly<Record<string, string>> = {
  'an empty message': '',
  'a million NUL bytes': '\0'.repeat(million),
  'a line of 20 MB': plain + 'x'.repeat(20 * million),
  'a line of 20 MB in a multipart': mixed + '--BB\n\n' + 'x'.repeat(20 * million),
  '20 MB of blanks in html': html + ' '.repeat(20 * million),
  'five million empty lines': plain + '\n'.repeat(5 * million),
  '10,000 headers': 'X-Name: value\n'.repeat(10_000) + '\nbody',
  'a header of 20 MB': 'X: ' + 'y'.repeat(20 * million),
  '300,000 nested div': html + '<div>'.repeat(300_000) + 'x' + '</div>'.repeat(300_000),
  'end tags without start': html + '</div></span></p>'.repeat(200_000),
  'unclosed titles': html + '<title>'.repeat(200_000),
  'unclosed comments': html + '<!--'.repeat(million),
  'unclosed quotes': html + '<a x="'.repeat(300_000),
  'brackets only': html + '<'.repeat(million),
  'a million attributes': html + '<a ' + 'b=c '.repeat(million) + '>',
  'marked sections': html + '<![INCLUDE['.repeat(100_000) + ']]>'.repeat(100_000),
  'surrogates by number': html + '&#xD83D;&#xDE00;'.repeat(100_000),
  'a long name of an entity': html + '&' + 'a'.repeat(5 * million),
  'a long style': html + '<p style="color:' + ' '.repeat(million) + 'x">y',
  '100,000 parts': mixed + '--BB\n\nx\n'.repeat(100_000),
  'parts in parts':
    mixed + ('--BB\nContent-Type: multipart/mixed; boundary=C\n\n' + '--C\n\n'.repeat(1000)).repeat(200),
  'messages in messages': head + 'Content-Type: message/rfc822\n\n'.repeat(50_000),
  'one boundary for all levels':
    head +
    'Content-Type: multipart/mixed; boundary=B\n\n' +
    '--B\nContent-Type: multipart/mixed; boundary=B\n\n'.repeat(20_000),
  'delimiters with long blank tails': mixed + ('--BB' + ' '.repeat(1000) + 'x\n').repeat(5000),
  'a part header of boundaries': mixed + '--BB\nContent-Type: a; ' + 'boundary='.repeat(million) + '"\n\nz',
  'blanks before no line end': encoded('quoted-printable') + ' '.repeat(5 * million) + 'x',
  'padding everywhere': encoded('base64') + 'Q=!'.repeat(million),
  'half of a Japanese text':
    head + 'Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B' + '~'.repeat(million),
}

for (const [name, text] of Object.entries(cases)) {
  test(`${name}: no exception, no quadratic time`, () => {
    const started = process.cpuUsage()
    const { message } = textsOf(Buffer.from(text, 'latin1'))
    const { user, system } = process.cpuUsage(started)
    assert.ok(message.parts.length <= mimePartsTotalMax + 1)
    // A few hundred milliseconds a megabyte are the worst seen; a quadratic step takes minutes.
    assert.ok((user + system) / 1e6 < 10, `${(user + system) / 1e6} s of CPU`)
  })
}

test('more than 1,000 parts of a multipart are dropped and said', () => {
  const { parts, defects } = parseMessage(Buffer.from(mixed + '--BB\n\nx\n'.repeat(2000)))
  assert.equal(parts.length, 1001)
  assert.ok(defects.some(({ kind }) => kind === 'mimepart_limit_exceeded'))
})

test('nesting deeper than 20 is not opened and said', () => {
  const levels = Array.from(
    { length: 50 },
    (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`,
  )
  const { defects, parts } = parseMessage(Buffer.from(levels.join('') + '\nx'))
  assert.equal(parts.length, 21)
  assert.ok(defects.some(({ kind }) => kind === 'nesting_too_deep'))
})

test('random bytes never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      textsOf(bytes)
    }),
    { numRuns: 500 },
  )
})

test('mutated mail never throws, and parsing leaves the bytes alone', () => {
  const seeds = ['micro-mime', 'micro-html'].flatMap((name) =>
    readOracle<MicroCase>(name).map(({ message }) => message),
  )
  const pieces = [
    '--BB\n',
    '--BB--\n',
    '\n',
    '\0',
    '<',
    '>',
    '"',
    '&#',
    '=',
    '\x1b$B',
    '\xff',
    ']]>',
    '<!--',
    '\r',
  ]
  const edit = fc.tuple(fc.nat(), fc.nat(20), fc.constantFrom(...pieces))
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 8 }), (seed, edits) => {
      let text = seed
      for (const [place, removed, added] of edits) {
        const at = place % (text.length + 1)
        text = text.slice(0, at) + added + text.slice(at + removed)
      }
      const raw = Buffer.from(text, 'latin1')
      const before = raw.toString('latin1')
      textsOf(raw)
      assert.equal(raw.toString('latin1'), before)
    }),
    { numRuns: 1000 },
  )
})

test('a message is parsed the same from any view of memory', () => {
  const path = join(packageRoot, 'node_modules', '@stdlib', 'datasets-spam-assassin', 'data', 'spam-1')
  const bytes = readFileSync(join(path, '00001.7848dde101aa985090474a91ec93fcf0.txt'))
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 3), 3)
  shared.set(bytes)
  assert.deepEqual(textsOf(shared).text.body, textsOf(bytes).text.body)
})
