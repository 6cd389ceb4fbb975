// The spamd front on raw sockets: the conformance checklist of reference spamd-protocol.md section 8, points 1 to 53 and the wire forms of
// the clients of section 5. The core is a small one that can be told what to find; templates and rules have their own tests.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { deflateSync } from 'node:zlib'
import type { SpamdOptions } from '../../../server/spamd/index.js'
import { type SmallCore, smallCore } from '../../support/core.js'
import { exchange, type Manner, open } from '../../support/wire.js'
import { type SpamdUnderTest, serveCore } from './server.js'

const ham =
  'Message-ID: <m1@example.org>\nFrom: a@example.org\nTo: b@example.net\nSubject: Hello\n\nHello Bob, the meeting is on Tuesday.\n'
const gtube = ham + 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n'
const ok = 'SPAMD/1.1 0 EX_OK\r\n'
const bad = (text: string) => `SPAMD/1.0 76 Bad header line: ${text}\r\n`

const servers: SpamdUnderTest[] = []
after(async () => {
  for (const server of servers) await server.close()
})

async function start(core: SmallCore, options: Partial<SpamdOptions> = {}): Promise<string> {
  const server = await serveCore(core, options)
  servers.push(server)
  return server.address
}

let core: SmallCore
let to: string
before(async () => {
  core = smallCore()
  to = await start(core)
})

const ask = async (request: string, manner: Manner = 'keep') => (await exchange(to, request, manner)).text
const withLength = (verb: string, version: string, message: string, extra = '') =>
  `${verb} SPAMC/${version}\r\n${extra}Content-length: ${message.length}\r\n\r\n${message}`
/** One whole request with its length, connection kept open: the answer must not wait for the end of the stream. */
const scan = (verb: string, version: string, message: string) => ask(withLength(verb, version, message))

test('PING at every version and line end', async () => {
  const pong = 'SPAMD/1.5 0 PONG\r\n'
  assert.equal(await ask('PING SPAMC/1.2\r\n'), pong)
  assert.equal(await ask('PING SPAMC/1.2\n'), pong)
  assert.equal(await ask('PING SPAMC/1.2', 'half-close'), pong)
  assert.equal(await ask('PING SPAMC/1.5\r\n\r\n'), pong)
  assert.equal(await ask('PING SPAMC/1.5\r\n', 'half-close'), bad('(EOF during headers)'))
  assert.equal(await ask('XXPING SPAMC/1.2\r\n'), pong)
  assert.equal(await ask('PING SPAMC/1.2\r\nPING SPAMC/1.2\r\n'), pong)
  assert.equal(await ask('PING SPAMC/1.5\r\nUser: x\r\n\r\n', 'byte-by-byte'), pong)
})

test('SKIP closes without a byte', async () => {
  assert.equal(await ask('SKIP SPAMC/1.2\r\n'), '')
  assert.equal(await ask('SKIP SPAMC/1.5\r\n\r\n'), '')
})

test('what is no request is quoted back in one line', async () => {
  assert.equal(await ask('FOO SPAMC/1.2\r\n\r\n'), bad('FOO SPAMC/1.2'))
  assert.equal(await ask('ping SPAMC/1.2\r\n'), bad('ping SPAMC/1.2'))
  assert.equal(await ask('PING  SPAMC/1.2\r\n'), bad('PING  SPAMC/1.2'))
  assert.equal(await ask('PING SPAMC\r\n'), bad('PING SPAMC'))
  assert.equal(await ask('', 'half-close'), bad('(closed before headers)'))
  assert.equal(await ask('\r\n'), bad(''))
  assert.equal(await ask('caf\xc3\xa9\n'), bad('caf\xc3\xa9'))
  assert.equal(await ask('x'.repeat(20_000)), bad('(first line is too long)'))
})

