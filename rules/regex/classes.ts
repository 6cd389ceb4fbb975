// Sets of bytes that have a name in Perl: POSIX classes, escapes such as \d, Unicode's properties; and the two escapes that stand for
// a small tree.
import { anySet, type ByteSet, digitSet, emptySet, type Node, rangeSet, spaceSet, wordSet } from './ast.js'

/** What [:name:] stands for. */
export const posixSets: Readonly<Record<string, ByteSet>> = {
  alpha: rangeSet([65, 90], [97, 122]),
  digit: digitSet,
  alnum: rangeSet([48, 57], [65, 90], [97, 122]),
  upper: rangeSet([65, 90]),
  lower: rangeSet([97, 122]),
  punct: rangeSet([33, 47], [58, 64], [91, 96], [123, 126]),
  space: spaceSet,
  word: wordSet,
  xdigit: rangeSet([48, 57], [65, 70], [97, 102]),
  print: rangeSet([32, 126]),
  graph: rangeSet([33, 126]),
  cntrl: rangeSet([0, 31], [127, 127]),
  ascii: rangeSet([0, 127]),
  blank: rangeSet([9, 9], [32, 32]),
}

/** What \d and its like stand for. */
export const classEscapes: Readonly<Record<string, ByteSet>> = {
  d: digitSet,
  w: wordSet,
  s: spaceSet,
  h: rangeSet([9, 9], [32, 32], [160, 160]),
  v: rangeSet([10, 13], [0x85, 0x85]),
}

/** Perl's names for properties that JavaScript spells otherwise. */
const propertyNames: Readonly<Record<string, string>> = {
  alnum: '[\\p{Alphabetic}\\p{Nd}]',
  xposixalnum: '[\\p{Alphabetic}\\p{Nd}]',
  word: '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]',
  xposixalpha: '\\p{Alphabetic}',
  digit: '\\p{Nd}',
  space: '\\p{White_Space}',
  punct: '\\p{P}',
  cntrl: '\\p{Cc}',
  any: '[^]',
  latin: '\\p{Script=Latin}',
}

/** The characters 0 to 255 with a property; undefined when nobody knows it. */
export function propertySet(name: string): ByteSet | undefined {
  const plain = name.replace(/^Is_?/i, '')
  const lower = plain.toLowerCase().replace(/[ _-]/g, '')
  const posix = /^posix(\w+)$/.exec(lower)
  if (posix) return posixSets[posix[1]!]
  const candidates = [
    propertyNames[lower],
    `\\p{${plain}}`,
    `\\p{Script=${plain}}`,
    `\\p{${plain.replace(/ /g, '_')}}`,
  ]
  for (const source of candidates) {
    if (source === undefined) continue
    try {
      const expression = new RegExp(`^${source}$`, 'u')
      const set = emptySet()
      for (let code = 0; code < 256; code++) if (expression.test(String.fromCharCode(code))) set[code] = 1
      return set
    } catch {
      // Not a name JavaScript knows: the next spelling.
    }
  }
  return undefined
}

const crlf: Node = {
  t: 'seq',
  items: [
    { t: 'char', code: 13, fold: false },
    { t: 'char', code: 10, fold: false },
  ],
}

/** CRLF as one, else one byte of the set. */
const crlfOr = (set: ByteSet): Node => ({
  t: 'atomic',
  item: { t: 'alt', items: [crlf, { t: 'set', set }] },
})

/** \X in a text of bytes: CRLF, or any byte. */
export const cluster = crlfOr(anySet)

/** \R: CRLF as one, else any single line break. */
export const lineBreak = crlfOr(classEscapes['v']!)
