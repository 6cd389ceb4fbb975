// The whole program from outside: one message through every front gives the same score and symbols; real clients get what they got from
// spamd and rspamd; stalling clients cost nobody anything.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { exchange } from '../support/exchange.js'
import { type Hamd, startHamd } from '../support/hamd.js'
import { findProgram, needs, run } from '../support/peers.js'
import { gtube } from '../support/recipe.js'

const mail = (body: string) =>
  [
    'Received: from client.example.org (client.example.org [192.0.2.44]) by mx.example.net with ESMTP id abc; Tue, 14 Jul 2026 10:00:01 +0000',
    'From: Alice <alice@example.org>',
    'To: Bob <bob@example.net>',
    'Subject: Minutes of Tuesday!',
    'Message-ID: <20260714100000.77@example.org>',
    'Date: Tue, 14 Jul 2026 10:00:00 +0000',
    '',
    body,
    '',
  ].join('\n')

const ham = mail('Hello Bob,\n\nthe minutes are at http://www.example.org/minutes as you wished.\n\nAlice')
const spam = mail(`${gtube}\n`)
const offer = ham
  .replace('Minutes of Tuesday', 'FREE viagra')
  .replace('the minutes', 'click here: the order form')

interface Seen {
  readonly score: number
  readonly symbols: readonly string[]
}

