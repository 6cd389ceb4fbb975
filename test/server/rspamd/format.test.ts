// The JSON of a scan is JSON.stringify's, but for the spelling of scores.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanJson } from '../../../server/rspamd/format.js'

/** What scanJson is measured against: the plain way. */
function plainly(value: unknown): string {
  return JSON.stringify(value).replace(
    /"(score|required_score|metric_score)":(-?\d+(?:\.\d+)?)(?=[,}])/g,
    (_, key: string, digits: string) =>
      `"${key}":${digits.includes('.') ? Number(digits).toFixed(6) : `${digits}.0`}`,
  )
}

test('values of every kind, at every depth', () => {
  const texts = [
    '',
    'plain',
    'a "quote" and \\',
    'line\nfeed\t\u0000',
    'ä € 😀',
    '\ud800 lone',
    '\u2028',
    '\u007f',
  ]
  const scores = [0, -0, 1, -1, 5, 1.5, -0.000001, 15.25, 1e6, 123456.789012, 1e20]
  const value = {
    score: 1,
    text: texts,
    empty: {},
    none: [],
    flag: true,
    off: false,
    nothing: null,
    absent: undefined,
    time_real: 0.001234,
    symbols: Object.fromEntries(
      scores.map((score, at) => [
        `SYMBOL_${at}`,
        {
          name: `SYMBOL_${at}`,
          score,
          metric_score: -score,
          description: texts[at % texts.length],
          options: texts,
        },
      ]),
    ),
    groups: { 'with "quotes"': { score: 2.5 } },
    required_score: 15,
    7: 'a key that is a number comes first',
    told: '"score":1,',
  }
  assert.equal(scanJson(value), plainly(value))
  assert.deepEqual(JSON.parse(scanJson(value)), JSON.parse(JSON.stringify(value)))
})
