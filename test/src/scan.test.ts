// The straight line as a whole: rules that fail leave a note and a verdict, a scan changes nothing it was given.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { createEngine } from '../../rules/engine/run.js'
import type { Plan, Plugin } from '../../rules/engine/types.js'
import { plugins } from '../../src/checks/index.js'
import { prefsBytesMax } from '../../src/limits.js'
import type { PrefsSource } from '../../src/pool/protocol.js'
import { type ScanContext, type ScanPolicy, scanMessage } from '../../src/scan.js'
import { createScanner } from '../../src/scanner.js'
import type { Clamd, Net, Request, Scanned } from '../../src/types.js'
import { offlineNet } from '../support/offline.js'
import { mail, planOf } from '../support/rules.js'

const policy: ScanPolicy = {
  thresholds: { greylist: 4, reject: 15 },
  lookupMs: 500,
  unchecked: 'accept',
  hostname: 'test.example',
  autolearn: false,
}
const noPrefs: PrefsSource = { kind: 'off', dir: null, allowUserRules: false }

const failing: Plugin = {
  name: 'Failing',
  evals: {
    throws: () => {
      throw new Error('broken inside')
    },
    rejects: () => Promise.reject(new Error('broken later')),
  },
}

function contextOf(
  plan: Plan,
  more: {
    readonly net?: Net
    readonly policy?: Partial<ScanPolicy>
    readonly prefs?: PrefsSource
    readonly suspended?: readonly string[]
  } = {},
): ScanContext {
  const { context, suspend } = createScanner({
    plan,
    policy: { ...policy, ...more.policy },
    prefs: more.prefs ?? noPrefs,
    net: more.net ?? offlineNet,
  })
  for (const rule of more.suspended ?? []) suspend(rule)
  return { ...context, engine: createEngine(plan, [...plugins, failing], { local: true }) }
}

const request = (more: Partial<Request> = {}): Request => ({
  id: 'test',
  raw: Buffer.from(mail, 'latin1'),
  envelope: { rcptTo: [] },
  wants: {},
  front: 'test',
  ...more,
})

async function scan(rules: string, more: Partial<Request> = {}, given: Parameters<typeof contextOf>[1] = {}) {
  return (await scanMessage(request(more), contextOf(planOf(rules, [failing]), given))).scanned
}

const names = ({ verdict }: Scanned) => verdict.hits.map(({ symbol }) => symbol)
const apples = 'body APPLES /ten apples/\nscore APPLES 3\n'

describe('rules that fail', () => {
  for (const how of ['throws', 'rejects'])
    test(`an eval that ${how}: the others still count, a note names it`, async () => {
      const scanned = await scan(`${apples}header BAD eval:${how}()\nscore BAD 50\n`)
      assert.deepEqual(names(scanned), ['APPLES'])
      const note = scanned.verdict.notes.find(({ kind }) => kind === 'crashed')
      assert.match(note?.check ?? '', /BAD/)
    })
  test('a suspended rule is left out, and every verdict says so', async () => {
    const { verdict } = await scan(apples, {}, { suspended: ['APPLES'] })
    assert.deepEqual(verdict.hits, [])
    assert.deepEqual(
      verdict.notes.map(({ check, kind }) => [check, kind]),
      [['rule APPLES', 'skipped']],
    )
  })
})

describe('clamd is silent', () => {
  const clamd: Clamd = { scan: async () => ({ status: 'failed', reason: 'no answer' }) }
  const net = { ...offlineNet, clamd }
  test('accept: a verdict', async () => {
    assert.equal((await scan(apples, {}, { net })).verdict.action, 'no action')
  })
  test('tempfail: a soft reject with the reason', async () => {
    const { verdict } = await scan(apples, {}, { net, policy: { unchecked: 'tempfail' } })
    assert.equal(verdict.action, 'soft reject')
    assert.equal(verdict.unchecked?.reason, 'no answer')
  })
  test('reject: a reject', async () => {
    assert.equal((await scan(apples, {}, { net, policy: { unchecked: 'reject' } })).verdict.action, 'reject')
  })
})

