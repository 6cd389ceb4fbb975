// Patterns counted by hand: as often as V8 finds them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePerl } from '../../../rules/regex/parse.js'
import { toRegExp } from '../../../rules/regex/print.js'
import { rowCounter } from '../../../rules/regex/rows.js'

const counterOf = (source: string, flags = '') => rowCounter(parsePerl(source, flags).root)

test('rows of bytes are counted as a RegExp finds them', () => {
  const texts = [
    '',
    'e',
    'eeee',
    'seen \xc3\xa9 \xc3',
    'abcab aab',
    '\xc3\xa8\xc3\xa8e\xc3',
    'EeBb',
    'a\nb\nab',
  ]
  const patterns = [
    ['e', ''],
    ['E', 'i'],
    ['(?:e|\\xc3[\\xa8-\\xab])', ''],
    ['ab|a|abc', ''],
    ['a[ab]|ab', ''],
    ['[ab]b|b', 'i'],
    ['.', ''],
    ['[^e]', ''],
  ] as const
  for (const [source, flags] of patterns) {
    const counter = counterOf(source, flags)
    assert.ok(counter, source)
    for (const text of texts) {
      const wanted = [...text.matchAll(toRegExp(source, flags, 'g'))].length
      assert.equal(counter.count(text, Infinity), wanted, `${source} in ${JSON.stringify(text)}`)
      assert.equal(counter.count(text, 2), Math.min(2, wanted))
    }
  }
})

test('whatever is more than rows is left to the RegExp', () => {
  for (const source of ['a+', '^a', '(a)', 'a(?=b)', '', 'a|', 'aaaaaaaaa', '(?:ab|c)d'])
    assert.equal(counterOf(source), undefined, source)
})
