// A Core that needs no rules: hits stand in the message itself, in header lines `X-Test-Hit: NAME score option option`. Deterministic, so that the
// tests of the rspamd fronts can say every byte of a reply. Requests and learnings are kept for inspection.
import { createHash } from 'node:crypto'
import type {
  Action,
  Core,
  LearnOutcome,
  LearnRequest,
  Request,
  Scanned,
  ScoredHit,
} from '../../../src/types.js'

export interface TestCore extends Core {
  readonly requests: Request[]
  readonly learned: LearnRequest[]
  /** Replaces the next answers, e.g. by a rejection or a delay. */
  onScan: ((request: Request) => Promise<Scanned> | undefined) | undefined
}

const baseThresholds = { greylist: 4, 'add header': 6, reject: 15 }

export function testCore(): TestCore {
  const requests: Request[] = []
  const learned: LearnRequest[] = []
  const classes = new Map<string, string>()
  const actions: Record<string, number> = {}
  let scans = 0
  const core: TestCore = {
    requests,
    learned,
    onScan: undefined,
    async scan(request) {
      requests.push(request)
      const special = core.onScan?.(request)
      const scanned = special ? await special : scanText(request)
      scans += 1
      actions[scanned.verdict.action] = (actions[scanned.verdict.action] ?? 0) + 1
      return scanned
    },
    async learn(request) {
      learned.push(request)
      return learnText(request, classes)
    },
    async learnScan({ scanId, class: mailClass }) {
      const before = classes.get(scanId)
      if (mailClass === 'forget') {
        classes.delete(scanId)
        return { status: before === undefined ? 'unknown' : 'forgotten', id: scanId }
      }
      if (!requests.some(({ id }) => id === scanId) && before === undefined)
        return { status: 'refused', reason: `no scan ${scanId} is remembered` }
      classes.set(scanId, mailClass)
      return { status: before === mailClass ? 'known' : 'learned', id: scanId }
    },
    async stats() {
      const count = (name: string) => [...classes.values()].filter((value) => value === name).length
      const spam = ['reject', 'soft reject', 'rewrite subject', 'add header'].reduce(
        (sum, name) => sum + (actions[name] ?? 0),
        0,
      )
      return {
        scanned: scans,
        learned: classes.size,
        spam,
        ham: scans - spam,
        actions,
        learner: {
          spam: count('spam'),
          ham: count('ham'),
          tokens: 0,
          sizeBytes: 0,
          users: 1,
          version: '1',
        },
        uptimeSeconds: 70,
        thresholds: baseThresholds,
        rules: 2,
        configId: 'testconfig',
      }
    },
    async symbols() {
      return [
        { symbol: 'GTUBE', score: 1000, description: 'Generic test', group: 'body' },
        { symbol: 'TEST_HIT', score: 1.5, description: 'A hit of the tests', group: 'tests' },
      ]
    },
  }
  return core
}

export function scanText(request: Request): Scanned {
  const text = Buffer.from(request.raw).toString('latin1')
  const { settings } = request
  const gtube = text.includes('XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X')
  const hits = [...text.matchAll(/^X-Test-Hit: (\S+) (\S+)(.*)$/gm)].map((match) =>
    hit(match[1]!, Number(match[2]), match[3]!.trim().split(' ').filter(Boolean)),
  )
  if (gtube) hits.push(hit('GTUBE', 1000, []))
  const listed = hits
    .filter(({ symbol }) => !settings?.symbolsEnabled || settings.symbolsEnabled.includes(symbol))
    .map((found) => ({ ...found, score: settings?.scores?.[found.symbol] ?? found.score }))
  const score = listed.reduce((sum, found) => sum + found.score, 0)
  const thresholds = { ...baseThresholds, ...dropNulls(settings?.actions) }
  const action = gtube ? 'reject' : actionFor(score, thresholds)
  const messageId = /^message-id:\s*<([^>]*)>/im.exec(text)?.[1]
  const hosts = [...new Set([...text.matchAll(/https?:\/\/([\w.-]+)/g)].map((match) => match[1]!))]
  const body = text.slice(text.search(/\r?\n\r?\n/))
  const subject = /^subject: (.*?)\r?$/im.exec(text)?.[1]
  return {
    verdict: {
      hits: listed,
      subtests: {},
      score,
      requiredScore: 5,
      isSpam: score >= 5,
      action,
      thresholds,
      messages: {},
      notes: [],
      autolearn: 'no',
      skipped: false,
      tookMs: 2,
      stagesMs: { parse: 0.5, rules: 1.5 },
    },
    urls: hosts,
    emails: [...new Set(body.match(/[\w.]+@[\w.]+\w/g) ?? [])],
    urlDetails: hosts.map((host) => ({ url: `http://${host}/`, host, tld: 'example.org', flags: ['text'] })),
    ...(messageId !== undefined && { messageId }),
    ...(subject !== undefined && { subject }),
    lineEnd: text.includes('\r\n') ? '\r\n' : '\n',
    sizeBytes: request.raw.length,
  }
}

function hit(symbol: string, score: number, details: string[]): ScoredHit {
  return {
    symbol,
    count: 1,
    details,
    area: '',
    score,
    description: symbol === 'TEST_HIT' ? 'A hit of the tests' : '',
  }
}

function actionFor(score: number, thresholds: Readonly<Record<string, number>>): Action {
  let best: Action = 'no action'
  let at = Number.NEGATIVE_INFINITY
  for (const [action, threshold] of Object.entries(thresholds)) {
    if (threshold <= score && threshold > at) {
      best = action as Action
      at = threshold
    }
  }
  return best
}

function dropNulls(actions: Readonly<Record<string, number | null>> = {}): Record<string, number> {
  return Object.fromEntries(
    Object.entries(actions).filter((entry): entry is [string, number] => entry[1] !== null),
  )
}

function learnText(request: LearnRequest, classes: Map<string, string>): LearnOutcome {
  const text = Buffer.from(request.raw).toString('latin1')
  if (text.length < 40)
    return { status: 'refused', reason: '<undef> contains less tokens than required: 4 < 11' }
  if (text.includes('X-Test-Fail')) return { status: 'failed', reason: 'the store is gone' }
  const id = createHash('sha1').update(text).digest('hex')
  const before = classes.get(id)
  if (before === request.class) return { status: 'known', id }
  classes.set(id, request.class)
  return { status: before ? 'relearned' : 'learned', id }
}
