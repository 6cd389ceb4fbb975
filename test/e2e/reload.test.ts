// SIGHUP under load: no mail is lost, each is judged wholly by the rules before or wholly by those after; broken rules change nothing.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Hamd, startHamd } from '../support/hamd.js'
import { exchange } from '../support/wire.js'

/** HAMD_RELOAD_SCANS=1000 for the full figure. */
const scans = Number(process.env['HAMD_RELOAD_SCANS'] ?? 300)

/** Every part of a verdict shows the generation: names, scores, threshold, header. */
const generation = (n: number) => `
required_score ${n}0
header FROM_GEN${n} From =~ /example/
score FROM_GEN${n} ${n}
body BODY_GEN${n} /orange/
score BODY_GEN${n} ${n}
meta META_GEN${n} FROM_GEN${n} && BODY_GEN${n}
score META_GEN${n} ${n}
body EVERY /apple/
score EVERY 0.${n}
report gen${n} _SCORE_ _TESTS_
`

const verdict = (n: number) =>
  `Spam: False ; ${n * 3}.${n} / ${n}0.0\r\n\r\ngen${n} ${n * 3}.${n} BODY_GEN${n},EVERY,FROM_GEN${n},META_GEN${n}\n\n`

const text = 'From: a@example.org\nSubject: fruit\n\nan orange and an apple\n'
const request = `REPORT SPAMC/1.2\r\nContent-length: ${text.length}\r\n\r\n${text}`

describe('reload', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-reload-'))
  const file = join(folder, 'test.cf')
  let hamd: Hamd

  before(async () => {
    writeFileSync(file, generation(1))
    hamd = await startHamd({ args: ['--no-builtin-rules', '--rules', file, '--workers', '2'] })
  })
  after(async () => {
    assert.equal(await hamd.stop(), 0)
    rmSync(folder, { recursive: true, force: true })
  })

  const scan = async () => {
    const { text: reply } = await exchange(`unix:${hamd.socket}`, request, 'half-close')
    return reply.slice(reply.indexOf('Spam:'))
  }

  const reloads = () => hamd.log.filter((row) => row['msg'] === 'reloaded').length

  async function until(condition: () => boolean, what: string): Promise<void> {
    for (const end = Date.now() + 30_000; !condition(); ) {
      assert.ok(Date.now() < end, what)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  test(`${scans} scans while the rules change twice`, async () => {
    const seen = new Map<string, number>()
    let started = 0
    const client = async () => {
      while (started++ < scans) {
        const reply = await scan()
        seen.set(reply, (seen.get(reply) ?? 0) + 1)
        // A reload takes a while: the stream of mails has to outlast them.
        if (reloads() < 2) started = Math.min(started, scans - 8)
      }
    }
    const clients = Promise.all(Array.from({ length: 8 }, client))
    for (const n of [2, 3]) {
      writeFileSync(file, generation(n))
      hamd.child.kill('SIGHUP')
      await until(() => reloads() === n - 1, `reload to generation ${n}`)
    }
    await clients
    const allowed = [1, 2, 3].map(verdict)
    for (const reply of seen.keys()) assert.ok(allowed.includes(reply), JSON.stringify(reply))
    assert.ok([...seen.values()].reduce((sum, count) => sum + count, 0) >= scans)
    assert.ok(seen.size >= 2, 'mails under more than one generation')
    assert.equal(await scan(), verdict(3))
  })

  test('rules that cannot be read leave the old ones in force', async () => {
    rmSync(file)
    hamd.child.kill('SIGHUP')
    const refused = () => hamd.log.some((row) => String(row['msg']).startsWith('not reloaded'))
    await until(refused, 'the refusal in the log')
    assert.equal(await scan(), verdict(3))
    assert.equal(reloads(), 2)
  })
})
