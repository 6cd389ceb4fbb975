// The README's recipes for spamc with procmail, rspamc and curl, as printed, against a running hamd; only ports are put in.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { entry } from '../support/entry.js'
import { type Hamd, startHamd } from '../support/hamd.js'
import { findProgram, needs, type Ran, run } from '../support/peers.js'
import { freePort } from '../support/ports.js'
import { gtube, mailOf, openFolder, printedBlock } from '../support/recipe.js'

const ham = mailOf('Hello Bob,\n\nthe minutes are at http://www.example.org/minutes as you wished.\n\nAlice')
const spam = mailOf(gtube)
const password = 'a long enough word'

describe('recipes of the README', () => {
  const folder = openFolder('recipes')
  const controllerSocket = join(folder, 'controller.sock')
  let hamd: Hamd
  before(async () => {
    writeFileSync(join(folder, 'mail.eml'), spam)
    writeFileSync(join(folder, 'spam.eml'), spam)
    const hashed = run(process.execPath, [entry, 'password'], `${password}\n`).stdout.trim()
    writeFileSync(join(folder, 'hamd.toml'), `[controller]\npassword = "${hashed}"\n`)
    hamd = await startHamd({
      args: ['--config', join(folder, 'hamd.toml'), '--controller', `unix:${controllerSocket}`],
    })
  })
  after(async () => {
    await hamd.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Runs printed shell lines beside the mails, with the ports of this hamd. */
  function shell(lines: string): Ran {
    const ported = lines
      .replaceAll('127.0.0.1:11333', `127.0.0.1:${hamd.scan.port}`)
      .replaceAll('127.0.0.1:11334', `127.0.0.1:${hamd.controller.port}`)
    const done = spawnSync('sh', ['-ec', ported], {
      cwd: folder,
      encoding: 'latin1',
      timeout: 60_000,
      env: { ...process.env, PASSWORD: password },
    })
    return { status: done.status, stdout: done.stdout, stderr: done.stderr }
  }

  describe('rspamc', needs('rspamc'), () => {
    test('scans, and learns with the password', () => {
      const { status, stdout, stderr } = shell(
        printedBlock('README.md', 'rspamc').replace(/^rspamc -h \S+ mail/m, (line) =>
          line.replace('rspamc', 'rspamc -P "$PASSWORD"'),
        ),
      )
      assert.equal(status, 0, stdout + stderr)
      assert.match(stdout, /Action: reject[\s\S]*Symbol: GTUBE/)
      assert.match(stdout, /success = true/)
    })
    const rspamc = (args: string[], input = '') => run(findProgram('rspamc')!, args, input)
    test('learns and counts over the unix socket without one', () => {
      assert.match(rspamc(['-h', controllerSocket, 'learn_ham'], ham).stdout, /success = true/)
      assert.match(
        rspamc(['-h', controllerSocket, 'learn_ham'], ham).stdout,
        /already been learned|already learned/,
      )
      assert.match(rspamc(['-h', controllerSocket, 'stat']).stdout, /Messages learned: [1-9]/)
    })
    test('lists the symbols of a mail', () => {
      const { status, stdout } = rspamc(['-h', controllerSocket, 'symbols'], spam)
      assert.equal(status, 0)
      assert.match(stdout, /Symbol: GTUBE/)
    })
    test('is refused with a wrong password', () => {
      const { stdout } = rspamc(
        ['-h', `127.0.0.1:${hamd.controller.port}`, '-P', 'wrong', 'learn_spam'],
        spam,
      )
      assert.match(stdout, /40[13]/)
    })
  })

  test('curl', needs('curl'), () => {
    const { status, stdout } = shell(printedBlock('README.md', 'curl'))
    assert.equal(status, 0)
    const reply = JSON.parse(stdout) as { action: string; symbols: Record<string, unknown> }
    assert.equal(reply.action, 'reject')
    assert.ok('GTUBE' in reply.symbols)
  })

  describe('procmail with spamc', needs('procmail', 'spamc'), () => {
    function deliver(mail: string, port: number): { inbox: string[]; junk: string[]; status: number | null } {
      const home = openFolder('procmail')
      try {
        const recipe = printedBlock('README.md', 'spamc and procmail').replace(
          'spamc -d',
          `spamc -p ${port} -d`,
        )
        const rc = join(home, 'procmailrc')
        writeFileSync(
          rc,
          `SHELL=/bin/sh\nMAILDIR=${home}\nDEFAULT=${home}/Inbox/\nLOGFILE=${home}/log\n${recipe}`,
        )
        for (const box of ['Inbox', 'Junk'])
          for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(home, box, part), { recursive: true })
        const { status } = run(findProgram('procmail')!, ['-m', rc], mail)
        const read = (box: string) =>
          readdirSync(join(home, box, 'new')).map((name) =>
            readFileSync(join(home, box, 'new', name), 'latin1'),
          )
        return { inbox: read('Inbox'), junk: read('Junk'), status }
      } finally {
        rmSync(home, { recursive: true, force: true })
      }
    }

    test('ham stays in the inbox with its marks', () => {
      const { inbox, junk } = deliver(ham, hamd.scan.port)
      assert.equal(junk.length, 0)
      assert.match(inbox[0]!, /^X-Spam-Status: No, score=/m)
      assert.ok(inbox[0]!.includes('the minutes are at'))
    })
    test('spam goes to Junk', () => {
      const { inbox, junk } = deliver(spam, hamd.scan.port)
      assert.equal(inbox.length, 0)
      assert.match(junk[0]!, /^X-Spam-Status: Yes, score=/m)
    })
    test('without hamd the mail stays with the mail server', async () => {
      const { inbox, junk, status } = deliver(ham, await freePort())
      assert.equal(status, 75)
      assert.deepEqual([inbox.length, junk.length], [0, 0])
    })
  })
})
