// Real Exim in both variants with the README's ACLs: headers on ham, refusal of GTUBE and of a rule's THREAT, temporary failure when hamd is away.
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Exim, startExim, submit } from '../support/exim.js'
import { type Hamd, startHamd } from '../support/hamd.js'
import { needs } from '../support/peers.js'
import { freePort } from '../support/ports.js'
import { gtube } from '../support/recipe.js'

const mail = (body: string) =>
  `From: Alice <alice@example.org>\nTo: Bob <bob@example.net>\nSubject: Minutes\nMessage-ID: <m1@client.example.org>\nDate: Tue, 14 Jul 2026 10:00:00 +0000\n\n${body}\n`

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

    test('ham is accepted with its score and report in the header', async () => {
      const { status, stdout } = await submit(exim, mail('Hello Bob, see you on Tuesday.'))
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

    test('GTUBE is refused after DATA', async () => {
      const { status, stdout } = await submit(exim, mail(gtube))
      assert.notEqual(status, 0)
      assert.match(stdout, /550/)
    })

    test("an admin's word in a rule reaches the ACL through the report", async () => {
      const { stdout } = await submit(exim, mail('the word is swordfish'))
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
      await submit(strict, mail('Hello'))
      assert.doesNotMatch(strict.queued(), /X-Spam-Score:/)
      assert.equal((await submit(lenient, mail('Hello'))).status, 0)
    } finally {
      await strict.stop()
      await lenient.stop()
    }
  })
})