test('CHECK answers the same bytes at every version with headers', async () => {
  for (const version of ['1.1', '1.2', '1.3', '1.4', '1.5', '1.9', '1.10', '2.0', '1.3 foo'])
    assert.equal(await scan('CHECK', version, ham), `${ok}Spam: False ; 0.0 / 5.0\r\n\r\n`, version)
  assert.equal(await scan('CHECK', '1.5', gtube), `${ok}Spam: True ; 1000.0 / 5.0\r\n\r\n`)
})

test('without a version above 1.0 headers are part of the message', async () => {
  for (const version of ['0.9', '1.0', 'abc', '']) {
    const request = withLength('CHECK', version, ham)
    assert.equal(await ask(request, 'half-close'), `${ok}Spam: False ; 0.0 / 5.0\r\n\r\n`)
    const seen = Buffer.from(core.requests.at(-1)!.raw).toString('latin1')
    assert.equal(seen, request.slice(request.indexOf('\n') + 1))
  }
})

test('one request per connection', async () => {
  const before = core.requests.length
  const request = withLength('CHECK', '1.5', ham)
  assert.equal(await ask(request + request), `${ok}Spam: False ; 0.0 / 5.0\r\n\r\n`)
  assert.equal(core.requests.length, before + 1)
})

test('request headers: what is ignored and what is refused', async () => {
  const check = (header: string, manner: Manner = 'keep') =>
    ask(`CHECK SPAMC/1.5\r\n${header}\r\nContent-length: ${ham.length}\r\n\r\n${ham}`, manner)
  const fine = `${ok}Spam: False ; 0.0 / 5.0\r\n\r\n`
  assert.equal(await check('X-Unknown: 1'), fine)
  assert.equal(await check('Content-length: 3\r\nX: y'), fine)
  assert.equal(await check('Foo'), bad("(header not in 'Name: value' format)"))
  assert.equal(await check(Array.from({ length: 254 }, (_, n) => `X-${n}: y`).join('\r\n')), fine)
  assert.equal(
    await check(Array.from({ length: 300 }, (_, n) => `X-${n}: y`).join('\r\n')),
    bad('(too many headers)'),
  )
  assert.equal(await check(`X: ${'y'.repeat(20_000)}`), bad('(header line is too long)'))
  for (const length of ['12a', '-1', '415 ', '0x10'])
    assert.equal(await check(`Content-length: ${length}`), bad('(Content-Length contains non-numeric bytes)'))
  assert.equal(await ask(`CHECK SPAMC/1.5\r\nContent-length:${ham.length}\r\n\r\n${ham}`), fine)
  assert.equal(await ask(`CHECK SPAMC/1.5\nContent-length: ${ham.length}\nUser: x\n\n${ham}`), fine)
  assert.equal(await check('User: a\tb'), bad('(User header contains control chars)'))
  assert.equal(await check('User: '), fine)
  assert.equal(core.requests.at(-1)!.user, undefined)
  assert.equal(await check('User: a b\xc3\xa9+c@x'), fine)
  assert.equal(core.requests.at(-1)!.user, 'a bé+c@x')
  assert.equal(await check('Compress: gzip'), bad('(compression type not supported: gzip)'))
})

test('other spellings of Content-length never cut a message and never keep a client waiting', async () => {
  const fine = `${ok}Spam: False ; 0.0 / 5.0\r\n\r\n`
  const last = () => Buffer.from(core.requests.at(-1)!.raw).toString('latin1')
  assert.equal(await ask(`CHECK SPAMC/1.5\r\nContent-Length: 5\r\n\r\n${ham}`, 'half-close'), fine)
  assert.equal(last(), ham)
  assert.equal(await ask(`CHECK SPAMC/1.5\r\ncontent-lenght: ${ham.length}\r\n\r\n${ham}`), fine)
  assert.equal(last(), ham)
  assert.equal(await ask(`CHECK SPAMC/1.5\r\nContent-Length: ${ham.length}\r\n\r\n${ham}\r\n`), fine)
  assert.equal(last(), ham)
  assert.equal(await ask(`CHECK SPAMC/1.5\r\nContent-Length: x\r\n\r\n${ham}`, 'half-close'), fine)
})

