// SPF and DMARC as Facts: whose word counts for the envelope, every result, alignment relaxed and strict, policies of subdomains, and
// look-ups that fail: they are temperror, never pass and never fail.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkDmarc, organizationalDomain } from '../../../src/facts/dmarc.js'
import { readWrittenSpf } from '../../../src/facts/received-spf.js'
import { findSender } from '../../../src/facts/sender.js'
import { checkSpf } from '../../../src/facts/spf.js'
import type { AuthResult, DkimOutcome, HeaderView, Relay, SpfOutcome, Views } from '../../../src/types.js'
import { fixedDns } from '../../support/fixed-dns.js'

const soon = () => Date.now() + 1000

function fakeViews(
  headers: Readonly<Record<string, string>>,
  relays: { external?: Partial<Relay>[]; trusted?: Partial<Relay>[] },
) {
  const view: HeaderView = {
    get: (request) => headers[request],
    getAll: (request) => [headers[String(request)] ?? ''],
    put: () => {},
  }
  return {
    headers: view,
    relays: { external: relays.external ?? [], trusted: relays.trusted ?? [] },
  } as unknown as Views
}

describe('sender', () => {
  const hop = { ip: '192.0.2.7', helo: 'relay.test', envfrom: '' }

  test('the envelope of a front that knows SMTP wins', () => {
    const views = fakeViews({ 'EnvelopeFrom:addr': 'header@x.test' }, { external: [hop] })
    assert.deepEqual(
      findSender({ ip: '192.0.2.1', helo: 'h.test', mailFrom: 'Real@X.test', rcptTo: [] }, views, false),
      { ip: '192.0.2.1', helo: 'h.test', mailFrom: 'real@x.test' },
    )
    assert.equal(findSender({ ip: '192.0.2.1', mailFrom: '', rcptTo: [] }, views, false).mailFrom, '')
  })

  test('else the external relay, its own envelope sender before the header', () => {
    const headers = { 'EnvelopeFrom:addr': 'header@x.test' }
    const plain = fakeViews(headers, { external: [hop] })
    assert.deepEqual(findSender({ rcptTo: [] }, plain, false), {
      ip: '192.0.2.7',
      helo: 'relay.test',
      mailFrom: 'header@x.test',
    })
    const own = fakeViews(headers, { external: [{ ...hop, envfrom: 'Hop@X.test' }] })
    assert.equal(findSender({ rcptTo: [] }, own, false).mailFrom, 'hop@x.test')
  })

  test('a trusted relay in between may have rewritten the header', () => {
    const views = fakeViews({ 'EnvelopeFrom:addr': 'header@x.test' }, { external: [hop], trusted: [hop] })
    assert.equal(findSender({ rcptTo: [] }, views, false).mailFrom, undefined)
    assert.equal(findSender({ rcptTo: [] }, views, true).mailFrom, 'header@x.test')
  })

  test('an authenticated user has no sender to check, a private client is our own relay', () => {
    const views = fakeViews({}, { external: [hop] })
    const authenticated = { ip: '192.0.2.1', authUser: 'joe', mailFrom: 'joe@x.test', rcptTo: [] }
    assert.equal(findSender(authenticated, views, false).ip, undefined)
    for (const ip of ['127.0.0.1', '10.0.0.1', '::1']) {
      assert.equal(findSender({ ip, mailFrom: 'a@x.test', rcptTo: [] }, views, false).ip, '192.0.2.7', ip)
      assert.equal(findSender({ ip, rcptTo: [] }, fakeViews({}, {}), false).ip, undefined, ip)
    }
  })

  test('no external relay: nothing to check', async () => {
    const sender = findSender({ rcptTo: [] }, fakeViews({}, {}), false)
    assert.equal(sender.ip, undefined)
    assert.deepEqual(await checkSpf(sender, fixedDns({}), soon()), { mfrom: undefined, helo: undefined })
  })
})

