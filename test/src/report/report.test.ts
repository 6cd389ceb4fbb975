// Report texts, folded headers, rewriting on odd bytes, and taking the markup out again: what the recorded cases do not show.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rule } from '../../../rules/engine/types.js'
import { encodeHeader } from '../../../src/report/headers.js'
import {
  isMarkedUp,
  type ReportInput,
  removeMarkup,
  renderReport,
  rewriteMessage,
} from '../../../src/report/index.js'
import { noDecimal, oneDecimal, shownScore } from '../../../src/report/numbers.js'
import { previewOf } from '../../../src/report/preview.js'
import { headerRow, rowsOf, summaryRow } from '../../../src/report/rows.js'
import { wrap } from '../../../src/report/wrap.js'
import type { ScoredHit, Verdict } from '../../../src/types.js'
import { verdictOf } from '../../support/verdict.js'
import { loadEngine, makeScan } from '../checks/support.js'

const hit = (symbol: string, score: number, more: Partial<ScoredHit> = {}): ScoredHit => ({
  symbol,
  score,
  count: 1,
  details: [],
  area: '',
  description: `${symbol} was found`,
  ...more,
})

const headers =
  'add_header spam Flag _YESNOCAPS_\nadd_header all Level _STARS(*)_\nadd_header all Status "_YESNO_, score=_SCORE_ required=_REQD_ tests=_TESTS_ autolearn=_AUTOLEARN_ version=_VERSION_"\n'

function inputOf(raw: string, hits: readonly ScoredHit[], cf = '', more: Partial<Verdict> = {}): ReportInput {
  const engine = loadEngine({ cf: headers + cf })
  return {
    scan: makeScan(engine, raw),
    settings: engine.plan.settings,
    verdict: verdictOf(hits, { tookMs: 3, stagesMs: { parse: 1 }, ...more }),
    tags: new Map<string, string | readonly string[]>([['DKIMDOMAIN', ['a.example', 'b.example']]]),
    hostname: 'mx.example.net',
    now: new Date(1781524800_000),
    random: () => 0.25,
  }
}

const mail =
  'From: a@example.org\nTo: b@example.net\nSubject: Hello\nMessage-ID: <m@example.org>\n\nHello Bob,\nthe meeting.\n'
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const spam = [hit('GTUBE', 1000, { area: 'BODY: ', description: 'Generic Test for Unsolicited Bulk Email' })]

test('numbers are written as printf writes them', () => {
  assert.deepEqual([0.25, 0.75, -0.25, 1.35, 0.05, -0.04, 1000.25].map(oneDecimal), [
    '0.2',
    '0.8',
    '-0.2',
    '1.4',
    '0.1',
    '-0.0',
    '1000.2',
  ])
  assert.deepEqual([10.5, 11.5, -10.5, 1000].map(noDecimal), ['10', '12', '-10', '1000'])
  assert.equal(shownScore(4.96, 5, false), '4.9')
  assert.equal(shownScore(5.06, 5.1, false), '5.0')
  assert.equal(shownScore(4.96, 5, true), '5.0')
  assert.equal(shownScore(-0.4, 5, false), '-0.4')
})

test('rows: columns, wrapped descriptions, details', () => {
  const row = (more: Partial<ScoredHit>, score = 1.3) =>
    rowsOf([hit('RCVD_ILLEGAL_IP', score, more)], undefined)[0]!
  assert.equal(
    summaryRow(row({ description: 'Received: contains illegal IP address' }), 75),
    ' 1.3 RCVD_ILLEGAL_IP        Received: contains illegal IP address\n',
  )
  assert.equal(summaryRow(row({}, -12), 75), ' -12 RCVD_ILLEGAL_IP        RCVD_ILLEGAL_IP was found\n')
  assert.equal(
    summaryRow(rowsOf(spam, undefined)[0]!, 75),
    '1000 GTUBE                  BODY: Generic Test for Unsolicited Bulk Email\n',
  )
  assert.equal(
    summaryRow(row({ details: ['listed in zen.example.org'] }), 75).split('\n')[1],
    `${' '.repeat(28)}[listed in zen.example.org]`,
  )
  const long = row({ details: ['https://www.example.org/a/rather/long/address/without/blanks'] })
  assert.equal(summaryRow(long, 75).split('\n')[1]!.length, 78)
  const cut = row({ details: ['REJECT this site takes no mail of this kind, please write to the office'] })
  assert.deepEqual(summaryRow(cut, 75).split('\n').slice(1, 3), [
    `${' '.repeat(28)}[REJECT this site takes no mail of this kind,]`,
    `${' '.repeat(28)}[please write to the office]`,
  ])
  assert.equal(headerRow(cut, 75).split('\n')[1], '*      [REJECT this site takes no mail of this kind,]')
})

