// The ledger and what follows from it: exact counts, undoing, reviewing, users, limits, damage.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createClassifierOf } from '../../bayes/classifier.js'
import { findDoubtful } from '../../bayes/doubtful.js'
import {
  createExtractor,
  defaultSettings,
  Learner,
  type LearnerSettings,
  sharedOf,
} from '../../bayes/index.js'
import { parseMessage } from '../../src/message/parse.js'
import type { MailClass } from '../../src/types.js'
import { ham, spam } from './mails.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-ledger-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const small: LearnerSettings = { ...defaultSettings, minSpam: 1, minHam: 1, salt: 5 }
const extractor = createExtractor(5)
const features = (raw: Buffer) => extractor.extract(parseMessage(raw))

function open(settings: Partial<LearnerSettings> = {}): Learner {
  return Learner.open({ ...small, ...settings })
}

function teach(learner: Learner, raw: Buffer, mailClass: MailClass, source = 'cli', user?: string) {
  return learner.learn({ features: features(raw), class: mailClass, source, ...(user ? { user } : {}) })
}

function teachMany(learner: Learner, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    teach(learner, spam(i), 'spam')
    teach(learner, ham(i), 'ham')
  }
}

function sum(learner: Learner, raw: Buffer, user?: string): number {
  const classifier = createClassifierOf(sharedOf(learner))
  return classifier.classify(features(raw), user ? { user } : {}).logOdds!
}

test('learn then forget leaves the token store as if the mail had never been seen, and after a rebuild the weights too', () => {
  const learner = open()
  const never = open()
  teachMany(learner, 0, 30)
  teachMany(never, 0, 30)
  const before = learner.tokenDigest()
  assert.equal(teach(learner, ham(77), 'spam').status, 'learned')
  assert.notEqual(learner.tokenDigest(), before)
  assert.equal(learner.forget(features(ham(77)).id).status, 'forgotten')
  assert.equal(learner.tokenDigest(), before)
  learner.rebuildNow(true)
  never.rebuildNow(true)
  for (let i = 90; i < 100; i++) assert.equal(sum(learner, ham(i)), sum(never, ham(i)))
})

test('the order of learning leaves no trace after the rebuild', () => {
  const folders = open()
  const mixed = open()
  for (let i = 0; i < 40; i++) teach(folders, spam(i), 'spam')
  for (let i = 0; i < 40; i++) teach(folders, ham(i), 'ham')
  for (let i = 39; i >= 0; i--) {
    teach(mixed, ham(i), 'ham')
    teach(mixed, spam(i), 'spam')
  }
  folders.rebuildNow(true)
  mixed.rebuildNow(true)
  for (let i = 90; i < 100; i++) assert.equal(sum(folders, spam(i)), sum(mixed, spam(i)))
})

test('a one-sided burst asks for a rebuild, a mixed one does not', () => {
  const learner = open()
  teachMany(learner, 0, 20)
  assert.equal(learner.wantsRebuild, false)
  for (let i = 100; i < 500; i++) teach(learner, spam(i), 'spam')
  assert.equal(learner.wantsRebuild, true)
  learner.rebuildNow()
  assert.equal(learner.wantsRebuild, false)
})

test('much that was learned in any order gains by a rebuild, a little does not', () => {
  const learner = open()
  teachMany(learner, 0, 40)
  assert.equal(learner.gainsByRebuild, false)
  teachMany(learner, 40, 100)
  assert.deepEqual([learner.wantsRebuild, learner.gainsByRebuild], [false, true])
  learner.rebuildNow()
  teachMany(learner, 100, 105)
  assert.equal(learner.gainsByRebuild, false)
})

test('relearning flips the class; the same class again is known', () => {
  const learner = open()
  assert.equal(teach(learner, spam(1), 'spam').status, 'learned')
  assert.equal(teach(learner, spam(1), 'spam').status, 'known')
  assert.equal(teach(learner, spam(1), 'ham').status, 'relearned')
  assert.deepEqual([learner.stats().spam, learner.stats().ham], [0, 1])
  const flipped = open()
  teach(flipped, spam(1), 'ham')
  assert.equal(learner.tokenDigest(), flipped.tokenDigest())
  assert.equal(learner.forget('00').status, 'unknown')
})

