// packaging/dovecot with a real Dovecot on loopback: moving a mail into Junk teaches spam, out of it ham, into the Trash nothing.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packageRoot } from '../../src/root.js'
import { type Hamd, startHamd } from '../support/hamd.js'
import { findProgram, needs, run } from '../support/peers.js'
import { freePort } from '../support/ports.js'
import { mailOf, openFolder, until } from '../support/recipe.js'

const packaged = join(packageRoot, 'packaging', 'dovecot')
const mail = mailOf(
  'Dear friend, the lottery office asks you to collect your winnings before Friday at the usual counter.',
)

describe('hamd-learn', needs('curl'), () => {
  const folder = openFolder('learn')
  const socket = join(folder, 'controller.sock')
  let hamd: Hamd
  before(async () => {
    hamd = await startHamd({ args: ['--controller', `unix:${socket}`] })
  })
  after(async () => {
    await hamd.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const learn = (args: string[], controller = socket) => {
    const done = spawnSync(join(packaged, 'hamd-learn'), args, {
      input: mail,
      encoding: 'latin1',
      env: { ...process.env, HAMD_CONTROLLER: controller },
    })
    return { status: done.status, stderr: done.stderr }
  }

  test('learns, once or again; says so when hamd is away or the word is wrong', () => {
    assert.deepEqual(learn(['spam', 'bob']), { status: 0, stderr: '' })
    assert.deepEqual(learn(['spam', 'bob']), { status: 0, stderr: '' })
    assert.deepEqual(learn(['ham', 'bob']), { status: 0, stderr: '' })
    const away = learn(['spam', 'bob'], join(folder, 'nobody.sock'))
    assert.equal(away.status, 75)
    assert.match(away.stderr, /hamd was not reached/)
    assert.equal(learn(['everything']).status, 64)
  })

  describe('called by IMAPSieve', rootNeeds(), () => {
    let dovecot: Dovecot
    before(async () => {
      dovecot = await startDovecot(join(folder, 'dovecot'), socket)
    })
    after(() => dovecot?.stop())

    test('a move into Junk teaches spam, back ham, into the Trash nothing', async () => {
      const learned = () => learnings(hamd)
      const imap = await openImap(dovecot.port)
      await imap.say('LOGIN bob secret')
      for (const box of ['Junk', 'Trash']) await imap.say(`CREATE ${box}`)
      const other = mail.replace('lottery office', 'tennis club').replace('77@', '78@')
      await imap.append('INBOX', other)
      await imap.say('SELECT INBOX')
      const start = await learned()
      await imap.say('MOVE 1 Junk')
      assert.deepEqual(await learned(), { ...start, spam: start.spam + 1 }, dovecot.log())
      await imap.say('SELECT Junk')
      await imap.say('MOVE 1 INBOX')
      assert.deepEqual(await learned(), { ...start, ham: start.ham + 1 }, dovecot.log())
      await imap.say('SELECT INBOX')
      await imap.say('MOVE 1 Junk')
      const before = await learned()
      await imap.say('SELECT Junk')
      await imap.say('MOVE 1 Trash')
      assert.deepEqual(await learned(), before, dovecot.log())
      imap.close()
    })
  })
})

async function learnings(hamd: Hamd): Promise<{ spam: number; ham: number }> {
  const answer = await fetch(`http://127.0.0.1:${hamd.controller.port}/stat`)
  const { statfiles } = (await answer.json()) as { statfiles: { symbol: string; revision: number }[] }
  const count = (symbol: string) => statfiles.find((file) => file.symbol === symbol)?.revision ?? 0
  return { spam: count('BAYES_SPAM'), ham: count('BAYES_HAM') }
}

/** Dovecot changes accounts, so it starts as root only. */
function rootNeeds(): { skip?: string } {
  if (process.getuid?.() !== 0) return { skip: 'Dovecot with its own accounts starts as root only' }
  return needs('dovecot', 'sievec')
}

interface Dovecot {
  readonly port: number
  log(): string
  stop(): Promise<void>
}

async function startDovecot(folder: string, controller: string): Promise<Dovecot> {
  const port = await freePort()
  const scripts = join(folder, 'lib')
  for (const name of ['lib', 'mail', 'run']) mkdirSync(join(folder, name), { recursive: true })
  const [uid, gid] = ['-u', '-g'].map((field) => Number(run('/usr/bin/id', [field!, 'nobody']).stdout))
  chownSync(join(folder, 'mail'), uid!, gid!)
  // What the recipe says about the socket: Dovecot's mail account may use it.
  chownSync(controller, uid!, gid!)
  for (const name of ['learn-spam.sieve', 'learn-ham.sieve'])
    copyFileSync(join(packaged, name), join(scripts, name))
  const script = readFileSync(join(packaged, 'hamd-learn'), 'utf8')
  writeFileSync(join(scripts, 'hamd-learn'), script.replace('/run/hamd/controller.sock', controller), {
    mode: 0o755,
  })
  const config = join(folder, 'dovecot.conf')
  const log = join(folder, 'log')
  writeFileSync(
    config,
    [
      `base_dir = ${join(folder, 'run')}`,
      `state_dir = ${join(folder, 'run')}`,
      `log_path = ${log}`,
      'protocols = imap',
      'ssl = no',
      'disable_plaintext_auth = no',
      'listen = 127.0.0.1',
      `mail_location = maildir:${join(folder, 'mail')}/%u`,
      'first_valid_uid = 1',
      'passdb {\n  driver = static\n  args = password=secret\n}',
      `userdb {\n  driver = static\n  args = uid=${uid} gid=${gid} home=${join(folder, 'mail')}/%u\n}`,
      'namespace inbox {\n  inbox = yes\n}',
      `service imap-login {\n  inet_listener imap {\n    port = ${port}\n  }\n  inet_listener imaps {\n    port = 0\n  }\n}`,
      'service anvil {\n  chroot =\n}',
      readFileSync(join(packaged, '90-hamd.conf'), 'utf8').replaceAll('/usr/local/lib/hamd', scripts),
      '',
    ].join('\n'),
  )
  for (const name of ['learn-spam', 'learn-ham']) {
    const compiled = run(findProgram('sievec')!, ['-c', config, join(scripts, `${name}.sieve`)])
    assert.equal(compiled.status, 0, compiled.stderr)
  }
  const child: ChildProcess = spawn(findProgram('dovecot')!, ['-F', '-c', config], {
    stdio: 'ignore',
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const readLog = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')
  await until('Dovecot listens', async () => {
    if (child.exitCode !== null) throw new Error(`Dovecot ended with ${child.exitCode}: ${readLog()}`)
    const socket = await new Promise<Socket | undefined>((resolve) => {
      const tried = connect(port, '127.0.0.1', () => resolve(tried))
      tried.on('error', () => resolve(undefined))
    })
    socket?.destroy()
    return socket && true
  })
  return {
    port,
    log: readLog,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

interface Imap {
  /** Sends one command; its tagged answer must be OK. */
  say(command: string): Promise<void>
  append(mailbox: string, text: string): Promise<void>
  close(): void
}

async function openImap(port: number): Promise<Imap> {
  const socket = connect(port, '127.0.0.1')
  let seen = ''
  socket.on('data', (chunk) => (seen += chunk.toString('latin1')))
  let count = 0
  const heard = (pattern: RegExp) => until(String(pattern), () => pattern.exec(seen) ?? undefined)
  await heard(/^\* OK/m)
  return {
    async say(command) {
      const tag = `a${++count}`
      socket.write(`${tag} ${command}\r\n`)
      const [, word, text] = await heard(new RegExp(`^${tag} (\\w+) ([^\\r]*)\\r\\n`, 'm'))
      assert.equal(word, 'OK', `${command}: ${text}`)
    },
    async append(mailbox, text) {
      const bytes = text.replaceAll('\n', '\r\n')
      socket.write(`append1 APPEND ${mailbox} {${bytes.length}}\r\n`)
      await heard(/^\+ /m)
      socket.write(`${bytes}\r\n`)
      await heard(/^append1 OK/m)
    },
    close: () => void socket.destroy(),
  }
}
