// docs/operations.md says what the sources say: every configuration key, limit and error code, and nothing that is gone.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { packageRoot } from '../../src/root.js'
import { configRows, documentedRows, errorRows, limitRows } from '../support/doc-tables.js'

const text = readFileSync(join(packageRoot, 'docs', 'operations.md'), 'utf8')

describe('docs/operations.md', () => {
  for (const [section, rows] of Object.entries(configRows()))
    test(`configuration [${section}]`, () => {
      assert.deepEqual(documentedRows(text, `### [${section}]`), rows)
    })
  test('error codes', () => {
    assert.deepEqual(documentedRows(text, '## Error codes'), errorRows())
  })
  test('limits', () => {
    assert.deepEqual(documentedRows(text, '## Limits'), limitRows())
  })
})
