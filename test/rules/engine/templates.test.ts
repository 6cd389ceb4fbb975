// Which placeholder of a pattern every match has to contain.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  demandedTemplate,
  fillTemplates,
  isWholeLine,
  markTemplates,
  relaxedTemplate,
  templateNames,
  textsWith,
  wholeLineTemplate,
} from '../../../rules/engine/capture.js'
import { compilePattern } from '../../../rules/regex/plain.js'

const demanded = (source: string, flags = '') => demandedTemplate({ source: markTemplates(source), flags })

test('a placeholder is demanded where no match can do without it', () => {
  assert.equal(demanded('^http://.{3,9}#%{TO_ADDR}'), 'TO_ADDR')
  assert.equal(demanded('(?:a|b)%{A}+[(|]%{B}'), 'A')
  assert.equal(demanded('%{HEADER(To)}$'), 'HEADER(To)')
})

test('and is not where one can, or where the writing hides it', () => {
  for (const source of [
    'a|%{A}',
    '(?:%{A})?b',
    '%{A}?b',
    '%{A}*b',
    '%{A}{0,2}b',
    '[%{A}]',
    '[]%{A}]',
    '[[:alpha:]%{A}]',
  ])
    assert.equal(demanded(source), undefined, source)
  assert.equal(demanded('a # ( \n%{A}', 'x'), undefined)
})

test('asking leaves no trace', () => {
  const source = markTemplates('x%{A}')
  demandedTemplate({ source, flags: '' })
  assert.deepEqual(templateNames(markTemplates('%{B}')), ['B'])
})

test('texts with a value are found in whatever case, empty values are none', () => {
  assert.deepEqual(textsWith(['nothing', 'Joe@Example.COM'], ['joe@example.com']), ['Joe@Example.COM'])
  assert.deepEqual(textsWith(['nothing'], ['', 'joe']), [])
})

test('a relaxed pattern has anything in the place of the value', () => {
  const relaxed = (source: string, flags = '') => relaxedTemplate({ source: markTemplates(source), flags })
  assert.equal(relaxed('^http://.{3,9}#%{TO_ADDR}$'), '^http://.{3,9}#[\\x00-\\xff]*$')
  for (const source of ['a|%{A}', '%{A}++b', '%{A}%{B}', '%{A}(?!%{A})', '%{A}?'])
    assert.equal(relaxed(source), undefined, source)
  assert.equal(relaxed('%{A}', 'x'), undefined)
})

test('a placeholder alone between ^ and $ is answered by hand as its RegExp would', () => {
  const source = markTemplates('^%{A}$')
  const texts = [
    '',
    '\n',
    'a@b',
    'A@B',
    'xa@b',
    'a@bx',
    'a@b\n',
    'a@b\n\n',
    'c\na@b',
    'c\na@b\nd',
    'aa\naa',
    '\xc9',
    'a\nb',
  ]
  const valuesToTry = [['a@b'], ['', 'c', 'A@b'], ['aa'], ['\xe9'], ['a\nb'], ['a'], ['x', 'b']]
  let hits = 0
  for (const flags of ['', 'i', 'm', 'im', 'ims'])
    for (const values of valuesToTry) {
      const { regExp } = compilePattern(
        fillTemplates(source, () => values),
        flags,
      )
      for (const text of texts) {
        regExp.lastIndex = 0
        const expected = regExp.test(text)
        const found = isWholeLine(text, values, wholeLineTemplate({ source, flags })!)
        assert.equal(found, expected, JSON.stringify({ flags, values, text }))
        if (found) hits++
      }
    }
  assert.ok(hits > 50)
})

test('and none that says more', () => {
  for (const source of ['%{A}', '^%{A}', '^%{A}+$', '^%{A}%{B}$', '^$', '(?i)^%{A}$'])
    assert.equal(wholeLineTemplate({ source: markTemplates(source), flags: '' }), undefined, source)
})
