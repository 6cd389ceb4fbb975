// Forms of network rules that the stock set does not use, in pairs with SpamAssassin (captured), and what hamd promises beyond it: a
// refusal never hits, a list that fails is noted, a restricted zone is not asked, a blocked one is left alone.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packageRoot } from '../../../src/root.js'
import type { Clamd, VirusOutcome } from '../../../src/types.js'
import { fixedDns } from '../../support/fixed-dns.js'
import { attachmentMail, buildMail, formCases } from '../../support/netcases.js'
import { createNetScanner, type NetScanner } from '../../support/netscan.js'
import { type NetWorld, startNetWorld, worldLines } from '../../support/networld.js'
import { needs } from '../../support/peers.js'

const { forms } = JSON.parse(
  readFileSync(join(packageRoot, 'fixtures', 'oracle', 'sa-net.json'), 'utf8'),
) as { forms: Record<string, string[]> }
const formLines = readFileSync(join(packageRoot, 'fixtures', 'zones', 'forms.cf'), 'utf8')

/** SpamAssassin leaves the line end in the value of a whole header, so its query can find nothing. */
const hamdOnly = new Set(['FORM_ASK_HEADER'])

describe('forms of network rules', needs('rbldnsd'), () => {
  let world: NetWorld
  let scanner: NetScanner

  before(async () => {
    world = await startNetWorld()
    scanner = createNetScanner({ cfLines: worldLines + formLines, net: { dns: world.dns } })
  })
  after(() => world.close())

  const mails = [
    ...formCases.map((one) => [one.name, buildMail(one)] as const),
    ['forms: attachment', attachmentMail] as const,
  ]
  for (const [name, mail] of mails) {
    test(name, async () => {
      const { names } = await scanner.scan(mail)
      assert.deepEqual(
        names.filter((rule) => rule.startsWith('FORM_') && !hamdOnly.has(rule)),
        forms[name],
      )
    })
  }

  test('every form hits somewhere, but those made not to', () => {
    const hit = new Set(Object.values(forms).flat())
    const never = scanner.plan.rules.map(({ name }) => name).filter((name) => !hit.has(name))
    assert.deepEqual(never.sort(), [
      'FORM_ASK_HEADER',
      'FORM_ASK_NOANSWER',
      'FORM_ASK_NOMASK',
      'FORM_ASK_NOTAG',
      'FORM_HASH_SUB',
      'FORM_URI_DOMS',
    ])
  })
})

const relayMail = buildMail({ name: 'x', ip: '192.0.2.9', expect: [] })
const listLines = [
  "header L_ANY eval:check_rbl('l', 'list.test.')",
  "header L_MASK eval:check_rbl('m', 'list.test.', '1')",
  "header L_REGEX eval:check_rbl('r', 'list.test.', '^127\\.')",
  "header L_SUB eval:check_rbl_sub('l', '^127\\.')",
  "header L_REFUSED eval:check_rbl('q', 'list.test.', '^127\\.255\\.255\\.254$')",
  'tflags L_ANY net',
  'tflags L_MASK net',
  'tflags L_REGEX net',
  'tflags L_SUB net',
  'tflags L_REFUSED net',
  '',
].join('\n')

async function scanList(answer: readonly string[] | 'timeout' | 'servfail', more = '') {
  const dns = fixedDns({ 'A 9.2.0.192.list.test': answer })
  const scanner = createNetScanner({ cfLines: listLines + more, net: { dns } })
  return { dns, ...(await scanner.scan(relayMail)) }
}

