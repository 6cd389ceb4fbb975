// Patterns anchored at the start of the text or of a line: what AnchoredRegExp finds is what V8 finds when it tries every place.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AnchoredRegExp, anchorOf } from '../../../rules/regex/anchored.js'
import { leadOf } from '../../../rules/regex/lead.js'
import type { Searcher } from '../../../rules/regex/matcher.js'
import { parsePerl } from '../../../rules/regex/parse.js'
import { printRegExp } from '../../../rules/regex/print.js'

const anchored: readonly (readonly [source: string, flags: string])[] = [
  ['^a', ''],
  ['^a*', ''],
  ['\\Aa|^b', ''],
  ['^a', 'm'],
  ['^', 'm'],
  ['^$', 'm'],
  ['^a*', 'm'],
  ['(^a|^b+)c?', 'm'],
  ['(?:^a\\n)+', 'm'],
  ['^\\n', 'm'],
  ['^[ab]\\s*', 'm'],
  ['\\A[ab]|^c', 'm'],
  ['^ab', 'm'],
  ['^ab?', 'm'],
  ['^b(?=\\n)', 'm'],
  ['^[^\\n]{17}', 'm'],
  ['^[^\\n]{16,}\\n', 'm'],
  ['^(?:a|bc)[^\\n]{16}', 'm'],
  ['^a.{16}', 'm'],
  ['^a.{16}', 'ms'],
  ['^a', 'im'],
]
const free: readonly (readonly [source: string, flags: string])[] = [
  ['a^b', 'm'],
  ['(?:^a)?b', 'm'],
  ['^a|b', 'm'],
  ['(?<!x)a', ''],
]
const texts = [
  '',
  'a',
  'b',
  '\n',
  'a\n',
  '\na',
  'aa\nab\n\nb\nc',
  'ba\r\na\n',
  'xa\na\na\nxb\nbb\n',
  '\n\n\n',
  'a\nb\na\n',
  'a234567890123456\na2345678901234567\nbc345678901234567890',
  'short\nA\nbc3456789012345678\n\nab\nxab\nab',
]

test('what matches begin with', () => {
  const lead = (source: string, flags: string) => leadOf(parsePerl(source, flags).root)
  assert.deepEqual(lead('^From:\\s+\\S', 'm'), { literal: 'From:', span: 5 })
  assert.deepEqual(lead('^1From', 'im'), { literal: '1', span: 5 })
  assert.deepEqual(lead('^[^\\r\\n]{998}', 'm'), { literal: '', span: 998 })
  assert.deepEqual(lead('^(?:ab|[^\\n]+c)(?=x)d*.', 'm'), { literal: '', span: 3 })
  assert.deepEqual(lead('^(?:a\\n|abc)de', 'm'), { literal: '', span: 0 })
  assert.deepEqual(lead('^a', ''), { literal: '', span: 0 })
})

function matches(searcher: Searcher, text: string): unknown[] {
  const found: unknown[] = []
  searcher.lastIndex = 0
  for (let one = searcher.exec(text); one; one = searcher.exec(text)) {
    found.push([one.index, [...one], searcher.lastIndex])
    if (one[0] === '') searcher.lastIndex++
  }
  return [...found, searcher.lastIndex]
}

test('anchors are seen', () => {
  for (const [source, flags] of anchored) assert.ok(anchorOf(parsePerl(source, flags).root), source)
  for (const [source, flags] of free) assert.equal(anchorOf(parsePerl(source, flags).root), undefined, source)
})

test('same matches, captures and places as with every place tried', () => {
  for (const [source, flags] of anchored) {
    const parsed = parsePerl(source, flags)
    const printed = printRegExp(parsed)
    const plain = new RegExp(printed.source, `${printed.flags}g`)
    const quick = new AnchoredRegExp(
      new RegExp(printed.source, `${printed.flags}y`),
      anchorOf(parsed.root)!,
      leadOf(parsed.root),
    )
    for (const text of texts) {
      assert.deepEqual(
        matches(quick, text),
        matches(plain, text),
        `/${source}/${flags} on ${JSON.stringify(text)}`,
      )
      for (let from = 0; from <= text.length + 1; from++) {
        quick.lastIndex = plain.lastIndex = from
        assert.equal(quick.test(text), plain.test(text))
        assert.equal(quick.lastIndex, plain.lastIndex)
      }
    }
  }
})