test('a rule that counts several times has a row for each, one that must not be logged hides its detail', () => {
  const several = [hit('A', 3, { count: 3, times: 3, details: ['x'] })]
  assert.deepEqual(
    rowsOf(several, undefined).map(({ score }) => score),
    [1, 1, 1],
  )
  const silent = { name: 'A', kind: 'body', tflags: ['nolog'] } as unknown as Rule
  assert.deepEqual(rowsOf([hit('A', 1, { details: ['x'] })], new Map([['A', silent]]))[0]!.details, [
    '*REDACTED*',
  ])
})

test('wrapping ends also when a prefix is wider than the line', () => {
  assert.equal(
    wrap('aa bb cc', { prefix: ' '.repeat(20), first: 'x', width: 3 }).replace(/\s/g, ''),
    'xaabbcc',
  )
  assert.equal(wrap('', { prefix: '', width: 10 }), '')
})

test('the report: own template, own words of an admin, notes, two line feeds at the end', () => {
  const report = renderReport(
    inputOf(mail, [hit('LOCAL_REJECT', 6, { description: 'THREAT level red', details: ['REJECT go away'] })]),
  )
  assert.match(report, /^hamd on "mx\.example\.net" has looked at this message\nand thinks that it is spam\./)
  assert.match(
    report,
    /\nContent preview: {2}Hello Bob, the meeting\. \n\nContent analysis details: {3}\(6\.0 points, 5\.0 required\)\n\n pts rule name {14}description\n/,
  )
  assert.match(report, /\n {1}6\.0 LOCAL_REJECT {11}THREAT level red\n {28}\[REJECT go away\]\n\n$/)
  assert.ok(report.endsWith('\n\n') && !report.endsWith('\n\n\n'))
  const notes = [
    { check: 'dnsbl zen.example', kind: 'timeout', text: 'no answer in 5 s' },
    { check: 'clamd', kind: 'unavailable', text: '' },
  ] as const
  assert.match(
    renderReport(inputOf(mail, [hit('A', 1)], '', { notes })),
    /A was found\nnot known: dnsbl zen\.example: no answer in 5 s\nnot known: clamd: unavailable\n\n$/,
  )
})

test('tags: arguments, lists, unknown and silent ones', () => {
  const say = (template: string, more: Partial<Verdict> = {}, hits = [hit('B', 1), hit('A', 2)]) =>
    renderReport(inputOf(mail, hits, `report ${template}\n`, more)).trimEnd()
  assert.equal(say('_YESNO(spam,ham)_ _YESNOCAPS_ _SCORE(00)_ _REQD_ _TESTS(; )_'), 'ham NO 003.0 5.0 A; B')
  assert.equal(say('_DKIMDOMAIN_ _PYZOR_ _NOTHING_ _score_'), 'a.example b.example  _NOTHING_ _score_')
  assert.equal(say('_TESTSSCORES_ _STARS(x)_ _BAYES_'), 'A=2,B=1 xxx 0.5')
  assert.equal(
    say('_SUBTESTS_ _SUBTESTSCOLLAPSED_', { subtests: { __B: 2, __A: 1 } }),
    '__A,__B,__B __A,__B(2)',
  )
  assert.equal(say('_DATE_').slice(0, 16), 'Mon, 15 Jun 2026')
  assert.equal(say('_REMOTEHOSTNAME_ _REMOTEHOSTADDR_ _HOSTNAME_'), 'localhost 127.0.0.1 mx.example.net')
  assert.equal(say('_HEADER(To)_'), 'b@example.net')
  assert.equal(say('_TOKENSUMMARY_'), 'Bayes not run.')
  assert.equal(
    say('_BAYES_ _TOKENSUMMARY_ _SPAMMYTOKENS(1,short)_', {
      bayes: {
        probability: 0.98765,
        spamLearned: 9,
        hamLearned: 9,
        tokens: 10,
        tokensKnown: 6,
        clues: [
          { token: 'pills', probability: 0.99, spam: 5, ham: 0 },
          { token: 'meeting', probability: 0.01, spam: 0, ham: 7 },
        ],
      },
    }),
    '0.9877 Tokens: new, 4; hammy, 1; neutral, 4; spammy, 1. pills',
  )
})