test('zlib bodies', async () => {
  const zlib = (body: Buffer, length: number | undefined = body.length) =>
    Buffer.concat([
      Buffer.from(`CHECK SPAMC/1.5\r\nCompress: ZLIB,foo\r\nContent-length: ${length}\r\n\r\n`),
      body,
    ])
  const send = async (bytes: Uint8Array, manner: Manner = 'keep') => (await exchange(to, bytes, manner)).text
  assert.equal(await send(zlib(deflateSync(gtube))), `${ok}Spam: True ; 1000.0 / 5.0\r\n\r\n`)
  assert.deepEqual(Buffer.from(core.requests.at(-1)!.raw), Buffer.from(gtube))
  // A length that promises more than was sent is no harm as long as the stream is whole.
  const body = deflateSync(gtube)
  assert.match(await send(zlib(body, body.length + 50), 'half-close'), /^SPAMD\/1\.1 0 EX_OK/)
  const broken = 'SPAMD/1.0 69 Service Unavailable: zlib: failed to find end of zlib stream\n\r\n'
  assert.equal(await send(zlib(body.subarray(0, 40))), broken)
  assert.equal(await send(zlib(randomBytes(100))), broken)
  assert.equal(
    await ask(`CHECK SPAMC/1.5\r\nCompress: zlib\r\n\r\n`, 'half-close'),
    'SPAMD/1.0 69 Service Unavailable: Compress requires Content-length header\r\n',
  )
  const before = process.memoryUsage().rss
  assert.match(await send(zlib(deflateSync(Buffer.alloc(200_000_000)))), /^SPAMD\/1\.0 69 /)
  assert.ok(process.memoryUsage().rss - before < 400_000_000)
})

test('length and end of the body', async () => {
  const fine = `${ok}Spam: False ; 0.0 / 5.0\r\n\r\n`
  const n = ham.length
  const check = (length: number, body: string, manner: Manner) =>
    ask(`CHECK SPAMC/1.5\r\nContent-length: ${length}\r\n\r\n${body}`, manner)
  const mismatch = (expected: number, got: number) =>
    bad(`(Content-Length mismatch: Expected ${expected} bytes, got ${got} bytes)`)
  assert.equal(await ask(`CHECK SPAMC/1.5\r\n\r\n${ham}`, 'half-close'), fine)
  assert.equal(await check(n, ham, 'keep'), fine)
  assert.equal(await check(n + 10, ham, 'half-close'), mismatch(n + 10, n))
  assert.equal(await check(n - 3, ham, 'half-close'), mismatch(n - 3, n))
  assert.equal(await check(0, ham, 'half-close'), mismatch(0, 'Message-ID: <m1@example.org>\n'.length))
  const cut = ham.lastIndexOf('\n', n - 2) + 1
  assert.equal(await check(cut, ham, 'half-close'), fine)
  assert.equal(core.requests.at(-1)!.raw.length, cut)
  // The Perl client's CRLF behind a message that does not end in a line end.
  assert.equal(await check(n - 1, ham.slice(0, -1) + '\r\n', 'keep'), fine)
  assert.equal(core.requests.at(-1)!.raw.length, n - 1)
  const empty = `${ok}Spam: True ; 7.9 / 5.0\r\n\r\n`
  assert.equal(await check(0, '', 'half-close'), empty)
  assert.equal(await check(0, '', 'keep'), empty)
})

test('timeouts say which one it was', async () => {
  const quick = await start(core, { firstLineMs: 200, requestMs: 300 })
  const first = await exchange(quick, '')
  assert.equal(first.text, 'SPAMD/1.0 79 Timeout: (0.2 second socket timeout reading input from client)\r\n')
  const late = await exchange(quick, withLength('CHECK', '1.5', ham).slice(0, -5))
  assert.equal(late.text, 'SPAMD/1.0 79 Timeout: (0.3 second timeout while trying to CHECK)\r\n')
  const slow = await exchange(quick, withLength('PROCESS', '1.5', 'Test-Wait: 600\n' + ham))
  assert.equal(slow.text, 'SPAMD/1.0 79 Timeout: (0.3 second timeout while trying to PROCESS)\r\n')
  const silent = await exchange(quick, 'PING SPAMC/1.5\r\n')
  assert.equal(silent.text, 'SPAMD/1.0 79 Timeout: (0.3 second timeout while trying to PING)\r\n')
})

