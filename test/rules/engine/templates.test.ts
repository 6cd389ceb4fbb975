// Which placeholder of a pattern every match has to contain.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  demandedTemplate,
  markTemplates,
  relaxedTemplate,
  templateNames,
  textsWith,
} from '../../../rules/engine/capture.js'

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
