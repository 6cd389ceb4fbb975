// Network rules of the stock set on mails made for them: each hits what it was made for, and all network rules together say what
// SpamAssassin says (captured in fixtures/oracle/sa-net.json by bench/capture-sa-net.ts; a sample of the mails goes through it live).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packageRoot } from '../../../src/root.js'
import { allCases, buildMail, type NetCase, relayCases, uriCases } from '../../support/netcases.js'
import { createNetScanner, isNetRule, type NetScanner } from '../../support/netscan.js'
import { type NetWorld, startNetWorld, worldLines } from '../../support/networld.js'
import { needs } from '../../support/peers.js'
import { hasPerlModule, scanWithSpamAssassin, stockSources } from '../../support/spamassassin.js'

const captured = JSON.parse(readFileSync(join(packageRoot, 'fixtures', 'oracle', 'sa-net.json'), 'utf8')) as {
  hits: Record<string, string[]>
}

/** Subtests without a condition, which SpamAssassin hits on refusals too: here a refusal is no listing. */
const hitOnRefusals = new Set(['__RCVD_IN_ZEN', '__RCVD_IN_DNSWL'])

describe('stock network rules', needs('rbldnsd', 'spamassassin'), () => {
  let world: NetWorld
  let scanner: NetScanner
  let netRules: ReadonlySet<string>

  before(async () => {
    world = await startNetWorld()
    scanner = createNetScanner({
      sources: stockSources,
      cfLines: worldLines,
      net: { dns: world.dns },
      netOnly: true,
    })
    netRules = new Set(scanner.plan.rules.filter(isNetRule).map((rule) => rule.name))
    await scanner.scan(buildMail(allCases[0]!))
  })
  after(() => world.close())

  async function namesOf(mail: NetCase): Promise<readonly string[]> {
    return (await scanner.scan(buildMail(mail))).names.filter((name) => netRules.has(name))
  }

  function withoutRefused(names: Iterable<string>, mail: NetCase): string[] {
    const isRefusal = mail.name.includes('refuses')
    return [...names].filter((name) => !(isRefusal && hitOnRefusals.has(name))).sort()
  }

  for (const mail of allCases) {
    test(mail.name, async () => {
      const names = await namesOf(mail)
      for (const wanted of mail.expect)
        assert.ok(names.includes(wanted), `${wanted} missing in ${names.join(' ')}`)
      assert.deepEqual(withoutRefused(names, mail), withoutRefused(captured.hits[mail.name] ?? [], mail))
    })
  }

  test('details name what is listed where', async () => {
    const relay = await scanner.scan(buildMail(relayCases[1]!))
    const detailsOf = (symbol: string) => relay.run.hits.find((hit) => hit.symbol === symbol)
    assert.deepEqual(detailsOf('RCVD_IN_SBL')?.details, [
      '198.51.100.2 listed in zen.spamhaus.org (127.0.0.2)',
    ])
    assert.equal(detailsOf('RCVD_IN_SBL')?.area, 'RBL: ')
    assert.match(detailsOf('RCVD_IN_BL_SPAMCOP_NET')?.details[0] ?? '', /<https:\/\/www\.spamcop\.net\/bl/)
    const uri = await scanner.scan(buildMail(uriCases[0]!))
    const dbl = uri.run.hits.find((hit) => hit.symbol === 'URIBL_DBL_SPAM')
    assert.deepEqual(dbl?.details, ['URI: www.hamd-dbl-spam.com (dbl.spamhaus.org, 127.0.1.2)'])
    assert.equal(dbl?.area, '')
    assert.ok((uri.run.tags.get('URIDOMAINS') as string[]).includes('hamd-dbl-malware.com'))
  })

  test('a sample through SpamAssassin itself', async () => {
    const sample = ['relay on the worst lists', 'domains in the DBL', 'lists that refuse', 'ADSP discardable']
    const mails = allCases.filter(({ name }) => sample.includes(name))
    const found = await scanWithSpamAssassin(mails.map(buildMail), {
      dnsPort: world.server.port,
      cfLines: worldLines,
    })
    const checksSenders = hasPerlModule('Mail::SPF')
    for (const [index, mail] of mails.entries()) {
      const wanted = captured.hits[mail.name]!.filter((name) => checksSenders || !/SPF|DMARC/.test(name))
      const said = [...found[index]!].filter(
        (name) => netRules.has(name) && (checksSenders || !/SPF|DMARC/.test(name)),
      )
      const dmarcless = (names: readonly string[]) =>
        names.filter((name) => !name.startsWith('DMARC_')).sort()
      assert.deepEqual(dmarcless(said), dmarcless(wanted), mail.name)
    }
  })
})

describe('own network rules', needs('rbldnsd'), () => {
  test('hit the same findings by the same names', async () => {
    const world = await startNetWorld()
    try {
      const scanner = createNetScanner({
        sources: [join(packageRoot, 'rules')],
        cfLines: worldLines,
        net: { dns: world.dns },
        netOnly: true,
      })
      const own = new Set(scanner.plan.rules.map((rule) => rule.name))
      await scanner.scan(buildMail(allCases[0]!))
      for (const mail of allCases) {
        const { names } = await scanner.scan(buildMail(mail))
        for (const wanted of mail.expect) {
          if (own.has(wanted))
            assert.ok(names.includes(wanted), `${mail.name}: ${wanted} in ${names.join(' ')}`)
        }
      }
      assert.deepEqual(
        scanner.plan.problems.filter((problem) => problem.file.includes('network')),
        [],
      )
    } finally {
      await world.close()
    }
  })
})
