// DKIM and ARC against signatures made by other code (test/support/signing.ts, mailauth): every algorithm and form, every way to be
// wrong, LF and CRLF; and mail that attacks the verifier.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { before, describe, test } from 'node:test'
import { verifyArc } from '../../../src/facts/arc.js'
import { readSigned, verifyDkim } from '../../../src/facts/dkim.js'
import { canonicalBody } from '../../../src/facts/dkim-canonical.js'
import { parsePublicKey, parseTags } from '../../../src/facts/dkim-tags.js'
import { dkimSignaturesMax } from '../../../src/limits.js'
import { parseMessage } from '../../../src/message/parse.js'
import { type FixedDns, fixedDns } from '../../support/fixed-dns.js'
import { makeKey, type SignOptions, signMail } from '../../support/signing.js'

const rsa = makeKey('rsa', 1024)
const ed = makeKey('ed25519')
const weak = makeKey('rsa', 768)
const testing = makeKey('rsa', 1024, 't=y; ')
const strict = makeKey('rsa', 1024, 't=s; ')
const sha1Only = makeKey('rsa', 1024, 'h=sha1; ')
const spare = makeKey('rsa', 1024)

function resolver(): FixedDns {
  const key = (selector: string) => `TXT ${selector}._domainkey.sign.test`
  return fixedDns({
    [key('rsa')]: [rsa.record],
    [key('ed')]: [ed.record],
    [key('weak')]: [weak.record],
    [key('testing')]: [testing.record],
    [key('strict')]: [strict.record],
    [key('sha1')]: [sha1Only.record],
    [key('two')]: ['something else', rsa.record],
    [key('revoked')]: ['v=DKIM1; p='],
    [key('version')]: ['v=DKIM2; p=abc'],
    [key('web')]: [makeKey('rsa', 1024, 's=web; ').record],
    [key('slow')]: 'timeout',
    [key('broken')]: 'servfail',
    [key('arc')]: [spare.record],
  })
}

const mail = [
  'From: Somebody <somebody@sign.test>',
  'To: you@there.test',
  'Subject:  two   blanks and a',
  '\tfolded  end ',
  '',
  'Hello,  \t there ',
  '',
  '\tindented\t\tline  ',
  'last line',
  '',
  '',
].join('\n')

async function judge(text: string, dns = resolver()) {
  const message = parseMessage(Buffer.from(text, 'latin1'))
  const { signatures } = await verifyDkim(readSigned(message), dns, Date.now() + 1000, Date.now())
  return signatures
}

const signed = (options: Partial<SignOptions> = {}, text = mail) =>
  signMail(text, { domain: 'sign.test', selector: 'rsa', key: rsa, ...options })

async function resultOf(text: string): Promise<string> {
  return (await judge(text)).map(({ result, comment }) => `${result} ${comment}`.trim()).join(', ')
}

