// Learning without the message, and its ledger: by scan id over the controller and by commands, with a server and without one.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hamd as command } from '../support/command.js'
import { type Hamd, startHamd } from '../support/hamd.js'

const mail = (n: number, words: string) =>
  `From: a@example.org\nTo: b@example.net\nSubject: number ${n}\nMessage-ID: <${n}@example.org>\n\n${words} and ${n} further words\n`

interface Reply {
  readonly status: number
  readonly json: Record<string, unknown>
}

describe('teaching', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-teach-'))
  const dataDir = join(folder, 'data')
  const config = join(folder, 'hamd.toml')
  let server: Hamd

  /** The control socket needs no password. */
  function ask(path: string, body: string, headers: Record<string, string> = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const call = request(
        { socketPath: join(dataDir, 'control.sock'), path, method: 'POST', headers },
        (reply) => {
          let text = ''
          reply.on('data', (chunk) => (text += String(chunk)))
          reply.on('end', () => resolve({ status: reply.statusCode!, json: JSON.parse(text) }))
        },
      )
      call.on('error', reject)
      call.end(body)
    })
  }

  async function scanId(text: string, headers: Record<string, string> = {}): Promise<string> {
    const { json } = await ask('/checkv2', text, headers)
    return json['scan-id'] as string
  }

  const learn = (id: string, mailClass: string, user?: string) =>
    ask('/learn', JSON.stringify({ id, class: mailClass, ...(user ? { user } : {}) }))

  before(async () => {
    writeFileSync(
      config,
      '[learner]\nper_user = true\nspam_min = 1\nham_min = 1\n[users]\nrspamd_user = "deliver-to"\n',
    )
    server = await startHamd({ dataDir, args: ['--config', config] })
  })
  after(async () => {
    assert.equal(await server.stop(), 0)
    rmSync(folder, { recursive: true, force: true })
  })

  test('a scan is learned, known, switched and forgotten by its id', async () => {
    const id = await scanId(mail(1, 'cheap pills'))
    assert.match(id, /^[\da-f-]{36}$/)
    assert.equal((await learn(id, 'spam')).status, 200)
    assert.equal((await learn(id, 'spam')).status, 208)
    assert.equal((await learn(id, 'ham')).status, 200)
    assert.equal((await learn(id, 'forget')).status, 200)
    const never = await learn(id, 'forget')
    assert.equal(never.status, 208)
    assert.match(String(never.json['error']), /never been learned/)
  })

  test('what cannot be learned says why', async () => {
    const unknown = await learn('no-such-scan', 'spam')
    assert.equal(unknown.status, 409)
    assert.match(String(unknown.json['error']), /no scan no-such-scan is remembered/)
    assert.equal((await learn('', 'spam')).status, 400)
    assert.equal((await learn('x', 'pink')).status, 400)
    assert.equal((await ask('/learn', 'nonsense')).status, 400)
  })

  test('a message is forgotten by class forget', async () => {
    const text = mail(2, 'cheap watches')
    assert.equal((await ask('/learnclass', text, { Class: 'spam' })).status, 200)
    assert.equal((await ask('/learnclass', text, { Class: 'forget' })).status, 200)
    assert.equal((await ask('/learnclass', text, { Class: 'forget' })).status, 208)
  })

  test('marks of a filter are taken off before learning', async () => {
    const text = mail(3, 'a loan for you')
    const marked = `X-Spam-Checker-Version: SpamAssassin 4.0.1 on mx\nX-Spam-Flag: YES\n${text}`
    assert.equal((await ask('/learnspam', text)).status, 200)
    assert.equal((await ask('/learnspam', marked)).status, 208)
    assert.equal((await ask('/learnclass', marked, { Class: 'forget' })).status, 200)
  })

  test('each user has a model and scans of their own', async () => {
    const id = await scanId(mail(4, 'my newsletter'), { 'Deliver-To': 'alice' })
    assert.equal((await learn(id, 'spam', 'bob')).status, 409)
    assert.equal((await learn(id, 'spam', 'alice')).status, 200)
    const { json } = await ask('/ledger', JSON.stringify({ owner: 'alice' }))
    const rows = json['rows'] as { owner: string; scanId: string }[]
    assert.deepEqual(
      rows.map((row) => [row.owner, row.scanId]),
      [['alice', id]],
    )
  })

  test('explanations and clues come where they are asked for', async () => {
    await ask('/learnspam', mail(5, 'cheap pills cheap pills'))
    await ask('/learnham', mail(6, 'minutes of the meeting'))
    const text = mail(7, 'cheap pills! Buy now, click here http://192.0.2.1/')
    const { json } = await ask('/checkv2', text, { Explain: 'yes', Clues: 'yes' })
    const symbols = Object.values(json['symbols'] as Record<string, { evidence?: { text: string } }>)
    assert.ok(symbols.some(({ evidence }) => evidence !== undefined && evidence.text !== ''))
    const bayes = json['bayes'] as { probability: number; clues: { token: string }[] }
    assert.ok(bayes.probability > 0.5)
    assert.equal(bayes.clues[0]!.token, 'bodyWord:cheap')
    const plain = (await ask('/checkv2', text)).json
    assert.equal(plain['bayes'], undefined)
    assert.doesNotMatch(JSON.stringify(plain), /evidence/)
  })

  test('commands go through the running server', async () => {
    const file = join(folder, 'one.eml')
    writeFileSync(file, mail(8, 'a prize for you'))
    const data = ['--config', config, '--data', dataDir]
    const id = await scanId(mail(9, 'another prize'))
    const learned = await command(['learn', 'spam', ...data, '--id', id, file])
    assert.deepEqual([learned.status, learned.stdout], [0, '2 learned, 0 already known, 0 failed\n'])
    const listed = await command(['ledger', ...data, '--id', id, '--json'])
    const row = JSON.parse(listed.stdout) as { isSpam: boolean; source: string; state: string }
    assert.deepEqual([row.isSpam, row.state], [true, 'counted'])
    assert.match(row.source, /^cli /)

    const copy = join(folder, 'copy.db')
    assert.equal((await command(['backup', copy, ...data])).status, 0)
    assert.equal((await command(['backup', copy, ...data])).status, 64)

    const source = ['ledger', ...data, '--source', row.source, '--revoke']
    const preview = await command(source)
    assert.match(preview.stdout, /^2 learnings \(2 spam, 0 ham\) would be taken back; nothing is changed/)
    assert.match(
      (await command([...source, '--yes'])).stdout,
      /^2 learnings \(2 spam, 0 ham\) were taken back\n/,
    )
    assert.match((await command([...source, '--yes'])).stdout, /^0 learnings/)

    assert.equal((await command(['restore', copy, ...data])).status, 0)
    assert.match((await command(source)).stdout, /^2 learnings/)
    assert.equal((await command(['ledger', ...data, '--revoke'])).status, 64)
    const broken = join(folder, 'broken.db')
    writeFileSync(broken, 'no database')
    assert.equal((await command(['restore', broken, ...data])).status, 64)
  })

  test('commands work in place when no server runs', async () => {
    const data = ['--config', config, '--data', join(folder, 'own')]
    const file = join(folder, 'two.eml')
    writeFileSync(file, mail(10, 'a prize for you'))
    assert.match((await command(['learn', 'ham', ...data, '--user', 'carol', file])).stdout, /^1 learned/)
    assert.match((await command(['ledger', ...data])).stdout, /\tham\tcounted\tcarol\tcli /)
    const copy = join(folder, 'own.db')
    assert.equal((await command(['backup', copy, ...data])).status, 0)
    assert.match(
      (await command(['ledger', ...data, '--user', 'carol', '--revoke', '--yes'])).stdout,
      /^1 learnings/,
    )
    assert.equal((await command(['restore', copy, ...data])).status, 0)
    assert.match((await command(['ledger', ...data])).stdout, /\tham\tcounted\tcarol\t/)
  })
})
