// The look before the exact one: it passes wherever the exact pattern matches, and with it the same is found.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { corpus } from '../../../bench/corpus.js'
import { LooseFirst, loosen } from '../../../rules/regex/loose.js'
import type { Searcher } from '../../../rules/regex/matcher.js'
import { parsePerl } from '../../../rules/regex/parse.js'
import { printRegExp } from '../../../rules/regex/print.js'

const loosened: readonly (readonly [source: string, flags: string])[] = [
  ['\\nTo: (\\S+)\\n(?:[^\\n]{1,100}\\n+)*Subject: [^\\n]{0,100}\\1[^a-z0-9]', 'ism'],
  ['\\nReceived:[^\\n]{0,200} for <?([^\\n\\s>;]+)>?;(?:[^\\n]+\\n+)*Subject: [^\\n]{0,100}\\1', 'ism'],
  ['^To:\\s+<?[^\\@]+\\@([^\\.]+)\\.(?:[^\\n]+\\n+)*^Subject: \\"?\\1\\b', 'ism'],
  ['(a|b)(?:[^\\n]\\n)+\\1', ''],
  ['((?:ab)*)(?:a(?:b|\\n))*?\\1b', ''],
  ['([ab])(?:(?:b\\n+)+)*c?\\1', 'i'],
  ['(?:(a)|b)(?:a\\n)*c(?!\\1)', ''],
]
const kept = [
  '(a)(?:b\\n)*c',
  '(a)b*\\1',
  '(a)(?:b\\n?)*\\1',
  '(a)(?>(?:b\\n)*)\\1',
  '(a)(?:b\\n)*+\\1',
  '(a)(?:(b)\\n)*\\1',
]

function searchers(source: string, flags: string): { exact: RegExp; first: Searcher } {
  const parsed = parsePerl(source, flags)
  const make = (root: typeof parsed.root) => {
    const printed = printRegExp({ ...parsed, root })
    return new RegExp(printed.source, `${printed.flags}g`)
  }
  return { exact: make(parsed.root), first: new LooseFirst(make(loosen(parsed.root)!), make(parsed.root)) }
}

function allOf(searcher: Searcher, text: string): unknown[] {
  const found: unknown[] = []
  searcher.lastIndex = 0
  for (let one = searcher.exec(text); one; one = searcher.exec(text)) {
    found.push([one.index, [...one]])
    if (one[0] === '') searcher.lastIndex++
  }
  searcher.lastIndex = 0
  return [...found, searcher.test(text), searcher.lastIndex]
}

test('loops before a back reference are loosened, others are not', () => {
  for (const [source, flags] of loosened) assert.ok(loosen(parsePerl(source, flags).root), source)
  for (const source of kept) assert.equal(loosen(parsePerl(source, '').root), undefined, source)
})

test('the same is found in random texts', () => {
  const pieces = [
    'a',
    'b',
    'c',
    '\n',
    'ab',
    'b\n',
    'a\n',
    'ba',
    '\nTo: ',
    'Subject: ',
    'x@y.z',
    ' for <a>;',
    '\nReceived:',
    'To: ',
  ]
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((list) => list.join(''))
  let matches = 0
  for (const [source, flags] of loosened) {
    const { exact, first } = searchers(source, flags)
    fc.assert(
      fc.property(text, (given) => {
        const wanted = allOf(exact, given)
        if (wanted.length > 2) matches++
        assert.deepEqual(allOf(first, given), wanted)
      }),
      { numRuns: 400, seed: 5 },
    )
  }
  assert.ok(matches > 200)
})

test('and in headers of real mail', () => {
  const headers = corpus(40).map(
    (mail) =>
      `\n${
        mail
          .read()
          .toString('latin1')
          .split(/\r?\n\r?\n/, 1)[0]
      }\n`,
  )
  for (const [source, flags] of loosened) {
    const { exact, first } = searchers(source, flags)
    for (const text of headers) assert.deepEqual(allOf(first, text), allOf(exact, text), source)
  }
})
