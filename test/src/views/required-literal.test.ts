// The piece of text without which a pattern cannot match.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requiredLiteral } from '../../../src/views/required-literal.js'

test('the longest plain run outside of groups', () => {
  const cases: [RegExp, string][] = [
    [/^https?:\/*(?:\w+\.)?google\.com\/url\?q=(.*)/i, 'google.com/url?q='],
    [/a(?:bcdefgh)?ij/, 'ij'],
    [/abc|defg/, ''],
    [/ab{2}cd*efg+/, 'efg'],
    [/x\x2fy\x2Ez\w+/, 'x/y.z'],
    [/[abc]de[\]f]/, 'de'],
    [/(?<=\?)url=(.)\1/, 'url='],
  ]
  for (const [pattern, literal] of cases) assert.equal(requiredLiteral(pattern), literal, pattern.source)
})