test('the identity of a mail survives relays, filters, tags in the subject and line ends', () => {
  const raw = spam(4).toString('latin1')
  const changed =
    'X-Spam-Status: Yes\r\nReceived: from a by b; today\r\n' +
    raw.replace('Subject: ', 'Subject: [SPAM] ').replace(/\n/g, '\r\n')
  assert.equal(features(Buffer.from(changed, 'latin1')).id, features(spam(4)).id)
  assert.notEqual(features(spam(5)).id, features(spam(4)).id)
})

test('revoking a source restores everything it changed, and a preview changes nothing', () => {
  const learner = open()
  teachMany(learner, 0, 40)
  const before = learner.tokenDigest()
  for (let i = 100; i < 150; i++) teach(learner, ham(i), 'spam', 'cli:x')
  for (let i = 0; i < 5; i++) teach(learner, ham(i), 'spam', 'cli:x')
  const preview = learner.revoke({ source: 'cli:x' }, true)
  assert.deepEqual(preview, { rows: 55, spam: 55, ham: 0, restored: 5, applied: false })
  assert.notEqual(learner.tokenDigest(), before)
  const started = performance.now()
  assert.deepEqual(learner.revoke({ source: 'cli:x' }, false), { ...preview, applied: true })
  assert.ok(performance.now() - started < 2000)
  assert.equal(learner.tokenDigest(), before)
  assert.equal(learner.wantsRebuild, true)
  assert.equal(learner.release({ source: 'cli:x' }, false).rows, 55)
  assert.notEqual(learner.tokenDigest(), before)
})

test('a time span can be revoked', () => {
  const learner = open()
  learner.learn({ features: features(spam(1)), class: 'spam', source: 'a', timeMs: 1000 })
  learner.learn({ features: features(spam(2)), class: 'spam', source: 'a', timeMs: 2000 })
  learner.learn({ features: features(spam(3)), class: 'spam', source: 'a', timeMs: 3000 })
  assert.equal(learner.revoke({ fromMs: 1500, toMs: 2500 }, false).rows, 1)
  assert.equal(learner.stats().spam, 2)
})

test('a source that contradicts the rest is held, with what it had taught against the rest before', () => {
  const learner = open()
  teachMany(learner, 0, 150)
  const before = learner.tokenDigest()
  const outcomes = Array.from(
    { length: 30 },
    (_, i) => teach(learner, ham(500 + i), 'spam', 'user:mallory').status,
  )
  assert.ok(outcomes.includes('refused'), outcomes.join())
  assert.equal(learner.tokenDigest(), before)
  assert.equal(learner.held()[0]!.source, 'user:mallory')
  assert.match(learner.notes.at(-1)!, /mallory/)
  const trusted = Array.from({ length: 30 }, (_, i) => teach(learner, ham(600 + i), 'spam', 'cli').status)
  assert.ok(trusted.every((status) => status === 'learned'))
})

test('labels that the rest of the ledger contradicts are named', () => {
  const learner = open()
  teachMany(learner, 0, 120)
  for (const i of [300, 301]) teach(learner, spam(i), 'ham')
  learner.rebuildNow(true)
  const named = findDoubtful(learner).map((label) => label.mail)
  assert.deepEqual(new Set(named), new Set([300, 301].map((i) => features(spam(i)).id)))
})

test('a user has a model of his own over the site model, and nobody else sees it', () => {
  const learner = open()
  teachMany(learner, 0, 60)
  learner.rebuildNow()
  const site = sum(learner, spam(200))
  const other = sum(learner, spam(200), 'bob')
  for (let i = 100; i < 115; i++)
    assert.equal(teach(learner, spam(i), 'ham', 'user:alice', 'alice').status, 'learned')
  assert.equal(sum(learner, spam(200)), site)
  assert.equal(sum(learner, spam(200), 'bob'), other)
  assert.ok(sum(learner, spam(200), 'alice') < 0, `alice ${sum(learner, spam(200), 'alice')}, site ${site}`)
  assert.ok(sum(learner, ham(200), 'alice') < 0)
  for (let i = 100; i < 115; i++) learner.forget(features(spam(i)).id, 'alice')
  learner.rebuildNow()
  assert.equal(sum(learner, spam(200), 'alice'), site)
})

