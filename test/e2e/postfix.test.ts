// packaging/postfix/hamd-filter: alone with a sendmail that only records, and in a real Postfix that has the README's lines in its
// master.cf, in a mount namespace of its own so that the machine's Postfix is not touched.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packageRoot } from '../../src/root.js'
import { type Hamd, startHamd } from '../support/hamd.js'
import { findProgram, needs, needsMounts, run } from '../support/peers.js'
import { freePort } from '../support/ports.js'
import { gtube, mailOf, openFolder, printedBlock, until } from '../support/recipe.js'

const filter = join(packageRoot, 'packaging', 'postfix', 'hamd-filter')
const ham = mailOf('Hello Bob, see you on Tuesday.\n.\nnot the end')
const spam = mailOf(gtube)

describe('Postfix', needs('spamc'), () => {
  const folder = openFolder('postfix')
  const socket = join(folder, 'scan.sock')
  let hamd: Hamd
  before(async () => {
    hamd = await startHamd({ args: ['--scan', `unix:${socket}`] })
  })
  after(async () => {
    await hamd.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  describe('hamd-filter alone', () => {
    const sent = join(folder, 'sent')
    const sendmail = join(folder, 'sendmail')
    writeFileSync(
      sendmail,
      `#!/bin/sh\necho "$@" >'${sent}.args'\ncat >'${sent}'\nexit "\${SENDMAIL_EXIT:-0}"\n`,
    )
    chmodSync(sendmail, 0o755)

    function pipe(mail: string, env: Record<string, string> = {}) {
      for (const file of [sent, `${sent}.args`]) rmSync(file, { force: true })
      const done = spawnSync(
        filter,
        ['-f', 'alice@example.org', '--', 'bob@example.net', 'a b@example.net'],
        {
          input: mail,
          encoding: 'latin1',
          timeout: 60_000,
          env: { ...process.env, HAMD_SOCKET: socket, SENDMAIL: sendmail, TMPDIR: folder, ...env },
        },
      )
      return {
        status: done.status,
        mail: existsSync(sent) ? readFileSync(sent, 'latin1') : undefined,
        args: existsSync(`${sent}.args`) ? readFileSync(`${sent}.args`, 'utf8').trim() : undefined,
      }
    }

    test('hands the marked mail to sendmail with the arguments it got', () => {
      const { status, mail, args } = pipe(ham)
      assert.equal(status, 0)
      assert.equal(args, '-G -i -f alice@example.org -- bob@example.net a b@example.net')
      assert.match(mail!, /^X-Spam-Status: No, score=/m)
      assert.ok(mail!.endsWith('see you on Tuesday.\n.\nnot the end\n'))
      assert.match(pipe(spam).mail!, /^X-Spam-Flag: YES$/m)
    })
    test('ends with 75 and sends nothing while hamd is away', () => {
      const { status, mail } = pipe(ham, { HAMD_SOCKET: join(folder, 'nobody.sock') })
      assert.equal(status, 75)
      assert.equal(mail, undefined)
    })
    test('ends with 75 when spamc fails in any other way', () => {
      assert.equal(pipe(ham, { SPAMC: '/bin/false' }).status, 75)
      assert.equal(pipe(ham, { SPAMC: '/nonexistent/spamc' }).status, 75)
      assert.deepEqual(pipe(ham, { SPAMC: '/bin/true' }), { status: 75, mail: undefined, args: undefined })
    })
    test("keeps sendmail's status and leaves no file behind", () => {
      assert.equal(pipe(ham, { SENDMAIL_EXIT: '67' }).status, 67)
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.startsWith('hamd-filter.')),
        [],
      )
    })
  })

  describe('with the lines of the README in master.cf', needsMounts('postfix', 'swaks'), () => {
    let postfix: Postfix
    before(async () => {
      postfix = await startPostfix(join(folder, 'instance'), socket)
    })
    after(() => postfix?.stop())

    test('ham arrives marked, spam arrives marked as spam', async () => {
      postfix.submit(ham)
      postfix.submit(spam)
      const mails = await until('two mails', () => {
        const found = postfix.delivered()
        return found.length === 2 ? found : undefined
      })
      mails.sort((a, b) => Number(a.includes('X-Spam-Flag: YES')) - Number(b.includes('X-Spam-Flag: YES')))
      assert.match(mails[0]!, /^X-Spam-Status: No, score=/m)
      assert.ok(mails[0]!.includes('\n.\nnot the end\n'))
      assert.match(mails[1]!, /^X-Spam-Status: Yes, score=/m)
    })
    test('while hamd is away the mail waits in the queue', async () => {
      await hamd.stop()
      const before = postfix.delivered().length
      postfix.submit(ham)
      await until('the mail deferred', () => (postfix.log().includes('status=deferred') ? true : undefined))
      assert.equal(postfix.delivered().length, before)
      assert.doesNotMatch(postfix.log(), /status=bounced/)
    })
  })
})

