// Preferences of users: each mail is judged by the settings of the user it is scanned for, and by nobody else's.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Hamd, startHamd } from '../support/hamd.js'
import { needs, run } from '../support/peers.js'
import { exchange } from '../support/wire.js'

const rules = `
body ORANGE /orange/
score ORANGE 1.5
describe ORANGE The site's words
body APPLE /apple/
score APPLE 1.5
required_score 5
report _YESNO_ _SCORE_/_REQD_ _TESTSSCORES_
report _SUMMARY_
`

const alicePrefs = `
required_score 2
score ORANGE 3
describe ORANGE The words of Alice
add_header all Reader alice
body OWN_RULE /orange/
score OWN_RULE 10
use_bayes 0
`

const bobPrefs = `
required_score 9
score APPLE 0
clear_report_template
report for bob: _SCORE_ of _REQD_
`

const text = 'From: a@example.org\nTo: b@example.net\nSubject: fruit\n\nan orange and an apple\n'

describe('users', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-users-'))
  const prefs = join(folder, 'prefs')
  let hamd: Hamd

  before(async () => {
    mkdirSync(join(prefs, 'alice'), { recursive: true })
    writeFileSync(join(prefs, 'alice', 'user_prefs'), alicePrefs)
    writeFileSync(join(prefs, 'bob'), bobPrefs)
    writeFileSync(join(folder, 'secret'), 'required_score 1\n')
    symlinkSync('/nonexistent', join(prefs, 'carol'))
    writeFileSync(join(folder, 'test.cf'), rules)
    const config = join(folder, 'hamd.toml')
    writeFileSync(config, '[users]\nrspamd_user = "deliver-to"\n')
    hamd = await startHamd({
      args: [
        ...['--config', config, '--user-prefs-dir', prefs],
        ...['--no-builtin-rules', '--rules', join(folder, 'test.cf'), '--workers', '2'],
      ],
    })
  })
  after(async () => {
    await hamd.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function ask(verb: string, user: string | undefined): Promise<string> {
    const head = user === undefined ? '' : `User: ${user}\r\n`
    const request = `${verb} SPAMC/1.5\r\n${head}Content-length: ${text.length}\r\n\r\n${text}`
    return (await exchange(`unix:${hamd.socket}`, request, 'half-close')).text
  }

  /** What each user must see. */
  const expected: Readonly<Record<string, string>> = {
    alice: 'Spam: True ; 4.5 / 2.0',
    bob: 'Spam: False ; 1.5 / 9.0',
    carol: 'Spam: False ; 3.0 / 5.0',
  }

  test('1,000 scans of three users at once: no setting of one reaches another', async () => {
    const users = Object.keys(expected)
    let next = 0
    const client = async () => {
      for (let n = next++; n < 1000; n = next++) {
        const user = users[n % users.length]!
        const reply = await ask('CHECK', user)
        assert.ok(reply.includes(expected[user]!), `${user}, scan ${n}: ${reply}`)
      }
    }
    await Promise.all(Array.from({ length: 16 }, client))
  })

  test('reports, descriptions and headers are the user’s own', async () => {
    const [alice, bob, nobody] = await Promise.all([
      ask('REPORT', 'alice'),
      ask('REPORT', 'bob'),
      ask('REPORT', undefined),
    ])
    assert.match(alice, /Yes 4\.5\/2\.0 APPLE=1\.5,ORANGE=3\n[\s\S]*The words of Alice/)
    assert.match(bob, /\r\n\r\nfor bob: 1\.5 of 9\.0\n\n$/)
    assert.match(nobody, /No 3\.0\/5\.0[\s\S]*The site's words/)
    assert.match(await ask('PROCESS', 'alice'), /X-Spam-Reader: alice/)
    assert.doesNotMatch(await ask('PROCESS', 'bob'), /X-Spam-Reader/)
  })

  test('rules of a user are not obeyed unless the site allows them', async () => {
    assert.doesNotMatch(await ask('SYMBOLS', 'alice'), /OWN_RULE/)
  })

  test('with allow_user_rules of the site they are, for that user alone', async () => {
    const allowing = join(folder, 'allow.cf')
    writeFileSync(allowing, 'allow_user_rules 1\n')
    const other = await startHamd({
      args: [
        '--user-prefs-dir',
        prefs,
        '--no-builtin-rules',
        '--rules',
        join(folder, 'test.cf'),
        '--rules',
        allowing,
      ],
    })
    try {
      const symbols = async (user: string) => {
        const request = `SYMBOLS SPAMC/1.5\r\nUser: ${user}\r\nContent-length: ${text.length}\r\n\r\n${text}`
        return (await exchange(`unix:${other.socket}`, request, 'half-close')).text
      }
      for (let round = 0; round < 20; round++) {
        const [alice, bob] = await Promise.all([symbols('alice'), symbols('bob')])
        assert.match(alice, /\r\nAPPLE,ORANGE,OWN_RULE$/)
        assert.match(bob, /\r\nORANGE$/)
      }
    } finally {
      await other.stop()
    }
  })

  test('a name is no path', async () => {
    for (const name of ['../secret', 'alice/../../secret', '..', 'x@..', '/etc/passwd', '~root'])
      assert.match(await ask('CHECK', name), /Spam: False ; 3\.0 \/ 5\.0/, name)
  })

  test('a changed file counts with the next mail', async () => {
    const file = join(prefs, 'dave')
    writeFileSync(file, 'required_score 7\n')
    assert.match(await ask('CHECK', 'dave'), / 7\.0\r/)
    await new Promise((resolve) => setTimeout(resolve, 20))
    writeFileSync(file, 'required_score 8\n')
    assert.match(await ask('CHECK', 'dave'), / 8\.0\r/)
  })

  test('rspamd clients name the user by the configured header', async () => {
    const scan = async (user: string) => {
      const reply = await fetch(`http://127.0.0.1:${hamd.scan.port}/checkv2`, {
        method: 'POST',
        body: text,
        headers: { 'Deliver-To': user },
      })
      return ((await reply.json()) as { score: number }).score
    }
    assert.deepEqual(await Promise.all(['alice', 'bob', 'carol'].map(scan)), [4.5, 1.5, 3])
  })

  test('spamc -u', needs('spamc'), () => {
    for (let round = 0; round < 5; round++)
      for (const [user, line] of Object.entries(expected)) {
        const { stdout } = run('spamc', ['-U', hamd.socket, '-u', user, '-c'], text)
        const [, score, required] = /; (\S+) \/ (\S+)$/.exec(line)!
        assert.equal(stdout, `${score}/${required}\n`)
      }
  })
})
