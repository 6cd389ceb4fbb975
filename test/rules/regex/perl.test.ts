// Perl's regexes in JavaScript: what Perl 5.36 accepts and refuses (each line was asked of perl itself), and what patterns mean where
// the two languages differ.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPattern, compilePattern, countMatches } from '../../../rules/regex/plain.js'

const hit = (source: string, text: string, flags = '') => compilePattern(source, flags).regExp.test(text)
const count = (source: string, text: string, flags = '') =>
  countMatches(compilePattern(source, flags), text, Number.POSITIVE_INFINITY)

const accepted = String.raw`{x ^{x (?:{x) a|{x {1} a{1}{x a*{x \{x x{,3} (?<=a{0,200})b (?<=a|bcd)e (?|a|b) (\1a) (a)\g{-1} (a)\g1 [[:alpha:]]
  (?i-s:a) (?^i:a) (?<n>a)(?<n>b)\k<n> \pL \p{IsAlpha} \p{Lu} \P{L} \p{^L} \p{Script=Latin} \p{PosixAlpha} \p{Alnum} (x)?(?(1)a|b)
  (?<q>x)?(?(<q>)a|b) (?(?=a)ab|c) (*PRUNE)a (*FAIL)a (*pla:a)a (?R)a|b a(?1)?(b) \N{U+61} \ca \o{101} \_ (?aa:b) a{2}+ (?P<n>a)(?P=n)
  (?<n>a)(?&n) []a] [^]a] (?#a)b |a (|a) (?!a)?b (?'n'a) a\Kb \G \X \R [a-b-c] [a-] [-a] [\b] [\x{100}] \x{1F600} \x{} \e\a\f (?n:(a))
  (?p)a [\h\v] \H (?>a+)b (?:) () x{0} (a){0} (?<=^a)b \N* (a|b)*?c a++b`

const refused = String.raw`a{x \d{x [a]{x (a){x x{, x{} a{1,x} .{x $${'{x'} a{1}{2} (?<=a*)b (?<=a{0,300})b [z-a] [a-\d] a** \1a (a)\2 \g{-1}(a)
  [[:foo:]] [:alpha:] [[:alpha:] x{70000} \k<n> \p{Foo} (x)(?(1)a|b|c) \c \8 \08 \y [\y] a{2}? a+?+ (?P=n) [] [^] (?# a) *a + a|*b ^* $* \b+
  (?=a)* (?<n> (?<1n>a) \C [\N] [\w-a] (?i (?z)a (?e)a (?g)a (?o)a a{3,1} [\B] \xg (?n)(a)\1 a\Q.\E \Ua \i (?:a [a [\d-z] (??{1}) (?{1}) \g`

test('what Perl accepts', () => {
  for (const source of accepted.split(/\s+/))
    assert.doesNotThrow(() => compilePattern(source, '').regExp, source)
})

test('what Perl refuses', () => {
  for (const source of refused.split(/\s+/)) assert.throws(() => checkPattern(source, ''), source)
})

test('white space, dot and ends are those of Perl over bytes', () => {
  assert.ok(!hit('\\s', '\xa0') && !hit('\\s', '\x85') && hit('\\s', '\x0b'))
  assert.ok(hit('a.b', 'a\rb') && hit('a.b', 'a\x85b') && !hit('a.b', 'a\nb') && hit('a.b', 'a\nb', 's'))
  assert.ok(hit('a$', 'a\n') && !hit('a$', 'a\n\n') && !hit('a$', 'a\r') && hit('a$', 'a\nb', 'm'))
  assert.ok(!hit('a\\z', 'a\n') && hit('a\\Z', 'a\n'))
  assert.equal(count('^', 'a\nb\n', 'm'), 2, 'no line starts after the last LF')
})

test('case folds ASCII and Latin-1, also in sets and in scopes', () => {
  assert.ok(hit('\xe9', '\xc9', 'i') && hit('[\xe0-\xff]', '\xc9', 'i') && !hit('\xd7', '\xf7', 'i'))
  assert.ok(hit('a(?i)b', 'aB') && !hit('a(?i)b', 'AB') && hit('(?i:a)b', 'Ab') && !hit('(?i:a)b', 'AB'))
  assert.ok(hit('(?i)a(?-i:b)', 'Ab') && !hit('(?i)a(?-i:b)', 'AB'))
  assert.ok(hit('(a)(?i:\\1)', 'aA'))
  assert.ok(hit('[x-z]', 'Y', 'i') && !hit('[x-z]', 'Y') && hit('(?i)[x-z](?-i)[x-z]', 'Yy'))
  assert.ok(!hit('[x-z](?-i)[x-z]', 'yY', 'i'), 'the same brackets under other modifiers')
})

test('what JavaScript has no construct for', () => {
  assert.ok(!hit('a++a', 'aaa') && hit('(?>a|ab)c', 'ac') && !hit('(?>a|ab)c', 'abc'))
  assert.ok(hit('^(x)?(?(1)a|b)$', 'xa') && hit('^(x)?(?(1)a|b)$', 'b') && !hit('^(x)?(?(1)a|b)$', 'xb'))
  assert.ok(hit('^(\\((?:[^()]|(?1))*\\))$', '(a(b)c)') && !hit('^(\\((?:[^()]|(?1))*\\))$', '(a(b c)'))
  assert.ok(
    hit('^(?|(a)|(b))c$', 'bc') && hit('[[:upper:]\\d]', '7') && hit('\\p{Lu}', 'A') && !hit('\\p{Lu}', 'a'),
  )
  assert.ok(
    hit('a b # comment\n c', 'abc', 'x') && hit('[]a]', ']') && hit('^[^]a]$', 'b') && hit('a{,2}b', 'b'),
  )
})

test('matches are counted as Perl counts them', () => {
  assert.equal(count('x*', 'axb'), 4)
  assert.equal(count('a*?', 'aa'), 5, 'after an empty match the same place is tried again, not empty')
  assert.equal(count('|ab', 'abab'), 5)
  assert.equal(countMatches(compilePattern('a', ''), 'aaaa', 3), 3)
})

test('named groups are found under their numbers', () => {
  const pattern = compilePattern('(x)(?<WORD>\\w+)(y)\\1', '')
  const found = pattern.regExp.exec('xabyx')!
  assert.equal(found[pattern.names.get('WORD')!], 'ab')
})

test('deep nesting is refused, random text never does worse than that', () => {
  assert.throws(() => checkPattern('('.repeat(10_000), ''))
  let seed = 3
  const pieces = [
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '*',
    '+',
    '?',
    '|',
    '\\',
    'a',
    '^',
    '$',
    '(?',
    ':',
    '<',
    '1',
    ',',
    '-',
    '(?<n>',
    '(?=',
    '\\1',
    '[[:',
    ':]',
  ]
  for (let turn = 0; turn < 2000; turn++) {
    let source = ''
    for (let length = 0; length < 12; length++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      source += pieces[seed % pieces.length]
    }
    try {
      compilePattern(source, '').regExp.test('a(b')
    } catch (error) {
      assert.equal(
        (error as Error).constructor.name,
        'RegexSyntaxError',
        `${source}: ${(error as Error).stack}`,
      )
    }
  }
})
