// What the oracle cases do not show: offsets, lazy decoding, mailbox separators, header values.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeHeaderValue } from '../../../src/message/encoded-words.js'
import { parseMessage } from '../../../src/message/parse.js'
import { decodeBase64, decodeQuotedPrintable } from '../../../src/message/transfer.js'

const parse = (text: string) => parseMessage(Buffer.from(text, 'latin1'))

test('header offsets point into the message as received', () => {
  const text = 'From alice Tue Jan 6 10:00:00 2026\nTo: b@example.com\nSubject: one\n two\n\nbody\n'
  const message = parse(text)
  assert.equal(message.mboxLine, 'From alice Tue Jan 6 10:00:00 2026')
  assert.deepEqual(
    message.headers.map(({ name, raw, offset }) => [name, raw, text.slice(offset, offset + name.length)]),
    [
      ['To', ' b@example.com\n', 'To'],
      ['Subject', ' one\n two\n', 'Subject'],
    ],
  )
  assert.equal(text.slice(message.bodyOffset), 'body\n')
  assert.equal(message.pristine, text.slice(text.indexOf('To:')))
})

test('CRLF header values are handed on with line feeds, the pristine text is not', () => {
  const message = parse('Subject: one\r\n two\r\n\r\nbody\r\n')
  assert.equal(message.lineEnd, '\r\n')
  assert.equal(message.headers[0]?.raw, ' one\n two\n')
  assert.equal(message.pristine, 'Subject: one\r\n two\r\n\r\nbody\r\n')
  assert.equal(message.root.rawBody, 'body\n')
})

test('an attachment keeps its raw text until somebody asks', () => {
  const message = parse(
    'Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: image/png; name="a.png"\n' +
      'Content-Transfer-Encoding: base64\n\niVBORw0=\n--B--\n',
  )
  const image = message.parts[1]
  assert.equal(image?.rawBody, 'iVBORw0=')
  assert.equal(image?.name, 'a.png')
  assert.equal(image?.decoded(), '\x89PNG\r')
})

test('header values are unfolded, repaired and decoded', () => {
  const values: readonly (readonly [string, string, string])[] = [
    [' plain\n', 'Subject', 'plain'],
    [' one\n\ttwo\n', 'Subject', 'one two'],
    [' =?utf-8?Q?caf=C3=A9?= =?utf-8?B?IQ==?=\n', 'Subject', 'caf\xc3\xa9!'],
    [' =?utf-8?Q?=C3?= =?utf-8?Q?=A9?=\n', 'Subject', '\xc3\xa9'],
    [' =?us-ascii*en?q?a_b?= c\n', 'Subject', 'a b c'],
    [' caf\xe9\n', 'Subject', 'caf\xc3\xa9'],
    [' =?utf-8?Q?a?=\n', 'Message-ID', '=?utf-8?Q?a?='],
  ]
  for (const [raw, name, expected] of values) assert.equal(decodeHeaderValue(raw, name), expected, raw)
})

test('transfer encodings forgive', () => {
  assert.equal(decodeBase64('QU\nJD'), 'ABC')
  assert.equal(decodeBase64('QQ=='), 'A')
  assert.equal(decodeBase64('QQ==QkI='), 'A\0\0BB')
  assert.equal(decodeBase64('Q*UJD'), 'ABC')
  assert.equal(decodeQuotedPrintable('a=3D=41 \t\nb=\r\nc=zz'), 'a=A\nbc=zz')
  // Line ends are dealt with first, each once: a byte may be torn apart, and what a soft break leaves is no new one.
  assert.equal(decodeQuotedPrintable('=4=\n1 =\n \n==\n\n=\r \n='), 'A \n=\n=')
})
