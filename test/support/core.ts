// A core whose verdict can be told from the message: `Test-Score: 4.96` sets the score, GTUBE is 1000 points. For tests of fronts, which
// care for the form of an answer and not for how it came about.

import { CoreError } from '../../src/errors.js'
import { withoutMarkup } from '../../src/report/index.js'
import type { Core, LearnRequest, LearnScanRequest, Request, Scanned, ScoredHit } from '../../src/types.js'
import { verdictOf } from './verdict.js'

export interface SmallCore extends Core {
  readonly requests: Request[]
  readonly learned: LearnRequest[]
}

const hit = (symbol: string, score: number): ScoredHit => ({
  symbol,
  score,
  count: 1,
  details: [],
  area: '',
  description: symbol.toLowerCase().replaceAll('_', ' '),
})

export function smallCore(): SmallCore {
  const requests: Request[] = []
  const learned: LearnRequest[] = []
  const classes = new Map<string, string>()
  return {
    requests,
    learned,
    async scan(request) {
      requests.push(request)
      const text = Buffer.from(request.raw).toString('latin1')
      const wait = Number(/^Test-Wait: (\d+)/m.exec(text)?.[1] ?? 0)
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      const failing = /^Test-Fail: (\S+)/m.exec(text)?.[1]
      if (failing === 'crash') throw new Error('broken inside')
      if (failing) throw new CoreError('overloaded', 'the scan queue is full')
      return judged(text, request)
    },
    async learn(request) {
      learned.push({ ...request, raw: withoutMarkup(request.raw) })
      const id = Buffer.from(request.raw).toString('base64')
      const before = classes.get(id)
      if (request.class === 'forget') {
        classes.delete(id)
        return { status: before === undefined ? 'unknown' : 'forgotten', id }
      }
      classes.set(id, request.class)
      if (before === request.class) return { status: 'known', id }
      return { status: before === undefined ? 'learned' : 'relearned', id }
    },
    learnScan: async ({ scanId }: LearnScanRequest) => ({ status: 'learned', id: scanId }),
    stats: () => Promise.reject(new Error('not used')),
    symbols: async () => [],
  }
}

function judged(text: string, request: Request): Scanned {
  const hits: ScoredHit[] = []
  if (text.includes('GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL')) hits.push(hit('GTUBE', 1000))
  const set = /^Test-Score: (\S+)/m.exec(text)?.[1]
  if (set !== undefined) hits.push(hit('TEST_SCORE', Number(set)))
  if (!/^Message-ID:/im.test(text)) hits.push(hit('MISSING_MID', 0.5))
  if (text === '') hits.push(hit('EMPTY_MESSAGE', 7.4))
  const score = hits.reduce((sum, { score }) => sum + score, 0)
  const requiredScore = Number(/^Test-Required: (\S+)/m.exec(text)?.[1] ?? 5)
  const isSpam = score >= requiredScore
  const messageId = /^Message-ID: <(.*)>/im.exec(text)?.[1]
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n'
  const rewritten = `X-Spam-Flag: ${isSpam ? 'YES' : 'NO'}${lineEnd}${text}`
  const headersEnd = /\r?\n\r?\n/.exec(rewritten)
  return {
    verdict: verdictOf(hits, { requiredScore, isSpam, action: isSpam ? 'reject' : 'no action' }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(request.wants.report
      ? { report: `Report on\n caf\xc3\xa9\n${hits.map((h) => h.symbol).join('\n')}\n\n` }
      : {}),
    ...(request.wants.rewritten === 'message' ? { rewritten: Buffer.from(rewritten, 'latin1') } : {}),
    ...(request.wants.rewritten === 'headers' && headersEnd
      ? { rewritten: Buffer.from(rewritten.slice(0, headersEnd.index + headersEnd[0].length), 'latin1') }
      : {}),
    lineEnd,
    sizeBytes: text.length,
  }
}
