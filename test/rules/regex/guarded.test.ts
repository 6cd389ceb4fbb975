// The machine for hostile patterns finds what V8's RegExp finds, and counts: with memory for what failed it needs steps in proportion to
// the text, without (back references) it stops at its budget.
import '../../../rules/regex/flags.js'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anchorOf } from '../../../rules/regex/anchored.js'
import { Machine, Runaway, Workspace } from '../../../rules/regex/machine.js'
import { parsePerl } from '../../../rules/regex/parse.js'
import { printRegExp } from '../../../rules/regex/print.js'
import { compileProgram } from '../../../rules/regex/program.js'
import { nearMisses, randomLines, randomPattern } from '../../support/patterns.js'

interface Pair {
  readonly machine: Machine
  readonly native: RegExp
  readonly anchor: ReturnType<typeof anchorOf>
  /** Named groups: first slot in the machine, number in V8. */
  readonly groups: readonly (readonly [slot: number, number: number])[]
}

function pairOf({ source, flags }: Written): Pair | undefined {
  const parsed = parsePerl(source, flags)
  const printed = printRegExp(parsed)
  const program = compileProgram(parsed)
  if (!program || printed.widened) return undefined
  return {
    machine: new Machine(program, new Workspace()),
    native: new RegExp(printed.source, `${printed.flags}g`),
    anchor: anchorOf(parsed.root),
    groups: [...printed.names].map(([name, number]) => [
      program.slotOf.get(parsed.names.get(name)!)!,
      number,
    ]),
  }
}

interface Written {
  readonly source: string
  readonly flags: string
}

/** Every place from which the search may begin gives the same match and groups. */
function assertSame({ machine, native, anchor, groups }: Pair, text: string, name: string): void {
  for (let from = 0; from <= text.length; from++) {
    const found = machine.search(text, from, anchor, stepsMax)
    native.lastIndex = from
    const expected = native.exec(text)
    const inText = (slot: number) =>
      machine.slots[slot + 1]! < 0 ? undefined : text.slice(machine.slots[slot]!, machine.slots[slot + 1]!)
    assert.deepEqual(
      found ? [machine.index, machine.end, ...groups.map(([slot]) => inText(slot))] : null,
      expected && [
        expected.index,
        expected.index + expected[0].length,
        ...groups.map(([, number]) => expected[number]),
      ],
      `${name} on ${JSON.stringify(text)} from ${from}`,
    )
  }
}

const stepsMax = 1e6
/** V8 needs seconds for longer ones. */
const textMax = 18

test('random patterns match as in V8', () => {
  let pairs = 0
  fc.assert(
    fc.property(randomPattern, randomLines, (pattern, lines) => {
      let pair: Pair | undefined
      try {
        pair = pairOf(pattern)
      } catch {
        return
      }
      if (!pair) return
      pairs++
      for (const text of [...lines, ...nearMisses(pattern.source)]) {
        try {
          assertSame(pair, text.slice(0, textMax), `/${pattern.source}/${pattern.flags}`)
        } catch (error) {
          if (!(error instanceof Runaway) || !/\\g/.test(pattern.source)) throw error
        }
      }
    }),
    { numRuns: Number(process.env['HAMD_FUZZ_RUNS'] ?? 2500), seed: 7 },
  )
  assert.ok(pairs > 1500, `${pairs}`)
})

test('what failed is remembered on long searches as on short ones', () => {
  // Each text is far beyond the steps after which failures are written down.
  const lead = 'xy '.repeat(12_000)
  for (const [source, tail] of [
    ['(?:x|y|xy| )*!', '?'],
    ['(?:x|y|xy| )*!', '!'],
    ['(?:(?:x|xy|y)+ )+(?=z)z', ' z'],
    ['(?:(?:x|xy|y)+ )+(?=z)z', 'xy z'],
    ['(?>(?:x|xy) ?)*!|y (z)', 'y z'],
    ['(?:[xy]+ ?)*(?<!y )z', 'z'],
    ['(?:[xy]+ ?)*(?<!x )z', 'z'],
    ['(?<WORD>(?:x|y|xy|)*) *!', 'xy!'],
  ] as const) {
    const pair = pairOf({ source, flags: '' })!
    const found = pair.machine.search(lead + tail, 0, pair.anchor, 5e6)
    const sticky = new RegExp(pair.native.source.replaceAll('*', '{0,4}').replaceAll('+', '{1,4}'), 'g')
    assert.equal(found, sticky.test(`xy xy ${tail}`), `/${source}/ before ${tail}`)
  }
})

const hostile: readonly (readonly [source: string, pump: string, end: string])[] = [
  ['(a+)+!', 'a', '?'],
  ['(?:a|a)*!', 'a', '?'],
  ['(?:a|aa)+$', 'a', '?'],
  ['^(?:w+s?)+:', 'word ', '?'],
  ['(?:(?:a+)?b?)*c', 'ab', '?'],
  ['s*s*s*s*x', ' ', '?'],
  ['[a-z]+[a-z]+[a-z]+@', 'ab', '?'],
  ['.*.*.*=.*', 'a', ''],
  ['<[^>]*<[^>]*<[^>]*>', '<', ''],
  ['(?=(?:a+)+b)a', 'a', ''],
  ['x(?!(?:.*,)*y)z', 'x,', ''],
  ['(?:a{0,30}){0,30}!', 'a', '?'],
  ['(?:a?){40}a{40}!', 'a', '?'],
  ['(?:.{1,50};){1,20}end', 'a;', ''],
  ['(?:[^\n]{1,100}\n+)*From', 'To: x\n', '?'],
  ['^(?:a|b|ab)*(?<!x)c', 'ab', '?'],
]

test('steps grow with the text where nothing is referred back to', () => {
  for (const [source, pump, end] of hostile) {
    const { machine, anchor } = pairOf({ source, flags: '' })!
    const steps = [1000, 4000].map((bytes) => {
      const text = pump.repeat(bytes / pump.length) + end
      machine.search(text, 0, anchor, 1e8)
      return machine.steps
    })
    assert.ok(steps[1]! < 6 * steps[0]! + 50_000, `/${source}/ takes ${steps} steps`)
  }
})

test('a pattern that refers back ends at its steps', () => {
  for (const [source, pump, hit] of [
    ['(a*)*\\1!', 'a', 'aaaa!'],
    ['(?:(a+)+)+\\1!', 'a', 'aaaa!'],
    ['(\\w+\\s?)+\\1:', 'word ', 'some word word :'],
  ] as const) {
    const { machine, anchor } = pairOf({ source, flags: '' })!
    assert.throws(() => machine.search(`${pump.repeat(200)}?`, 0, anchor, 100_000), Runaway, source)
    assert.ok(machine.steps < 110_000)
    assert.ok(machine.search(hit, 0, anchor, 1e6), source)
  }
})
