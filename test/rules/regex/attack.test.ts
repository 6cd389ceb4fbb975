// Patterns that backtrack beyond reason are found, together with the text that makes them; harmless ones are not reported.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAttack } from '../../../rules/regex/attack.js'
import { checkPattern } from '../../../rules/regex/plain.js'
import { simulate } from '../../../rules/regex/simulate.js'

const attackOn = (source: string) => findAttack(checkPattern(source, '').root)

test('exponential patterns', () => {
  for (const source of [
    '^(a+)+$',
    '(a|a)*b',
    '(?:\\w+\\s?)+:',
    '(\\d+)*x',
    '(x+x+)+y',
    '([a-z]+)*=',
    '(?=(a+)+b)c',
    '(?:(?:a+)?b?)*c',
  ]) {
    const attack = attackOn(source)
    assert.equal(attack?.growth, 'exponential', source)
    const text = attack!.prefix + attack!.pump.repeat(40) + attack!.suffix
    assert.ok(
      simulate(checkPattern(source, '').root, text, 1e6).stopped,
      `${source} on ${JSON.stringify(text)}`,
    )
  }
})

test('cubic patterns', () => {
  for (const source of ['\\s+\\s+x', '\\s*\\s*\\s*x', '[a-z]+[a-z]+[a-z]+@']) {
    const { growth } = attackOn(source)!
    assert.ok(typeof growth === 'number' && growth >= 2.5, source)
  }
})

test('harmless patterns', () => {
  for (const source of [
    'abc',
    'foo.*bar',
    '<[^>]*>[^<]*<',
    '(?:ab)+(?:ab)+c',
    '(\\w+)\\s+\\1+x',
    '^(?>a+)+$',
    '(?:a++)+b',
    'a{1,5}b{1,5}',
  ])
    assert.equal(attackOn(source), undefined, source)
})

test('the simulated matcher agrees with V8', () => {
  const sources = [
    'a.c',
    '(a|ab)(c|bcd)$',
    '^\\s*x',
    'a{2,3}?b',
    '(?<=a)b',
    '(?<!a)b',
    '(a+)\\1',
    '\\bab\\b',
    'a*+a',
    '(?:a|)*b',
  ]
  const texts = ['', 'abc', 'abcd', 'aaab', ' x', 'b', 'ab ab', 'aaaa', 'a\nc', 'xbx']
  for (const source of sources) {
    const parsed = checkPattern(source, '')
    for (const text of texts) {
      const expected = compile(source).test(text)
      assert.equal(simulate(parsed.root, text, 1e5).matched, expected, `${source} on ${JSON.stringify(text)}`)
    }
  }
})

function compile(source: string): RegExp {
  return new RegExp(source === 'a*+a' ? '(?=(a*))\\1a' : source.replace('.', '[^\\n]'))
}