describe('dkim', () => {
  for (const algorithm of ['rsa-sha256', 'rsa-sha1', 'ed25519-sha256'] as const) {
    for (const header of ['simple', 'relaxed'] as const) {
      for (const body of ['simple', 'relaxed'] as const) {
        test(`${algorithm} ${header}/${body} holds with LF and with CRLF, and breaks when altered`, async () => {
          const isEd = algorithm === 'ed25519-sha256'
          const text = signed({
            algorithm,
            forms: [header, body],
            key: isEd ? ed : rsa,
            selector: isEd ? 'ed' : 'rsa',
          })
          assert.equal(await resultOf(text), 'pass')
          assert.equal(await resultOf(text.replace(/\n/g, '\r\n')), 'pass')
          assert.equal(await resultOf(text.replace('Hello', 'Hallo')), 'fail body hash does not match')
          assert.equal(await resultOf(text.replace('blanks', 'blank')), 'fail signature does not match')
          const respaced = text.replace('Hello,  \t there ', 'Hello, there')
          assert.equal((await judge(respaced))[0]?.result, body === 'relaxed' ? 'pass' : 'fail')
        })
      }
    }
  }

  test('an mbox line in front changes nothing', async () => {
    assert.equal(await resultOf(`From MAILER-DAEMON Sun Nov 22 00:02:13 2026\n${signed()}`), 'pass')
  })

  test('a header longer than rules see is signed whole', async () => {
    const long = mail.replace('you@there.test', `${'someone@there.test, '.repeat(900)}you@there.test`)
    assert.equal(await resultOf(signed({}, long)), 'pass')
  })

  const cases: readonly [string, string, string][] = [
    ['no key', signed({ selector: 'none' }), 'permerror no key'],
    ['revoked key', signed({ selector: 'revoked' }), 'permerror key is revoked'],
    ['key of another version', signed({ selector: 'version' }), 'permerror unknown key version'],
    ['key that is not for mail', signed({ selector: 'web' }), 'permerror key is not for mail'],
    [
      'key that allows another hash',
      signed({ selector: 'sha1', key: sha1Only }),
      'permerror key does not allow sha256',
    ],
    ['key that times out', signed({ selector: 'slow' }), 'temperror no answer for the key (timeout)'],
    ['key that fails', signed({ selector: 'broken' }), 'temperror no answer for the key (servfail)'],
    ['second record is the key', signed({ selector: 'two' }), 'pass'],
    ['expired', signed({ extra: 'x=1000000000; ' }), 'fail signature is expired'],
    ['not yet expired', signed({ extra: 'x=4000000000; ' }), 'pass'],
    ['identity below the domain', signed({ extra: 'i=joe@sub.sign.test; ' }), 'pass'],
    [
      'identity below the domain, key forbids',
      signed({ extra: 'i=joe@sub.sign.test; ', selector: 'strict', key: strict }),
      'permerror key wants i= and d= to be the same domain',
    ],
    ['identity elsewhere', signed({ extra: 'i=joe@other.test; ' }), 'permerror i= is not within d='],
    ['From not signed', signed({ headers: ['to', 'subject'] }), 'permerror From is not signed'],
    ['names that are not there', signed({ headers: ['from', 'from', 'cc', 'subject'] }), 'pass'],
    ['body length', `${signed({ length: 10 })}more`, 'pass'],
    ['body length over the end', signed({ extra: 'l=99999; ' }), 'pass'],
    ['other version', signed().replace('v=1;', 'v=2;'), 'permerror unknown version'],
    [
      'algorithm of the moon',
      signed().replace('rsa-sha256', 'rsa-md5'),
      'permerror unsupported algorithm rsa-md5',
    ],
    ['doubled tag', signed().replace('v=1;', 'v=1; v=1;'), ''],
    ['no tag list', `DKIM-Signature: hello\n${mail}`, ''],
    [
      'DomainKeys',
      `DomainKey-Signature: a=rsa-sha1; d=sign.test; s=rsa; b=x\n${mail}`,
      'permerror DomainKeys signatures are not verified any more',
    ],
    ['unsigned', mail, ''],
  ]
  for (const [name, text, expected] of cases) {
    test(name, async () => assert.equal(await resultOf(text), expected))
  }

  test('a second From in front of the signed one is seen by oversigning only', async () => {
    const forged = (text: string) => `From: boss@bank.test\n${text}`
    assert.equal(await resultOf(forged(signed())), 'pass')
    assert.equal(
      await resultOf(forged(signed({ headers: ['from', 'from', 'subject'] }))),
      'fail signature does not match',
    )
  })

  test('details of a signature', async () => {
    const [one] = await judge(signed({ selector: 'testing', key: testing }))
    assert.deepEqual(one, {
      result: 'pass',
      comment: '',
      domain: 'sign.test',
      selector: 'testing',
      identity: '@sign.test',
      algorithm: 'rsa-sha256',
      bits: 1024,
      testing: true,
    })
    assert.equal((await judge(signed({ selector: 'weak', key: weak })))[0]?.bits, 768)
  })

  test('only so many signatures are verified', async () => {
    const dns = resolver()
    const one = signed().slice(0, -mail.length)
    const message = parseMessage(Buffer.from(one.repeat(dkimSignaturesMax + 5) + mail))
    const outcome = await verifyDkim(readSigned(message), dns, Date.now() + 1000, Date.now())
    assert.equal(outcome.signatures.length, dkimSignaturesMax)
    assert.equal(outcome.skipped, 5)
  })

  test('a megabyte of blanks costs no more than a second', () => {
    const started = Date.now()
    const text = `${' '.repeat(1_000_000)}x\r\n${'\r\n'.repeat(500_000)}${' \t'.repeat(500_000)}`
    for (const form of ['simple', 'relaxed'] as const) canonicalBody(text, form)
    assert.ok(Date.now() - started < 1000)
  })

  test('hostile tags reach no object', async () => {
    const header =
      'DKIM-Signature: v=1; a=rsa-sha256 __proto__.polluted=yes; __proto__=1; d=sign.test; s=rsa\n'
    const arc = 'ARC-Authentication-Results: i=1; mx.test; dkim=pass __proto__.polluted=yes\n'
    const seal = 'ARC-Message-Signature: i=1; a=rsa-sha256\nARC-Seal: i=1; a=rsa-sha256; cv=none\n'
    const message = parseMessage(Buffer.from(header + arc + seal + mail))
    const parsed = readSigned(message)
    await verifyDkim(parsed, resolver(), Date.now() + 1000, Date.now())
    await verifyArc(parsed, resolver(), Date.now() + 1000)
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  test('random bytes in a signature never throw', async () => {
    let state = 7
    const random = () => {
      state = (state * 1103515245 + 12345) % 2147483648
      return state
    }
    const text = signed()
    for (let round = 0; round < 300; round++) {
      const at = random() % text.indexOf('\nFrom')
      const odd = text.slice(0, at) + String.fromCharCode(random() % 256) + text.slice(at + 1)
      for (const { result } of await judge(odd))
        assert.ok(['pass', 'fail', 'permerror'].includes(result), odd)
    }
  })
})

describe('dkim tags and keys', () => {
  test('tag lists', () => {
    assert.deepEqual(
      [...parseTags(' a = 1 ;\r\n\tb=2=3 ; ')!],
      [
        ['a', '1'],
        ['b', '2=3'],
      ],
    )
    for (const bad of ['a', '=1', 'a=1; a=2', '1a=2', 'a b=1']) assert.equal(parseTags(bad), undefined, bad)
  })

  test('keys that cannot be used', () => {
    assert.equal(parsePublicKey('v=DKIM1; k=rsa'), 'key record without p=')
    assert.equal(parsePublicKey('p=!!!!'), 'key cannot be read')
    assert.equal(parsePublicKey('k=dsa; p=AAAA'), 'unknown key type dsa')
    assert.equal(parsePublicKey(rsa.record.replace('k=rsa', 'k=ed25519')), 'key is not ed25519')
  })
})

interface Sealed {
  readonly authenticate: (mail: Buffer, options: object) => Promise<{ arc: unknown; headers: string }>
  readonly sealMessage: (mail: Buffer, options: object) => Promise<Buffer>
}

describe('arc, sealed by mailauth', () => {
  const mailauth = createRequire(import.meta.url)('mailauth') as Sealed
  const privateKey = spare.privateKey.export({ format: 'pem', type: 'pkcs8' })
  let once: string
  let twice: string

  async function seal(text: string, cv: 'none' | 'pass'): Promise<string> {
    const resolve = async (name: string, type: string) => {
      const answer = await resolver().query(name, type as 'TXT', Date.now() + 1000)
      if (answer.status !== 'found') throw Object.assign(new Error('none'), { code: 'ENOTFOUND' })
      return answer.records.map((record) => [record])
    }
    const input = Buffer.from(text.replace(/\n/g, '\r\n'))
    const { headers } = await mailauth.authenticate(input, {
      ip: '192.0.2.1',
      helo: 'x.test',
      mta: 'mx.test',
      sender: 'a@sign.test',
      resolver: resolve,
      seal: { signingDomain: 'sign.test', selector: 'arc', privateKey, cv },
    })
    return Buffer.concat([Buffer.from(headers), input])
      .toString()
      .replace(/\r\n/g, '\n')
  }

  before(async () => {
    once = await seal(signed(), 'none')
    twice = await seal(once, 'pass')
  })

  async function arcOf(text: string, dns = resolver()) {
    const outcome = await verifyArc(
      readSigned(parseMessage(Buffer.from(text, 'latin1'))),
      dns,
      Date.now() + 1000,
    )
    return outcome === undefined ? 'none' : `${outcome.result} ${outcome.instance} ${outcome.comment}`.trim()
  }

  test('one set and two sets hold', async () => {
    assert.equal(await arcOf(once), 'pass 1')
    assert.equal(await arcOf(twice), 'pass 2')
    assert.equal(await arcOf(twice.replace(/\n/g, '\r\n')), 'pass 2')
  })

  test('no chain', async () => assert.equal(await arcOf(mail), 'none'))

  test('an altered body, an altered older set, a set that is gone', async () => {
    assert.match(await arcOf(once.replace('last line', 'lost line')), /^fail 1 body hash/)
    const results = /ARC-Authentication-Results: i=1;/
    assert.match(await arcOf(twice.replace(results, 'ARC-Authentication-Results: i=1; x')), /^fail 2 seal/)
    assert.match(await arcOf(once.replace(/^ARC-Seal:/m, 'X-Seal:')), /^fail 0 sets are not complete/)
    assert.match(await arcOf(once.replace('cv=none', 'cv=pass')), /^fail 0 seal 1 says cv=pass/)
  })

  test('a key that cannot be fetched is temperror', async () => {
    const dns = fixedDns({ 'TXT arc._domainkey.sign.test': 'timeout' })
    assert.match(await arcOf(once, dns), /^temperror 1/)
  })
})