describe('lists', () => {
  test('a listing', async () => {
    const { names, notes } = await scanList(['127.0.0.3'])
    assert.deepEqual(names, ['L_ANY', 'L_MASK', 'L_REGEX', 'L_SUB'])
    assert.deepEqual(notes, [])
  })

  for (const code of ['127.255.255.254', '127.255.255.252', '203.0.113.1', '0.0.0.0']) {
    test(`${code} is a refusal: no listing rule hits, one note says so`, async () => {
      const { names, notes } = await scanList([code])
      assert.deepEqual(names, code === '127.255.255.254' ? ['L_REFUSED'] : [])
      assert.deepEqual(notes, [
        {
          check: 'list list.test',
          kind: 'blocked',
          text: `answers ${code}: it does not serve this resolver`,
        },
      ])
    })
  }

  test('a failing list is noted once, whatever number of rules ask it', async () => {
    const late = await scanList('timeout')
    assert.deepEqual(late.names, [])
    assert.deepEqual(late.notes, [{ check: 'list list.test', kind: 'timeout', text: 'timeout' }])
    assert.equal((await scanList('servfail')).notes[0]?.kind, 'unavailable')
  })

  test('no resolver at all is one note, not one for each list', async () => {
    const dns = { enabled: true, query: async () => ({ status: 'failed', reason: 'unreachable' }) as const }
    const { notes } = await createNetScanner({ cfLines: listLines + formLines, net: { dns } }).scan(relayMail)
    assert.deepEqual(notes, [{ check: 'dns', kind: 'unavailable', text: 'no resolver answers' }])
  })

  test('dns_query_restriction: the longest name that says something wins', async () => {
    const asked = async (lines: string) => (await scanList(['127.0.0.3'], lines)).dns.asked.length > 0
    assert.equal(await asked('dns_query_restriction deny list.test\n'), false)
    assert.equal(
      await asked('dns_query_restriction deny test\ndns_query_restriction allow list.test\n'),
      true,
    )
    assert.equal(await asked('dns_query_restriction deny *\n'), false)
    assert.equal(await asked('dns_query_restriction deny other.test\n'), true)
  })

  test('dns_block_rule leaves the zone alone for dns_block_time', async () => {
    const lines = 'dns_block_rule L_REFUSED list.test\ndns_block_time 77\n'
    const refused = await scanList(['127.255.255.254'], lines)
    assert.deepEqual([...refused.dns.blocked], [['list.test', 77]])
    const listed = await scanList(['127.0.0.3'], lines)
    assert.deepEqual([...listed.dns.blocked], [])
  })

  test('without network nothing is asked', async () => {
    const dns = fixedDns({}, false)
    const scanner = createNetScanner({ cfLines: listLines + formLines, net: { dns } })
    assert.deepEqual((await scanner.scan(relayMail)).names, [])
    assert.deepEqual(dns.asked, [])
  })

  test('skip_rbl_checks and skip_uribl_checks', async () => {
    const lines =
      "skip_rbl_checks 1\nskip_uribl_checks 1\nurirhsbl U list.test A\nbody U eval:check_uridnsbl('U')\n"
    const { dns, names } = await scanList(['127.0.0.3'], lines)
    assert.deepEqual([names, dns.asked], [[], []])
  })

  test('IPv6 relays are asked by nibbles', async () => {
    const mail = buildMail({ name: 'x', ip: '2001:db8::ff:1', expect: [] })
    const dns = fixedDns({})
    const scanner = createNetScanner({ cfLines: listLines, net: { dns } })
    await scanner.scan(mail)
    assert.deepEqual(
      [...new Set(dns.asked)],
      ['A 1.0.0.0.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.list.test'],
    )
  })

  test('no more links are asked about than uridnsbl_max_domains', async () => {
    const urls = Array.from({ length: 60 }, (_, index) => `http://host${index}.hamd-many${index}.com/`)
    const dns = fixedDns({})
    const lines =
      "urirhsbl U list.test A\nbody U eval:check_uridnsbl('U')\ntflags U net\nuridnsbl_max_domains 7\n"
    const scanner = createNetScanner({ cfLines: lines, net: { dns } })
    await scanner.scan(buildMail({ name: 'x', urls, expect: [] }))
    assert.equal(dns.asked.length, 7)
  })

  test('dns_server lines add up', () => {
    const lines =
      'dns_server 192.0.2.1\nclear_dns_servers\ndns_server 127.0.0.1:5353\ndns_server [::1]:53\ndns_server mine\n'
    const { plan } = createNetScanner({ cfLines: lines, net: { dns: fixedDns({}) } })
    assert.deepEqual(plan.settings.values.get('dns_server'), ['127.0.0.1:5353', '[::1]:53'])
    assert.deepEqual(
      plan.problems.map(({ line }) => line),
      [5],
    )
  })

  test('odd lines are problems with a place', () => {
    const lines = [
      'urirhssub X list.test A',
      'urirhsbl X list.test A 2',
      'urirhssub X list.test A nonsense',
      'urirhsbl X list.test SRV',
      'askdns X list.test SRV',
      'askdns X list.test A /(/',
      'askdns X',
      'dns_block_rule X',
      'adsp_override x.test maybe',
      'hashbl_email_domain_alias one',
      'welcomelist_from_spf',
      '',
    ].join('\n')
    const { plan } = createNetScanner({ cfLines: lines, net: { dns: fixedDns({}) } })
    assert.deepEqual([...new Set(plan.problems.map(({ line }) => line))], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  })
})

describe('clamd rules', () => {
  const lines = [
    'full V_ANY eval:check_clamav()',
    "full V_NAMED eval:check_clamav('Eicar')",
    'full V_FAIL eval:check_clamav_failed()',
    '',
  ].join('\n')

  async function scanVirus(outcome: VirusOutcome | undefined) {
    let scans = 0
    const clamd: Clamd = {
      async scan() {
        scans += 1
        return outcome!
      },
    }
    const net = outcome ? { dns: fixedDns({}, false), clamd } : { dns: fixedDns({}, false) }
    const scanned = await createNetScanner({ cfLines: lines, net }).scan(relayMail)
    return { ...scanned, scans }
  }

  test('infected, named in the details; clamd is asked once, and without DNS too', async () => {
    const { run, names, scans } = await scanVirus({
      status: 'infected',
      viruses: ['Win.Test.Eicar', 'Other'],
    })
    assert.deepEqual(names, ['V_ANY', 'V_NAMED'])
    assert.deepEqual(run.hits.find(({ symbol }) => symbol === 'V_ANY')?.details, ['Win.Test.Eicar', 'Other'])
    assert.equal(scans, 1)
  })

  test('clean, and no clamd at all', async () => {
    assert.deepEqual((await scanVirus({ status: 'clean' })).names, [])
    assert.deepEqual((await scanVirus(undefined)).names, [])
  })

  test('a failure is a symbol and a note', async () => {
    const { names, notes } = await scanVirus({ status: 'failed', reason: 'clamd gave no answer' })
    assert.deepEqual(names, ['V_FAIL'])
    assert.deepEqual(notes, [{ check: 'clamd', kind: 'unavailable', text: 'clamd gave no answer' }])
  })
})
