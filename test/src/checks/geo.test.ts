// ASN, RelayCountry and URILocalBL over small databases. Expected values are those of SpamAssassin 4.0.1's plugins over the same records
// (its database module replaced by a table).
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { RuleRun } from '../../../rules/engine/types.js'
import { withoutDatabase } from '../../../src/checks/geodb.js'
import type { Dns } from '../../../src/types.js'
import { fixedDns } from '../../support/fixed-dns.js'
import { mmdb } from '../../support/mmdb.js'
import { loadEngine, makeScan } from './support.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-geo-'))
after(() => rmSync(folder, { recursive: true }))

const country = (iso_code: string, code: string) => ({ country: { iso_code }, continent: { code } })
writeFileSync(
  join(folder, 'GeoLite2-Country.mmdb'),
  mmdb(
    {
      '192.0.2.0/24': country('RU', 'EU'),
      '198.51.100.0/24': country('US', 'NA'),
      '2001:db8::/32': country('DE', 'EU'),
    },
    'GeoLite2-Country',
  ),
)
writeFileSync(
  join(folder, 'GeoIP2-ISP.mmdb'),
  mmdb(
    {
      '192.0.2.0/24': {
        autonomous_system_number: 64500,
        autonomous_system_organization: 'Example Net',
        isp: 'Some Provider',
      },
    },
    'GeoIP2-ISP',
  ),
)

const received = (ip: string, by: string) =>
  `Received: from host.example (host.example [${ip}]) by ${by} with ESMTP id abc; Mon, 1 Jan 2024 00:00:00 +0000\n`
const mail = (ips: readonly string[], body = 'text') =>
  `${ips.map((ip, index) => received(ip, `mx${index}.example`)).join('')}From: a@b.example\nSubject: x\n\n${body}\n`

const load = 'ASN RelayCountry URILocalBL'
  .split(' ')
  .map((name) => `loadplugin Mail::SpamAssassin::Plugin::${name}\n`)
  .join('')
const search = `geodb_search_path ${folder}\nutil_rb_tld example\n`

function scanner(cf: string, dns: Dns = fixedDns({}, false)) {
  const engine = loadEngine({ pre: load, cf: search + cf })
  assert.deepEqual(engine.plan.problems, [])
  return async (text: string): Promise<{ run: RuleRun; hits: string[] }> => {
    const run = await engine.run({ ...makeScan(engine, text), net: { dns } }, { scoreSet: 1 })
    return { run, hits: run.hits.map(({ symbol, details }) => [symbol, ...details].join(' ')).sort() }
  }
}

describe('RelayCountry', () => {
  const scan = scanner(`trusted_networks 203.0.113.0/24
header RU X-Relay-Countries =~ /\\bRU\\b/
header EXT X-Relay-Countries-External =~ /^RU US XX \\*\\* DE$/
header ALL X-Relay-Countries-All =~ /^XX RU US/
header AUTH exists:X-Relay-Countries-Auth
`)

  test('countries of relays are pseudo headers and tags', async () => {
    const ips = ['203.0.113.5', '192.0.2.1', '198.51.100.1', '203.0.114.1', '10.0.0.1', '2001:db8::1']
    const { run, hits } = await scan(mail(ips))
    assert.deepEqual(hits, ['ALL', 'AUTH', 'EXT', 'RU'])
    assert.deepEqual(run.tags.get('RELAYCOUNTRY'), ['RU', 'US', 'XX', '**', 'DE'])
  })

  test('a field of that name in the mail wins', async () => {
    const { hits } = await scan(`X-Relay-Countries: FR\n${mail(['203.0.113.5', '192.0.2.1'])}`)
    assert.deepEqual(hits, ['AUTH'])
  })
})

test('without a database nothing is known, nothing hits, and lint says so', async () => {
  const run = scanner(`geodb_search_path reset
header ANY exists:X-Relay-Countries
header ASN eval:check_asn('/./')
uri_block_cc CC !us
`)
  const { hits } = await run(mail(['192.0.2.1'], 'http://192.0.2.7/'))
  assert.deepEqual(hits, [])
  const { plan } = loadEngine({ pre: load, cf: 'geodb_search_path reset\n' })
  assert.deepEqual(
    withoutDatabase(plan).map((line) => line.split(' (')[0]),
    [
      'ASN has no ASN or ISP database',
      'RelayCountry has no country or city database',
      'URILocalBL has no country or city database',
      'URILocalBL has no ISP database',
    ],
  )
})

