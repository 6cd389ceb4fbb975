// src/ruling-cache.ts: the plan of the last start counts only while nothing that it was made of has changed.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { loadRules } from '../../src/ruling.js'
import { PlanKeeper, readSavedPlan } from '../../src/ruling-cache.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-plan-'))
const rules = join(folder, 'rules.cf')
const cacheFile = join(folder, 'cache', 'plan.bin')
const sources = { builtin: false, paths: [folder], local: true }
after(() => rmSync(folder, { recursive: true, force: true }))

/** Reads the rules and keeps the plan, as the thread does. */
function load() {
  const keeper = new PlanKeeper(cacheFile, sources)
  const plan = loadRules(sources, keeper.onFile)
  keeper.save(plan)
  return plan
}

beforeEach(() => {
  rmSync(folder, { recursive: true })
  mkdirSync(folder)
  writeFileSync(join(folder, 'a.pre'), 'loadplugin Mail::SpamAssassin::Plugin::FreeMail\n')
  writeFileSync(
    rules,
    'body A /caf\xe9/i\nscore A 1 2 3 4\nreport <_HITS_>\nfreemail_domains gmx.de\ninclude more.inc\n',
    'latin1',
  )
})

test('the saved plan is the plan', () => {
  assert.equal(readSavedPlan(cacheFile, sources), undefined)
  assert.deepEqual(load(), readSavedPlan(cacheFile, sources))
})

test('every change counts: bytes of a file, a file more, one less, an included one that was missing', () => {
  for (const change of [
    () => appendFileSync(rules, '# no matter what\n'),
    () => writeFileSync(join(folder, 'b.cf'), ''),
    () => rmSync(join(folder, 'a.pre')),
    () => writeFileSync(join(folder, 'more.inc'), ''),
    () => appendFileSync(join(folder, 'more.inc'), 'body B /b/\n'),
  ]) {
    load()
    assert.ok(readSavedPlan(cacheFile, sources))
    change()
    assert.equal(readSavedPlan(cacheFile, sources), undefined, String(change))
  }
})

test('other questions have other plans', () => {
  load()
  assert.equal(readSavedPlan(cacheFile, { ...sources, local: false }), undefined)
  assert.equal(readSavedPlan(cacheFile, { ...sources, cfLines: 'body C /c/' }), undefined)
  assert.equal(readSavedPlan(cacheFile, { ...sources, builtin: true }), undefined)
})

test('a torn file is none, a folder that cannot be written is no error', () => {
  load()
  writeFileSync(cacheFile, 'torn')
  assert.equal(readSavedPlan(cacheFile, sources), undefined)
  new PlanKeeper(join(rules, 'plan.bin'), sources).save(loadRules(sources))
})