test('what was answered with a timeout is not learned when the client leaves', async () => {
  const quick = await start(core, { requestMs: 150 })
  const before = core.learned.length
  const request = `TELL SPAMC/1.5\r\nSet: local\r\nMessage-class: spam\r\n\r\n${ham}`
  assert.match((await exchange(quick, request)).text, /^SPAMD\/1\.0 79/)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(core.learned.length, before)
})

test('bytes beyond the length never reset the connection', async () => {
  for (let run = 0; run < 20; run++) {
    const socket = await open(to)
    const chunks: Buffer[] = []
    let failed: Error | undefined
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', (error) => {
      failed = error
    })
    const ended = new Promise((resolve) => socket.on('end', resolve))
    socket.write(withLength('CHECK', '1.5', ham))
    socket.write('\r\n')
    await ended
    socket.end('late')
    await new Promise((resolve) => socket.on('close', resolve))
    assert.equal(failed, undefined)
    assert.match(Buffer.concat(chunks).toString(), /^SPAMD\/1\.1 0 EX_OK/)
  }
})

test('a refusal arrives whole although megabytes are still being sent', async () => {
  const answer = await exchange(to, 'CHECK SPAMC/1.5\r\nFoo\r\n\r\n' + 'x'.repeat(3_000_000), 'half-close')
  assert.equal(answer.text, bad("(header not in 'Name: value' format)"))
  assert.equal(answer.reset, false)
})

test('a large message in small pieces', async () => {
  const socket = await open(to)
  const message = ham + 'x'.repeat(1023).concat('\n').repeat(1024)
  const request = Buffer.from(withLength('PROCESS', '1.5', message))
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = new Promise((resolve) => socket.on('end', resolve))
  for (let at = 0; at < request.length; at += 1024) {
    if (!socket.write(request.subarray(at, at + 1024)))
      await new Promise((resolve) => socket.once('drain', resolve))
  }
  await ended
  socket.destroy()
  const text = Buffer.concat(chunks).toString('latin1')
  assert.ok(text.endsWith(message))
})

test('a message above the limit is refused before it is read', async () => {
  const refused = /^SPAMD\/1\.0 69 Service Unavailable: \(message is larger than 2000000 bytes\)\r\n$/
  assert.match(await ask('CHECK SPAMC/1.5\r\nContent-length: 2000001\r\n\r\n'), refused)
  assert.match(await ask(`CHECK SPAMC/1.5\r\n\r\n${'x'.repeat(2_100_000)}`, 'half-close'), refused)
})

test('SYMBOLS', async () => {
  const two = 'Test-Score: 1\n\nbody\n'
  assert.equal(
    await scan('SYMBOLS', '1.2', two),
    `${ok}Spam: False ; 1.5 / 5.0\r\n\r\nMISSING_MID,TEST_SCORE\r\n`,
  )
  assert.equal(
    await scan('SYMBOLS', '1.3', two),
    `${ok}Content-length: 22\r\nSpam: False ; 1.5 / 5.0\r\n\r\nMISSING_MID,TEST_SCORE`,
  )
  assert.equal(await scan('SYMBOLS', '1.2', ham), `${ok}Spam: False ; 0.0 / 5.0\r\n\r\n\r\n`)
  assert.equal(await scan('SYMBOLS', '1.5', ham), `${ok}Content-length: 0\r\nSpam: False ; 0.0 / 5.0\r\n\r\n`)
})