describe('settings of the request', () => {
  const two = `${apples}body PEARS /ten pears/\nscore PEARS 1\n`
  test('symbols switched off', async () => {
    assert.deepEqual(names(await scan(two, { settings: { symbolsDisabled: ['PEARS'] } })), ['APPLES'])
  })
  test('only these symbols', async () => {
    assert.deepEqual(names(await scan(two, { settings: { symbolsEnabled: ['PEARS'] } })), ['PEARS'])
  })
})

test('a scan leaves message bytes and settings as they were, and gives the same again', async () => {
  const raw = Buffer.from(mail, 'latin1')
  const context = contextOf(planOf(`${apples}header SUBJECT Subject =~ /Hello/\nscore SUBJECT 1\n`))
  const wants = { report: true, rewritten: 'message', urls: true, subtests: true } as const
  const before = JSON.stringify([...context.plan.settings.values])
  const runs = [
    await scanMessage(request({ raw, wants }), context),
    await scanMessage(request({ raw, wants }), context),
  ]
  assert.equal(raw.toString('latin1'), mail)
  assert.equal(JSON.stringify([...context.plan.settings.values]), before)
  const [first, second] = runs.map(({ scanned }) => ({
    ...scanned,
    verdict: { ...scanned.verdict, tookMs: 0, stagesMs: {} },
  }))
  assert.deepEqual(first, second)
  assert.equal(first!.verdict.score, 4)
})

test('hosts of links; the whole links only for who asks for them', async () => {
  const context = contextOf(planOf(apples))
  const raw = Buffer.from('Subject: s\n\nsee http://www.example.com/a?b=c\n')
  const scanned = async (urls: true | 'details') =>
    (await scanMessage(request({ raw, wants: { urls } }), context)).scanned
  assert.deepEqual((await scanned(true)).urls, ['www.example.com'])
  assert.equal('urlDetails' in (await scanned(true)), false)
  assert.deepEqual((await scanned('details')).urls, ['www.example.com'])
  assert.equal((await scanned('details')).urlDetails?.[0]?.url, 'http://www.example.com/a?b=c')
})

test('any bytes give a verdict', async () => {
  const context = contextOf(planOf(apples))
  for (const raw of [
    Buffer.alloc(0),
    Buffer.from('\n'),
    Buffer.from([0, 255, 10, 13, 58, 128]),
    Buffer.alloc(100_000, ':\n'),
  ])
    assert.equal((await scanMessage(request({ raw }), context)).scanned.verdict.isSpam, false)
})

describe('preferences of a user', () => {
  const dir = mkdtempSync(join(tmpdir(), 'hamd-prefs-'))
  after(() => rmSync(dir, { recursive: true, force: true }))
  const prefs: PrefsSource = { kind: 'dir', dir, allowUserRules: false }

  test('change scores and threshold of this user only', async () => {
    writeFileSync(join(dir, 'anna'), 'score APPLES 9\nrequired_score 8\n')
    const { verdict } = await scan(apples, { user: 'anna' }, { prefs })
    assert.deepEqual([verdict.score, verdict.requiredScore, verdict.isSpam], [9, 8, true])
    assert.equal((await scan(apples, { user: 'bob' }, { prefs })).verdict.score, 3)
  })
  test('too large: judged by the settings of the site, with a note', async () => {
    mkdirSync(join(dir, 'carl'))
    writeFileSync(join(dir, 'carl', 'user_prefs'), `score APPLES 9\n${'#'.repeat(prefsBytesMax)}`)
    const { verdict } = await scan(apples, { user: 'carl' }, { prefs })
    assert.equal(verdict.score, 3)
    assert.deepEqual(
      verdict.notes.map(({ check, kind }) => [check, kind]),
      [['preferences', 'limited']],
    )
  })
  test('a user is a name, never a path', async () => {
    for (const user of ['../anna', '..', '/etc/passwd', 'a/b', ''])
      assert.equal((await scan(apples, { user }, { prefs })).verdict.score, 3, user)
  })
})
