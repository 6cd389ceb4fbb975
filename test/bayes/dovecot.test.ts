// The IMAPSieve recipe of docs/learning.md, taken from the page and run in a real Dovecot: which moves teach what.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { packageRoot } from '../../src/root.js'
import { freePort } from '../support/ports.js'

function missing(): string | false {
  if (spawnSync('dovecot', ['--version']).status !== 0 || spawnSync('sievec', ['-h']).error)
    return 'Dovecot is not installed: apt-get install dovecot-imapd dovecot-sieve'
  return process.getuid?.() === 0 ? false : 'Dovecot needs root'
}

const page = readFileSync(join(packageRoot, 'docs/learning.md'), 'utf8')
function block(title: string): string {
  const at = page.indexOf('```\n', page.indexOf(title)) + 4
  return page.slice(at, page.indexOf('```', at))
}

/** As much IMAP as moving a mail takes. */
class Imap {
  private text = ''
  private number = 0
  constructor(private readonly socket: Socket) {
    socket.on('data', (data) => {
      this.text += data.toString()
    })
  }

  async until(pattern: RegExp): Promise<void> {
    const end = Date.now() + 10_000
    while (!pattern.test(this.text)) {
      if (Date.now() > end) throw new Error(`no ${pattern} in ${this.text}`)
      await wait(10)
    }
  }

  async ask(command: string, literal?: string): Promise<void> {
    const tag = `a${++this.number}`
    this.text = ''
    this.socket.write(`${tag} ${command}\r\n`)
    if (literal !== undefined) {
      await this.until(/^\+/m)
      this.socket.write(`${literal}\r\n`)
    }
    await this.until(new RegExp(`^${tag} OK`, 'm'))
  }
}

test('moving to Junk teaches spam, out of it ham, from it to Trash nothing', {
  skip: missing(),
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-dovecot-'))
  const port = await freePort()
  for (const name of ['sieve', 'bin', 'run', 'state', 'home']) mkdirSync(join(folder, name))
  chmodSync(folder, 0o755)
  spawnSync('chown', ['mail:mail', join(folder, 'home')])
  writeFileSync(join(folder, 'calls'), '')
  chmodSync(join(folder, 'calls'), 0o666)
  const script = `#!/bin/sh\ncat > /dev/null\necho "$1" >> ${join(folder, 'calls')}\n`
  writeFileSync(join(folder, 'bin/hamd-learn'), script, { mode: 0o755 })
  for (const name of ['learn-spam.sieve', 'learn-ham.sieve'])
    writeFileSync(join(folder, 'sieve', name), block(`\n\`${name}\``))
  const recipe = block('`dovecot.conf` (Pigeonhole')
    .replaceAll('/etc/dovecot/sieve-bin', join(folder, 'bin'))
    .replaceAll('/etc/dovecot/sieve', join(folder, 'sieve'))
  const config = `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
passdb {
  driver = static
  args = password=test
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${folder}/home/%u
}
mail_location = maildir:~/Maildir
namespace inbox {
  inbox = yes
  separator = /
  mailbox Junk {
    auto = create
  }
  mailbox Trash {
    auto = create
  }
}
${recipe}`
  writeFileSync(join(folder, 'dovecot.conf'), config)
  for (const name of ['learn-spam', 'learn-ham']) {
    const source = join(folder, 'sieve', `${name}.sieve`)
    const compiled = spawnSync('sievec', [
      '-c',
      join(folder, 'dovecot.conf'),
      '-x',
      '+vnd.dovecot.pipe +imapsieve',
      source,
    ])
    assert.equal(compiled.error, undefined)
  }
  const dovecot = spawn('dovecot', ['-c', join(folder, 'dovecot.conf'), '-F'], { stdio: 'ignore' })
  try {
    const end = Date.now() + 10_000
    let socket: Socket | undefined
    while (!socket) {
      const attempt = connect(port, '127.0.0.1')
      socket = await new Promise<Socket | undefined>((resolve) => {
        attempt.once('connect', () => resolve(attempt)).once('error', () => resolve(undefined))
      })
      if (!socket && Date.now() > end) throw new Error(readFileSync(join(folder, 'log'), 'utf8'))
      if (!socket) await wait(100)
    }
    const imap = new Imap(socket)
    await imap.until(/^\* OK/m)
    await imap.ask('LOGIN user test')
    const mail = 'From: a@b.example\r\nSubject: hi\r\nMessage-ID: <1@b.example>\r\n\r\nhello\r\n'
    const calls = (): string[] => readFileSync(join(folder, 'calls'), 'utf8').split('\n').filter(Boolean)
    const move = async (from: string, to: string): Promise<void> => {
      await imap.ask(`SELECT ${from}`)
      await imap.ask(`MOVE 1 ${to}`)
    }
    await imap.ask(`APPEND INBOX {${mail.length}}`, mail)
    assert.deepEqual(calls(), [])
    await move('INBOX', 'Junk')
    assert.deepEqual(calls(), ['spam'])
    await move('Junk', 'Trash')
    assert.deepEqual(calls(), ['spam'])
    await imap.ask(`APPEND Junk {${mail.length}}`, mail)
    await move('Junk', 'INBOX')
    assert.deepEqual(calls(), ['spam', 'spam', 'ham'])
    socket.destroy()
  } finally {
    dovecot.kill('SIGTERM')
    await new Promise((resolve) => dovecot.once('exit', resolve))
    rmSync(folder, { recursive: true, force: true })
  }
})