test('no opinion, and why, before enough is learned', () => {
  const learner = open({ minSpam: 3, minHam: 3 })
  teach(learner, spam(1), 'spam')
  const opinion = createClassifierOf(sharedOf(learner)).classify(features(spam(2)))
  assert.equal(opinion.probability, undefined)
  assert.equal(opinion.reason, 'too little learned: 1 of 3 spam, 0 of 3 ham')
})

test('clues name tokens with probability and counts', () => {
  const learner = open()
  teachMany(learner, 0, 20)
  const named = extractor.extract(parseMessage(spam(50)), { names: true })
  const { clues, tokens, tokensKnown } = createClassifierOf(sharedOf(learner)).classify(named, { clues: 100 })
  const clue = clues.find((each) => each.token === 'subjectWord:limited')
  assert.ok(clue && clue.probability > 0.95, JSON.stringify(clue))
  assert.deepEqual([clue.spam, clue.ham], [20, 0])
  assert.equal(tokens, named.lo.length)
  assert.ok(tokensKnown! > 10 && tokensKnown! <= tokens!)
})

test('limits let the oldest go, with their counts', () => {
  const learner = open({ ledgerRowsMax: 20, ledgerDays: 10 })
  const now = Date.now()
  learner.learn({ features: features(ham(999)), class: 'ham', source: 'cli', timeMs: now - 11 * 86_400_000 })
  for (let i = 0; i < 30; i++) teach(learner, spam(i), 'spam')
  while (learner.expire(5) > 0);
  const kept = open()
  for (let i = 10; i < 30; i++) teach(kept, spam(i), 'spam')
  assert.equal(learner.tokenDigest(), kept.tokenDigest())
})

test('a full table lets old mail go instead of growing', () => {
  const learner = open({ profile: 'small' })
  const words = (i: number) => Array.from({ length: 800 }, (_, k) => `w${i * 1000 + k}x`).join(' ')
  for (let i = 0; i < 320; i++) {
    const raw = Buffer.from(`From: a@b.example\nMessage-ID: <${i}@b.example>\nSubject: s\n\n${words(i)}\n`)
    assert.equal(teach(learner, raw, i % 2 ? 'spam' : 'ham').status, 'learned')
  }
  assert.ok(learner.site.sizeBytes <= 16 * 2 ** 20, `${learner.site.sizeBytes}`)
  assert.ok(learner.stats().spam + learner.stats().ham < 320)
})

test('a restart gives the same opinions, with the snapshot and without', () => {
  const dataDir = join(folder, 'restart')
  const first = open({ dataDir })
  teachMany(first, 0, 50)
  first.rebuildNow(true)
  const digest = first.tokenDigest()
  const opinion = sum(first, spam(80))
  first.close()
  const second = open({ dataDir })
  assert.equal(second.tokenDigest(), digest)
  assert.equal(sum(second, spam(80)), opinion)
  second.close()
  rmSync(join(dataDir, 'model.bin'))
  const third = open({ dataDir })
  assert.equal(third.tokenDigest(), digest)
  assert.equal(sum(third, spam(80)), opinion)
  const reader = Learner.open({ ...small, dataDir }, { readOnly: true })
  assert.equal(reader.tokenDigest(), digest)
  assert.deepEqual(teach(reader, spam(1), 'ham'), {
    status: 'refused',
    reason: 'the learner was opened for reading',
  })
  reader.close()
  third.close()
})

const isRoot = process.getuid?.() === 0