test('REPORT and REPORT_IFSPAM, lengths in bytes', async () => {
  const report = (names: string) => `Report on\n caf\xc3\xa9\n${names}\n\n`
  assert.equal(await scan('REPORT', '1.2', ham), `${ok}Spam: False ; 0.0 / 5.0\r\n\r\n${report('')}`)
  const spam = report('GTUBE')
  assert.equal(
    await scan('REPORT', '1.3', gtube),
    `${ok}Content-length: ${spam.length}\r\nSpam: True ; 1000.0 / 5.0\r\n\r\n${spam}`,
  )
  assert.equal(await scan('REPORT_IFSPAM', '1.2', ham), `${ok}Spam: No ; 0.0 / 5.0\r\n\r\n`)
  assert.equal(
    await scan('REPORT_IFSPAM', '1.5', ham),
    `${ok}Content-length: 0\r\nSpam: No ; 0.0 / 5.0\r\n\r\n`,
  )
  assert.equal(
    await scan('REPORT_IFSPAM', '1.5', gtube),
    `${ok}Content-length: ${spam.length}\r\nSpam: Yes ; 1000.0 / 5.0\r\n\r\n${spam}`,
  )
})

test('PROCESS and HEADERS at every version', async () => {
  const whole = `X-Spam-Flag: NO\n${ham}`
  for (const version of ['1.0', '1.1']) {
    const request = version === '1.0' ? `PROCESS SPAMC/1.0\r\n${ham}` : withLength('PROCESS', '1.1', ham)
    assert.equal(await ask(request, 'half-close'), `SPAMD/1.0 0 EX_OK\r\n${whole}`)
  }
  const length = `Content-length: ${whole.length}\r\n`
  assert.equal(await scan('PROCESS', '1.2', ham), `${ok}${length}\r\n${whole}`)
  assert.equal(await scan('PROCESS', '1.5', ham), `${ok}${length}Spam: False ; 0.0 / 5.0\r\n\r\n${whole}`)
  const head = whole.slice(0, whole.indexOf('\n\n') + 2)
  assert.equal(
    await scan('HEADERS', '1.4', ham),
    `${ok}Content-length: ${head.length}\r\nSpam: False ; 0.0 / 5.0\r\n\r\n${head}`,
  )
})

test('message bytes reach the core as they were sent', async () => {
  const odd = Buffer.concat([
    Buffer.from('From x\nA: b\r\n\n\0\xff\r'),
    randomBytes(5000),
    Buffer.from('end'),
  ])
  const request = Buffer.concat([
    Buffer.from(`CHECK SPAMC/1.5\r\nContent-length: ${odd.length}\r\n\r\n`),
    odd,
  ])
  for (const manner of ['keep', 'half-close', 'byte-by-byte'] as const) {
    await exchange(to, request, manner)
    assert.deepEqual(Buffer.from(core.requests.at(-1)!.raw), odd)
    assert.ok(core.requests.at(-1)!.raw.buffer instanceof SharedArrayBuffer)
  }
})

test('the shown score of ham stays below the threshold', async () => {
  const scored = (score: string, required = '5') =>
    scan('CHECK', '1.5', `Message-ID: <x>\nTest-Score: ${score}\nTest-Required: ${required}\n\nx\n`)
  assert.equal(await scored('4.96'), `${ok}Spam: False ; 4.9 / 5.0\r\n\r\n`)
  assert.equal(await scored('5.06', '5.1'), `${ok}Spam: False ; 5.0 / 5.1\r\n\r\n`)
  assert.equal(await scored('5'), `${ok}Spam: True ; 5.0 / 5.0\r\n\r\n`)
  assert.equal(await scored('-0.4'), `${ok}Spam: False ; -0.4 / 5.0\r\n\r\n`)
  assert.equal(await scored('0.25'), `${ok}Spam: False ; 0.2 / 5.0\r\n\r\n`)
})

