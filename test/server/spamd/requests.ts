// The requests that are recorded from a real spamd (bench/capture-spamd.ts) and sent to both in the pair tests.
import { deflateSync } from 'node:zlib'
import { exchange, type Manner } from '../../support/wire.js'

/** LF ham: one illegal address in Received hits, its date is the mail's own, so that nothing depends on the clock. */
export const ham = `Received: from out.example.org (out.example.org [192.0.2.7])
	by mx.example.net (Postfix) with ESMTP id 4A1B2C3D; Mon, 15 Jun 2026 12:00:00 +0000
From: Alice Example <alice@example.org>
To: Bob <bob@example.net>
Subject: Meeting on Tuesday
Date: Mon, 15 Jun 2026 12:00:00 +0000
Message-ID: <20260615120000.4A1B2C3D@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Hello Bob,

the meeting is on Tuesday at ten. Please bring the papers of last week and tell
Carol that the room has changed.

Alice
`

export const gtube = ham.replace(
  'Alice\n',
  'Alice\n\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n',
)

export interface Exchange {
  readonly name: string
  readonly request: string
  readonly manner: Manner
}

const withLength = (verb: string, version: string, message: string, extra = '') =>
  `${verb} SPAMC/${version}\r\n${extra}Content-length: ${message.length}\r\n\r\n${message}`

function everyVersion(): Exchange[] {
  const all: Exchange[] = []
  for (const verb of ['CHECK', 'SYMBOLS', 'REPORT', 'REPORT_IFSPAM', 'PROCESS', 'HEADERS'])
    for (const version of ['1.0', '1.1', '1.2', '1.3', '1.5'])
      for (const [kind, message] of [
        ['ham', ham],
        ['spam', gtube],
      ] as const) {
        const request =
          version === '1.0' ? `${verb} SPAMC/1.0\r\n${message}` : withLength(verb, version, message)
        all.push({ name: `${verb} ${version} ${kind}`, request, manner: 'half-close' })
      }
  return all
}

function refusals(): Exchange[] {
  const check = (name: string, header: string): Exchange => ({
    name,
    request: `CHECK SPAMC/1.5\r\n${header}\r\nContent-length: ${ham.length}\r\n\r\n${ham}`,
    manner: 'half-close',
  })
  const zlib = deflateSync(gtube).toString('latin1')
  return [
    { name: 'unknown verb', request: 'FOO SPAMC/1.2\r\n', manner: 'keep' },
    { name: 'small letters', request: 'ping SPAMC/1.2\r\n', manner: 'keep' },
    { name: 'two blanks', request: 'PING  SPAMC/1.2\r\n', manner: 'keep' },
    { name: 'no version', request: 'PING SPAMC\r\n', manner: 'keep' },
    { name: 'empty line', request: '\r\n', manner: 'keep' },
    { name: 'HTTP/0.9', request: 'GET /\r\n', manner: 'keep' },
    { name: 'nothing', request: '', manner: 'half-close' },
    { name: 'PING without the blank line', request: 'PING SPAMC/1.5\r\n', manner: 'half-close' },
    { name: 'headers cut', request: 'CHECK SPAMC/1.5\r\nUser: x\r\n', manner: 'half-close' },
    check('header without colon', 'Foo'),
    check('length 12a', 'Content-length: 12a'),
    check('length with a blank', 'Content-length: 12 '),
    check('user with a tab', 'User: a\tb'),
    check('gzip', 'Compress: gzip'),
    check('too many headers', Array.from({ length: 300 }, (_, n) => `X-${n}: y`).join('\r\n')),
    {
      name: 'length too long',
      request: `CHECK SPAMC/1.5\r\nContent-length: ${ham.length + 10}\r\n\r\n${ham}`,
      manner: 'half-close',
    },
    {
      name: 'length cuts a line',
      request: `CHECK SPAMC/1.5\r\nContent-length: ${ham.length - 3}\r\n\r\n${ham}`,
      manner: 'half-close',
    },
    {
      name: 'length 0 with a body',
      request: `CHECK SPAMC/1.5\r\nContent-length: 0\r\n\r\n${ham}`,
      manner: 'half-close',
    },
    {
      name: 'empty length',
      request: `CHECK SPAMC/1.5\r\nContent-length: \r\n\r\n${ham}`,
      manner: 'half-close',
    },
    {
      name: 'zlib without length',
      request: `CHECK SPAMC/1.5\r\nCompress: zlib\r\n\r\n${zlib}`,
      manner: 'half-close',
    },
    {
      name: 'zlib that is none',
      request: withLength('CHECK', '1.5', ham, 'Compress: zlib\r\n'),
      manner: 'half-close',
    },
    { name: 'silence', request: '', manner: 'keep' },
    {
      name: 'half a message',
      request: `CHECK SPAMC/1.5\r\nContent-length: ${ham.length + 10}\r\n\r\n${ham}`,
      manner: 'keep',
    },
  ]
}

