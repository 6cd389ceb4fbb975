// The options of renderText, and results the oracle files do not carry.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMessage } from '../../../../src/message/parse.js'
import { renderText, type TextOptions } from '../../../../src/views/text/index.js'

const options: TextOptions = {
  subject: 'hello',
  normalizeCharset: true,
  bodyPartCharsMax: 50_000,
  rawbodyPartBytesMax: 500_000,
}

const render = (type: string, body: string, changed: Partial<TextOptions> = {}) =>
  renderText(parseMessage(Buffer.from(`Content-Type: ${type}\n\n${body}`, 'latin1')), {
    ...options,
    ...changed,
  })

test('the subject is the first line, a missing one an empty line', () => {
  assert.deepEqual(render('text/plain', 'body').body, ['hello\n', 'body'])
  assert.deepEqual(render('text/plain', 'body', { subject: undefined }).body, ['\n', 'body'])
})

test('without normalize_charset bytes of other charsets stay as they are', () => {
  const koi8 = 'text/plain; charset=koi8-r'
  assert.equal(render(koi8, '\xd0\xd2').body[1], '\xd0\xbf\xd1\x80')
  assert.equal(render(koi8, '\xd0\xd2', { normalizeCharset: false }).body[1], '\xd0\xd2')
  const utf8 = 'text/plain; charset=utf-8'
  assert.equal(render(utf8, 'a\xe3\x80\x80b', { normalizeCharset: false }).body[1], 'a b')
})

test('parts are cut behind the limit, at a line end or a blank if one is near', () => {
  const text = 'word '.repeat(100)
  assert.equal(render('text/plain', text, { bodyPartCharsMax: 52 }).body[1], 'word '.repeat(11))
  assert.equal(render('text/plain', 'x'.repeat(2000), { bodyPartCharsMax: 52 }).body[1]?.length, 52)
  assert.equal(render('text/plain', text, { rawbodyPartBytesMax: 52 }).rawbody[0], 'word '.repeat(11))
  assert.equal(render('text/plain', text, { bodyPartCharsMax: 0, rawbodyPartBytesMax: 0 }).rawbody[0], text)
})

test('links carry the tag they were seen on, and each anchor its own text', () => {
  const html = '<base href="http://e.com/d/"><img src="i.png"><a href="x">one</a> <a href="x">two</a>'
  const [result] = render('text/html', html).html
  assert.deepEqual(
    [...result!.uriDetail].map(([uri, { types, anchor }]) => [uri, [...types], anchor]),
    [
      ['http://e.com/d/', ['base'], []],
      ['http://e.com/d/i.png', ['img'], []],
      ['http://e.com/d/x', ['a'], []],
      ['x', [], ['one', 'two']],
    ],
  )
  assert.deepEqual(
    result!.links.map(({ type, anchor }) => [type, anchor]),
    [
      ['base', undefined],
      ['img', undefined],
      ['a', undefined],
      ['parsed', 'one'],
      ['parsed', 'two'],
    ],
  )
})

test('an empty background in a style does not hide the document, as it does in SpamAssassin 4.0.1', () => {
  assert.equal(render('text/html', '<p style="background: ">buy</p>').body.join(''), 'hello\n\nbuy\n')
})