describe('fronts of a running hamd', () => {
  let hamd: Hamd
  before(async () => {
    hamd = await startHamd({ args: ['--allow-tell'] })
  })
  after(async () => {
    assert.equal(await hamd.stop(), 0)
  })

  async function spamdSymbols(
    text: string,
    to: { host: string; port: number } | { path: string },
  ): Promise<Seen> {
    const reply = await exchange(to, `SYMBOLS SPAMC/1.5\r\nContent-length: ${text.length}\r\n\r\n${text}`)
    const [head, body] = reply.split('\r\n\r\n')
    return { score: Number(/; (\S+) \//.exec(head!)![1]), symbols: body!.split(',').sort() }
  }

  async function checkv2(text: string, address: { host: string; port: number }): Promise<Seen> {
    const answer = await fetch(`http://${address.host}:${address.port}/checkv2`, {
      method: 'POST',
      body: text,
    })
    const reply = (await answer.json()) as { score: number; symbols: Record<string, { score: number }> }
    return { score: reply.score, symbols: Object.keys(reply.symbols).sort() }
  }

  async function rspamc(text: string): Promise<Seen> {
    const reply = await exchange(
      hamd.scan,
      `CHECK RSPAMC/1.3\r\nContent-length: ${text.length}\r\n\r\n${text}`,
      false,
    )
    return {
      score: Number(/default; \S+ (\S+) \//.exec(reply)![1]),
      symbols: [...reply.matchAll(/^Symbol: (\w+)\(/gm)].map((match) => match[1]!).sort(),
    }
  }

  for (const [name, text] of [
    ['ham', ham],
    ['an offer', offer],
    ['the same with CRLF', ham.replaceAll('\n', '\r\n')],
  ] as const) {
    test(`${name}: every front gives the same score and symbols`, async () => {
      const first = await checkv2(text, hamd.scan)
      assert.ok(first.symbols.length > 0)
      const others = await Promise.all([
        checkv2(text, hamd.controller),
        rspamc(text),
        spamdSymbols(text, hamd.scan),
        spamdSymbols(text, { path: hamd.socket }),
      ])
      for (const other of others) {
        assert.deepEqual(other.symbols, first.symbols)
        assert.ok(Math.abs(other.score - first.score) < 0.06, `${other.score} and ${first.score}`)
      }
    })
  }

  test('LF and CRLF give the same symbols', async () => {
    assert.deepEqual(await checkv2(ham, hamd.scan), await checkv2(ham.replaceAll('\n', '\r\n'), hamd.scan))
  })

  describe('spamc', needs('spamc'), () => {
    const spamc = (args: string[], input: string) =>
      run(findProgram('spamc')!, ['-d', '127.0.0.1', '-p', String(hamd.scan.port), '-x', ...args], input)

    test('-c tells ham from spam by its exit code', () => {
      assert.equal(spamc(['-c'], ham).status, 0)
      const { status, stdout } = spamc(['-c'], spam)
      assert.equal(status, 1)
      assert.match(stdout, /^100\d\.\d\/5\.0\n$/)
    })
    test('-R, -r, -y report', () => {
      assert.match(spamc(['-R'], spam).stdout, /^100\d\.\d\/5\.0\n[\s\S]*GTUBE/)
      assert.match(spamc(['-r'], spam).stdout, /GTUBE/)
      assert.equal(spamc(['-r'], ham).stdout, '')
      assert.match(spamc(['-y'], spam).stdout, /(?:^|,)GTUBE(?:,|$)/)
    })
    test('as a filter keeps every byte of ham below its own header lines', () => {
      const { status, stdout } = spamc(['-E'], ham)
      assert.equal(status, 0)
      assert.equal(stdout.replace(/^X-Spam-[^\n]*\n(?:[ \t][^\n]*\n)*/gm, ''), ham)
      assert.match(stdout, /^X-Spam-Status: No, score=/m)
    })
    test('--headers puts them on the original', () => {
      assert.match(spamc(['--headers'], ham).stdout, /^X-Spam-Status: No/m)
    })
    test('-U goes over the unix socket', () => {
      assert.equal(run(findProgram('spamc')!, ['-U', hamd.socket, '-x', '-c'], spam).status, 1)
    })
    test('-K pings', () => {
      assert.equal(spamc(['-K'], '').stdout, 'SPAMD/1.5 0\n')
    })
    test('-L learns, says when there is nothing to learn, and forgets', () => {
      const told = (what: string) => spamc(['-L', what], spam).stdout
      assert.match(told('spam'), /successfully/)
      assert.match(told('spam'), /already/)
      assert.match(told('ham'), /successfully/)
      assert.match(told('forget'), /successfully/)
      assert.match(told('forget'), /already/)
    })
  })

  describe('rspamc', needs('rspamc'), () => {
    const rspamcRun = (args: string[], input: string) =>
      run(findProgram('rspamc')!, ['-h', `127.0.0.1:${hamd.controller.port}`, ...args], input)

    test('scans', () => {
      const { status, stdout } = rspamcRun([], spam)
      assert.equal(status, 0)
      assert.match(stdout, /Action: reject[\s\S]*Symbol: GTUBE/)
    })
    test('asks for statistics', () => {
      assert.match(rspamcRun(['stat'], '').stdout, /Messages scanned: \d+/)
    })
    test('may not learn over TCP without a password', () => {
      assert.match(rspamcRun(['learn_spam'], ham).stdout, /401/)
    })
  })

  test('200 connections at once, 50 of which stall or break: all the others are answered', async () => {
    const broken = Array.from({ length: 50 }, (_, index) => {
      const socket = connect(hamd.scan)
      socket.on('error', () => {})
      const pieces = [
        '',
        'CHECK SPA',
        'CHECK SPAMC/1.5\r\nContent-length: 999\r\n\r\nshort',
        'POST /checkv2 HTTP/1.1\r\nContent-Le',
      ]
      socket.write(pieces[index % pieces.length]!)
      if (index % 5 === 0) setTimeout(() => socket.destroy(), 20)
      return socket
    })
    const request = `CHECK SPAMC/1.5\r\nContent-length: ${ham.length}\r\n\r\n${ham}`
    const replies = await Promise.all(Array.from({ length: 150 }, () => exchange(hamd.scan, request)))
    for (const reply of replies) assert.match(reply, /^SPAMD\/1\.1 0 EX_OK\r\nSpam: (?:True|False) ; /)
    for (const socket of broken) socket.destroy()
  })

  test('ready, healthy and metrics answer on the controller', async () => {
    const get = (path: string) => fetch(`http://127.0.0.1:${hamd.controller.port}${path}`)
    assert.equal((await get('/ready')).status, 200)
    assert.equal((await get('/healthy')).status, 200)
    assert.match(await (await get('/metrics')).text(), /hamd_/)
  })
})
