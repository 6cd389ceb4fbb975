// Facts as a whole: asked once whoever asks, noted when something could not be found out, silent without network; and the n-th look-up
// failing for every n: no throw, no innocence made of silence.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packageRoot } from '../../../src/root.js'
import type { Dns } from '../../../src/types.js'
import { fixedDns } from '../../support/fixed-dns.js'
import { buildMail, dmarcCases, type NetCase, relayCases, uriCases } from '../../support/netcases.js'
import { createNetScanner } from '../../support/netscan.js'
import { type NetWorld, startNetWorld, worldLines } from '../../support/networld.js'
import { needs } from '../../support/peers.js'
import { makeKey, signMail } from '../../support/signing.js'

const key = makeKey('rsa', 1024)
const records = {
  'TXT hamd-quiet.com': ['v=spf1 ip4:198.51.100.60 -all'],
  'TXT mail.hamd-quiet.com': ['v=spf1 -all'],
  'TXT s._domainkey.hamd-quiet.com': [key.record],
  'TXT _dmarc.hamd-quiet.com': ['v=DMARC1; p=reject'],
} as const
const mail = signMail(buildMail({ name: 'x', expect: [] }), { domain: 'hamd-quiet.com', selector: 's', key })

test('each fact is asked once, and each name too', async () => {
  const dns = fixedDns(records)
  const { facts } = await createNetScanner({ net: { dns } }).scan(mail)
  const [first, second] = await Promise.all([facts.dmarc(), facts.dmarc()])
  assert.equal(first, second)
  assert.deepEqual(
    [first.result, first.policy, first.spfAligned, first.dkimAligned],
    ['pass', 'reject', true, true],
  )
  assert.equal((await facts.spf()).helo?.result, 'fail')
  assert.deepEqual([...dns.asked].sort(), Object.keys(records).sort())
})

test('what could not be looked up is noted', async () => {
  const dns = fixedDns({
    ...records,
    'TXT s._domainkey.hamd-quiet.com': 'timeout',
    'TXT hamd-quiet.com': 'servfail',
  })
  const scanned = await createNetScanner({ net: { dns } }).scan(mail)
  assert.equal((await scanned.facts.dmarc()).result, 'temperror')
  assert.deepEqual(scanned.notes.map(({ check, kind }) => `${check} ${kind}`).sort(), [
    'dkim unavailable',
    'dmarc unavailable',
    'spf unavailable',
  ])
})

test('without network nothing is asked and nothing claimed', async () => {
  const dns = fixedDns(records, false)
  const { facts, notes } = await createNetScanner({ net: { dns } }).scan(mail)
  assert.deepEqual(await facts.spf(), { mfrom: undefined, helo: undefined })
  assert.deepEqual(await facts.dkim(), { signatures: [], arc: undefined })
  assert.deepEqual([(await facts.dmarc()).result, (await facts.dmarc()).domain], ['none', ''])
  assert.deepEqual(await facts.virus(), { status: 'off' })
  assert.deepEqual([dns.asked, notes], [[], []])
})

describe('the n-th look-up fails', needs('rbldnsd'), () => {
  let world: NetWorld
  before(async () => {
    world = await startNetWorld()
  })
  after(() => world.close())

  test('for every n, on mails of four kinds', async () => {
    /** Passes on all questions but the n-th. */
    const dns = { count: 0, nth: 0 }
    const query: Dns['query'] = async (...question) => {
      dns.count += 1
      if (dns.count === dns.nth) return { status: 'failed', reason: 'timeout' }
      return world.dns.query(...question)
    }
    const scanner = createNetScanner({
      sources: [join(packageRoot, 'rules', '30_network.cf')],
      cfLines: worldLines,
      net: { dns: { enabled: true, query } },
      netOnly: true,
    })
    const scanFailing = (one: NetCase, nth: number) => {
      Object.assign(dns, { count: 0, nth })
      return scanner.scan(buildMail(one))
    }
    for (const one of [relayCases[1]!, relayCases[6]!, uriCases[1]!, dmarcCases[1]!]) {
      const baseline = await scanFailing(one, 0)
      assert.deepEqual(baseline.notes, [])
      const total = dns.count
      for (let nth = 1; nth <= total; nth++) {
        const { names, notes } = await scanFailing(one, nth)
        const added = names.filter((name) => !baseline.names.includes(name) && !/ERROR$/.test(name))
        assert.deepEqual(added, [], `${one.name}, look-up ${nth} of ${total}`)
        assert.ok(notes.length > 0, `${one.name}, look-up ${nth} of ${total} failed and nobody said so`)
      }
    }
  })
})