test('a report never outgrows what spamc takes back', () => {
  const many = Array.from({ length: 500 }, (_, n) => hit(`RULE_${n}`, 0.1))
  const report = renderReport(inputOf(mail, many))
  assert.ok(report.length < 16_384)
  assert.match(report, /\n\* and \d+ more\n\n$/)
})

test('the preview never ends in half a character', () => {
  const paragraph = 'x'.repeat(199) + '\xc3\xa9'.repeat(50)
  assert.equal(
    previewOf(['Subject', paragraph + '\n'])
      .replace(/\s+/g, ' ')
      .trimEnd(),
    `${'x'.repeat(199)} [...]`,
  )
  assert.equal(previewOf(['only a subject']), '')
})

test('UTF-8 characters that hold the byte 0xA0 stay whole', () => {
  const word = '\xc3\xa0 \xe7\xb4\xa0 '
  assert.equal(previewOf(['Subject', word + '\n']), word)
  assert.equal(
    wrap(word + word, { prefix: '', width: 8 }).replace(/[ \n]/g, ''),
    (word + word).replaceAll(' ', ''),
  )
  const [row] = rowsOf([hit('A', 1, { description: word })], undefined)
  assert.ok(summaryRow(row!, 75).includes('\xc3\xa0 \xe7\xb4\xa0'))
})

test('eight-bit headers are encoded, plain words around them stay', () => {
  assert.equal(encodeHeader('plain text'), 'plain text')
  assert.equal(encodeHeader('for Gr\xc3\xbcn here'), 'for =?UTF-8?Q?Gr=C3=BCn?= here')
  assert.equal(encodeHeader('\xc3\xa9\xc3\xa9'), '=?UTF-8?B?w6nDqQ==?=')
  assert.equal(encodeHeader('abcdefghijklmnopqrstuvw\xc3\xa9'), '=?UTF-8?Q?abcdefghijklmnopqrstuvw=C3=A9?=')
})

/** The lines that marking added, taken out of the result by their names alone. */
function withoutAdded(marked: string): string {
  return marked.replace(/X-Spam-(?!Prev).*\r?\n(?:[ \t].*\r?\n)*/g, '')
}

test('ham keeps every byte, whatever its line ends', () => {
  const bodies = ['a\nb\n', 'a\r\nb\r\n', 'a\r\nb\nc\r', 'no end', '\0\0\xff\xfe\n', '']
  const heads = [
    'From: a\nSubject: x\n folded\n',
    'From: a\r\nSubject: x\r\n\tfolded\r\n',
    'From: a\r\nSubject: mixed\nTo: c\r\n',
  ]
  for (const head of heads)
    for (const body of bodies)
      for (const start of ['', 'From x Mon Jun 15\n', 'Return-Path: <x@y>\n']) {
        const eol = head.includes('\r\nTo') || head.endsWith('\r\n') ? '\r\n' : '\n'
        const raw = `${start}${head}${eol}${body}`
        const { message, headersLength } = rewriteMessage(inputOf(raw, [hit('A', 1)]))
        const marked = text(message)
        assert.equal(withoutAdded(marked), raw)
        assert.ok(marked.startsWith(start + 'X-Spam-Checker-Version: SpamAssassin 4.0.1'), marked)
        assert.equal(headersLength, /\r?\n\r?\n/.exec(marked)!.index + /\r?\n\r?\n/.exec(marked)![0].length)
      }
})

test('inserted lines use the line end of the message and fold at blanks and commas', () => {
  const hits = Array.from({ length: 12 }, (_, n) => hit(`A_RULE_NAME_${n}`, 0.1))
  const crlf = mail.replaceAll('\n', '\r\n')
  const marked = text(rewriteMessage(inputOf(crlf, hits)).message)
  assert.ok(!/(?<!\r)\n/.test(marked))
  assert.match(
    marked,
    /X-Spam-Status: No, score=1\.2 required=5\.0 tests=A_RULE_NAME_0,A_RULE_NAME_1,\r\n\tA_RULE_NAME_10,/,
  )
  assert.match(marked, /autolearn=no autolearn_force=no version=4\.0\.1\r\nFrom: /)
})

test('forged verdicts are removed, by any name', () => {
  const forged = 'X-Spam-Status: No\n tests=none\nx-spam-foo: 1\nX-Spam-Flag: NO\n' + mail
  const marked = text(rewriteMessage(inputOf(forged, spam, 'report_safe 0\n')).message)
  assert.equal(marked.match(/X-Spam-Status/g)?.length, 1)
  assert.ok(!/foo|tests=none|Flag: NO/.test(marked))
})