describe('spf', () => {
  const records = {
    'TXT ok.test': ['v=spf1 ip4:192.0.2.0/24 -all'],
    'TXT no.test': ['v=spf1 -all'],
    'TXT slow.test': 'timeout',
    'TXT lost.test': ['v=spf1 include:down.test -all'],
    'TXT down.test': 'servfail',
    'TXT amx.test': ['v=spf1 mx -all'],
    'MX amx.test': ['10 m.test'],
    'A m.test': 'refused',
    'TXT wild.test': ['v=spf1 exists:%{ir}.%{v}.%{d} -all'],
    'A 1.2.0.192.in-addr.wild.test': ['127.0.0.2'],
    'TXT odd.test': ['v=spf1 ip4:%{', 'other'],
  } as const

  async function resultOf(domain: string, ip = '192.0.2.1'): Promise<AuthResult | undefined> {
    const sender = { ip, helo: '', mailFrom: `a@${domain}` }
    return (await checkSpf(sender, fixedDns(records), soon())).mfrom?.result
  }

  test('results', async () => {
    assert.equal(await resultOf('ok.test'), 'pass')
    assert.equal(await resultOf('no.test'), 'fail')
    assert.equal(await resultOf('nothing.test'), 'none')
    assert.equal(await resultOf('wild.test'), 'pass')
    assert.equal(await resultOf('odd.test'), 'permerror')
    assert.equal(await resultOf('ok.test', '::ffff:192.0.2.1'), 'pass')
  })

  test('a look-up that fails anywhere is temperror, not fail', async () => {
    for (const domain of ['slow.test', 'lost.test', 'amx.test'])
      assert.equal(await resultOf(domain), 'temperror', domain)
  })

  test('HELO names that can have no record are left alone', async () => {
    for (const helo of ['[192.0.2.1]', '192.0.2.1', 'localhost', '']) {
      const dns = fixedDns(records)
      assert.equal(
        (await checkSpf({ ip: '192.0.2.1', helo, mailFrom: '' }, dns, soon())).helo,
        undefined,
        helo,
      )
      assert.deepEqual(dns.asked, [])
    }
    const checked = await checkSpf(
      { ip: '192.0.2.1', helo: 'ok.test', mailFrom: undefined },
      fixedDns(records),
      soon(),
    )
    assert.equal(checked.helo?.result, 'pass')
    assert.equal(checked.mfrom, undefined)
  })

  test('results written by our own side', () => {
    const block = [
      'Received-SPF: fail (x) identity=mailfrom; envelope-from="a@new.test"; helo=h.test',
      'Authentication-Results: mx.test; spf=pass smtp.mailfrom=b@old.test; dkim=none',
      'Received-SPF: softfail (x) identity=helo;',
      '\thelo=h.test',
      '',
    ].join('\n')
    const views = fakeViews({ 'ALL-INTERNAL': block }, {})
    const oldest = readWrittenSpf(views, false)
    assert.equal(oldest.mfrom?.result, 'pass')
    assert.equal(oldest.mfrom?.domain, 'old.test')
    assert.equal(oldest.helo?.result, 'softfail')
    assert.equal(readWrittenSpf(views, true).mfrom?.result, 'fail')
    assert.deepEqual(readWrittenSpf(fakeViews({}, {}), false), {})
  })
})

