// Received fields read by hand against the patterns that say what is meant, on fields put together at random.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '../../../bayes/random.js'
import { baseDomain, isBlank, readHop } from '../../../bayes/tokens/hops.js'

const hop = /^from\s+(\S+)\s*(?:\[[\d.]{7,15}\]\s*)?(?:\(([^()]{0,200}(?:\([^()]{0,200}\)[^()]{0,200})?)\))?/i
const byHost = /\bby\s+([\w.-]{1,255})/i
const forAddress = /\bfor\s+<?([\w.+=-]{1,64}@[\w.-]{1,255})/i
const hostName = /(?:^|[\s=@])((?:[\w-]{1,63}\.)+[a-z]{2,24})\b/i
const privateAddress = /\b(?:10|127|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}/

function plainDomain(host: string): string {
  const labels = host.replace(/\.+$/, '').toLowerCase().split('.')
  const isShort = labels.length > 2 && labels.at(-1)!.length === 2 && labels.at(-2)!.length <= 3
  return labels.slice(isShort ? -3 : -2).join('.')
}

function plainHop(value: string) {
  const from = hop.exec(value)
  if (!from) return undefined
  const helo = from[1]!.toLowerCase()
  const comment = from[2] ?? ''
  const reverse = (hostName.exec(comment)?.[1] ?? '').toLowerCase()
  const by = (byHost.exec(value)?.[1] ?? '').toLowerCase()
  const inside =
    privateAddress.test(from[0]) || helo === 'localhost' || plainDomain(reverse || helo) === plainDomain(by)
  return {
    helo,
    reverse,
    by,
    forWhom: (forAddress.exec(value)?.[1] ?? '').toLowerCase(),
    comment,
    heloDomain: plainDomain(helo),
    reverseDomain: plainDomain(reverse),
    outside: !inside,
  }
}

const pieces = [
  'from', 'From ', ' by ', 'BY', ' for ', 'for <', 'xfor ', '<', '>', '@', '=', '(', ')', '[', ']', '1.2.3.4', '[10.0.0.1]', '[1.2.3]', '172.20.1.9',
  'mx.example.org', 'Mail.Example.CO.UK', 'localhost', 'a_b-c.de', 'x.y1', 'host.', '.', '-', '_', 'helo=', 'unknown ', ' ', '  ', '\t', '\n', '\u00a0',
  '\u2028', 'é', '😀', 'ſ', 'ann+x=y@b.example', 'Ann@', 'q'.repeat(64), 'w'.repeat(63) + '.com', 'z'.repeat(201), 'l.'.repeat(140), '7', 'abc', '; Mon',
] // biome-ignore format: a list

test('a Received field put together at random is read as the patterns read it', () => {
  const random = createRandom(11)
  const some = (most: number): string =>
    Array.from(
      { length: Math.floor(random() * most) },
      () => pieces[Math.floor(random() * pieces.length)],
    ).join('')
  let read = 0
  for (let i = 0; i < 40_000; i++) {
    const start = random() < 0.8 ? 'from ' : ''
    const value =
      random() < 0.5
        ? start + some(9)
        : `${start}${some(3)} (${some(5)}) by ${some(3)} for <${some(3)}>; ${some(3)}`
    const found = readHop(value)
    if (found) read++
    assert.deepEqual(found, plainHop(value), JSON.stringify(value))
  }
  assert.ok(read > 20_000, `${read} were read`)
})

test('domains by their look', () => {
  for (const host of [
    '',
    '.',
    '..',
    'a',
    'a.',
    '.a',
    'a.b',
    '.a.b',
    'x.a.b..',
    'mail.example.co.uk',
    'a.example.museum',
    'a..uk',
    'A.B.C.DE',
  ])
    assert.equal(baseDomain(host), plainDomain(host), host)
})

test('a blank is what patterns call one', () => {
  for (let unit = 0; unit < 65536; unit++)
    assert.equal(isBlank(unit), /\s/.test(String.fromCharCode(unit)), unit.toString(16))
})
