// mailparser as twin: on well-formed mail an independent reader finds the same parts, names and contents. On broken mail the readers
// differ on purpose (src/message/parse.ts follows SpamAssassin).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simpleParser } from 'mailparser'
import { parseMessage } from '../../../src/message/parse.js'

const attachments = [
  { name: 'data.bin', type: 'application/octet-stream', bytes: Buffer.from([0, 1, 2, 250, 255, 10, 13]) },
  { name: 'a b.zip', type: 'application/zip', bytes: Buffer.from('PK\r\n1;2\r\n') },
]

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/(.{76})/g, '$1\r\n')
}

const mail = [
  'From: Anna <anna@sender.example>',
  'To: bob@rcpt.example',
  'Subject: twins',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="outer"',
  '',
  'preamble',
  '--outer',
  'Content-Type: multipart/alternative; boundary=inner',
  '',
  '--inner',
  'Content-Type: text/plain; charset=iso-8859-1',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Caf=E9 and a soft=',
  ' break',
  '--inner',
  'Content-Type: text/html; charset=utf-8',
  'Content-Transfer-Encoding: base64',
  '',
  base64(Buffer.from(`<p>${'long text. '.repeat(20)}</p>`)),
  '--inner--',
  ...attachments.flatMap(({ name, type, bytes }) => [
    '--outer',
    `Content-Type: ${type}; name="${name}"`,
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename="${name}"`,
    '',
    base64(bytes),
  ]),
  '--outer--',
  'epilogue',
  '',
].join('\r\n')

for (const [ends, text] of [
  ['CRLF', mail],
  ['LF', mail.replaceAll('\r\n', '\n')],
] as const)
  test(`${ends}: the same texts, attachments and names`, async () => {
    const theirs = await simpleParser(Buffer.from(text, 'latin1'))
    const leaves = parseMessage(Buffer.from(text, 'latin1')).parts.filter(({ isLeaf }) => isLeaf)
    const [plain, html, ...files] = leaves
    const trimmed = (words: string) => words.replaceAll('\r\n', '\n').trim()
    assert.equal(trimmed(plain!.decoded()), 'Caf\xe9 and a soft break')
    assert.equal(trimmed(theirs.text ?? ''), 'Café and a soft break')
    assert.equal(trimmed(html!.decoded()), trimmed(theirs.html || ''))
    assert.deepEqual(
      files.map((part) => [part.name, part.type, part.disposition, part.decoded()]),
      theirs.attachments.map((part) => [
        part.filename,
        part.contentType,
        part.contentDisposition,
        part.content.toString('latin1'),
      ]),
    )
    assert.deepEqual(
      files.map((part) => Buffer.from(part.decoded(), 'latin1')),
      attachments.map(({ bytes }) => bytes),
    )
  })