function successes(): Exchange[] {
  const zlib = deflateSync(gtube).toString('latin1')
  const tell = (name: string, head: string, version = '1.5'): Exchange => ({
    name: `TELL ${name}`,
    request: `TELL SPAMC/${version}\r\n${head}Content-length: ${gtube.length}\r\n\r\n${gtube}`,
    manner: 'half-close',
  })
  return [
    { name: 'PING 1.2', request: 'PING SPAMC/1.2\r\n', manner: 'keep' },
    { name: 'PING LF', request: 'PING SPAMC/1.2\n', manner: 'keep' },
    { name: 'PING without line end', request: 'PING SPAMC/1.2', manner: 'half-close' },
    { name: 'PING 1.5', request: 'PING SPAMC/1.5\r\n\r\n', manner: 'keep' },
    { name: 'PING behind other letters', request: 'XXPING SPAMC/1.2\r\n', manner: 'keep' },
    { name: 'SKIP', request: 'SKIP SPAMC/1.5\r\n\r\n', manner: 'keep' },
    { name: 'no length', request: `CHECK SPAMC/1.5\r\n\r\n${ham}`, manner: 'half-close' },
    {
      name: 'other spelling of the length',
      request: `CHECK SPAMC/1.5\r\nContent-Length: 5\r\n\r\n${ham}`,
      manner: 'half-close',
    },
    {
      name: 'no blank after the colon',
      request: `CHECK SPAMC/1.5\r\nContent-length:${ham.length}\r\n\r\n${ham}`,
      manner: 'keep',
    },
    {
      name: 'two lengths',
      request: `CHECK SPAMC/1.5\r\nContent-length: 3\r\nContent-length: ${ham.length}\r\n\r\n${ham}`,
      manner: 'keep',
    },
    {
      name: 'user of all kinds',
      request: withLength('CHECK', '1.5', ham, 'User: a b\xc3\xa9+c@x\r\n'),
      manner: 'keep',
    },
    { name: 'version 1.9', request: withLength('CHECK', '1.9', ham), manner: 'keep' },
    { name: 'version abc', request: `CHECK SPAMC/abc\r\n${ham}`, manner: 'half-close' },
    { name: 'empty message', request: 'CHECK SPAMC/1.5\r\nContent-length: 0\r\n\r\n', manner: 'half-close' },
    {
      name: 'zlib',
      request: withLength('CHECK', '1.5', zlib, 'Compress: ZLIB,foo\r\n'),
      manner: 'half-close',
    },
    {
      name: 'CRLF message',
      request: withLength('PROCESS', '1.5', ham.replaceAll('\n', '\r\n')),
      manner: 'keep',
    },
    {
      name: 'CRLF spam',
      request: withLength('PROCESS', '1.5', gtube.replaceAll('\n', '\r\n')),
      manner: 'keep',
    },
    { name: 'no line end', request: withLength('PROCESS', '1.5', ham.slice(0, -1)), manner: 'half-close' },
    {
      name: 'mbox line and Return-Path',
      request: withLength(
        'PROCESS',
        '1.5',
        `From alice Mon Jun 15 12:00:00 2026\nReturn-Path: <alice@example.org>\nX-Spam-Foo: forged\n${ham}`,
      ),
      manner: 'keep',
    },
    {
      name: 'eight bit and NUL',
      request: withLength('PROCESS', '1.5', `${ham}caf\xe9 \0 end\n`),
      manner: 'keep',
    },
    tell('spam', 'Message-class: spam\r\nSet: local\r\n'),
    tell('spam again', 'Message-class: spam\r\nSet: local\r\n'),
    tell('ham after spam', 'Message-class: ham\r\nSet: local\r\n'),
    tell('forget', 'Remove: local\r\n'),
    tell('forget again', 'Remove: local\r\n'),
    tell('local, remote', 'Message-class: spam\r\nSet: local, remote\r\n'),
    tell('at 1.0', 'Message-class: ham\r\nSet: local\r\n', '1.0'),
    tell('nothing', 'Set: bogus\r\n'),
    tell('set and remove', 'Set: local\r\nRemove: local\r\n'),
    tell('set and remove remote', 'Set: remote\r\nRemove: remote\r\n'),
  ]
}

export const exchanges: readonly Exchange[] = [...successes(), ...everyVersion(), ...refusals()]

/** All answers of a server, by name: TELLs one after the other, since each changes what the next finds, the rest three at a time. */
export async function askAll(address: string): Promise<Map<string, string>> {
  const answers = new Map<string, string>()
  const ask = async ({ name, request, manner }: Exchange) =>
    void answers.set(name, (await exchange(address, request, manner)).text)
  const inOrder = exchanges.filter(({ name }) => name.startsWith('TELL'))
  const others = exchanges.filter(({ name }) => !name.startsWith('TELL'))
  const lane = async () => {
    for (let next = others.shift(); next !== undefined; next = others.shift()) await ask(next)
  }
  const tells = async () => {
    for (const one of inOrder) await ask(one)
  }
  await Promise.all([tells(), lane(), lane(), lane()])
  return answers
}

/** What differs from machine to machine and run to run, taken out; rows of a report sorted, since their order is not fixed. */
export function comparable(reply: string): string {
  const rows = /(?:^[ \t*]*-?\d+(?:\.\d)? [A-Z_][A-Z0-9_]* .*\r?\n(?:^(?:\t\*| {28}).*\r?\n)*)+/gm
  return reply
    .replace(/----------=_[0-9A-F]{8}\.[0-9A-F]{8}/g, '----------=_BOUNDARY')
    .replace(/^(Received: from localhost by )\S+(\r?\n\twith SpamAssassin .*\r?\n\t).*$/m, '$1HOST$2DATE')
    .replace(rows, (table) =>
      table
        .split(/(?<=\n)(?!\t\* {6}| {28})/)
        .sort()
        .join(''),
    )
}
