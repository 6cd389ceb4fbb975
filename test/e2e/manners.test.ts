// What the configuration and the rule files decide about answers: rspamd's manners, tags of templates, history, metrics on scan ports.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hamd as command } from '../support/command.js'
import { type Hamd, startHamd } from '../support/hamd.js'
import { exchange } from '../support/wire.js'

const config = `
[rspamd]
vocabulary = "rspamd"
milter_headers = ["x-spamd-bar", "x-spam-scan-id"]
rewrite_subject = "[%d] %s"
[actions]
rewrite_subject = 4
[controller]
secure_ips = ["127.0.0.1"]
`
const rules = `
header SPF_PASS Subject =~ /fruit/
score SPF_PASS 4.5
body __ORANGE /orange/
meta ORANGE __ORANGE
score ORANGE 0.1
add_header all Scan-Id _SCANID_
add_header all Sub _SUBTESTS_
report _SUBTESTS(;)_|_EVIDENCE_
`
const text =
  'From: Alice <alice@example.org>\nTo: Bob <bob@example.net>\nCc: carol@example.com\nSubject: fruit\nMessage-ID: <1@example.org>\n\nan orange\n'

describe('manners', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-manners-'))
  const file = join(folder, 'hamd.toml')
  let hamd: Hamd
  before(async () => {
    writeFileSync(file, config)
    writeFileSync(join(folder, 'test.cf'), rules)
    hamd = await startHamd({
      args: ['--config', file, '--no-builtin-rules', '--rules', join(folder, 'test.cf')],
    })
  })
  after(async () => {
    await hamd.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const ask = (verb: string) =>
    exchange(
      `unix:${hamd.socket}`,
      `${verb} SPAMC/1.5\r\nContent-length: ${text.length}\r\n\r\n${text}`,
      'half-close',
    )

  test("rspamd's names, milter headers and subject", async () => {
    const reply = await fetch(`http://127.0.0.1:${hamd.scan.port}/checkv2`, { method: 'POST', body: text })
    const json = (await reply.json()) as Record<string, unknown>
    assert.deepEqual(Object.keys(json['symbols'] as object).sort(), ['ORANGE', 'R_SPF_ALLOW'])
    assert.equal(json['subject'], '[4.60] fruit')
    const { add_headers } = json['milter'] as { add_headers: Record<string, { value: string }> }
    assert.equal(add_headers['X-Spamd-Bar']!.value, '++++')
    assert.equal(add_headers['X-Spam-Scan-Id']!.value, json['scan-id'])
  })

  test('tags are filled with what nobody else asked for', async () => {
    assert.match((await ask('REPORT')).text, /\r\n\r\n__ORANGE\|SPF_PASS: header Subject: fruit\n\n$/)
    const marked = (await ask('PROCESS')).text
    assert.match(marked, /^X-Spam-Scan-Id: [\da-f-]{36}$/m)
    assert.match(marked, /^X-Spam-Sub: __ORANGE$/m)
  })

  test('the history knows the people of the header', async () => {
    const reply = await fetch(`http://127.0.0.1:${hamd.controller.port}/history`)
    const { rows } = (await reply.json()) as { rows: Record<string, unknown>[] }
    assert.equal(rows[0]!['sender_mime'], 'alice@example.org')
    assert.deepEqual(rows[0]!['rcpt_mime'], ['bob@example.net', 'carol@example.com'])
  })

  test('scan ports serve metrics, the learner among them', async () => {
    const page = await (await fetch(`http://127.0.0.1:${hamd.scan.port}/metrics`)).text()
    assert.match(page, /^hamd_learner_\w+ 0$/m)
    assert.match(page, /# EOF\n$/)
  })

  test('a header nobody knows ends the start', async () => {
    const wrong = join(folder, 'wrong.toml')
    writeFileSync(wrong, '[rspamd]\nmilter_headers = ["x-nonsense"]\n')
    const { status, stderr } = await command(['serve', '--config', wrong, '--data', join(folder, 'other')])
    assert.equal(status, 78)
    assert.match(stderr, /x-nonsense is none of x-spamd-bar/)
  })
})