test('TELL: what was done, done before, undone', async () => {
  const tell = (head: string, version = '1.5') =>
    ask(`TELL SPAMC/${version}\r\n${head}Content-length: ${gtube.length}\r\n\r\n${gtube}`, 'half-close')
  const set = `${ok}DidSet: local\r\n\r\n\r\n`
  const nothing = `${ok}\r\n\r\n`
  assert.equal(await tell('Message-class: spam\r\nSet: local\r\n'), set)
  assert.equal(await tell('Message-class: spam\r\nSet: local\r\n'), nothing)
  assert.equal(await tell('Message-class: ham\r\nSet: local\r\n', '1.0'), set)
  assert.equal(await tell('Remove: local\r\n'), `${ok}DidRemove: local\r\n\r\n\r\n`)
  assert.equal(await tell('Remove: local\r\n'), nothing)
  assert.equal(await tell('Message-class: spam\r\nSet: local,remote\r\n'), set)
  assert.equal(await tell('Set: bogus\r\n'), nothing)
  assert.equal(await tell(''), nothing)
  assert.equal(
    await tell('Set: local\r\nRemove: LOCAL\r\n'),
    bad('Unable to set local and remove local in the same operation.'),
  )
  assert.equal(
    await tell('Set: remote\r\nRemove: remote\r\n'),
    bad('Unable to set remote and remove remote in the same operation.'),
  )
  await tell('Set: local\r\nUser: bob\r\n')
  assert.equal(core.learned.at(-1)!.class, 'ham')
  assert.equal(core.learned.at(-1)!.user, 'bob')
  await tell('Message-class: SPAM\r\nSet: local\r\n')
  assert.equal(core.learned.at(-1)!.class, 'ham')
})

test('TELL learns the original out of a marked message', async () => {
  const learn = (message: string) =>
    ask(withLength('TELL', '1.5', message, 'Message-class: spam\r\nSet: local\r\n'))
  await learn('X-Spam-Checker-Version: SpamAssassin 4.0.1\nX-Spam-Level: *\n' + ham)
  assert.equal(Buffer.from(core.learned.at(-1)!.raw).toString(), ham)
  const part = `--b\nContent-Type: message/rfc822; x-spam-type=original\n\n${gtube}\n--b--\n`
  await learn(`X-Spam-Checker-Version: x\nContent-Type: multipart/mixed; boundary="b"\n\n${part}`)
  assert.equal(Buffer.from(core.learned.at(-1)!.raw).toString(), gtube)
})

test('TELL is refused until it is allowed, before the body is read', async () => {
  const closed = await start(core, { allowTell: false })
  const answer = await exchange(
    closed,
    'TELL SPAMC/1.5\r\nMessage-class: spam\r\nSet: local\r\nContent-length: 900\r\n\r\n',
  )
  assert.equal(
    answer.text,
    'SPAMD/1.0 69 Service Unavailable: TELL commands are not enabled, set the --allow-tell switch.\r\n',
  )
})

test('a core that fails makes a temporary failure, in one line', async () => {
  assert.equal(
    await scan('CHECK', '1.5', 'Test-Fail: queue\n\n'),
    'SPAMD/1.0 75 Temporary failure: the scan queue is full\r\n',
  )
  assert.equal(
    await scan('PROCESS', '1.5', 'Test-Fail: crash\n\n'),
    'SPAMD/1.0 75 Temporary failure: internal error\r\n',
  )
})

