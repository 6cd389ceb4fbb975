// A text is found where `includes` finds it, wherever its rarest character stands.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RareText } from '../../../src/views/rare-text.js'

test('a text is found where includes finds it', () => {
  const texts = [' (v', 'Exim', 'LO ', ' by x', 'x', 'aax', 'xaa', ' SMTPSVC', '  ']
  const lines = [
    '',
    'x',
    'ax',
    'aax',
    'aaax',
    'xa',
    'xaxaa',
    ' (V',
    '( (v',
    ' by  by x',
    'EEximExi',
    'HELO EHLO',
    'SMTPSVC SMTPSVC',
    ' ',
    'a  b',
  ]
  let found = 0
  for (const text of texts) {
    const rare = new RareText(text)
    for (const line of lines) {
      assert.equal(rare.isIn(line), line.includes(text), JSON.stringify({ text, line }))
      if (rare.isIn(line)) found++
    }
  }
  assert.ok(found > texts.length)
})
