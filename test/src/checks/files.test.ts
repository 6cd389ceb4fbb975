// Evals that read files an admin provides: feeds of phishing pages, sendmail's access map, SpamAssassin's language models.
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { loadEngine, makeScan, runRules } from './support.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-checks-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const mail = (from: string, body: string): string =>
  'Received: from a.b.example (a.b.example [198.51.100.7])\n\tby mx.rcpt.example (Postfix) with ESMTP id ABC1234; Mon, 15 Jun 2026 12:00:00 +0000\n' +
  `From: ${from}\nTo: bob@rcpt.example\nSubject: s\n\n${body}\n`

async function hits(plugin: string, cf: string, raw: string): Promise<string[]> {
  const engine = loadEngine({
    pre: `loadplugin Mail::SpamAssassin::Plugin::${plugin}\n`,
    cf: `util_rb_tld example net\n${cf}`,
  })
  const outcome = await runRules(engine, makeScan(engine, raw))
  assert.deepEqual(outcome.notes, [])
  return [...outcome.hits].map(([name, hit]) => [name, ...hit.details].join(' '))
}

describe('Phishing', () => {
  const feeds = {
    openphish: [file('open.txt', '# feed\nhttp://bad.example/login?x=1\n'), 'OpenPhish'],
    phishtank: [file('tank.csv', 'id,url,detail\n7,"http://bad.example/login?x=1",d\n'), 'PhishTank'],
    phishstats: [
      file('stats.csv', 'Date,Score,URL,IP\n"d","9.1","http://bad.example/login?x=1","1"\n'),
      'PhishStats',
    ],
  } as const
  for (const [feed, [path, name]] of Object.entries(feeds)) {
    test(feed, async () => {
      const cf = `phishing_${feed}_feed ${path}\nbody HIT eval:check_phishing()\n`
      assert.deepEqual(await hits('Phishing', cf, mail('a@b.example', 'http://bad.example/login?x=1')), [
        `HIT ${name} (bad.example)`,
      ])
      assert.deepEqual(await hits('Phishing', cf, mail('a@b.example', 'http://bad.example/other')), [])
    })
  }

  test('parameters may be left out of account; a feed that is not there is empty', async () => {
    const bare = `phishing_openphish_feed ${feeds.openphish[0]}\nphishing_uri_noparam 1\nbody HIT eval:check_phishing()\n`
    assert.deepEqual(await hits('Phishing', bare, mail('a@b.example', 'http://bad.example/login?x=2')), [])
    const deep = file('deep.txt', 'http://bad.example/a/login?x=1\n')
    const cf = `phishing_openphish_feed ${deep}\nphishing_uri_noparam 1\nbody HIT eval:check_phishing()\n`
    assert.equal(
      (await hits('Phishing', cf, mail('a@b.example', 'http://bad.example/a/login?x=2'))).length,
      1,
    )
    const none = `phishing_openphish_feed ${join(folder, 'none')}\nbody HIT eval:check_phishing()\n`
    assert.deepEqual(await hits('Phishing', none, mail('a@b.example', 'http://bad.example/login?x=1')), [])
  })
})

describe('AccessDB', () => {
  const path = file(
    'access',
    '# comment\nFrom:evil.example\tREJECT\ngood@evil.example OK\nConnect:1.2.3.4 RELAY\n198.51 550 no\n',
  )
  const cf = `header HIT eval:check_access_database('${path}.db')\n`
  test('refused domain, excepted address, refused network', async () => {
    assert.deepEqual(await hits('AccessDB', cf, mail('x@mail.evil.example', 'x')), ['HIT'])
    assert.deepEqual(await hits('AccessDB', cf, mail('good@evil.example', 'x')), [])
    const other = file('access2', 'From:evil.example REJECT\n')
    assert.deepEqual(
      await hits('AccessDB', `header HIT eval:check_access_database('${other}')\n`, mail('a@b.example', 'x')),
      [],
    )
  })
})

describe('TextCat', () => {
  const models = '/usr/share/spamassassin/languages'
  const german =
    'Sehr geehrte Damen und Herren, wir freuen uns, Ihnen mitteilen zu dürfen, dass Ihre Bestellung heute versandt wurde. ' +
    'Bitte beachten Sie, dass die Lieferung einige Tage dauern kann. Mit freundlichen Grüßen und den besten Wünschen für das neue Jahr ' +
    'verbleiben wir und hoffen, dass Sie auch weiterhin mit unseren Leistungen zufrieden sind.'
  const skip = existsSync(models) ? false : 'spamassassin is not installed: apt-get install spamassassin'
  test('a language that is not welcome', { skip }, async () => {
    const cf = (languages: string) => `ok_languages ${languages}\nbody HIT eval:check_language()\n`
    const raw = mail('a@b.example', Buffer.from(german, 'utf8').toString('latin1'))
    assert.deepEqual(await hits('TextCat', cf('en fr'), raw), ['HIT Languages detected: de'])
    assert.deepEqual(await hits('TextCat', cf('de'), raw), [])
    assert.deepEqual(await hits('TextCat', cf('all'), raw), [])
  })

  test('many bytes above 127 where none are usual', { skip }, async () => {
    const cf = 'ok_languages en\nbody HIT eval:check_body_8bits()\n'
    assert.deepEqual(
      await hits('TextCat', cf, mail('a@b.example', '\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82')),
      ['HIT'],
    )
    assert.deepEqual(await hits('TextCat', cf, mail('a@b.example', 'caf\xc3\xa9')), [])
  })

  test('without models nothing is guessed', async () => {
    const cf = `hamd_languages_file ${join(folder, 'none')}\nok_languages en\nbody HIT eval:check_language()\n`
    assert.deepEqual(await hits('TextCat', cf, mail('a@b.example', german)), [])
  })

  test('models that come later are found by the same thread', { skip }, async () => {
    const path = join(folder, 'languages')
    const cf = `hamd_languages_file ${path}\nok_languages en\nbody HIT eval:check_language()\n`
    const raw = mail('a@b.example', Buffer.from(german, 'utf8').toString('latin1'))
    assert.deepEqual(await hits('TextCat', cf, raw), [])
    copyFileSync(models, path)
    assert.deepEqual(await hits('TextCat', cf, raw), ['HIT Languages detected: de'])
    writeFileSync(path, '')
    assert.deepEqual(await hits('TextCat', cf, raw), [])
  })
})