test('the wire forms of known clients', async (t) => {
  const crlf = ham.replaceAll('\n', '\r\n')
  await t.test('Exim: mbox line, envelope as headers, 1.2, half-close', async () => {
    const copy = `From MAILER-DAEMON Sun Nov 22 00:02:13 2026\nX-Envelope-From: <a@example.org>\nX-Envelope-To: b@example.net\n${ham}`
    const reply = await ask(withLength('REPORT', '1.2', copy, 'User: nobody\r\n'), 'half-close')
    assert.match(reply, /^SPAMD\/1\.1 0 EX_OK\r\nSpam: False ; 0\.0 \/ 5\.0\r\n\r\nReport/)
  })
  await t.test('Haraka: no length, CRLF, half-close', async () => {
    const request = `HEADERS SPAMC/1.4\r\nUser: default\r\n\r\nX-Envelope-From: a@b\r\nX-Haraka-UUID: 1\r\n${crlf}`
    assert.match(
      await ask(request, 'half-close'),
      /^SPAMD\/1\.1 0 EX_OK\r\nContent-length: \d+\r\nSpam: False ; /,
    )
  })
  await t.test('Perl client: two bytes beyond the length, stays open', async () => {
    const request = withLength('CHECK', '1.5', ham.trimEnd(), '') + '\r\n'
    assert.match(await ask(request), /^SPAMD\/1\.1 0 EX_OK\r\nSpam: False ; /)
    const tell = `TELL SPAMC/1.5\r\nContent-length: ${ham.length + 2}\r\nMessage-class: ham\r\nSet: local\r\n\r\n${ham}\r\n`
    assert.match(await ask(tell), /^SPAMD\/1\.1 0 EX_OK\r\nDidSet: local\r\n\r\n\r\n$/)
  })
  await t.test('npm spamc: CRLF counted, one more not counted, stays open', async () => {
    assert.match(await ask('PING SPAMC/1.5\r\n\r\n\r\n'), /PONG/)
    assert.match(
      await ask(withLength('REPORT', '1.5', ham + '\r\n') + '\r\n'),
      /^SPAMD\/1\.1 0 EX_OK\r\nContent-l/,
    )
  })
  await t.test('others: 1.9, no user, unknown words', async () => {
    assert.match(await ask(withLength('SYMBOLS', '1.9', ham, 'Foo: bar\r\n')), /^SPAMD\/1\.1 0 EX_OK/)
  })
})

test("spamd's own log lines", async () => {
  const lines: string[] = []
  const logged = await start(core, { line: (line) => lines.push(line) })
  await exchange(logged, withLength('PROCESS', '1.5', gtube, 'User: bob\r\n'))
  await exchange(logged, withLength('CHECK', '1.5', 'Message-ID: <a b,\xe9>\nTest-Score: -1.5\n\n'))
  await exchange(logged, withLength('TELL', '1.5', gtube, 'Set: local\r\n'))
  await exchange(logged, 'FOO\r\n')
  await exchange(logged, 'FOO \\ \xe9\0\rspamd: result: Y\n')
  assert.match(lines[0]!, /^spamd: connection from localhost \[127\.0\.0\.1\]:\d+ to port \d+, fd \d+$/)
  assert.match(lines[1]!, /^spamd: processing message <m1@example\.org> for bob:\d+$/)
  assert.match(
    lines[2]!,
    /^spamd: identified spam \(1000\.0\/5\.0\) for bob:\d+ in \d\.\d seconds, \d+ bytes\.$/,
  )
  assert.match(
    lines[3]!,
    /^spamd: result: Y 1000 - GTUBE scantime=\d\.\d,size=\d+,user=bob,uid=\d+,required_score=5\.0,rhost=localhost,raddr=127\.0\.0\.1,rport=\d+,mid=<m1@example\.org>,autolearn=no autolearn_force=no$/,
  )
  assert.match(lines[5]!, /^spamd: checking message <a\?b,\?> for \(unknown\):\d+$/)
  assert.match(lines[7]!, /^spamd: result: \. -1 - TEST_SCORE scantime=.*,mid=<a\?b_\?>,autolearn=no/)
  assert.match(
    lines[9]!,
    /^spamd: Tell: (Setting local|Did nothing) for \(unknown\):\d+ in \d\.\d seconds, \d+ bytes$/,
  )
  assert.equal(lines[11], 'spamd: bad protocol: header error: FOO')
  assert.equal(lines[13], 'spamd: bad protocol: header error: FOO \\\\ \\x{E9}\\x{00}\\rspamd: result: Y')
  const general =
    /^spamd: result: [Y.] [ -]?\d+ - \S* scantime=\d+\.\d,size=\d+,user=.*,uid=\d+,required_score=\d+\.\d,rhost=.*,raddr=.*,rport=.*,mid=.*,autolearn=\w+/
  assert.match(lines[3]!, general)
  assert.match(lines[7]!, general)
})
