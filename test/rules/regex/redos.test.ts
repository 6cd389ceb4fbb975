// 30 patterns that backtrack without end, and a mail made for each: it passes the automata, is answered, costs no worker, and the mail
// beside it is judged as always. The same with times is bench/redos.ts.
import '../../../rules/regex/flags.js'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { attackMail, hostile, hostileRules } from '../../../bench/hostile.js'
import { createEngine } from '../../../rules/engine/run.js'
import { buildAutomata } from '../../../rules/regex/automata/tables.js'
import { createFastMatcher } from '../../../rules/regex/fast.js'
import { Budget, GuardedRegExp, guard } from '../../../rules/regex/guarded.js'
import { Runaway } from '../../../rules/regex/machine.js'
import type { PatternUse } from '../../../rules/regex/matcher.js'
import { parsePerl } from '../../../rules/regex/parse.js'
import { LazyPattern } from '../../../rules/regex/plain.js'
import { printRegExp } from '../../../rules/regex/print.js'
import { plugins } from '../../../src/checks/index.js'
import { createLog } from '../../../src/log.js'
import { WorkerPool } from '../../../src/pool/pool.js'
import type { Request } from '../../../src/types.js'
import { makeScan } from '../../support/micro-rules.js'
import { offlineNet } from '../../support/offline.js'
import { planOf } from '../../support/rules.js'

const refersBack = (pattern: string) => /\\1/.test(pattern)

test('each line passes the automata; the pattern ends, with its answer or at its steps', () => {
  const budget = new Budget()
  const uses: PatternUse[] = hostile.map(({ pattern }) => ({
    pattern: new LazyPattern(pattern, '', budget),
    multiple: false,
    hitsMax: 1,
    skipFirst: false,
  }))
  const fast = createFastMatcher(
    uses,
    buildAutomata(hostile.map(({ pattern }) => ({ source: pattern, flags: '' }))),
  )
  const all = new Uint8Array(uses.length).fill(1)
  for (const [number, { line, pattern }] of hostile.entries()) {
    budget.renew()
    const reached: number[] = []
    const gaveUp: unknown[] = []
    const onHit = (use: number, _count: number, _first: unknown, crashed?: unknown) =>
      gaveUp.push(crashed ?? `${use} hit`)
    fast.match([line], all, onHit, false, (use) => void reached.push(use))
    assert.deepEqual(reached, [number], pattern)
    assert.equal(gaveUp.length, refersBack(pattern) ? 1 : 0, pattern)
    assert.ok(
      gaveUp.every((reason) => reason instanceof Runaway),
      pattern,
    )
  }
})

test('where V8 offers no limit of backtracks the machine answers alike', () => {
  for (const { pattern, line } of hostile) {
    const parsed = parsePerl(pattern, '')
    const printed = printRegExp(parsed)
    const budget = new Budget()
    budget.renew()
    const regExp = guard({ source: pattern, flags: '' }, parsed, printed, budget, null)
    assert.ok(regExp instanceof GuardedRegExp, pattern)
    if (refersBack(pattern)) assert.throws(() => regExp.test(line), Runaway, pattern)
    else assert.equal(regExp.test(line), false, pattern)
    assert.ok(regExp.machineRuns > 0, pattern)
  }
})

test('30 attacks among other mail: all answered, rules named, no worker ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-redos-'))
  const suspended: string[] = []
  const pool = await WorkerPool.start(
    {
      plan: planOf(`body HELLO /hello/\nscore HELLO 1\n${hostileRules()}`),
      policy: { thresholds: {}, lookupMs: 1000, unchecked: 'accept', hostname: 'test', autolearn: false },
      prefs: { kind: 'off', dir: null, allowUserRules: false },
    },
    {
      count: 2,
      queueMax: 1000,
      hangMs: 30_000,
      net: offlineNet,
      dataDir: undefined,
      learner: () => undefined,
      log: createLog('silent'),
      automataFile: join(folder, 'automata.bin'),
      onSuspend: (rule) => suspended.push(rule),
    },
  )
  try {
    const scan = (mail: Buffer) => pool.scan(request(mail))
    const other = Buffer.from('From: a@example.org\nSubject: s\n\nhello\n')
    const attacks = hostile.map((one) => scan(attackMail(one)))
    const others = hostile.map(() => scan(other))
    for (const { scanned } of await Promise.all(others)) {
      assert.deepEqual(
        scanned.verdict.hits.map(({ symbol }) => symbol),
        ['HELLO'],
      )
      assert.deepEqual(scanned.verdict.notes, [])
    }
    for (const [number, { scanned }] of (await Promise.all(attacks)).entries()) {
      const { name, pattern } = hostile[number]!
      assert.deepEqual(
        scanned.verdict.notes.map(({ check, kind }) => [check, kind]),
        refersBack(pattern) ? [[`rule ${name}`, 'skipped']] : [],
        pattern,
      )
    }
    assert.deepEqual(suspended, [])
    assert.deepEqual(pool.suspendedRules, [])
  } finally {
    await pool.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

let ids = 0
function request(mail: Buffer): Request {
  const raw = new Uint8Array(new SharedArrayBuffer(mail.length))
  raw.set(mail)
  return { id: String(ids++), raw, envelope: { rcptTo: [] }, wants: {}, front: 'test' }
}

test('a message that used up its steps leaves nothing behind: what an absent header gives stays right', async () => {
  const rules = `
    header   ATTACKED  X-A =~ /^(?:(a+)+)+\\1!/
    header   ON_ABSENT X-B =~ /^(?:(a*)*)*\\1$/
    header   OTHER     X-B =~ /b/
    score ATTACKED 1\nscore ON_ABSENT 1\nscore OTHER 1\n`
  const engine = createEngine(planOf(rules), plugins, { local: true })
  const run = (mail: string) =>
    engine.run(makeScan(Buffer.from(mail), engine.plan), { scoreSet: 0, subtests: false })
  const attacked = await run(`X-A: ${'a'.repeat(5000)}?!\n\n`)
  assert.deepEqual(
    attacked.notes.map(({ check }) => check),
    ['rule ATTACKED'],
  )
  for (let turn = 0; turn < 2; turn++) {
    const { hits, notes } = await run('Subject: s\n\n')
    assert.deepEqual(
      hits.map(({ symbol }) => symbol),
      ['ON_ABSENT'],
    )
    assert.deepEqual(notes, [])
  }
})