test('a directory that cannot be written gives opinions and refuses learning with the reason', {
  skip: isRoot ? false : 'needs root, to become somebody who may only read',
}, () => {
  const dataDir = join(folder, 'unwritable')
  const first = open({ dataDir })
  teachMany(first, 0, 20)
  first.close()
  for (const path of [folder, dataDir]) chmodSync(path, 0o755)
  for (const name of readdirSync(dataDir)) chmodSync(join(dataDir, name), 0o644)
  process.seteuid!(65534)
  try {
    const reader = open({ dataDir })
    assert.match(reader.notes[0]!, /can't be written/)
    assert.match(JSON.stringify(teach(reader, spam(500), 'spam')), /refused.*can't be written/)
    assert.ok(sum(reader, spam(80)) > 0)
    reader.close()
  } finally {
    process.seteuid!(0)
  }
})

test('a damaged database is set aside by name and said', () => {
  const dataDir = join(folder, 'damaged')
  const first = open({ dataDir })
  teachMany(first, 0, 5)
  first.close()
  writeFileSync(join(dataDir, 'learner.db'), Buffer.alloc(20_000, 'x'))
  const second = open({ dataDir })
  assert.match(second.notes[0]!, /damaged .* kept as .*learner\.db\.damaged-/)
  assert.ok(readdirSync(dataDir).some((name) => name.startsWith('learner.db.damaged-')))
  assert.equal(teach(second, spam(1), 'spam').status, 'learned')
  second.close()
})

test('a full disk refuses learning with the reason; opinions go on, and learning resumes', () => {
  const dataDir = join(folder, 'full')
  const learner = open({ dataDir })
  teachMany(learner, 0, 20)
  const before = learner.tokenDigest()
  const opinion = sum(learner, spam(80))
  const { db } = (learner as unknown as { ledger: { db: { pragma(text: string): unknown } } }).ledger
  db.pragma('max_page_count = 1')
  const outcomes = learner.learnAll(
    Array.from({ length: 40 }, (_, i) => ({
      features: features(spam(100 + i)),
      class: 'spam' as const,
      source: 'cli',
    })),
  )
  assert.ok(outcomes.every((outcome) => outcome.status === 'failed' && /full/.test(outcome.reason)))
  assert.equal(learner.tokenDigest(), before)
  assert.equal(Math.sign(sum(learner, spam(80))), Math.sign(opinion))
  db.pragma('max_page_count = 100000')
  assert.equal(teach(learner, spam(100), 'spam').status, 'learned')
  learner.close()
  assert.ok(existsSync(join(dataDir, 'learner.db')))
})

test('memory for the models of users is bounded, and a user who is asked for comes back as he was', () => {
  const learner = open({ ownBytesMax: 600_000 })
  teachMany(learner, 0, 30)
  for (let user = 0; user < 12; user++)
    for (let i = 100; i < 104; i++) teach(learner, spam(i), 'ham', `user:${user}`, `user${user}`)
  const first = [...learner.models()].find(([owner]) => owner === 'user0')
  assert.ok(first)
  const before = sum(learner, spam(200), 'user0')
  const gone = learner.takeMoved().filter(([, model]) => model === undefined)
  assert.ok(gone.some(([owner]) => owner === 'user0'))
  assert.ok(learner.stats().users < 6)
  assert.equal(sum(learner, spam(200), 'user0'), sum(learner, spam(200)))
  learner.loadOwner('user0')
  learner.loadOwner('nobody')
  assert.ok(Math.abs(sum(learner, spam(200), 'user0') - before) < 1)
  assert.ok([...learner.models()].every(([owner]) => owner !== 'nobody'))
})

test('what is learned or forgotten while the weights are rebuilt is neither lost nor an end', () => {
  const learner = open()
  teachMany(learner, 0, 60)
  const steps = learner.rebuild(true)
  steps.next()
  teach(learner, spam(300), 'spam')
  learner.forget(features(ham(5)).id)
  learner.forget(features(spam(6)).id)
  while (!steps.next().done);
  assert.equal(learner.wantsRebuild, true)
  learner.rebuildNow()
  assert.equal(learner.wantsRebuild, false)
  const same = open()
  for (let i = 0; i < 60; i++) {
    if (i !== 6) teach(same, spam(i), 'spam')
    if (i !== 5) teach(same, ham(i), 'ham')
  }
  teach(same, spam(300), 'spam')
  same.rebuildNow(true)
  assert.equal(learner.tokenDigest(), same.tokenDigest())
  assert.equal(sum(learner, spam(400)), sum(same, spam(400)))
})

test('mails without Message-ID, Date and From are told apart by their bytes', () => {
  const first = features(Buffer.from('Subject: one\n\n'))
  assert.notEqual(first.id, features(Buffer.from('Subject: two\n\n')).id)
  assert.equal(first.id, features(Buffer.from('Subject: one\n\n')).id)
})