describe('ASN', () => {
  const rules = `asn_lookup asn.example _ASN_ _ASNCIDR_
asn_lookup more.example _MORE_ _MORECIDR_
header NUMBER eval:check_asn('/^AS64500\\b/')
header MORE eval:check_asn('/./', 'MORE')
header PSEUDO X-ASN =~ /^64500$/
`

  test('number and owner from the database, without a question', async () => {
    const dns = fixedDns({})
    const { run, hits } = await scanner(rules, dns)(mail(['192.0.2.1']))
    assert.deepEqual(hits, ['NUMBER ASN: AS64500 Example Net', 'PSEUDO'])
    assert.equal(run.tags.get('ASN'), 'AS64500 Example Net')
    assert.equal(run.tags.get('ASNCIDR'), '')
    assert.deepEqual(dns.asked, [])
  })

  test('zones of every form when the database has no answer', async () => {
    const answers = {
      'TXT 1.100.51.198.asn.example': ['64500 64501 | 198.51.100.0/24 | US'],
      'TXT 1.100.51.198.more.example': ['198.51.100.0/22 | AS64502 | Example'],
    }
    const { run, hits } = await scanner(rules, fixedDns(answers))(mail(['198.51.100.1']))
    assert.deepEqual(hits, ['MORE MORE: AS64502', 'NUMBER ASN: AS64500 AS64501'])
    assert.deepEqual(run.tags.get('ASN'), ['AS64500', 'AS64501'])
    assert.equal(run.tags.get('ASNCIDR'), '198.51.100.0/24')
    assert.equal(run.tags.get('MORECIDR'), '198.51.100.0/22')
  })

  test('a record of three strings: number, network, length of its mask', async () => {
    const strings = ['64500', '198.51.100.0', '24']
    const dns: Dns = {
      enabled: true,
      query: async () => ({
        status: 'found',
        records: [strings.join('')],
        strings: [strings],
        ttlSeconds: 60,
      }),
    }
    const { run } = await scanner(rules, dns)(mail(['198.51.100.1']))
    assert.equal(run.tags.get('ASN'), 'AS64500')
    assert.equal(run.tags.get('ASNCIDR'), '198.51.100.0/24')
  })

  test('private relays are not asked about, nor anything without network', async () => {
    const dns = fixedDns({})
    assert.deepEqual((await scanner(rules, dns)(mail(['10.0.0.1']))).hits, [])
    assert.deepEqual(dns.asked, [])
    assert.deepEqual((await scanner(rules)(mail(['198.51.100.1']))).hits, [])
  })
})

test('URILocalBL: country, continent, provider, exceptions', async () => {
  const run = scanner(
    `uri_block_cc RU ru
uri_block_cc NOTUS !us
uri_block_cont EU eu
uri_block_isp ISP "some provider" Other
uri_block_cc SKIPPED ru
uri_block_exclude SKIPPED 192.0.2.7
`,
    fixedDns({ 'A host.example': ['192.0.2.8'], 'AAAA six.example': ['2001:db8::1'] }),
  )
  const hitsOf = async (body: string) => (await run(mail(['203.0.113.5'], body))).hits
  const russian = (host: string) => [
    `EU Host: ${host} in continent EU`,
    `ISP Host: ${host} in isp Some Provider`,
    `NOTUS Host: ${host} in country RU`,
    `RU Host: ${host} in country RU`,
  ]
  assert.deepEqual(await hitsOf('http://192.0.2.7/x'), russian('192.0.2.7'))
  assert.deepEqual(await hitsOf('http://host.example/x'), [
    ...russian('host.example'),
    'SKIPPED Host: host.example in country RU',
  ])
  assert.deepEqual(await hitsOf('http://six.example/'), [
    'EU Host: six.example in continent EU',
    'NOTUS Host: six.example in country DE',
  ])
  assert.deepEqual(await hitsOf('http://198.51.100.4/'), [])
})

test('a damaged database is no database', async () => {
  const path = join(folder, 'broken.mmdb')
  writeFileSync(path, 'not a database')
  const { hits } = await scanner(`geodb_options country:${path}
header ANY exists:X-Relay-Countries
`)(mail(['192.0.2.1']))
  assert.deepEqual(hits, [])
})
