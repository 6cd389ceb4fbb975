// Real mail (every 60th message of the public corpus): marking keeps every byte of the original, and removing the marks gives it back.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ReportInput, removeMarkup, rewriteMessage } from '../../../src/report/index.js'
import { packageRoot } from '../../../src/root.js'
import type { ScoredHit } from '../../../src/types.js'
import { verdictOf } from '../../support/verdict.js'
import { loadEngine, makeScan } from '../checks/support.js'

const corpus = join(packageRoot, 'node_modules', '@stdlib', 'datasets-spam-assassin', 'data')
const files = readdirSync(corpus, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(?:json|js)$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort()
  .filter((_, index) => index % 60 === 0)

const engines = [0, 1, 2].map((level) =>
  loadEngine({
    cf: `report_safe ${level}\nrewrite_header Subject [SPAM]\nadd_header all Level _STARS(*)_\n`,
  }),
)

function inputOf(raw: string, score: number, level: number): ReportInput {
  const engine = engines[level]!
  const hit: ScoredHit = { symbol: 'A', score, count: 1, details: [], area: '', description: 'A' }
  return {
    scan: makeScan(engine, raw),
    settings: engine.plan.settings,
    verdict: verdictOf([hit]),
    tags: new Map(),
    hostname: 'mx.example.net',
  }
}

test('marked and unmarked again', () => {
  assert.ok(files.length > 90)
  for (const file of files) {
    // Marks of the mail's own way are removed as well, so they go first.
    const raw = Buffer.from(removeMarkup(readFileSync(file))).toString('latin1')
    for (const text of [raw, raw.replace(/\r?\n/g, '\r\n')]) {
      const back = (score: number, level: number) =>
        Buffer.from(removeMarkup(rewriteMessage(inputOf(text, score, level)).message)).toString('latin1')
      assert.ok(back(1, 0) === text, `${file}: ham`)
      assert.ok(back(9, 0) === text, `${file}: spam, report_safe 0`)
      const ended = text.endsWith('\n') ? text : `${text}\n`
      assert.ok(
        back(9, 1) === ended || back(9, 1) === ended.replace(/\r?\n$/, '\r\n'),
        `${file}: report_safe 1`,
      )
      assert.ok(
        back(9, 2) === ended || back(9, 2) === ended.replace(/\r?\n$/, '\r\n'),
        `${file}: report_safe 2`,
      )
    }
  }
})
