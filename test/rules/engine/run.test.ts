// What the runner adds to the language: network evals, tags, crashes, time, evidence, shortcircuit, users' rules.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overlayPrefs } from '../../../rules/engine/prefs.js'
import { createEngine } from '../../../rules/engine/run.js'
import type { Eval, Plugin } from '../../../rules/engine/types.js'
import { plugins } from '../../../src/checks/index.js'
import { makeScan } from '../../support/micro-rules.js'
import { directives, mail, names, planOf, runRules } from '../../support/rules.js'

const net = { engine: { local: false }, run: { scoreSet: 1 as const } }

function plugin(evals: Record<string, Eval>): Plugin {
  return { name: 'OwnTest', evals }
}

test('an eval that throws is noted and hits nothing', async () => {
  const own = [
    plugin({
      broken: () => {
        throw new Error('no such thing')
      },
      late: async () => {
        throw new Error('late')
      },
    }),
  ]
  const rules =
    'header A eval:broken()\nheader B eval:late()\ntflags B net\nmeta M A || B || C\nbody C /ten/\n'
  const run = await runRules(rules, { own, ...net })
  assert.deepEqual(names(run), ['C', 'M'])
  assert.deepEqual(
    run.notes.map((note) => [note.check, note.kind, note.text]),
    [
      ['rule A', 'crashed', 'no such thing'],
      ['rule B', 'crashed', 'late'],
    ],
  )
})

test('rules whose eval nobody brings count 0 and break no meta', async () => {
  const run = await runRules('header A eval:not_there()\nmeta M !A\nmeta N A && M\n')
  assert.deepEqual(names(run), ['M'])
})

test('evals of an idle plugin are not called, and metas on them are settled', async () => {
  const called: string[] = []
  const hit: Eval = ({ rule }) => {
    called.push(rule)
    return true
  }
  const rules = 'body A eval:hit()\nbody B eval:hit()\nmeta M !A && !B\n'
  const asleep = { ...plugin({ hit }), idle: () => true }
  assert.deepEqual(names(await runRules(rules, { own: [asleep] })), ['M'])
  assert.deepEqual(called, [])
  const awake = { ...plugin({ hit }), idle: () => false }
  assert.deepEqual(names(await runRules(rules, { own: [awake] })), ['A', 'B'])
  const broken = {
    ...plugin({ hit }),
    idle: () => {
      throw new Error('no such thing')
    },
  }
  assert.deepEqual(names(await runRules(rules, { own: [broken] })), ['A', 'B'])
})

test('network evals start before the rules and settle metas when they are done', async () => {
  const order: string[] = []
  const own = [
    plugin({
      slow: async () => {
        order.push('started')
        await new Promise((resolve) => setTimeout(resolve, 20))
        return 2
      },
      quick: () => {
        order.push('quick')
        return true
      },
    }),
  ]
  const rules = 'header Q eval:quick()\nheader S eval:slow()\ntflags S net\nmeta M S + Q\nmeta N S == 2\n'
  const run = await runRules(rules, { own, ...net })
  assert.deepEqual(order, ['started', 'quick'])
  assert.deepEqual(run.hits.map((hit) => [hit.symbol, hit.count]).sort(), [
    ['M', 3],
    ['N', 1],
    ['Q', 1],
    ['S', 2],
  ])
})

test('network evals do not run in the sets without network, nor locally', async () => {
  const own = [plugin({ yes: async () => true })]
  const rules = 'header S eval:yes()\ntflags S net\n'
  assert.deepEqual(names(await runRules(rules, { own, engine: {}, run: { scoreSet: 0 } })), [])
  assert.deepEqual(names(await runRules(rules, { own, engine: {}, run: { scoreSet: 1 } })), ['S'])
})

test('a tag reaches the eval that waits for it; a tag nobody sets settles to undefined', async () => {
  const seen: unknown[] = []
  const own = [
    plugin({
      setter: async (context) => {
        await null
        context.tag('COLOUR', 'red')
        return false
      },
      waiter: async (context, name) => {
        seen.push([name, await context.whenTag(name!)])
        return true
      },
    }),
  ]
  const rules =
    "header W eval:waiter('COLOUR')\nheader X eval:waiter('NEVER')\nheader S eval:setter()\ntflags W net\ntflags X net\ntflags S net\n"
  const run = await runRules(rules, { own, ...net })
  assert.deepEqual(names(run), ['W', 'X'])
  assert.deepEqual(seen, [
    ['COLOUR', 'red'],
    ['NEVER', undefined],
  ])
  assert.equal(run.tags.get('COLOUR'), 'red')
})

test('an eval that never ends does not outlive the deadline', async () => {
  const own = [plugin({ never: () => new Promise<boolean>(() => undefined) })]
  const plan = planOf('header N eval:never()\ntflags N net\nbody A /ten/\n', own)
  const engine = createEngine(plan, [...plugins, ...own])
  const scan = { ...makeScan(Buffer.from(mail), plan), deadline: Date.now() + 30 }
  const run = await engine.run(scan, { scoreSet: 1 })
  assert.deepEqual(names(run), ['A'])
  assert.equal(run.notes[0]?.kind, 'timeout')
})

test('an eval hits other rules by name, with details, own score and area', async () => {
  const own = [
    plugin({
      other: (context) => {
        context.detail('from the rule itself')
        context.hit('LISTED', { score: 2.5, details: ['list.example'], area: 'RBL: ' })
        context.hit('NOT_SCORED')
        return true
      },
    }),
  ]
  const run = await runRules(
    'header A eval:other()\nmeta LISTED 0\nmeta NOT_SCORED 0\nscore NOT_SCORED 0\n',
    { own },
  )
  assert.deepEqual(run.hits, [
    { symbol: 'LISTED', count: 1, details: ['list.example'], area: 'RBL: ', ownScore: 2.5 },
    { symbol: 'A', count: 1, details: ['from the rule itself'], area: '' },
  ])
})