describe('dmarc', () => {
  const records = {
    'TXT _dmarc.reject.test': ['v=DMARC1; p=reject'],
    'TXT _dmarc.org.co.uk': ['v=DMARC1; p=none; sp=quarantine'],
    'TXT _dmarc.strict.test': ['v=DMARC1;p=reject;aspf=s;adkim=S'],
    'TXT _dmarc.two.test': ['v=DMARC1; p=reject', 'v=DMARC1; p=none'],
    'TXT _dmarc.junk.test': ['v=DMARC1; p=maybe'],
    'TXT _dmarc.rua.test': ['v=DMARC1; p=maybe; rua=mailto:a@rua.test'],
    'TXT _dmarc.unread.test': ['v=DMARC1; p'],
    'TXT _dmarc.other.test': ['v=DMARC2; p=reject', 'hello'],
    'TXT _dmarc.slow.test': 'timeout',
    'TXT _dmarc.half.test': ['v=DMARC1; p=reject; pct=50'],
    'TXT _dmarc.zero.test': ['v=DMARC1; p=quarantine; pct=0'],
  } as const

  const spf = (domain: string, result: AuthResult): SpfOutcome => ({
    domain,
    result,
    scope: 'mfrom',
    comment: '',
  })
  const dkim = (domain: string, result: AuthResult): DkimOutcome => ({
    signatures: [
      {
        domain,
        result,
        selector: 's',
        identity: `@${domain}`,
        algorithm: 'rsa-sha256',
        testing: false,
        comment: '',
      },
    ],
    arc: undefined,
  })
  const unsigned: DkimOutcome = { signatures: [], arc: undefined }

  async function judge(
    author: string | readonly string[],
    given: { spf?: SpfOutcome; dkim?: DkimOutcome; seed?: string } = {},
  ): Promise<string> {
    const authors = typeof author === 'string' ? [author] : author
    const input = { authors, spf: given.spf, dkim: given.dkim ?? unsigned, seed: given.seed ?? '' }
    const outcome = await checkDmarc(input, fixedDns(records), soon())
    return `${outcome.result} ${outcome.policy ?? '-'}`
  }

  test('pass by SPF or by DKIM, relaxed', async () => {
    assert.equal(await judge('reject.test', { spf: spf('mail.reject.test', 'pass') }), 'pass reject')
    assert.equal(await judge('www.reject.test', { dkim: dkim('reject.test', 'pass') }), 'pass reject')
    assert.equal(await judge('reject.test', { spf: spf('elsewhere.test', 'pass') }), 'fail reject')
    assert.equal(await judge('reject.test', { dkim: dkim('reject.test', 'fail') }), 'fail reject')
    assert.equal(await judge('reject.test', { spf: spf('notreject.test', 'pass') }), 'fail reject')
  })

  test('strict alignment is enforced', async () => {
    assert.equal(await judge('strict.test', { spf: spf('mail.strict.test', 'pass') }), 'fail reject')
    assert.equal(await judge('sub.strict.test', { dkim: dkim('strict.test', 'pass') }), 'fail reject')
    assert.equal(await judge('sub.strict.test', { dkim: dkim('sub.strict.test', 'pass') }), 'pass reject')
  })

  test('policy of the organization for its subdomains', async () => {
    assert.equal(await judge('mail.org.co.uk'), 'fail quarantine')
    assert.equal(await judge('org.co.uk'), 'fail none')
    assert.equal(organizationalDomain('a.b.example.co.uk'), 'example.co.uk')
    assert.equal(organizationalDomain('one.github.io'), 'one.github.io')
  })

  test('records that are none, and records that cannot be used', async () => {
    assert.equal(await judge('nothing.test'), 'none -')
    assert.equal(await judge('two.test'), 'none -')
    assert.equal(await judge('other.test'), 'none -')
    assert.equal(await judge('junk.test'), 'permerror -')
    assert.equal(await judge('unread.test'), 'permerror -')
    assert.equal(await judge('rua.test'), 'fail none')
  })

  test('what could not be looked up is temperror', async () => {
    assert.equal(await judge('slow.test'), 'temperror -')
    assert.equal(await judge('reject.test', { spf: spf('reject.test', 'temperror') }), 'temperror reject')
    assert.equal(await judge('reject.test', { dkim: dkim('reject.test', 'temperror') }), 'temperror reject')
    const other = { spf: spf('elsewhere.test', 'temperror') }
    assert.equal(await judge('reject.test', other), 'fail reject', 'no answer could have made it pass')
    const saved = { spf: spf('reject.test', 'temperror'), dkim: dkim('reject.test', 'pass') }
    assert.equal(await judge('reject.test', saved), 'pass reject')
  })

  test('pct draws the same for the same mail, and about its share of mails', async () => {
    const draws = await Promise.all(
      Array.from({ length: 200 }, (_, seed) => judge('half.test', { seed: String(seed) })),
    )
    const rejected = draws.filter((draw) => draw === 'fail reject').length
    assert.ok(rejected > 70 && rejected < 130, String(rejected))
    assert.equal(await judge('half.test', { seed: '7' }), await judge('half.test', { seed: '7' }))
    assert.equal(await judge('zero.test'), 'fail none')
  })

  test('several authors: the worst outcome counts', async () => {
    const passing = { dkim: dkim('reject.test', 'pass') }
    assert.equal(await judge(['reject.test', 'nothing.test'], passing), 'none -')
    assert.equal(await judge(['reject.test', 'strict.test'], passing), 'fail reject')
    assert.equal(await judge([]), 'none -')
    assert.equal(await judge(['a.test', 'b.test', 'c.test', 'd.test', 'e.test']), 'permerror -')
  })
})
