// `hamd spamd` as init scripts and spamc know spamd: pid file, log file, background, SIGHUP, SIGTERM, TLS, rights given up, addresses, sockets.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packageRoot } from '../../../src/root.js'
import { hamd } from '../../support/command.js'
import { entry } from '../../support/entry.js'
import { needs, run } from '../../support/peers.js'
import { freePort } from '../../support/ports.js'
import { exchange } from '../../support/wire.js'

const root = process.getuid?.() === 0
const text = 'From: a@example.org\nSubject: fruit\nMessage-ID: <1@example.org>\n\nan orange\n'
const rules = (n: number) => `body ORANGE${n} /orange/\nscore ORANGE${n} ${n}.5\n`

describe('hamd spamd', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-spamd-'))
  const config = join(folder, 'config')
  const site = join(folder, 'site')
  const data = join(folder, 'data')
  const env = { ...process.env, STATE_DIRECTORY: data }
  const pidFile = join(folder, 'spamd.pid')
  const logFile = join(folder, 'spamd.log')
  const socket = join(folder, 'spamd.sock')
  const common = ['-L', '-m', '1', '-x', '-C', config, '--siteconfigpath', site]

  before(() => {
    mkdirSync(config)
    mkdirSync(site)
    writeFileSync(join(config, 'test.cf'), rules(1))
    writeFileSync(join(site, 'local.cf'), 'required_score 1\n')
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  async function until(condition: () => boolean, what: string): Promise<void> {
    for (const end = Date.now() + 40_000; !condition(); ) {
      assert.ok(
        Date.now() < end,
        `${what}\n${existsSync(logFile) ? readFileSync(logFile, 'utf8') : 'no log'}`,
      )
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const logged = (pattern: RegExp) => existsSync(logFile) && pattern.test(readFileSync(logFile, 'utf8'))
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }

  /** In the foreground, ready when the log file says so. */
  async function start(...args: string[]): Promise<ChildProcess> {
    rmSync(logFile, { force: true })
    const child = spawn(process.execPath, [entry, 'spamd', ...common, '-s', logFile, ...args], {
      env,
      stdio: 'ignore',
    })
    await until(() => logged(/server pid: \d+/) || child.exitCode !== null, 'ready line')
    assert.equal(child.exitCode, null, existsSync(logFile) ? readFileSync(logFile, 'utf8') : 'no log')
    return child
  }

  async function stop(child: ChildProcess): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    return ended
  }

  test(
    'into the background with pid and log file; SIGHUP reads again; SIGTERM cleans up',
    needs('spamc'),
    async () => {
      rmSync(logFile, { force: true })
      const args = [
        'spamd',
        ...common,
        '-d',
        '-r',
        pidFile,
        '-s',
        logFile,
        '--socketpath',
        socket,
        '--socketmode',
        '0660',
      ]
      const started = await hamd(args, { env: { STATE_DIRECTORY: data } })
      assert.deepEqual([started.status, started.stdout, started.stderr], [0, '', ''])
      const pid = Number(readFileSync(pidFile, 'utf8'))
      assert.ok(isAlive(pid))
      assert.equal(statSync(socket).mode & 0o777, 0o660)
      assert.deepEqual(run('spamc', ['-U', socket, '-c'], text), {
        status: 1,
        stdout: '1.5/1.0\n',
        stderr: '',
      })
      await until(() => logged(/spamd: result: Y +1 - ORANGE1 scantime=/), 'result line')
      assert.match(
        readFileSync(logFile, 'utf8'),
        /^\w{3} \w{3} \d\d \d\d:\d\d:\d\d \d{4} \[\d+\] info: spamd: server started on /,
      )

      writeFileSync(join(config, 'test.cf'), rules(2))
      renameSync(logFile, `${logFile}.1`)
      process.kill(pid, 'SIGHUP')
      await until(() => existsSync(logFile), 'a new log file')
      await until(() => run('spamc', ['-U', socket, '-c'], text).stdout === '2.5/1.0\n', 'the new rules')
      assert.ok(isAlive(pid))

      process.kill(pid, 'SIGTERM')
      await until(() => !isAlive(pid), 'the end')
      assert.ok(!existsSync(pidFile))
      assert.ok(!existsSync(socket))
      assert.ok(logged(/shutting down/))
    },
  )

  test('--ssl, -A and --port', async () => {
    const [plain, secure] = [await freePort(), await freePort()]
    const tls = (name: string) => join(packageRoot, 'fixtures', 'tls', name)
    const child = await start(
      ...['-i', '127.0.0.1', '-i', `ssl:127.0.0.1:${secure}`, '-p', String(plain), '-A', '127.0.0.0/8'],
      ...['--server-key', tls('key.pem'), '--server-cert', tls('cert.pem')],
    )
    try {
      assert.match((await exchange(`127.0.0.1:${plain}`, 'PING SPAMC/1.2\r\n')).text, /PONG/)
      assert.match((await exchange(`127.0.0.1:${secure}`, 'PING SPAMC/1.2\r\n', 'keep', true)).text, /PONG/)
      await until(
        () => logged(/connection from localhost \[127\.0\.0\.1\]:\d+ to port \d+, fd \d+, TLSv1/),
        'TLS line',
      )
    } finally {
      assert.equal(await stop(child), 0)
    }
    const closed = await start('-i', '127.0.0.1', '-p', String(plain), '-A', '127.0.0.9')
    try {
      assert.equal((await exchange(`127.0.0.1:${plain}`, 'PING SPAMC/1.2\r\n')).text, '')
    } finally {
      assert.equal(await stop(closed), 0)
    }
  })

  test('-u gives up root’s rights and can go on learning', { skip: root ? false : 'not root' }, async () => {
    const child = await start('--socketpath', socket, '-u', 'nobody', '--allow-tell')
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m)
      assert.match(status, /^Gid:\t65534\t65534\t65534\t65534$/m)
      assert.doesNotMatch(status, /^Groups:.*\b0\b/m)
      for (const task of readdirSync(`/proc/${child.pid}/task`))
        assert.match(readFileSync(`/proc/${child.pid}/task/${task}/status`, 'utf8'), /^Uid:\t65534\t65534/m)
      assert.equal(statSync(join(data, 'learner.db')).uid, 65534)
      const tell = `TELL SPAMC/1.5\r\nMessage-class: spam\r\nSet: local\r\nContent-length: ${text.length}\r\n\r\n${text}`
      assert.match((await exchange(`unix:${socket}`, tell, 'half-close')).text, /DidSet: local/)
    } finally {
      assert.equal(await stop(child), 0)
    }
  })

  test('what cannot be ends with a word and the right status', async () => {
    const cases: [string[], number, RegExp][] = [
      [['--nonsense'], 64, /unknown option/],
      [['-i', 'no address'], 64, /not an address/],
      [['--ssl'], 64, /--server-key/],
      [['--ssl', '--server-key', '/nonexistent', '--server-cert', '/nonexistent'], 78, /--server-key/],
      [['--socketpath', '/nonexistent/spamd.sock'], 69, /could not be bound/],
      ...(root
        ? [[['-u', 'nobody-of-that-name'], 64, /there is no user/] as [string[], number, RegExp]]
        : []),
    ]
    for (const [args, status, words] of cases) {
      const ran = await hamd(['spamd', ...common, '-s', 'stderr', ...args], {
        env: { STATE_DIRECTORY: join(folder, 'other') },
      })
      assert.equal(ran.status, status, `${args.join(' ')}: ${ran.stderr}`)
      assert.match(ran.stderr, words)
    }
    assert.match((await hamd(['spamd', '--version'])).stdout, /^SpamAssassin Server version 4\.0\.1\n/)
    assert.match((await hamd(['spamd', '--help'])).stdout, /^Usage: hamd spamd/)
  })
})
