// Metrics: bounded labels, cumulative buckets, escaped values.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createMetrics } from '../../src/metrics.js'
import type { CoreStats, Scanned, Verdict } from '../../src/types.js'
import { scanText } from '../server/rspamd/core.js'

const stats: CoreStats = {
  scanned: 3,
  learned: 2,
  spam: 1,
  ham: 2,
  actions: { reject: 1, 'no action': 2 },
  learner: { spam: 5, ham: 6, tokens: 7, sizeBytes: 8, users: 1, version: '1' },
  uptimeSeconds: 9,
  thresholds: {},
  rules: 1,
  configId: 'a"b\\c',
}

function scanned(changes: Partial<Verdict>): Scanned {
  const base = scanText({ id: '1', raw: Buffer.from('x'), envelope: { rcptTo: [] }, wants: {}, front: 'cli' })
  return { ...base, verdict: { ...base.verdict, ...changes } }
}

function text(metrics: ReturnType<typeof createMetrics>): string {
  const groupOf = (symbol: string) => (symbol === 'S0' ? 'first' : undefined)
  return metrics.text({ stats, gauges: [], startedAt: new Date(0), version: '1.0', groupOf })
}

describe('metrics', () => {
  test('buckets are cumulative and end with all', () => {
    const metrics = createMetrics()
    for (const tookMs of [0.5, 3, 40, 99_000]) metrics.scanned('spamd', scanned({ tookMs }))
    const page = text(metrics)
    assert.match(page, /hamd_scan_seconds_bucket\{le="0.001"\} 1\n/)
    assert.match(page, /hamd_scan_seconds_bucket\{le="0.005"\} 2\n/)
    assert.match(page, /hamd_scan_seconds_bucket\{le="30"\} 3\n/)
    assert.match(
      page,
      /hamd_scan_seconds_bucket\{le="\+Inf"\} 4\nhamd_scan_seconds_sum 99.0435\nhamd_scan_seconds_count 4\n/,
    )
    assert.match(page, /hamd_scans_total\{front="spamd",action="no action"\} 4\n/)
    assert.deepEqual(metrics.scanTimes(), [99_000, 40, 3, 0.5])
    assert.equal(metrics.scans, 4)
  })

  test('every scan is in the next answer, however many there are', () => {
    const metrics = createMetrics()
    for (let tookMs = 1; tookMs <= 100; tookMs++) {
      metrics.scanned('spamd', scanned({ tookMs }))
      assert.equal(metrics.scans, tookMs)
    }
    assert.deepEqual(
      metrics.scanTimes(),
      Array.from({ length: 31 }, (_, i) => 100 - i),
    )
    assert.match(text(metrics), /hamd_scans_total\{front="spamd",action="no action"\} 100\n/)
    metrics.scanned('spamd', scanned({ tookMs: 101 }))
    assert.match(text(metrics), /hamd_scan_seconds_count 101\n/)
    assert.equal(metrics.scanTimes()[0], 101)
  })

  test('symbols are counted up to a bound, known ones go on', () => {
    const metrics = createMetrics()
    const hits = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => ({
        symbol: `S${from + i}`,
        count: 1,
        details: [],
        area: '',
        score: 1,
        description: '',
      }))
    metrics.scanned('spamd', scanned({ hits: hits(0, 3000) }))
    metrics.scanned('spamd', scanned({ hits: hits(0, 1) }))
    assert.equal(metrics.symbolHits().size, 2000)
    assert.equal(metrics.symbolHits().get('S0'), 2)
    assert.match(text(metrics), /hamd_symbol_group_hits_total\{group="first"\} 2\n/)
    assert.match(text(metrics), /hamd_symbol_group_hits_total\{group="ungrouped"\} 1999\n/)
  })

  test('failures, learnings and notes have their labels; odd values are escaped', () => {
    const metrics = createMetrics()
    metrics.failed('spamd', 'overloaded')
    metrics.learned({ class: 'spam' }, { status: 'known', id: 'x' })
    metrics.scanned('cli', scanned({ notes: [{ check: 'dnsbl zen.example', kind: 'timeout', text: '' }] }))
    const page = text(metrics)
    assert.match(page, /hamd_scan_failures_total\{front="spamd",code="overloaded"\} 1\n/)
    assert.match(page, /hamd_learned_total\{class="spam",status="known"\} 1\n/)
    assert.match(page, /hamd_notes_total\{kind="timeout",check="dnsbl"\} 1\n/)
    assert.match(page, /rspamd_config\{id="a\\"b\\\\c"\} 1\n/)
    assert.match(page, /rspamd_statfiles_revision\{symbol="BAYES_HAM",type="sqlite"\} 6\n/)
    assert.match(page, /rspamd_scanned_total 3\n/)
    assert.equal(page.includes('scan_time_average 0.002'), true)
  })

  test('the last 31 scan times are kept, newest first', () => {
    const metrics = createMetrics()
    for (let n = 0; n < 50; n++) metrics.scanned('spamd', scanned({ tookMs: n }))
    assert.equal(metrics.scanTimes().length, 31)
    assert.equal(metrics.scanTimes()[0], 49)
  })
})
