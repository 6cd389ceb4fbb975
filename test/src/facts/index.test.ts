// Facts as a whole: asked once whoever asks, noted when something could not be found out, silent without network; and the n-th look-up
// failing for every n: no throw, no innocence made of silence.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packageRoot } from '../../../src/root.js'
import type { Dns } from '../../../src/types.js'
import { fixedDns } from '../../support/fixed-dns.js'
import { buildMail, dmarcCases, relayCases, uriCases } from '../../support/netcases.js'
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

  /** Passes on all questions but one. */
  function failing(nth: number): Dns & { count: number } {
    const dns = {
      enabled: true,
      count: 0,
      query: (async (...question) => {
        dns.count += 1
        if (dns.count === nth) return { status: 'failed', reason: 'timeout' }
        return world.dns.query(...question)
      }) as Dns['query'],
    }
    return dns
  }

  for (const one of [relayCases[1]!, relayCases[6]!, uriCases[1]!, dmarcCases[1]!]) {
    test(one.name, async () => {
      const scanWith = (dns: Dns) =>
        createNetScanner({
          sources: [join(packageRoot, 'rules', '30_network.cf')],
          cfLines: worldLines,
          net: { dns },
          netOnly: true,
        }).scan(buildMail(one))
      const all = failing(0)
      const baseline = await scanWith(all)
      assert.deepEqual(baseline.notes, [])
      for (let nth = 1; nth <= all.count; nth++) {
        const { names, notes } = await scanWith(failing(nth))
        const added = names.filter((name) => !baseline.names.includes(name))
        const isHonest = added.every((name) => /TEMPERROR|ERROR$/.test(name))
        assert.ok(isHonest, `look-up ${nth} of ${all.count}: ${added.join(' ')}`)
        assert.ok(notes.length > 0, `look-up ${nth} of ${all.count} failed and nobody said so`)
      }
    })
  }
})
