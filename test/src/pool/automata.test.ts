// src/pool/automata.ts: automata are built once, by processes beside this one, and found again by the next start.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { buildAutomata, encodeSets, patternsKey } from '../../../rules/regex/automata/tables.js'
import { makeAutomata } from '../../../src/pool/automata.js'
import { buildAll } from '../../../src/pool/automata-builders.js'
import { patternLists } from '../../../src/pool/pattern-lists.js'
import { loadRules } from '../../../src/ruling.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-automata-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const plan = loadRules({ builtin: true, paths: [], local: true })

test('sets of processes are those of this one', async () => {
  const lists = patternLists(plan)
  const own = new Map(lists.map((list) => [patternsKey(list), buildAutomata(list)]))
  const theirs = await buildAll(lists)
  assert.deepEqual([...theirs.keys()].sort(), [...own.keys()].sort())
  const bytes = (sets: typeof own) => encodeSets(new Map([...sets].sort(([a], [b]) => (a < b ? -1 : 1))))
  assert.ok(bytes(own).equals(bytes(theirs)))
})

test('the next start finds all; what is lost or torn is built again', async () => {
  const cacheFile = join(folder, 'cache', 'automata.bin')
  const first = await makeAutomata({ plan, cacheFile })
  assert.equal(first.built, first.sets.size)
  const second = await makeAutomata({ plan, cacheFile })
  assert.deepEqual([second.built, [...second.sets.keys()]], [0, [...first.sets.keys()]])
  writeFileSync(join(folder, 'cache', 'lists.json'), '{"of":')
  const third = await makeAutomata({ plan, cacheFile })
  assert.deepEqual([third.built, [...third.sets.keys()]], [0, [...first.sets.keys()]])
  writeFileSync(cacheFile, 'torn')
  assert.equal((await makeAutomata({ plan, cacheFile })).built, first.built)
})

test('other rules have other lists', async () => {
  const cacheFile = join(folder, 'cache', 'automata.bin')
  const more = loadRules({
    builtin: true,
    paths: [],
    local: true,
    cfLines: 'body OTHER /completely other words/',
  })
  const made = await makeAutomata({ plan: more, cacheFile })
  assert.ok(made.built >= 1 && made.built < made.sets.size)
  assert.deepEqual(
    [...made.sets.keys()],
    patternLists(more).map((list) => patternsKey(list)),
  )
})
