// Evidence from the network, end to end: lists of real rbldnsd, SPF, DKIM and DMARC from zone data, viruses named by real clamd, and what
// each dialect says when clamd or the resolver is down. One hamd; its policy is changed by reloading.
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { eicar, startClamd, startFakeClamd, type TestClamd } from '../support/clamd.js'
import { entry } from '../support/entry.js'
import { startExim, submit } from '../support/exim.js'
import { type Hamd, startHamd } from '../support/hamd.js'
import { type NetWorld, startNetWorld } from '../support/networld.js'
import { findProgram, needs, type Ran, runBeside } from '../support/peers.js'
import { mailOf, openFolder, until } from '../support/recipe.js'
import { makeKey, signMail } from '../support/signing.js'

/** As a server received it from an address: envelope and relay stand in the header. */
function received(address: string, from: string, body: string): string {
  const relay = `from helo.hamd-relay.com (helo.hamd-relay.com [${address}]) by mx.example.net with ESMTP id x1; Tue, 14 Jul 2026 10:00:01 +0000`
  return mailOf(body, [`Return-Path: <${from}>`, `Received: ${relay}`]).replace('alice@example.org', from)
}

interface Reply {
  readonly score: number
  readonly action: string
  readonly symbols: Readonly<Record<string, { options?: string[] }>>
  readonly messages?: Readonly<Record<string, string>>
}

