// What crosses between main thread and scan workers arrives as it was, in full and by number; nothing refers to what never arrived.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutcomePacker, OutcomeUnpacker, packRequest, unpackRequest } from '../../../src/pool/posted.js'
import type { ScanOutcome } from '../../../src/scan.js'
import type { Request, Scanned, ScoredHit } from '../../../src/types.js'

function hit(symbol: string, changes: Partial<ScoredHit> = {}): ScoredHit {
  return {
    symbol,
    count: 1,
    details: [],
    area: 'BODY: ',
    score: 0.1,
    description: `says ${symbol}`,
    ...changes,
  }
}

function outcome(hits: readonly ScoredHit[]): ScanOutcome {
  const verdict = {
    hits,
    subtests: { __A: 2 },
    score: 1.234,
    requiredScore: 5,
    isSpam: false,
    action: 'no action' as const,
    thresholds: { 'add header': 5 },
    messages: { smtp_message: 'no "thanks"\n' },
    notes: [{ check: 'dnsbl a', kind: 'timeout' as const, text: 'late' }],
    bayes: {
      probability: 0.1 + 0.2,
      spamLearned: 3,
      hamLearned: 4,
      clues: [{ token: 'caf\xc3\xa9', probability: 0.5, spam: 1, ham: 2 }],
    },
    autolearn: 'no' as const,
    skipped: false,
    tookMs: 1 / 3,
    stagesMs: { parse: 0.1 },
  }
  return {
    scanned: {
      verdict,
      subject: 'bytes \x00\x80\xff and \ud800',
      urls: ['a.example'],
      lineEnd: '\r\n',
      sizeBytes: 7,
      rewritten: new Uint8Array([1, 2, 3]),
    },
    features: { mail: 'digest', bytes: new Uint8Array([4, 5]) },
    row: new Uint8Array([6]),
  } as ScanOutcome
}

/** The way through a port. */
const crossed = <T>(message: T): T => structuredClone(message)

test('a request arrives as it was', () => {
  const request: Request = {
    id: 'one',
    raw: new Uint8Array(new SharedArrayBuffer(4)),
    envelope: { ip: '192.0.2.1', mailFrom: '', rcptTo: ['a@b.example'] },
    wants: { urls: true },
    settings: { scores: { X: -0.5 }, actions: { reject: null } },
    user: 'caf\u00e9',
    front: 'rspamd-http',
  }
  const posted = packRequest(7, request)
  assert.equal(posted[0], 7)
  assert.deepEqual(unpackRequest(crossed(posted)), request)
  assert.equal(unpackRequest(posted).raw.buffer, request.raw.buffer, 'bytes are not copied')
})

test('outcomes arrive as they were, the first as the later ones', () => {
  const packer = new OutcomePacker()
  const unpacker = new OutcomeUnpacker()
  const lists = [
    [hit('A'), hit('B', { details: ['only here'] }), hit('C', { count: 3, times: 3 })],
    [hit('A'), hit('A', { score: 0.2 }), hit('A', { description: 'other words' }), hit('A', { area: '' })],
    [
      hit('D', { evidence: { text: 'x', where: 'body' } }),
      hit('E', { ownScore: 2, score: 2 }),
      hit('F', { tookMs: 1 }),
    ],
    [],
  ]
  for (const list of [...lists, ...lists]) {
    const sent = outcome(list)
    assert.deepEqual(unpacker.unpack(crossed(packer.pack(1, sent))), sent)
  }
})

test('a hit that was there before crosses as a number and is the same object', () => {
  const packer = new OutcomePacker()
  const unpacker = new OutcomeUnpacker()
  const first = packer.pack(1, outcome([hit('A'), hit('B')]))
  const later = packer.pack(2, outcome([hit('B'), hit('A')]))
  assert.match(later[1], /"hits":\[1,0\]/)
  const [a, b] = unpacker.unpack(first).scanned.verdict.hits
  assert.deepEqual(unpacker.unpack(later).scanned.verdict.hits, [b, a])
  assert.equal(unpacker.unpack(later).scanned.verdict.hits[1], a)
})

test('what was packed and not posted is not referred to', () => {
  const packer = new OutcomePacker()
  const unpacker = new OutcomeUnpacker()
  packer.pack(1, outcome([hit('LOST')]))
  packer.forget()
  const sent = outcome([hit('LOST'), hit('NEXT')])
  assert.deepEqual(unpacker.unpack(packer.pack(2, sent)), sent)
})

test('what some mails have and others have not', () => {
  const packer = new OutcomePacker()
  const unpacker = new OutcomeUnpacker()
  const { scanned } = outcome([])
  const { bayes: _, ...verdict } = scanned.verdict
  const bayes = { spamLearned: 0, hamLearned: 0, reason: 'too few', clues: [] }
  const unlike = [
    { ...scanned, verdict },
    { ...scanned, verdict: { ...verdict, bayes } },
    {
      ...scanned,
      verdict: { ...verdict, bayes: { ...bayes, probability: 0, logOdds: -0.5, tokens: 0, tokensKnown: 3 } },
    },
    { ...scanned, verdict: { ...verdict, unchecked: { policy: 'reject' as const, reason: 'clamd' } } },
    { ...scanned, report: 'long '.repeat(1000), messageId: 'a@b', resentMessageId: 'c@d', subject: '' },
    {
      ...scanned,
      emails: [],
      mimeFrom: 'x@y',
      mimeRcpt: ['z'],
      urlDetails: [{ url: 'http://a', flags: [] }],
    },
    scanned,
  ] as Scanned[]
  for (const sent of unlike)
    assert.deepEqual(unpacker.unpack(crossed(packer.pack(1, { scanned: sent }))), { scanned: sent })
})

test('every member of an outcome crosses', () => {
  const { scanned, features, row } = outcome([hit('A')])
  const verdict: Required<Scanned['verdict']> = {
    ...(scanned.verdict as Required<Scanned['verdict']>),
    unchecked: { policy: 'tempfail', reason: 'clamd' },
    skipped: true,
  }
  const whole: Required<Scanned> = {
    verdict,
    report: 'report',
    rewritten: new Uint8Array([1]),
    urls: ['a.example'],
    emails: ['a@b'],
    urlDetails: [{ url: 'http://a', flags: [] }],
    messageId: 'a@b',
    resentMessageId: 'c@d',
    subject: 'subject',
    mimeFrom: 'x@y',
    mimeRcpt: ['z'],
    lineEnd: '\n',
    sizeBytes: 1,
  }
  const sent = { scanned: whole, features: features!, row: row! }
  assert.deepEqual(new OutcomeUnpacker().unpack(crossed(new OutcomePacker().pack(1, sent))), sent)
})

test('without bytes there are none', () => {
  const { scanned } = outcome([])
  const { rewritten: _, ...plain } = scanned
  const arrived = new OutcomeUnpacker().unpack(crossed(new OutcomePacker().pack(1, { scanned: plain })))
  assert.deepEqual(arrived, { scanned: plain })
})