test('explain gives the piece that matched and where', async () => {
  const rules = 'body A /app.es/\nheader B Subject =~ /W\\w+/\nfull C /second.*/s\nheader D X-None !~ /x/\n'
  const run = await runRules(rules, { run: { explain: true } })
  const evidence = Object.fromEntries(run.hits.map((hit) => [hit.symbol, hit.evidence]))
  assert.deepEqual(evidence['A'], { text: 'apples', where: 'body 1' })
  assert.deepEqual(evidence['B'], { text: 'World', where: 'header Subject' })
  assert.deepEqual(evidence['C'], { text: 'second paragraph\\n', where: 'full' })
  assert.equal(evidence['D'], undefined)
})

test('subtests are given only where asked for', async () => {
  const run = await runRules('body __A /ten/\nmeta M __A\n', { run: { subtests: false } })
  assert.deepEqual(run.subtests, {})
  assert.deepEqual(names(run), ['M'])
})

test('skipped rules do not run', async () => {
  const run = await runRules('body A /ten/\nbody B /ten/\n', { run: { skip: new Set(['A']) } })
  assert.deepEqual(names(run), ['B'])
})

test('a set of skipped rules may grow between messages', async () => {
  const plan = planOf('body A /ten/\nbody B /ten/\nheader C Subject =~ /Hello/\n')
  const engine = createEngine(plan, plugins, { local: true })
  const skip = new Set<string>()
  const run = async () => names(await engine.run(makeScan(Buffer.from(mail), plan), { scoreSet: 0, skip }))
  assert.deepEqual(await run(), ['A', 'B', 'C'])
  skip.add('A')
  assert.deepEqual(await run(), ['B', 'C'])
  assert.deepEqual(await run(), ['B', 'C'])
  skip.add('C')
  assert.deepEqual(await run(), ['B'])
})

test('shortcircuit leaves later priorities out, unless it is switched off', async () => {
  const pre = 'loadplugin Mail::SpamAssassin::Plugin::Shortcircuit\n'
  const rules = 'body A /ten/\npriority A -10\nshortcircuit A spam\nbody B /pears/\nmeta M B\n'
  const run = await runRules(rules, { pre })
  assert.deepEqual(names(run), ['A', 'SHORTCIRCUIT'])
  assert.deepEqual(run.shortcircuit, { rule: 'A', type: 'spam' })
  assert.equal(run.hits.find((hit) => hit.symbol === 'SHORTCIRCUIT')?.ownScore, 100)
  assert.deepEqual(names(await runRules(rules, { pre, run: { shortcircuit: false } })), ['A', 'B', 'M'])
})

test('captured texts are put into later patterns, quoted, and forgotten with the mail', async () => {
  const plan = planOf('header __C Subject =~ /(?<WORD>H\\S+)/\nbody A /%{WORD} again/\n')
  const engine = createEngine(plan, plugins, { local: true })
  const run = async (message: string) =>
    names(await engine.run(makeScan(Buffer.from(message), plan), { scoreSet: 0, subtests: true }))
  assert.deepEqual(await run('Subject: H.llo\n\nH.llo again\n'), ['A', '__C'])
  assert.deepEqual(await run('Subject: Hi\n\nHi again\n'), ['A', '__C'])
  assert.deepEqual(await run('Subject: H.llo\n\nHello again\n'), ['__C'])
})

test('rules of a user join the shared ones for that user alone', async () => {
  const plan = planOf('body A /ten/\nbody B /pears/\n')
  const engine = createEngine(plan, plugins, { local: true })
  const overlay = overlayPrefs(
    plan,
    'body MINE /apples/\nmeta BOTH MINE && A\nbody B /nothing/\ntflags A multiple\n',
    {
      allowUserRules: true,
      plugins,
      directives,
    },
  )
  const scan = makeScan(Buffer.from(mail), plan)
  const mine = await engine.run(scan, { scoreSet: 0, overlay })
  assert.deepEqual(names(mine), ['A', 'BOTH', 'MINE'])
  assert.equal(mine.hits.find((hit) => hit.symbol === 'A')?.count, 2)
  assert.deepEqual(names(await engine.run(scan, { scoreSet: 0 })), ['A', 'B'])
})

test('a run leaves the plan as it was, and the next message starts afresh', async () => {
  const plan = planOf('body A /ten/\ntflags A multiple\nmeta M A > 3\n')
  const before = structuredClone(plan)
  const engine = createEngine(plan, plugins, { local: true })
  for (let turn = 0; turn < 3; turn++) {
    const run = await engine.run(makeScan(Buffer.from(mail), plan), { scoreSet: 0 })
    assert.deepEqual(
      run.hits.map((hit) => [hit.symbol, hit.count]),
      [['A', 2]],
    )
  }
  assert.deepEqual(plan, before)
})

test('a plan survives being posted to a worker', async () => {
  const plan = structuredClone(
    planOf('header A From:addr =~ /anna/\nreplace_tag T t\nbody B /<T>en/\nreplace_rules B\n'),
  )
  const engine = createEngine(plan, plugins, { local: true })
  assert.deepEqual(names(await engine.run(makeScan(Buffer.from(mail), plan), { scoreSet: 0 })), ['A', 'B'])
})
