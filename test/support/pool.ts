// Rulings, requests and options for tests of the scan workers: real threads with small rule sets, no network.
import type { Worker } from 'node:worker_threads'
import { createLog } from '../../src/log.js'
import type { PoolOptions, Ruling } from '../../src/pool/pool.js'
import { ScanThreads } from '../../src/pool/threads.js'
import type { ScanOutcome } from '../../src/scan.js'
import type { Request } from '../../src/types.js'
import { offlineNet } from './offline.js'
import { planOf } from './rules.js'

export const harmless = 'body HELLO /hello/\nscore HELLO 1\nbody __BYE /bye/\n'
/** Too large for the machine that counts steps (rules/regex/guarded.ts): what is left to V8 and the watchdog. */
export const runaway = `${harmless}body RUNAWAY /^(?:(a+)+)+\\1(?:!|(?:(?:b|c){300}){200})$/\nscore RUNAWAY 2\n`
export const attack = `${'a'.repeat(60)}?\n\nhello`

export function rulingOf(rules: string, pre?: string): Ruling {
  return {
    plan: planOf(rules, [], pre),
    policy: { thresholds: {}, lookupMs: 30_000, unchecked: 'accept', hostname: 'test', autolearn: false },
    prefs: { kind: 'off', dir: null, allowUserRules: false },
  }
}

export function poolOptions(more: Partial<PoolOptions> = {}): PoolOptions {
  return {
    count: 2,
    queueMax: 1000,
    hangMs: 1000,
    net: offlineNet,
    dataDir: undefined,
    learner: () => undefined,
    log: createLog('silent'),
    automataFile: undefined,
    ...more,
  }
}

let ids = 0
export function requestOf(body: string, header = 'From: a@example.org\nSubject: s\n'): Request {
  const text = `${header}\n${body}\n`
  const raw = new Uint8Array(new SharedArrayBuffer(text.length))
  raw.set(Buffer.from(text, 'latin1'))
  return { id: String(ids++), raw, envelope: { rcptTo: [] }, wants: {}, front: 'test' }
}

export function symbolsOf({ scanned }: ScanOutcome): string[] {
  return scanned.verdict.hits.map((hit) => hit.symbol)
}

/** Threads that a test can count and end. */
export class KnownThreads extends ScanThreads {
  readonly taken: Worker[] = []

  override take(): Worker {
    const thread = super.take()
    this.taken.push(thread)
    return thread
  }
}