interface Postfix {
  submit(mail: string): void
  delivered(): string[]
  log(): string
  stop(): Promise<void>
}

async function startPostfix(folder: string, socket: string): Promise<Postfix> {
  const port = await freePort()
  const config = join(folder, 'etc')
  cpSync('/etc/postfix', config, { recursive: true })
  for (const name of ['queue', 'data', 'mail', 'bin']) mkdirSync(join(folder, name), { recursive: true })
  const account = (name: string, field: '-u' | '-g') => Number(run('/usr/bin/id', [field, name]).stdout)
  chownSync(join(folder, 'data'), account('postfix', '-u'), account('postfix', '-g'))
  const [uid, gid] = [account('nobody', '-u'), account('nobody', '-g')]
  chownSync(join(folder, 'mail'), uid, gid)
  copyFileSync(filter, join(folder, 'bin', 'hamd-filter'))
  const printed = printedBlock('README.md', 'Postfix')
    .replace(/^smtp /m, `127.0.0.1:${port} `)
    .replace('/usr/local/lib/hamd', join(folder, 'bin'))
    .replace('user=filter', 'user=nobody')
    .replace(/^(\S+ +inet +n +- +)y/m, '$1n')
  const service = (name: string, type: string, rest: string) => `${name} unix ${type} ${rest}`
  writeFileSync(
    join(config, 'master.cf'),
    [
      printed,
      service('pickup', 'n - n', '60 1 pickup'),
      service('cleanup', 'n - n', '- 0 cleanup'),
      service('qmgr', 'n - n', '300 1 qmgr'),
      service('rewrite', '- - n', '- - trivial-rewrite'),
      service('bounce', '- - n', '- 0 bounce'),
      service('defer', '- - n', '- 0 bounce'),
      service('trace', '- - n', '- 0 bounce'),
      service('proxymap', '- - n', '- - proxymap'),
      service('virtual', '- n n', '- - virtual'),
      service('error', '- - n', '- - error'),
      service('retry', '- - n', '- - error'),
      service('anvil', '- - n', '- 1 anvil'),
      service('tlsmgr', '- - n', '1000? 1 tlsmgr'),
      'postlog unix-dgram n - n - 1 postlogd',
      '',
    ].join('\n'),
  )
  writeFileSync(
    join(config, 'main.cf'),
    [
      'compatibility_level = 3.6',
      `queue_directory = ${join(folder, 'queue')}`,
      `data_directory = ${join(folder, 'data')}`,
      'maillog_file_prefixes = /tmp',
      `maillog_file = ${join(folder, 'log')}`,
      'inet_interfaces = 127.0.0.1',
      'inet_protocols = ipv4',
      'mydestination =',
      'myhostname = mx.example.net',
      'mynetworks = 127.0.0.0/8',
      'alias_maps =',
      'alias_database =',
      'virtual_mailbox_domains = example.net',
      `virtual_mailbox_base = ${join(folder, 'mail')}`,
      'virtual_mailbox_maps = static:bob/',
      `virtual_uid_maps = static:${uid}`,
      `virtual_gid_maps = static:${gid}`,
      'smtputf8_enable = no',
      `export_environment = TZ MAIL_CONFIG LANG HAMD_SOCKET=${socket}`,
      '',
    ].join('\n'),
  )
  const script = `mount --bind '${config}' /etc/postfix && exec postfix start-fg`
  const child: ChildProcess = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script], {
    stdio: 'ignore',
  })
  const log = () => (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '')
  const exited = new Promise((resolve) => child.once('exit', resolve))
  await until(`Postfix listens (${log()})`, () => {
    if (child.exitCode !== null) throw new Error(`Postfix ended with ${child.exitCode}: ${log()}`)
    return isOpen(port)
  })
  return {
    submit(mail) {
      const to = ['--server', '127.0.0.1', '--port', String(port), '--from', 'alice@example.org']
      const { status, stdout } = run(
        findProgram('swaks')!,
        [...to, '--to', 'bob@example.net', '--helo', 'client.example.org', '--data', '-'],
        mail,
      )
      assert.equal(status, 0, stdout)
    },
    delivered() {
      const box = join(folder, 'mail', 'bob', 'new')
      if (!existsSync(box)) return []
      return readdirSync(box).map((name) => readFileSync(join(box, name), 'latin1'))
    },
    log,
    async stop() {
      // The master process: it ends its services itself.
      const pid = Number(readFileSync(join(folder, 'queue', 'pid', 'master.pid'), 'utf8'))
      process.kill(pid, 'SIGTERM')
      await exited
    },
  }
}

function isOpen(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(undefined))
  })
}