test('spam with report_safe 0: report header, marked Subject, and back again', () => {
  const cf = 'report_safe 0\nrewrite_header Subject [SPAM _SCORE_]\nrewrite_header From (bad)\n'
  const folded = mail.replace('Subject: Hello', 'Subject: Hello\n dear\n\tBob')
  for (const raw of [folded, folded.replaceAll('\n', '\r\n'), mail.replace('Subject: Hello\n', '')]) {
    const { message } = rewriteMessage(inputOf(raw, spam, cf))
    const marked = text(message)
    assert.match(marked, /^X-Spam-Report: \r?\n\t\* 1000 GTUBE BODY: Generic/m)
    assert.match(marked, /^Subject: \[SPAM 1000\.0\] /m)
    assert.match(marked, /^From: \(\[bad\]\) a@example\.org\r?$/m)
    assert.ok(isMarkedUp(message))
    assert.equal(text(removeMarkup(message)), raw)
  }
  const created = text(rewriteMessage(inputOf(mail.replace('Subject: Hello\n', ''), spam, cf)).message)
  assert.equal(created.match(/X-Spam-Prev-Subject: \(nonexistent\)/g)?.length, 1)
})

test('spam with report_safe 1 and 2: the original inside, untouched, and out again', () => {
  const originals = [
    mail,
    mail.replaceAll('\n', '\r\n'),
    mail + '\n\n',
    'From: x\n\nbody without end',
    'From x Mon\n' + mail,
    mail.replace('\n\n', '\nContent-Type: text/html\n\n') + '\0\xff\n',
  ]
  for (const raw of originals) {
    for (const level of [1, 2]) {
      const { message, headersLength } = rewriteMessage(inputOf(raw, spam, `report_safe ${level}\n`))
      const marked = text(message)
      const inner = raw.replace(/^From .*\n/, '')
      assert.ok(marked.includes(`\n\n${inner}`) || marked.includes(`\r\n\r\n${inner}`))
      const type = level === 1 ? 'message/rfc822' : 'text/plain'
      assert.match(marked, new RegExp(`^Content-Type: ${type}; x-spam-type=original\r?$`, 'm'))
      assert.match(marked.slice(0, headersLength), /boundary="----------=_6A2FE940\.40000000"\r?\n\r?\n$/)
      const back = text(removeMarkup(message))
      assert.equal(back, raw.endsWith('\n') ? raw : raw + '\n')
    }
  }
})

test('the header order of a wrapped message', () => {
  const marked = text(
    rewriteMessage(inputOf(mail, spam, 'report_safe_copy_headers X-Mailer Received\n')).message,
  )
  const names = marked
    .slice(0, marked.indexOf('\n\n'))
    .split('\n')
    .filter((line) => /^\S/.test(line))
    .map((line) => line.slice(0, line.indexOf(':')))
  assert.deepEqual(names, [
    'Received',
    'From',
    'To',
    'Subject',
    'Message-Id',
    'X-Spam-Checker-Version',
    'X-Spam-Flag',
    'X-Spam-Level',
    'X-Spam-Status',
    'MIME-Version',
    'Content-Type',
  ])
  assert.match(
    marked,
    /^Received: from localhost by mx\.example\.net\n\twith SpamAssassin \(version 4\.0\.1\);\n\tMon, 15 Jun 2026/,
  )
})

test('a boundary that stands in the original is not used', () => {
  const trap = mail + '------------=_6A2FE940.40000000--\n'
  const marked = text(rewriteMessage(inputOf(trap, spam)).message)
  assert.match(marked, /boundary="----------=_6A2FE940\.40000000\/40000000"/)
  assert.equal(text(removeMarkup(Buffer.from(marked, 'latin1'))), trap)
})

test('mail without markup comes back as it is; odd mail never throws', () => {
  const raw = Buffer.from(mail)
  assert.equal(removeMarkup(raw), raw)
  for (const odd of [
    '',
    '\n',
    '\r\n',
    'no header',
    ':\n\n',
    '\0',
    'From x',
    'X-Spam-Flag: YES',
    'Subject: cut',
  ])
    for (const hits of [spam, [hit('A', 1)]])
      for (const level of [0, 1]) {
        const input = inputOf(odd, hits, `report_safe ${level}\nrewrite_header Subject [S]\n`)
        const { message, headersLength } = rewriteMessage(input)
        assert.ok(headersLength <= message.length)
        assert.ok(removeMarkup(message).length <= message.length)
      }
})
