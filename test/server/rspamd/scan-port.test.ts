// The HTTP scan API by raw sockets and curl: points 1 to 23 of the conformance list for rspamd, each named by what is asked.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { decompress } from 'fzstd'
import { storedFrame } from '../../../server/http-zstd.js'
import { rspamdOptions } from '../../../server/rspamd/options.js'
import { CoreError } from '../../../src/errors.js'
import { scanText, type TestCore, testCore } from './core.js'
import { run } from './peer.js'
import { ask, exchange, gtube, ham, parseReply, type ScanServer, scanServer, scored } from './wire.js'

describe('scan port', () => {
  let core: TestCore
  let server: ScanServer
  let strict: ScanServer
  let url: string

  before(async () => {
    core = testCore()
    server = await scanServer(core, {
      messageBytesMax: 200_000,
      settings: new Map([['outbound', { apply: { actions: { reject: 30, 'add header': 8 } } }]]),
    })
    strict = await scanServer(core, { errorDomain: true, scanIds: false })
    url = `http://127.0.0.1:${server.port}`
  })
  after(async () => {
    await server.close()
    await strict.close()
  })
  beforeEach(() => {
    core.onScan = undefined
    core.requests.length = 0
  })

  test('ping: pong and CRLF as text, for any method, connection closed (1)', async () => {
    for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT']) {
      const reply = await ask(server.port, '/ping', { method, body: 'ignored' })
      assert.equal(reply.status, 200)
      assert.equal(reply.body.toString(), 'pong\r\n')
      assert.equal(reply.headers.get('content-type'), 'text/plain')
      assert.equal(reply.headers.get('connection'), 'close')
      assert.equal(reply.headers.get('content-length'), '6')
    }
  })

  test('gtube is a forced reject shown alone (2)', async () => {
    const { json } = await ask(server.port, '/checkv2', { body: gtube, headers: ['Pass: all'] })
    assert.equal(json.action, 'reject')
    assert.equal(json.is_skipped, true)
    assert.equal(json.score, 15)
    assert.equal(json.required_score, 15)
    assert.deepEqual(json.symbols.GTUBE.score, 0)
    assert.equal(json.messages.smtp_message, 'Gtube pattern')
    assert.equal('milter' in json, false)
  })

  test('every way to carry the message gives the same verdict (3)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hamd-curl-'))
    const file = join(folder, 'mail')
    writeFileSync(file, ham)
    const curl = async (...args: string[]) =>
      JSON.parse((await run('curl', ['-s', '--max-time', '5', ...args])).out)
    const length = Buffer.byteLength(ham)
    const replies = [
      await curl('--data-binary', `@${file}`, `${url}/checkv2`),
      await curl('-T', file, `${url}/checkv2`),
      await curl('-X', 'GET', '--data-binary', `@${file}`, `${url}/CheckV2`),
      await curl('-H', 'Transfer-Encoding: chunked', '--data-binary', `@${file}`, `${url}/checkv2`),
      await curl('-0', '--data-binary', `@${file}`, `${url}//checkv2`),
      await curl('-H', 'Content-Type: garbage;;', '--data-binary', `@${file}`, `${url}/checkv2`),
      await curl('-H', 'Expect: 100-continue', '--data-binary', `@${file}`, `${url}/checkv2`),
      parseReply(
        await exchange(server.port, {
          send: [`POST http://h/checkv2 HTTP/1.1\nContent-Length: ${length}\n\n`, ham],
          pauseMs: 20,
        }),
      ).json,
      parseReply(
        await exchange(server.port, {
          send: [`POST /checkv2 HTTP/1.0\r\nContent-Length: ${length}\r\n\r\n${ham}`],
          halfClose: true,
        }),
      ).json,
    ]
    const unlike = { time_real: 0, 'scan-id': '' }
    for (const reply of replies) assert.deepEqual({ ...reply, ...unlike }, { ...replies[0], ...unlike })
    assert.equal(replies[0].score, 1.5)
    rmSync(folder, { recursive: true })
  })

  test('the legacy commands put all into `default` (4)', async () => {
    const commands = ['check', 'scan', 'symbols', 'process', 'report', 'report_ifspam']
    for (const command of commands) {
      const { json } = await ask(server.port, `/${command}`, { body: scored(7.25) })
      assert.equal(json.default.is_spam, true)
      assert.equal(json.default.action, 'add header')
      assert.equal(json.default.required_score, 15)
      assert.equal(json.default.TEST_HIT.score, 7.25)
      assert.equal('metric_score' in json.default.TEST_HIT, false)
      assert.deepEqual(json.rmilter, { remove_headers: { 'X-Spam': 0 } })
      assert.equal(json['message-id'], 'm1@example.com')
    }
  })

  test('empty messages are a verdict without symbols and message-id (5)', async () => {
    for (const reply of [
      await ask(server.port, '/checkv2'),
      parseReply(await exchange(server.port, { send: ['GET /checkv2 HTTP/1.1\r\n\r\n'] })),
    ]) {
      assert.equal(reply.status, 200)
      assert.deepEqual(reply.json.symbols, {})
      assert.deepEqual(reply.json.messages, {})
      assert.equal(reply.json.is_skipped, false)
      assert.equal('message-id' in reply.json, false)
      assert.equal('urls' in reply.json, false)
    }
    assert.equal(core.requests.length, 0)
  })

  test('unknown commands: 500 with the phrase; error_domain only when asked for (6)', async () => {
    for (const path of ['/nosuch', '/checkv2/', '/', '/stat', '/checkv3']) {
      const reply = await ask(server.port, path)
      assert.equal(`${reply.status} ${reply.phrase}`, '500 invalid command')
      assert.deepEqual(reply.json, { error: 'invalid command' })
    }
    const reply = await ask(strict.port, '/nosuch')
    assert.deepEqual(reply.json, { error: 'invalid command', error_domain: 'protocol-error' })
  })

  test('compression that we cannot undo is refused by name (7)', async () => {
    const gzip = await ask(server.port, '/checkv2', { body: ham, headers: ['Compression: gzip'] })
    assert.equal(`${gzip.status} ${gzip.phrase}`, '503 Invalid compression method')
    const garbage = await ask(server.port, '/checkv2', { body: ham, headers: ['Compression: zstd'] })
    assert.equal(`${garbage.status} ${garbage.phrase}`, '503 Decompression error: Unknown frame descriptor')
    const dictionary = await ask(server.port, '/checkv2', {
      body: storedFrame(Buffer.from(ham)) as Buffer,
      headers: ['Compression: zstd', 'Dictionary: 77'],
    })
    assert.equal(dictionary.status, 503)
  })

  test('zstd in, zstd out, marked by Compression and not Content-Encoding (8)', async () => {
    const both = await ask(server.port, '/checkv2', {
      body: storedFrame(Buffer.from(ham)) as Buffer,
      headers: ['Compression: zstd'],
    })
    const flagged = await ask(server.port, '/checkv2', { body: ham, headers: ['Flags: zstd'] })
    for (const reply of [both, flagged]) {
      assert.equal(reply.headers.get('compression'), 'zstd')
      assert.equal(reply.headers.get('content-type'), 'application/json')
      assert.equal(reply.headers.has('content-encoding'), false)
      assert.equal(JSON.parse(Buffer.from(decompress(reply.body)).toString()).score, 1.5)
    }
  })

  test('flags add what they name (9)', async () => {
    const { json } = await ask(server.port, '/checkv2', {
      body: ham,
      headers: ['Flags: groups,profile,ext_urls'],
    })
    assert.deepEqual(json.groups, { tests: { score: 1.5 } })
    assert.equal(typeof json.profile, 'object')
    assert.deepEqual(json.urls, [
      { url: 'http://www.example.org/', tld: 'example.org', host: 'www.example.org', flags: ['text'] },
    ])
    const extended = await ask(server.port, '/checkv2', { body: ham, headers: ['URL-Format: extended'] })
    assert.equal(typeof extended.json.urls[0], 'object')
    const plain = await ask(server.port, '/checkv2', { body: ham, headers: ['Flags: nosuch_flag'] })
    assert.deepEqual(plain.json.urls, ['www.example.org'])
    assert.equal('groups' in plain.json || 'profile' in plain.json, false)
    assert.deepEqual(plain.json.symbols.TEST_HIT, {
      name: 'TEST_HIT',
      score: 1.5,
      metric_score: 1.5,
      description: 'A hit of the tests',
      options: ['one', 'two'],
    })
  })

  test('flag skip and want_spam settings scan nothing (10)', async () => {
    for (const header of ['Flags: skip', 'Settings: {"want_spam":true}']) {
      const { json } = await ask(server.port, '/checkv2', { body: scored(20), headers: [header] })
      assert.equal(json.is_skipped, true)
      assert.equal(json.action, 'no action')
      assert.equal('milter' in json, false)
    }
    assert.equal(core.requests.length, 0)
  })

  test('settings select symbols and scores; broken ones are ignored (11)', async () => {
    const body = ham.replace('X-Test-Hit', 'X-Test-Hit: OTHER 2\r\nX-Test-Hit')
    const only = await ask(server.port, '/checkv2', {
      body,
      headers: ['Settings: {"symbols_enabled":["TEST_HIT"],"scores":{"TEST_HIT":3.0}}'],
    })
    assert.deepEqual(Object.keys(only.json.symbols), ['TEST_HIT'])
    assert.equal(only.json.symbols.TEST_HIT.score, 3)
    assert.equal(only.json.symbols.TEST_HIT.metric_score, 1.5)
    for (const broken of ['{"symbols_enabled":', '[]', '7', 'null', '']) {
      const reply = await ask(server.port, '/checkv2', { body, headers: [`Settings: ${broken}`] })
      assert.equal(reply.json.score, 3.5)
    }
  })

  test('the highest threshold not above the score decides (12)', async () => {
    const action = async (settings: string) =>
      (await ask(server.port, '/checkv2', { body: scored(5.9), headers: [`Settings: ${settings}`] })).json
    assert.equal((await action('{"actions":{"reject":5}}')).action, 'reject')
    assert.equal((await action('{"actions":{"reject":1}}')).action, 'greylist')
    assert.equal((await action('{"actions":{"add_header":5.9}}')).action, 'add header')
    assert.equal((await action('{"actions":{"reject":null}}')).required_score, 15)
    assert.equal((await action('{"actions":{"reject":0.0}}')).required_score, 0)
  })

  test('Settings-ID names rules of the configuration; Settings wins over it (13)', async () => {
    const scan = (...headers: string[]) => ask(server.port, '/checkv2', { body: scored(7), headers })
    assert.equal((await scan('Settings-ID:  outbound')).json.required_score, 30)
    assert.equal((await scan('Settings-ID: outbound')).json.action, 'greylist')
    assert.equal((await scan('Settings-ID: nosuch')).json.action, 'add header')
    assert.equal(
      (await scan('Settings-ID: outbound', 'Settings: {"actions":{"reject":9}}')).json.required_score,
      9,
    )
  })

  test('query arguments stand for headers (14)', async () => {
    await ask(server.port, '/checkv2?ip=10.1.1.1&From=q%40example.com&rcpt=a%40b&pass=all&flags=profile', {
      body: ham,
    })
    const [request] = core.requests
    assert.deepEqual(request!.envelope, { ip: '10.1.1.1', mailFrom: 'q@example.com', rcptTo: ['a@b'] })
    assert.equal(request!.passAll, true)
    assert.equal(request!.wants.profile, true)
  })

  test('recipients: repeated fields, lists, quoted commas (15)', async () => {
    await ask(server.port, '/checkv2', {
      body: ham,
      headers: ['Rcpt: a@x,<b@x>, "x,y"@x', 'Rcpt: <c@x>', 'rcpt: Carol <d@x>'],
    })
    assert.deepEqual(core.requests[0]!.envelope.rcptTo, ['a@x', 'b@x', '"x,y"@x', 'c@x', 'd@x'])
  })

  test('null sender, unreadable address, every envelope field (16)', async () => {
    const scan = async (...headers: string[]) => {
      core.requests.length = 0
      const reply = await ask(server.port, '/checkv2', { body: ham, headers })
      assert.equal(reply.status, 200)
      return core.requests[0]!
    }
    assert.equal((await scan('From: <>')).envelope.mailFrom, '')
    assert.equal((await scan('From:')).envelope.mailFrom, '')
    assert.equal('mailFrom' in (await scan()).envelope, false)
    assert.equal('ip' in (await scan('IP: unknown')).envelope, false)
    assert.equal((await scan('IP: [IPv6:2001:db8::1]')).envelope.ip, '2001:db8::1')
    const full = await scan(
      'From: <a@x>',
      'From: <b@x>',
      'Helo: mx.example.com',
      'Hostname: host.example.com',
      'User: joe',
      'Queue-ID: ABC',
      'MTA-Name: mx',
      'TLS-Cipher: x',
      'SPF: [object Object]',
      'Log: no',
    )
    assert.deepEqual(full.envelope, {
      helo: 'mx.example.com',
      hostname: 'host.example.com',
      mailFrom: 'b@x',
      authUser: 'joe',
      queueId: 'ABC',
      mtaName: 'mx',
      tls: true,
      rcptTo: [],
    })
    assert.equal(full.unlogged, true)
    assert.equal('user' in full, false)
  })

  test('header fields for the MTA fold as the client needs it (17)', async () => {
    const { milterHeaders } = rspamdOptions()
    const marking = await scanServer(core, {
      milterHeaders: {
        ...milterHeaders,
        hostName: 'scanhost',
        routines: [
          'x-spamd-bar',
          'x-spam-level',
          'x-spam-status',
          'x-spamd-result',
          'x-rspamd-action',
          'x-rspamd-server',
          'x-rspamd-queue-id',
          'spam-header',
        ],
      },
    })
    const scan = async (body: string, ...headers: string[]) =>
      (await ask(marking.port, '/checkv2', { body, headers })).json.milter
    const spam = await scan(
      scored(16.5).replace('X-Test', 'X-Test-Hit: B -1 x y\r\nX-Test'),
      'Queue-Id: ABC123',
    )
    const value = (name: string) => spam.add_headers[name]
    assert.deepEqual(value('X-Spamd-Bar'), { value: '+++++++++++++++', order: -1 })
    assert.equal(value('X-Spam-Level').value, '*'.repeat(15))
    assert.equal(value('X-Spam-Status').value, 'Yes, score=15.50')
    assert.equal(
      value('X-Spamd-Result').value,
      'default: True [15.50 / 15.00];\r\n\tTEST_HIT(16.50)[];\r\n\tB(-1.00)[x,y]',
    )
    assert.equal(value('X-Rspamd-Action').value, 'reject')
    assert.equal(value('X-Rspamd-Server').value, 'scanhost')
    assert.equal(value('X-Rspamd-Queue-Id').value, 'ABC123')
    assert.equal(value('Deliver-To').value, 'Junk')
    assert.equal(
      Object.values(spam.remove_headers).every((count) => count === 0),
      true,
    )
    const small = await scan(scored(0.5), 'Flags: milter')
    assert.equal(small.add_headers['X-Spamd-Bar'].value, '/')
    assert.equal('X-Spam-Level' in small.add_headers, false)
    assert.equal('Deliver-To' in small.add_headers, false)
    assert.equal(
      small.add_headers['X-Spamd-Result'].value,
      'default: False [0.50 / 15.00];\n\tTEST_HIT(0.50)[]',
    )
    await marking.close()
  })

  test('the new subject: place holders filled, RFC 2047 where needed (18)', async () => {
    const rewriting = await scanServer(core, { rewriteSubject: '[SPAM %d] %s 100%%' })
    const settings = 'Settings: {"actions":{"rewrite subject":5}}'
    const subject = async (body: string) =>
      (await ask(rewriting.port, '/checkv2', { body, headers: [settings] })).json.subject
    assert.equal(await subject(scored(5.5)), '[SPAM 5.50] Hello there 100%')
    const umlauts = await subject(scored(5.5).replace('Hello there', 'gr\u00fc\u00dfe '.repeat(20)))
    assert.match(umlauts, /^(=\?UTF-8\?B\?[\w+/=]{1,60}\?=( |$))+$/)
    const words = umlauts
      .split(' ')
      .map((word: string) => Buffer.from(word.slice(10, -2), 'base64').toString())
    assert.ok(words.join('').includes('gr\u00fc\u00dfe gr\u00fc\u00dfe'))
    assert.equal(await subject(scored(1)), undefined)
    await rewriting.close()
  })

  test('an mbox line before the header changes nothing (19)', async () => {
    const body = `From MAILER-DAEMON Sat Nov 21 23:55:18 2026\n${ham.replaceAll('\r', '')}`
    const { json } = await ask(server.port, '/checkv2', { body })
    assert.equal(json['message-id'], 'm1@example.com')
    assert.deepEqual(Object.keys(json.symbols), ['TEST_HIT'])
  })

  test('a pipelined second request is not answered (20)', async () => {
    const one = `POST /checkv2 HTTP/1.1\r\nConnection: keep-alive\r\nContent-Length: ${ham.length}\r\n\r\n${ham}`
    const bytes = await exchange(server.port, { send: [one + one] })
    assert.equal(bytes!.toString().split('HTTP/1.1 200').length, 2)
    assert.equal(core.requests.length, 1)
  })

  test('a message above the limit gets 413 at once and never a verdict (21)', async () => {
    const started = performance.now()
    const told = await exchange(server.port, {
      send: ['POST /checkv2 HTTP/1.1\r\nContent-Length: 300000\r\n\r\nx'],
    })
    assert.match(told!.toString(), /^HTTP\/1\.1 413 Request entity too large\r\n/)
    const chunk = `${(60_000).toString(16)}\r\n${'x'.repeat(60_000)}\r\n`
    const chunked = await exchange(server.port, {
      send: [
        'POST /checkv2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
        chunk,
        chunk,
        chunk,
        chunk,
        chunk,
      ],
    })
    assert.match(chunked!.toString(), /^HTTP\/1\.1 413 /)
    assert.ok(performance.now() - started < 3000)
    assert.equal(core.requests.length, 0)
  })

  test('a core that fails answers by kind, with the error alone in the body (22)', async () => {
    const cases = [
      ['overloaded', 503, '5'],
      ['shutting-down', 503, '5'],
      ['too-large', 413, undefined],
      ['scan-failed', 500, undefined],
    ] as const
    for (const [code, status, retryAfter] of cases) {
      core.onScan = () => Promise.reject(new CoreError(code, 'cannot now \u2013 <x>\r\nInjected: y'))
      const reply = await ask(server.port, '/checkv2', { body: ham })
      assert.equal(reply.status, status)
      assert.equal(reply.headers.get('retry-after'), retryAfter)
      assert.equal(reply.headers.has('injected'), false)
      assert.deepEqual(Object.keys(reply.json), ['error'])
    }
    core.onScan = () => Promise.reject(new Error('a bug'))
    assert.deepEqual((await ask(server.port, '/checkv2', { body: ham })).json, { error: 'internal error' })
  })

  test('types of every key; HTTP/1.0 gets a length and no chunks (23)', async () => {
    core.onScan = (request) => {
      const scanned = scanText(request)
      const notes = [{ check: 'dnsbl x', kind: 'timeout', text: 'no answer' }] as const
      return Promise.resolve({ ...scanned, verdict: { ...scanned.verdict, score: Number.NaN, notes } })
    }
    const bytes = await exchange(server.port, {
      send: [`POST /checkv2 HTTP/1.0\r\nContent-Length: ${ham.length}\r\n\r\n${ham}`],
    })
    const reply = parseReply(bytes)
    assert.equal(Number(reply.headers.get('content-length')), reply.body.length)
    assert.equal(reply.headers.has('transfer-encoding'), false)
    const { json } = reply
    assert.equal(json.score, 0)
    assert.deepEqual(json.notes, ['dnsbl x: timeout: no answer'])
    assert.deepEqual(json.thresholds, { greylist: 4, 'add header': 6, reject: 15 })
    for (const key of ['score', 'required_score', 'time_real']) assert.equal(typeof json[key], 'number')
    assert.deepEqual(json.emails, ['carol@example.org'])
    assert.equal(Number.isInteger(json.milter.remove_headers['X-Spam']), true)
  })

  test('what is not HTTP is closed without a word', async () => {
    for (const text of [
      'nonsense\r\n\r\n',
      'GET checkv2 HTTP/1.0\r\n\r\n',
      'FROB / HTTP/1.0\r\n\r\n',
      'CHECK /checkv2 HTTP/1.1\r\n\r\n',
      'POST /checkv2 HTTP/1.1\r\nContent-Length: x\r\n\r\n',
    ]) {
      assert.equal((await exchange(server.port, { send: [text] }))?.length, 0, text)
    }
  })

  test('a body that ends too early gets no reply; one without a length and ended by FIN neither', async () => {
    const short = { send: ['POST /checkv2 HTTP/1.1\r\nContent-Length: 100\r\n\r\nshort'], halfClose: true }
    assert.equal((await exchange(server.port, short))?.length, 0)
    core.onScan = undefined
    const unsized = { send: [`POST /checkv2 HTTP/1.0\r\n\r\n${ham}`], halfClose: true }
    const reply = await exchange(server.port, unsized)
    assert.ok(reply!.length === 0 || parseReply(reply).json.symbols.TEST_HIT === undefined)
    assert.equal(core.requests.length, 0)
  })
})
