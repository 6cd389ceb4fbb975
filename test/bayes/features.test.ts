// What the tokenizer sees: words as a plain regular expression would cut them, structure, and nothing that a mail store wrote.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { createExtractor } from '../../bayes/index.js'
import { decodeFeatures, encodeFeatures } from '../../bayes/store/codec.js'
import { bodyBit, createSeeds, senderBit } from '../../bayes/tokens/sink.js'
import { parseMessage } from '../../src/message/parse.js'

// natural's own file, not its index: that one loads 1,268 modules.
const { RegexpTokenizer } = createRequire(import.meta.url)(
  'natural/lib/natural/tokenizers/regexp_tokenizer.js',
) as {
  RegexpTokenizer: new (options: { pattern: RegExp; gaps: boolean }) => { tokenize(text: string): string[] }
}

const extractor = createExtractor(1)
const extract = (mail: string) =>
  extractor.extract(parseMessage(Buffer.from(mail, 'latin1')), { names: true })
const header = 'From: a@b.example\nSubject: x\nContent-Type: text/plain; charset=utf-8\n\n'
const utf8 = (text: string) => Buffer.from(text).toString('latin1')

test('words are cut as by the tokenizer of natural with the same pattern', () => {
  const tokenizer = new RegexpTokenizer({
    pattern: /[\p{L}\p{N}_$€£¥][\p{L}\p{N}\p{M}_'’.\-$€%@!]*/gu,
    gaps: false,
  })
  const texts = [
    "Dear Friend, don't wait: 100% free!!! Save $99.95 at www.example.com (e-mail us@example.com).",
    'Größere Überraschung für Сергей и Μαρία — naïve café, l’été; 3,000.00€ v2.0-rc1 --- end.',
    'UPPER lower MiXed under_score 12:30 a b c -x- .y. @z',
  ]
  for (const text of texts) {
    const expected = tokenizer
      .tokenize(text)
      .map((word) => word.replace(/[.'’\-@]+$/, ''))
      .filter((word) => word.length >= 2)
    const { names } = extract(header + utf8(text))
    const found = names!.filter((name) => name?.startsWith('bodyWord:')).map((name) => name.slice(9))
    for (const word of expected) assert.ok(found.includes(word), `${word} is missing in ${found.join(' | ')}`)
  }
})

test('header, structure and links give tokens under their own names', () => {
  const { names } = extract(
    'Received: from mail.shop.example (mail.shop.example [192.0.2.7]) by mx.example.org; Mon, 6 Jul 2026 10:00:00 +0000\n' +
      'From: "A Shop" <news@shop.example>\nTo: user@example.org\nSubject: =?utf-8?B?U2FsZSE=?=\nMessage-ID: <1@shop.example>\n' +
      'Content-Type: text/html\n\n<p align=center>Hello <a href="http://www.shop.example/path">link</a></p>',
  )
  for (const token of [
    'addressDomain:from:shop.example', 'address:to:user@example.org', 'subjectWord:Sale!', 'relayIp:192.0.2', 'relayHost:shop.example',
    'uriHost:shop.example', 'uriWord:path', 'tag:p align=center', 'partType:text/html0', 'alignment:from-relay:same',
    'alignment:from-link:only', 'bodyWord:Hello',
  ]) // biome-ignore format: a list
    assert.ok(names!.includes(token), `${token} is missing in ${names!.join(' | ')}`)
})

test("the sender's domain is found on the road also behind a list, a relay of one's own and a fetchmail", () => {
  const behind =
    'Received: from inbox [127.0.0.1] by localhost with IMAP (fetchmail-5.9.0) for me@localhost; Mon, 6 Jul 2026 10:00:03 +0000\n' +
    'Received: from lists.example.net (lists.example.net [192.0.2.9]) by mx.example.org; Mon, 6 Jul 2026 10:00:02 +0000\n' +
    'Received: from out.work.example (out.work.example [192.0.2.7]) by lists.example.net; Mon, 6 Jul 2026 10:00:01 +0000\n'
  const mail = (received: string, from: string): readonly string[] =>
    extract(`${received}From: ${from}\nTo: list@lists.example.net\nSubject: x\n\nhttp://www.work.example/`)
      .names!
  const honest = mail(behind, 'ann@work.example')
  for (const token of ['alignment:road-from:seen', 'alignment:road-link:seen', 'alignment:border:name-same'])
    assert.ok(honest.includes(token), `${token} is missing in ${honest.join(' | ')}`)
  assert.ok(mail(behind, 'ann@freemail.example').includes('alignment:road-from:off'))
  const claimed = behind.replace('(out.work.example [192.0.2.7])', '([192.0.2.7])')
  assert.ok(mail(claimed, 'ann@work.example').includes('alignment:road-from:claimed'))
})

test('no token belongs to the body and to the sender: they share the place of a weight', () => {
  const seeds = createSeeds(1)
  for (const [kind, { bits }] of Object.entries(seeds))
    assert.notEqual(bits & (bodyBit | senderBit), bodyBit | senderBit, kind)
})

test('verdicts of filters and notes of mail stores leave no token', () => {
  const plain = extract(header + 'hello there')
  const noted = extract(
    'X-Spam-Status: Yes\nX-Keywords: Junk\nStatus: RO\nX-Hamd-Id: 1\n' + header + 'hello there',
  )
  assert.deepEqual(noted.names, plain.names)
  assert.deepEqual(noted.grams, plain.grams)
})

test('another salt gives other tokens', () => {
  const message = parseMessage(Buffer.from(header + 'hello there'))
  const other = createExtractor(2).extract(message)
  const lo = new Set(extractor.extract(message).lo)
  assert.ok(other.lo.every((each) => !lo.has(each)))
})

test('features come back from their bytes', () => {
  const features = extract(header + 'one two three four')
  const again = decodeFeatures(features.id, encodeFeatures(features))
  assert.deepEqual(
    { ...again, grams: again.grams.sort() },
    { ...features, names: undefined, grams: features.grams.slice().sort() },
  )
  const bytes = encodeFeatures(features)
  assert.throws(() => decodeFeatures('x', bytes.subarray(0, bytes.length - 1)))
})

test('hostile mail ends within a time', () => {
  const long = 200_000
  const bodies = [
    '<a ' + 'a'.repeat(long) + '=', '<' + 'a '.repeat(long / 2), '&'.repeat(long), '<!--'.repeat(long / 4), '<style>'.repeat(long / 7),
    'http://'.repeat(long / 7), 'v.'.repeat(long / 2), '\u200b'.repeat(1000), 'a\u200bа'.repeat(20_000), '=?'.repeat(long / 2), '漢'.repeat(long / 3),
    Array.from({ length: long / 6 }, (_, i) => i.toString(36)).join(' '), ' '.repeat(long), '<p ' + ' x='.repeat(long / 3),
  ] // biome-ignore format: a list
  for (const body of bodies)
    for (const head of [
      header,
      header.replace('plain', 'html'),
      `From: ${utf8(body).slice(0, 9000)}\nTo: ${' '.repeat(9000)}\n` + header,
    ]) {
      const started = performance.now()
      const features = extract(head + utf8(body))
      assert.ok(
        performance.now() - started < 2000,
        `${body.slice(0, 20)} took ${performance.now() - started} ms`,
      )
      assert.ok(features.lo.length <= 20_000)
    }
})

test('random bytes never throw', () => {
  let state = 1
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.alloc(round * 7)
    for (let i = 0; i < bytes.length; i++)
      bytes[i] = (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16
    extractor.extract(parseMessage(bytes))
    extractor.extract(parseMessage(Buffer.concat([Buffer.from(header.replace('plain', 'html')), bytes])))
  }
})
