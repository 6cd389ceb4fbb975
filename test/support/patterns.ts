// Random Perl patterns and texts that nearly match them, for tests that hold two engines against each other.
import fc from 'fast-check'

const letters = ['a', 'b', 'B', '0', ' ', '\n', '-', '\xe9']
const escaped: Record<string, string> = { '\n': '\\n', '\xe9': '\\xe9', '-': '\\-' }
const classes = [
  '.',
  '\\w',
  '\\s',
  '\\d',
  '\\S',
  '[^a]',
  '[ab0]',
  '[^\\n]',
  '[[:alpha:]]',
  '[\\s\\S]',
  '[a-\\xff]',
]
const leaf = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...letters).map((letter) => escaped[letter] ?? letter) },
  { weight: 2, arbitrary: fc.constantFrom(...classes) },
  { weight: 2, arbitrary: fc.constantFrom('\\b', '\\B', '^', '$', '\\z', '\\Z', '\\A') },
)
const quantifiers = fc.constantFrom(
  ...['*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{1,3}?', '{0,20}', '{0,70}', '++', '*+', '{2,}'],
)
const groups = fc.constantFrom('?=', '?!', '?<=', '?<!', '?>', '?i:', '?s-i:', '?<NAME>', '')

/** Perl source of a random tree. */
const tree = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 4, arbitrary: leaf },
    {
      weight: 4,
      arbitrary: fc.array(tie('node'), { minLength: 2, maxLength: 4 }).map((items) => items.join('')),
    },
    {
      weight: 2,
      arbitrary: fc
        .array(tie('node'), { minLength: 2, maxLength: 3 })
        .map((items) => `(?:${items.join('|')})`),
    },
    { weight: 2, arbitrary: fc.tuple(tie('node'), quantifiers).map(([item, many]) => `(?:${item})${many}`) },
    {
      weight: 1,
      // Perl wants a look-behind of limited length.
      arbitrary: fc
        .tuple(groups, tie('node'))
        .map(([kind, item]) => `(${kind}${/^\?<[=!]/.test(kind) ? item.replace(/[*+]|,\}/g, '') : item})`),
    },
    { weight: 1, arbitrary: fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a})${b}\\g{-1}`) },
  ),
})).node

export const randomPattern = fc.record({ source: tree, flags: fc.constantFrom('', 'i', 's', 'm', 'is', 'x') })

const piece = fc.oneof(
  fc.array(fc.constantFrom(...letters), { maxLength: 12 }).map((chars) => chars.join('')),
  fc.constantFrom('ab', 'abab', 'a b', '00', '', 'aaaaaaaaaaaa'),
)

export const randomLines = fc.array(
  fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join('')),
  { minLength: 1, maxLength: 5 },
)

/** Literal letters of a pattern, some lost or doubled: close to matching, often not matching. */
export function nearMisses(source: string): string[] {
  const plain = source.replace(/\\[a-zA-Z]|\(\?[^\w]*|[()[\]{}|*+?^$\\]|\d,?/g, '')
  return [plain, plain.slice(1), plain.slice(0, -1), plain + plain, `a${plain}0`]
}
