// An engine that follows another one takes over what that has compiled, as far as it needs it, and finds what it would find without.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine } from '../../../rules/engine/run.js'
import { plugins } from '../../../src/checks/index.js'
import { makeScan } from '../../support/micro-rules.js'
import { mail, names, planOf } from '../../support/rules.js'

const before = `body APPLES /ten apples/\nbody PEARS /ten pears/\nbody GONE /second/\nheader HELLO Subject =~ /hello/i\n`
/** Of the same patterns in other places and with other flags, of new ones, and of one that may backtrack without end. */
const next =
  'body FRUIT /ten pears/\ntflags FRUIT multiple\nrawbody APPLES /ten apples/i\nheader HELLO Subject =~ /hello/\nbody LATE /(?:t+e+n+)+ p/\n'

async function hitsOf(engine: ReturnType<typeof createEngine>): Promise<string[]> {
  const scan = makeScan(Buffer.from(mail, 'latin1'), engine.plan)
  return names(await engine.run(scan, { scoreSet: 0, subtests: true }))
}

test('the same hits as without an engine before, which goes on as it was', async () => {
  const old = createEngine(planOf(before), plugins, { local: true })
  const oldHits = await hitsOf(old)
  const plan = planOf(next)
  const engine = createEngine(plan, plugins, { local: true, before: old.compiled })
  const plain = createEngine(plan, plugins, { local: true })
  for (let turn = 0; turn < 3; turn++) {
    assert.deepEqual(await hitsOf(engine), await hitsOf(plain))
    assert.deepEqual(await hitsOf(old), oldHits)
  }
  assert.ok((await hitsOf(engine)).includes('FRUIT'))
})

test('patterns that are asked for again are the same objects; the others are not kept', () => {
  const old = createEngine(planOf(before), plugins, { local: true })
  const engine = createEngine(planOf(next), plugins, { local: true, before: old.compiled })
  const shared = [...engine.compiled.patterns].filter(([key, one]) => old.compiled.patterns.get(key) === one)
  assert.deepEqual(
    shared.map(([key]) => key),
    ['/ten pears'],
  )
  assert.equal(engine.compiled.patterns.size, 4)
})
