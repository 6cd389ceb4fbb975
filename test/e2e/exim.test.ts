// Real Exim in both variants with the README's ACLs: headers on ham, refusal of GTUBE and of a rule's THREAT, temporary failure when hamd is away.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packageRoot } from '../../src/root.js'
import { type Hamd, startHamd } from '../support/hamd.js'
import { findExim, findProgram, needs, run } from '../support/peers.js'

const gtube = ['XJS*C4JDBQADN1.NSBN3*2IDNEN*', 'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL', '*C.34X'].join('')
const template = readFileSync(join(packageRoot, 'fixtures', 'exim', 'exim.conf'), 'utf8')

interface Exim {
  readonly port: number
  /** Header lines of the last message in the queue, unfolded. */
  queued(): string
  stop(): Promise<void>
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

function waitForPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const until = Date.now() + 20_000
    const attempt = () => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve()
      })
      socket.on('error', () =>
        Date.now() > until ? reject(new Error('exim does not listen')) : setTimeout(attempt, 100),
      )
    }
    attempt()
  })
}

async function startExim(spamd: string, defer = ''): Promise<Exim> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-exim-'))
  const port = await freePort()
  for (const name of ['spool', 'log']) mkdirSync(join(folder, name))
  const config = join(folder, 'exim.conf')
  writeFileSync(
    config,
    template
      .replaceAll('@DIR@', folder)
      .replace('@PORT@', String(port))
      .replace('@SPAMD@', spamd)
      .replace('@DEFER@', defer),
  )
  spawnSync('chown', ['-R', 'Debian-exim:Debian-exim', folder])
  spawnSync('chown', ['root:root', config])
  spawnSync('chmod', ['755', folder])
  const child: ChildProcess = spawn(findExim()!, ['-C', config, '-bdf'], { stdio: 'ignore' })
  await waitForPort(port)
  return {
    port,
    queued() {
      const input = join(folder, 'spool', 'input')
      const heads = readdirSync(input).filter((name) => name.endsWith('-H'))
      return readFileSync(join(input, heads.sort().at(-1)!), 'latin1')
    },
    async stop() {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await exited
      // Exim's delivery processes may still be writing their logs.
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

const mail = (body: string) =>
  `From: Alice <alice@example.org>\nTo: Bob <bob@example.net>\nSubject: Minutes\nMessage-ID: <m1@client.example.org>\nDate: Tue, 14 Jul 2026 10:00:00 +0000\n\n${body}\n`

function submit(exim: Exim, text: string) {
  const args = [
    '--server',
    '127.0.0.1',
    '--port',
    String(exim.port),
    '--from',
    'alice@example.org',
    '--to',
    'bob@example.net',
  ]
  return run(
    findProgram('swaks')!,
    [...args, '--helo', 'client.example.org', '--data', '-', '--suppress-data'],
    text,
  )
}

for (const [variant, parameters] of [
  ['plain', ''],
  ['variant=rspamd', ' variant=rspamd'],
] as const) {
  describe(`Exim, ${variant}`, needs('exim4', 'swaks'), () => {
    let hamd: Hamd
    let exim: Exim
    before(async () => {
      const rules = join(mkdtempSync(join(tmpdir(), 'hamd-cf-')), 'threat.cf')
      writeFileSync(
        rules,
        'body ADMIN_WORD /swordfish/\ndescribe ADMIN_WORD Told by the admin\nscore ADMIN_WORD 1\nhamd_message ADMIN_WORD THREAT swordfish found\n',
      )
      hamd = await startHamd({ args: ['--rules', rules] })
      exim = await startExim(`127.0.0.1 ${hamd.scan.port}${parameters}`)
    })
    after(async () => {
      await exim?.stop()
      await hamd.stop()
    })

    test('ham is accepted with its score and report in the header', () => {
      const { status, stdout } = submit(exim, mail('Hello Bob, see you on Tuesday.'))
      assert.equal(status, 0, stdout)
      const header = exim.queued()
      assert.match(header, /X-Spam-Score: -?\d+\.\d \(/)
      assert.match(header, /X-Spam-Score-Int: -?\d+\n/)
      assert.match(header, /X-Spam-Action: no action\n/)
      assert.match(
        header,
        variant === 'plain'
          ? /X-Spam-Report: .*\n[\s\S]*Content analysis details/
          : /X-Spam-Report: Action: no action\n/,
      )
    })

    test('GTUBE is refused after DATA', () => {
      const { status, stdout } = submit(exim, mail(gtube))
      assert.notEqual(status, 0)
      assert.match(stdout, /550/)
    })

    test("an admin's word in a rule reaches the ACL through the report", () => {
      const { stdout } = submit(exim, mail('the word is swordfish'))
      assert.match(stdout, /550/)
      assert.match(stdout, /THREAT swordfish found/)
    })
  })
}

describe('Exim without hamd', needs('exim4', 'swaks'), () => {
  test('the mail is deferred, or let through with defer_ok: never silently taken for ham', async () => {
    const nobody = await freePort()
    const strict = await startExim(`127.0.0.1 ${nobody}`)
    const lenient = await startExim(`127.0.0.1 ${nobody}`, '/defer_ok')
    try {
      // A `warn` that defers only skips its headers, as Exim documents; the header's absence tells that nothing was scanned.
      submit(strict, mail('Hello'))
      assert.doesNotMatch(strict.queued(), /X-Spam-Score:/)
      assert.equal(submit(lenient, mail('Hello')).status, 0)
    } finally {
      await strict.stop()
      await lenient.stop()
    }
  })
})
