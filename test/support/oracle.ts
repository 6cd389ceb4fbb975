// Reads the answers of SpamAssassin 4.0.1 in fixtures/oracle: one JSON object a line, files in Latin-1, every string one char per byte.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { packageRoot } from '../../src/root.js'

export function readOracle<T>(name: string): T[] {
  const text = gunzipSync(readFileSync(join(packageRoot, 'fixtures', 'oracle', `${name}.jsonl.gz`))).toString(
    'utf8',
  )
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}
