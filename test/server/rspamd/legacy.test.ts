// RSPAMC text as Exim's `variant=rspamd` sends and reads it: points 24 to 28 of the conformance list. Exim's own scan pattern stands here as an expression.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CoreError } from '../../../src/errors.js'
import { type TestCore, testCore } from './core.js'
import { exchange, gtube, ham, type ScanServer, scanServer, scored } from './wire.js'

/** Exim 4.96: RSPAMD/%7s 0 EX_OK, Metric: default; %7s %lf / %lf / %lf, then at least one more byte. */
const eximPattern =
  /^RSPAMD\/(\S{1,7}) 0 EX_OK\r\nMetric: default; (\S{1,7}) (-?[\d.]+) \/ (-?[\d.]+) \/ (-?[\d.]+)\r\n(?:Action: ([^\r\n]{1,31})\r\n)?[\s\S]/

describe('RSPAMC text', () => {
  let core: TestCore
  let server: ScanServer

  before(async () => {
    core = testCore()
    server = await scanServer(core)
  })
  after(() => server.close())

  async function check(
    body: string,
    { command = 'CHECK RSPAMC/1.3', headers = [] as string[], halfClose = false } = {},
  ) {
    const head = [command, `Content-length: ${Buffer.byteLength(body)}`, ...headers].join('\r\n')
    return (await exchange(server.port, { send: [`${head}\r\n\r\n`, body], halfClose }))!.toString()
  }

  test('lines in order, no blank one, then EOF, half-closed or not (24)', async () => {
    const expected =
      'RSPAMD/1.3 0 EX_OK\r\n' +
      'Metric: default; False; 1.50 / 15.00 / 0.0\r\n' +
      'Action: no action\r\n' +
      'Symbol: TEST_HIT(1.50)\r\n' +
      'Message-ID: m1@example.com\r\n'
    assert.equal(await check(ham), expected)
    assert.equal(await check(ham, { halfClose: true }), expected)
    assert.equal(
      await check(gtube),
      'RSPAMD/1.3 0 EX_OK\r\nMetric: default; False; 15.00 / 15.00 / 0.0\r\nAction: reject\r\n' +
        'Symbol: GTUBE(0.00)\r\nMessage: Gtube pattern\r\nMessage-ID: g1@example.com\r\n',
    )
  })

  test('SYMBOLS and any version digits are the same; other verbs are closed (25)', async () => {
    assert.equal(await check(ham, { command: 'SYMBOLS RSPAMC/1.1' }), await check(ham))
    for (const command of ['PING', 'SKIP', 'REPORT', 'PROCESS', 'HEADERS', 'check']) {
      assert.equal(await check(ham, { command: `${command} RSPAMC/1.3` }), '')
    }
  })

  test('an exchange as Exim 4.96 makes it: mbox line, X-Envelope, one Rcpt per recipient (26)', async () => {
    core.requests.length = 0
    const body =
      'From MAILER-DAEMON Sat Nov 21 23:55:18 2026\n' +
      'X-Envelope-From: <alice@example.com>\nX-Envelope-To: bob@example.net, carol@example.net\n' +
      scored(7.25).replaceAll('\r', '')
    const reply = await check(body, {
      headers: [
        'Queue-Id: 1xUuvN-0006zY-2i',
        'From: <alice@example.com>',
        'Recipient-Number: 2',
        'Rcpt: <bob@example.net>',
        'Rcpt: <carol@example.net>',
        'Helo: client.example.com',
        'Hostname: mail.example.org',
        'IP: 192.0.2.7',
      ],
    })
    const match = eximPattern.exec(reply)!
    assert.deepEqual(match.slice(1, 7), ['1.3', 'False;', '7.25', '15.00', '0.0', 'add header'])
    assert.deepEqual(core.requests[0]!.envelope, {
      ip: '192.0.2.7',
      helo: 'client.example.com',
      hostname: 'mail.example.org',
      mailFrom: 'alice@example.com',
      queueId: '1xUuvN-0006zY-2i',
      rcptTo: ['bob@example.net', 'carol@example.net'],
    })
  })

  test('negative scores, and no message at all (27)', async () => {
    assert.match(await check(scored(-0.2)), /\r\nMetric: default; False; -0\.20 \/ 15\.00 \/ 0\.0\r\n/)
    const bytes = await exchange(server.port, { send: ['CHECK RSPAMC/1.3\r\nFrom: <a@b>\r\n\r\n'] })
    const empty = bytes!.toString()
    assert.ok(eximPattern.test(empty))
    assert.equal(empty.includes('Message-ID'), false)
  })

  test('hundreds of symbols stay below what Exim reads, cut by whole lines (28)', async () => {
    const many = Array.from(
      { length: 2000 },
      (_, i) => `X-Test-Hit: A_RATHER_LONG_SYMBOL_NAME_${i} ${i / 1000}`,
    )
    const reply = await check(ham.replace('X-Test-Hit', `${many.join('\r\n')}\r\nX-Test-Hit`))
    assert.ok(reply.length < 32_599)
    assert.ok(reply.length > 25_000)
    assert.ok(reply.endsWith('Message-ID: m1@example.com\r\n'))
    for (const line of reply.split('\r\n').slice(3, -2)) assert.match(line, /^Symbol: \S+\([\d.]+\)$/)
    assert.ok(reply.includes('A_RATHER_LONG_SYMBOL_NAME_1999'))
  })

  test('subject line of a rewrite, and nothing of the sender breaks a line', async () => {
    const settings = 'Settings: {"actions":{"rewrite subject":5}}'
    const reply = await check(scored(5.5), { headers: [settings] })
    assert.match(reply, /Action: rewrite subject\r\nSubject: \*\*\*SPAM\*\*\* Hello there\r\nSymbol/)
    const odd = await check(ham.replace('<m1@example.com>', '<m\u00fc\tx@example.com>'))
    assert.match(odd, /\r\nMessage-ID: [\x20-\x7e]+\r\n$/)
  })

  test('a scan that fails makes Exim defer: its pattern does not match', async () => {
    core.onScan = () => Promise.reject(new CoreError('overloaded', 'queue full'))
    const reply = await check(ham)
    core.onScan = undefined
    assert.equal(reply, 'RSPAMD/1.3 0 EX_OK\r\n{"error":"queue full"}\r\n')
    assert.equal(eximPattern.test(reply), false)
  })
})
