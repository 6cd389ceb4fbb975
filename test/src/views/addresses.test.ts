// Address lists as SpamAssassin's own parser reads them; micro-header covers the rest.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddresses } from '../../../src/views/addresses.js'

function read(raw: string): [string | undefined, string | undefined][] {
  return parseAddresses(raw).map(({ name, address }) => [name, address])
}

test('the usual forms', () => {
  assert.deepEqual(read(' Anna <a@b.example>, "B, C" <b@c.example>, d@e.example (Dora)\n'), [
    ['Anna ', 'a@b.example'],
    ['B, C ', 'b@c.example'],
    ['Dora', 'd@e.example'],
  ])
})

test('a name that is an address is one', () => {
  assert.deepEqual(read('"a@b.example"'), [[undefined, 'a@b.example']])
})

test('entries glued together make one unusable address', () => {
  assert.deepEqual(read('<a@b.example>,<c@d.example>'), [[undefined, undefined]])
})

test('an address written twice counts once', () => {
  assert.deepEqual(read('<a@b.example> <a@b.example>'), [[undefined, 'a@b.example']])
})

test('a comment behind a quoted name is taken whole', () => {
  assert.deepEqual(read('"x" (a"b)'), [['x', undefined]])
})

test('nothing in, nothing out', () => {
  assert.deepEqual(read(''), [])
  assert.deepEqual(read('<>'), [[undefined, undefined]])
})
