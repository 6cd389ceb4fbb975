// Mail made to be slow or to break an eval: every eval must come back soon and without a throw.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { evalCases } from './evalcases.js'
import { optionalCases } from './optionalcases.js'
import { loadEngine, makeScan, runRules } from './support.js'

const pre =
  'HTMLEval HeaderEval BodyEval MIMEEval RelayEval FreeMail WLBLEval WelcomeListSubject ImageInfo URIEval HTTPSMismatch VBounce Bayes ' +
  'FromNameSpoof AuthRes PDFInfo OLEVBMacro Phishing TextCat'

/** All rules of the cases at once, under names of their own. */
const rules = [...evalCases, ...optionalCases]
  .map(({ rules }, index) => rules.replace(/\b(HIT|NO)(\w*)/g, `$1_${index}$2`))
  .join('\n')
const engine = loadEngine({
  pre: pre
    .split(' ')
    .map((name) => `loadplugin Mail::SpamAssassin::Plugin::${name}\n`)
    .join(''),
  cf: `util_rb_tld com net org example test\n${rules}\nok_locales en\nok_languages en\n`,
})

/** One message may take so long, milliseconds; a slow machine with all tests running is allowed for. */
const messageMs = 2500

const repeat = (text: string, bytes: number): string =>
  text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes)
const long = 8000

const fields = {
  'From: many equals': `From: ${repeat('=', long)}@juno.com`,
  'From: no end': `From: "${repeat('a.', long)}@`,
  'From: a name of addresses': `From: "@${repeat('a.', long)}" <a@juno.com>`,
  'Subject: words without end': `Subject: ${repeat('=?', long)}`,
  'Received: juno again and again': `From: a@juno.com\nX-Originating-IP: 1.2.3.4\nReceived: ${repeat('from juno.com [ by ', long)}`,
  'Received: yahoo': `From: a@yahoo.com\nReceived: ${repeat('from [66.218.a by web.mail.', long)}`,
  'Received: dots': `Received: from a by ${repeat('a.-', long)} with ESMTP id 1`,
  'Message-ID: brackets': `Message-ID: ${repeat('<AAAA', long)}`,
  'To: many': `To: ${Array.from({ length: 800 }, (_, index) => `u${index}@a.example`).join(', ')}`,
  'Authentication-Results: comments': `Authentication-Results: a; spf=pass ${repeat('(', long)}`,
}

const bodies = {
  'addresses without end': repeat('a.b@c.', 100_000),
  'at signs': repeat('@', 100_000),
  'links with at signs': repeat('http://a%40', 100_000),
  'blank lines': repeat(' \n', 100_000),
  'labels without end': repeat('Company : \n', 100_000),
  'one long line': repeat('A', 500_000),
  signatures: repeat('-- \n', 100_000),
  'quoted Received': `${repeat('> Received: a.b c.d\n', 50_000)}${repeat('\ta.b.c.d.e', 100_000)}`,
  entities: repeat('&#x0430;', 100_000),
}

describe('hostile mail', () => {
  const check = async (raw: string): Promise<void> => {
    const start = performance.now()
    const outcome = await runRules(engine, makeScan(engine, raw))
    const took = performance.now() - start
    assert.deepEqual(outcome.notes, [])
    assert.ok(took < messageMs, `${Math.round(took)} ms`)
  }
  for (const [what, header] of Object.entries(fields)) test(what, () => check(`${header}\n\nx\n`))
  for (const [what, body] of Object.entries(bodies)) {
    for (const type of ['text/plain', 'text/html']) {
      test(`${what}, ${type}`, () => check(`From: a@b.example\nContent-Type: ${type}\n\n${body}\n`))
    }
  }
  const attachment = (name: string, data: string): string =>
    `Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: application/octet-stream; name=${name}\n\n${data}\n--B--\n`
  test('a document of links to programs', () =>
    check(attachment('a.doc', repeat(`\0http://${'a'.repeat(2000)}.exe`, 900_000))))
  test('a damaged compound file', () =>
    check(attachment('a.doc', `\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1${repeat('\xfe\xff\0\x01', 100_000)}`)))
  test('a damaged archive', () =>
    check(
      attachment('a.zip', `PK\x03\x04${repeat('PK\x01\x02\x05\x06', 100_000)}PK\x05\x06${'\0'.repeat(18)}`),
    ))
  test('a PDF of links', () => check(attachment('a.pdf', `%PDF-1.4\n${repeat('/S/URI/URI (\\(', 300_000)}`)))
  test('a PDF of strings', () => check(attachment('a.pdf', `%PDF-1.4\n${repeat('/Title (\\(', 400_000)}`)))

  test('a thousand parts', () =>
    check(
      `Content-Type: multipart/alternative; boundary=B\n\n${repeat('--B\nContent-Type: text/html; charset=koi8-r\n\n<p>x</p>\n', 60_000)}--B--\n`,
    ))
  test('ten megabytes of base64', () =>
    check(attachment('a.dat', repeat(`${'QUJD'.repeat(19)}\n`, 10_000_000))))

  test('random bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array).toString('latin1'))
    const headers = fc.constantFrom(
      'From: ',
      'Received: from ',
      'Content-Type: multipart/',
      'Subject: =?',
      'Date: ',
    )
    await fc.assert(
      fc.asyncProperty(headers, bytes, bytes, async (header, value, body) => {
        await check(`${header}${value}\nContent-Transfer-Encoding: base64\n\n${body}`)
      }),
      { numRuns: 60, seed: 7 },
    )
  })
})
