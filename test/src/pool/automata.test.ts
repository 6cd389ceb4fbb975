// Automata and what mail has taught them come back at the next start; after a reload with the same patterns they go on.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createEngine } from '../../../rules/engine/run.js'
import { patternsKey } from '../../../rules/regex/automata/tables.js'
import { createFastMatcher } from '../../../rules/regex/fast.js'
import { LazyPattern } from '../../../rules/regex/plain.js'
import { plugins } from '../../../src/checks/index.js'
import { makeAutomata, saveStates, statesFileOf } from '../../../src/pool/automata.js'
import { loadRules } from '../../../src/ruling.js'

const folder = mkdtempSync(join(tmpdir(), 'hamd-automata-'))
after(() => rmSync(folder, { recursive: true }))

const plan = loadRules({ builtin: true, paths: [], local: true })
const cacheFile = join(folder, 'cache', 'automata.bin')

/** Text in which many patterns are half matched again and again. */
function mixedText(patterns: readonly { source: string }[], round: number): string[] {
  const pieces = patterns.flatMap(({ source }) => source.match(/[a-z]{3,}|[^a-z\\]{2,}/gi) ?? [])
  const piece = (place: number) => pieces[place % pieces.length]!
  return pieces.flatMap((first, index) =>
    [1, 7, 31, 101, 211].map((step) => {
      const second = piece(index + step + 17 * round)
      return `${first.slice(0, 4)}${second} ${first}${second.slice(0, -1)} ${piece(index * step)}`
    }),
  )
}

test('states are saved once there is much new, and read at the next start', async () => {
  const first = await makeAutomata({ plan, cacheFile })
  assert.ok(first.sets.size > 0)
  assert.equal(await saveStates(first.sets, cacheFile), 0, 'little is new')
  for (const patterns of createEngine(plan, plugins).patternLists()) {
    const uses = patterns.map(({ source, flags }) => ({
      pattern: new LazyPattern(source, flags),
      multiple: false,
      hitsMax: 1,
      skipFirst: false,
    }))
    const set = first.sets.get(patternsKey(patterns))!
    const matcher = createFastMatcher(uses, set)
    for (let round = 0; round < 3; round++)
      matcher.match(mixedText(patterns, round), new Uint8Array(uses.length), () => {}, false)
  }
  const saved = await saveStates(first.sets, cacheFile)
  assert.ok(saved > 20_000, `${saved} transitions`)
  assert.ok(existsSync(statesFileOf(cacheFile)))
  assert.equal(await saveStates(first.sets, cacheFile), 0)

  const second = await makeAutomata({ plan, cacheFile })
  assert.equal(second.built, 0)
  assert.ok(second.known >= saved, `${second.known} of ${saved}`)

  const reloaded = await makeAutomata({ plan, cacheFile, inUse: second.sets })
  assert.equal(reloaded.known, second.known)

  writeFileSync(statesFileOf(cacheFile), 'not what it was')
  const third = await makeAutomata({ plan, cacheFile })
  assert.ok(third.known < saved)
})