describe('network', needs('rbldnsd', 'clamd', 'spamc'), () => {
  const folder = openFolder('network')
  const config = join(folder, 'hamd.toml')
  const key = makeKey('rsa', 1024)
  let world: NetWorld
  let clamd: TestClamd
  let hamd: Hamd
  before(async () => {
    world = await startNetWorld()
    world.server.zone.set('sel._domainkey.hamd-dmarc-quar.com', [['TXT', key.record]])
    clamd = await startClamd()
    setPolicy('accept')
    hamd = await startHamd({
      network: true,
      args: ['--config', config, '--dns', world.server.address, '--clamd', clamd.unix],
    })
  })
  after(async () => {
    await hamd.stop()
    await clamd.close()
    await world.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function setPolicy(unchecked: string): void {
    writeFileSync(config, `[clamd]\nunchecked = "${unchecked}"\n[network]\nlookup_ms = 5000\n`)
  }
  async function reload(unchecked: string): Promise<void> {
    setPolicy(unchecked)
    const before = hamd.log.length
    hamd.child.kill('SIGHUP')
    await until('the reload', () => hamd.log.slice(before).find((row) => row['msg'] === 'reloaded'))
  }
  const spamc = (args: string[], mail: string): Promise<Ran> =>
    runBeside(findProgram('spamc')!, ['-d', '127.0.0.1', '-p', String(hamd.scan.port), '-x', ...args], mail)
  async function checkv2(mail: string, headers: Record<string, string> = {}): Promise<Reply> {
    const answer = await fetch(`http://127.0.0.1:${hamd.scan.port}/checkv2`, {
      method: 'POST',
      body: mail,
      headers,
    })
    return (await answer.json()) as Reply
  }

  test('a listed address is named with list and code in both reports', async () => {
    const mail = received('198.51.100.2', 'a@pass.hamd-spf.com', 'Hello Bob')
    const report = (await spamc(['-R'], mail)).stdout
    assert.match(report, /RCVD_IN_SBL [\s\S]*198\.51\.100\.2[\s\S]*zen\.spamhaus\.org/)
    assert.match(report, /127\.0\.0\.2/)
    const options = (await checkv2(mail)).symbols['RCVD_IN_SBL']?.options?.join(' ')
    assert.match(options ?? '', /zen\.spamhaus\.org/)
    assert.match(options ?? '', /127\.0\.0\.2/)
  })
  test('a listed domain is named with list and code in both reports', async () => {
    const mail = received('203.0.113.77', 'a@pass.hamd-spf.com', 'See http://www.hamd-dbl-spam.com/offer now')
    const report = (await spamc(['-R'], mail)).stdout
    assert.match(report, /URIBL_DBL_SPAM [\s\S]*hamd-dbl-spam\.com/)
    assert.match(report, /127\.0\.1\.2/)
    const options = (await checkv2(mail)).symbols['URIBL_DBL_SPAM']?.options?.join(' ')
    assert.match(options ?? '', /hamd-dbl-spam\.com/)
    assert.match(options ?? '', /127\.0\.1\.2/)
  })
  test('a list that blocks us scores nothing and is named', async () => {
    const mail = received('198.51.100.254', 'a@pass.hamd-spf.com', 'Hello Bob')
    const { symbols } = await checkv2(mail)
    assert.ok(!('RCVD_IN_SBL' in symbols))
    assert.ok('RCVD_IN_ZEN_BLOCKED_OPENDNS' in symbols)
  })

  describe('SPF', () => {
    for (const [domain, symbol] of [
      ['pass.hamd-spf.com', 'SPF_PASS'],
      ['fail.hamd-spf.com', 'SPF_FAIL'],
      ['softfail.hamd-spf.com', 'SPF_SOFTFAIL'],
    ] as const) {
      test(`${symbol} from the header for spamc, from the envelope for rspamd clients`, async () => {
        const mail = received('198.51.100.60', `a@${domain}`, 'Hello Bob')
        assert.ok((await spamc(['-y'], mail)).stdout.split(',').includes(symbol))
        const envelope = { IP: '198.51.100.60', Helo: 'helo.hamd-relay.com', From: `a@${domain}` }
        assert.ok(symbol in (await checkv2(mailOf('Hello Bob'), envelope)).symbols)
      })
    }
  })

  describe('DKIM and DMARC', () => {
    const from = 'a@hamd-dmarc-quar.com'
    const signed = signMail(received('198.51.100.60', from, 'Hello Bob'), {
      domain: 'hamd-dmarc-quar.com',
      selector: 'sel',
      key,
    })
    const symbolsOf = async (mail: string) => (await spamc(['-y'], mail)).stdout.split(',')

    test('an intact signature passes both', async () => {
      const symbols = await symbolsOf(signed)
      for (const name of ['DKIM_SIGNED', 'DKIM_VALID', 'DKIM_VALID_AU', 'DMARC_PASS'])
        assert.ok(symbols.includes(name), `${name} in ${symbols}`)
    })
    test('a changed mail fails both', async () => {
      const symbols = await symbolsOf(signed.replace('Hello Bob', 'Hello Bab'))
      for (const name of ['DKIM_SIGNED', 'DKIM_INVALID', 'DMARC_QUAR'])
        assert.ok(symbols.includes(name), `${name} in ${symbols}`)
    })
    test('a sender whose policy is reject', async () => {
      assert.ok(
        (await symbolsOf(received('203.0.113.77', 'a@hamd-dmarc-reject.com', 'Hello'))).includes(
          'DMARC_REJECT',
        ),
      )
    })
  })

  describe('clamd', () => {
    const infected = () =>
      received(
        '198.51.100.60',
        'a@pass.hamd-spf.com',
        `--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n${Buffer.from(eicar).toString('base64')}\n--b--`,
      ).replace('\n\n', '\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n')
    const clean = received('198.51.100.60', 'a@pass.hamd-spf.com', 'Hello Bob')

    test('was seen to find the test virus at the start', async () => {
      await until('the check of clamd', () =>
        hamd.log.find((row) => row['msg'] === 'clamd sees the test virus'),
      )
    })
    test('names the virus in the reports of spamc and rspamd', async () => {
      assert.match((await spamc(['-R'], infected())).stdout, /CLAMAV_FOUND [\s\S]*Eicar-Test-File/)
      const { symbols } = await checkv2(infected())
      assert.match(symbols['CLAMAV_FOUND']?.options?.join(' ') ?? '', /Eicar-Test-File/)
      assert.ok(!('CLAMAV_FOUND' in (await checkv2(clean)).symbols))
    })
    for (const [variant, parameters] of [
      ['plain', ''],
      ['variant=rspamd', ' variant=rspamd'],
    ] as const) {
      test(`Exim, ${variant}, refuses with the name of the virus`, needs('exim4', 'swaks'), async () => {
        const exim = await startExim(`127.0.0.1 ${hamd.scan.port}${parameters}`)
        try {
          const { stdout } = await submit(exim, infected())
          assert.match(stdout, /550/)
          assert.match(stdout, /Eicar-Test-File/)
        } finally {
          await exim.stop()
        }
      })
    }
    test('down: CLAMAV_FAIL in every dialect, and the policy decides', async () => {
      await clamd.close()
      assert.ok((await spamc(['-y'], clean)).stdout.split(',').includes('CLAMAV_FAIL'))
      const accepted = await checkv2(clean)
      assert.ok('CLAMAV_FAIL' in accepted.symbols)
      assert.equal(accepted.action, 'no action')

      await reload('tempfail')
      assert.equal((await spamc(['-R'], clean)).status, 74)
      assert.match(
        await raw(`CHECK SPAMC/1.5\r\nContent-length: ${clean.length}\r\n\r\n${clean}`),
        /^SPAMD\/1\.0 75 /,
      )
      const deferred = await checkv2(clean)
      assert.equal(deferred.action, 'soft reject')
      assert.match(deferred.messages?.['smtp_message'] ?? '', /not checked/)
      assert.match(
        await raw(`CHECK RSPAMC/1.3\r\nContent-length: ${clean.length}\r\n\r\n${clean}`),
        /Action: soft reject/,
      )

      await reload('reject')
      assert.equal((await checkv2(clean)).action, 'reject')
      assert.match(
        await raw(`CHECK SPAMC/1.5\r\nContent-length: ${clean.length}\r\n\r\n${clean}`),
        /^SPAMD\/1\.0 75 /,
      )
      await reload('accept')
    })
  })

  for (const behaviour of ['servfail', 'garbage', 'lie', 'silent'] as const) {
    test(`a resolver that is down (${behaviour}): a verdict in time, with notes and no listing`, async () => {
      world.server.behaviours.set('', behaviour)
      try {
        const startedAt = Date.now()
        const mail = received(
          '198.51.100.3',
          `a@${behaviour}.hamd-spf.com`,
          `See http://hamd-${behaviour}.com/`,
        )
        const reply = (await checkv2(mail)) as Reply & { notes?: unknown[] }
        assert.ok(Date.now() - startedAt < 15_000)
        assert.equal(typeof reply.score, 'number')
        assert.ok((reply.notes ?? []).length > 0)
        assert.ok(!('SPF_FAIL' in reply.symbols))
      } finally {
        world.server.behaviours.delete('')
      }
    })
  }

  /** What comes back for these bytes until the server closes. */
  async function raw(request: string): Promise<string> {
    const script = `const s=require('net').connect(${hamd.scan.port},'127.0.0.1');process.stdin.on('data',(b)=>s.write(b));s.pipe(process.stdout);s.on('end',()=>process.exit())`
    return (await runBeside(process.execPath, ['-e', script], request)).stdout
  }
})

describe('a clamd that breaks its word', () => {
  for (const [name, behave] of [
    ['closes at once', (socket: { destroy(): void }) => socket.destroy()],
    ['answers nonsense', (socket: { end(text: string): void }) => socket.end('hello\0')],
  ] as const) {
    test(`${name}: CLAMAV_FAIL, never clean`, async () => {
      const fake = await startFakeClamd(behave)
      const done = await runBeside(
        process.execPath,
        [entry, 'scan', '--json', '--local', '--clamd', fake.address, '-'],
        mailOf('Hello'),
      )
      await fake.close()
      const { symbols } = JSON.parse(done.stdout) as Reply
      assert.ok('CLAMAV_FAIL' in symbols)
    })
  }
})
