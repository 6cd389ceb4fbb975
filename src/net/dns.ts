// The resolver of the whole process: names in, typed outcomes out, never a rejection. One cache (positive and negative, by the TTLs of
// the answers), one table of questions under way so that equal questions travel once, one cap on how many travel at the same time.
// Silence is 'failed', never 'empty': who asks decides what missing evidence means.
import { getServers } from 'node:dns'
import {
  dnsCacheEntriesMax,
  dnsInFlightMax,
  dnsNegativeTtlSeconds,
  dnsQueryMs,
  dnsQueueMax,
  dnsSilenceMs,
} from '../limits.js'
import type { Dns, DnsAnswer, DnsType } from '../types.js'
import { setAlarm } from './alarm.js'
import { type Exchange, exchange } from './dns-exchange.js'
import { createHearing } from './dns-hearing.js'
import { type DnsServer, parseServer } from './dns-server.js'

export interface DnsOptions {
  /** 'ip', 'ip:port', '[v6]:port'; absent or empty = the system's. */
  readonly servers?: readonly string[]
  /** True = ask nobody (--local). */
  readonly local: boolean
  readonly log?: (text: string) => void
  /** One question is waited for at most so long; dnsQueryMs if absent. */
  readonly queryMs?: number
  readonly inFlightMax?: number
  /** Silence of the resolvers to all questions for so long means they are down; dnsSilenceMs if absent. */
  readonly silenceMs?: number
}

export interface DnsStats {
  readonly asked: number
  readonly fromCache: number
  readonly shared: number
  readonly sent: number
  readonly failed: number
  readonly limited: number
  readonly blocked: number
  readonly inFlight: number
  readonly inFlightPeak: number
  readonly queued: number
  readonly cached: number
  /** No resolver answers anything: look-ups fail at once until one does. */
  readonly isDown: boolean
}

export interface ProcessDns extends Dns {
  block(zone: string, seconds: number): void
  stats(): DnsStats
  /** Drops waiting questions and the cache; questions under way end unheard. */
  close(): void
}

/** A TTL of years would outlive every delisting; a day is what resolvers cap at too. */
const ttlSecondsMax = 86_400
/** RFC 2308 5: negative answers are kept three hours at most. */
const negativeTtlSecondsMax = 10_800
/** RFC 9520 3.2: a resolution failure is remembered at least one second, so that a dead zone isn't asked by every mail at once. */
const failureTtlSeconds = 2

interface Question {
  readonly key: string
  readonly name: string
  readonly type: DnsType
  readonly answer: Promise<DnsAnswer>
  settle: (answer: DnsAnswer) => void
  /** Latest deadline of those who wait: a question nobody waits for any more is not sent. */
  wantedUntil: number
}

function toAnswer(outcome: Exchange): { answer: DnsAnswer; keepSeconds: number } {
  if ('failure' in outcome) {
    if (outcome.failure === 'impossible-name')
      return { answer: { status: 'nxdomain' }, keepSeconds: dnsNegativeTtlSeconds }
    return { answer: { status: 'failed', reason: outcome.failure }, keepSeconds: failureTtlSeconds }
  }
  const { reply } = outcome
  if (reply.records.length > 0) {
    const ttlSeconds = Math.min(reply.ttlSeconds ?? 0, ttlSecondsMax)
    const strings = reply.strings === undefined ? {} : { strings: reply.strings }
    return {
      answer: { status: 'found', records: reply.records, ttlSeconds, ...strings },
      keepSeconds: ttlSeconds,
    }
  }
  const keepSeconds = Math.min(reply.negativeTtlSeconds ?? dnsNegativeTtlSeconds, negativeTtlSecondsMax)
  const status = reply.rcode === 3 ? 'nxdomain' : 'nodata'
  const soa = reply.soaServer === undefined ? {} : { soaServer: reply.soaServer }
  return { answer: { status, ...soa }, keepSeconds }
}

/** Settles at the deadline although the question goes on: its answer still reaches the cache. */
function waitUntil(answer: Promise<DnsAnswer>, deadline: number): Promise<DnsAnswer> {
  return new Promise((resolve) => {
    const giveUp = () => resolve({ status: 'failed', reason: 'timeout' })
    const alarm = setAlarm(deadline - Date.now(), giveUp)
    answer.then((value) => {
      alarm.clear()
      resolve(value)
    })
  })
}

export function createDns(options: DnsOptions): ProcessDns {
  const named = options.servers ?? []
  const servers: readonly DnsServer[] = (named.length > 0 ? named : getServers()).map(parseServer)
  const queryMs = options.queryMs ?? dnsQueryMs
  const inFlightMax = options.inFlightMax ?? dnsInFlightMax
  const hearing = createHearing(options.silenceMs ?? dnsSilenceMs, () => dropAll())
  const cache = new Map<string, { readonly answer: DnsAnswer; readonly until: number }>()
  const underWay = new Map<string, Question>()
  const queue: Question[] = []
  const blockedZones = new Map<string, number>()
  const count = { asked: 0, fromCache: 0, shared: 0, sent: 0, failed: 0, limited: 0, blocked: 0 }
  let inFlight = 0
  let inFlightPeak = 0
  let isClosed = false

  function remember(key: string, answer: DnsAnswer, keepSeconds: number): void {
    if (keepSeconds <= 0 || isClosed) return
    cache.delete(key)
    cache.set(key, { answer, until: Date.now() + keepSeconds * 1000 })
    // A Map keeps insertion order: the first key is the one longest unused.
    if (cache.size > dnsCacheEntriesMax) cache.delete(cache.keys().next().value!)
  }

  function recall(key: string): DnsAnswer | undefined {
    const entry = cache.get(key)
    if (entry === undefined) return undefined
    cache.delete(key)
    if (entry.until <= Date.now()) return undefined
    cache.set(key, entry)
    return entry.answer
  }

  function finish(question: Question, answer: DnsAnswer): void {
    if (underWay.get(question.key) === question) underWay.delete(question.key)
    question.settle(answer)
  }

  /** The resolvers are down: who waits is told, what is in flight goes on unheeded until one answers. */
  function dropAll(): void {
    options.log?.('dns: no resolver answers; look-ups are left out until one does')
    queue.length = 0
    for (const question of [...underWay.values()])
      finish(question, { status: 'failed', reason: 'unreachable' })
  }

  async function send(question: Question): Promise<void> {
    inFlight += 1
    inFlightPeak = Math.max(inFlightPeak, inFlight)
    count.sent += 1
    hearing.asked()
    const outcome = await exchange(servers, question.name, question.type, Date.now() + queryMs)
    const isSilence =
      'failure' in outcome && (outcome.failure === 'timeout' || outcome.failure === 'unreachable')
    if (!isSilence && hearing.heard()) options.log?.('dns: a resolver answers again')
    const { answer, keepSeconds } = toAnswer(outcome)
    if (answer.status === 'failed') {
      count.failed += 1
      options.log?.(`dns ${question.name} ${question.type}: ${answer.reason}`)
    }
    remember(question.key, answer, keepSeconds)
    inFlight -= 1
    finish(question, answer)
    sendNext()
  }

  function sendNext(): void {
    while (inFlight < inFlightMax) {
      const question = queue.shift()
      if (question === undefined) return
      if (question.wantedUntil <= Date.now()) finish(question, { status: 'failed', reason: 'timeout' })
      else void send(question)
    }
  }

  function ask(key: string, name: string, type: DnsType, deadline: number): Question {
    let settle: Question['settle'] = () => {}
    const answer = new Promise<DnsAnswer>((resolve) => {
      settle = resolve
    })
    const question: Question = { key, name, type, answer, settle, wantedUntil: deadline }
    underWay.set(key, question)
    queue.push(question)
    sendNext()
    return question
  }

  function isBlocked(name: string): boolean {
    if (blockedZones.size === 0) return false
    for (let zone = name; zone !== ''; zone = zone.slice(zone.indexOf('.') + 1)) {
      const until = blockedZones.get(zone)
      if (until !== undefined && until > Date.now()) return true
      if (!zone.includes('.')) return false
    }
    return false
  }

  async function query(name: string, type: DnsType, deadline: number): Promise<DnsAnswer> {
    const canonical = name.toLowerCase().replace(/\.$/, '')
    const key = `${type} ${canonical}`
    count.asked += 1
    if (options.local || isClosed) return { status: 'failed', reason: 'disabled' }
    if (isBlocked(canonical)) {
      count.blocked += 1
      return { status: 'failed', reason: 'blocked' }
    }
    const known = recall(key)
    if (known !== undefined) {
      count.fromCache += 1
      return known
    }
    if (deadline <= Date.now()) return { status: 'failed', reason: 'timeout' }
    if (hearing.isDown()) {
      // One question in a while goes out all the same, to learn of the end of the silence; nobody waits for it.
      if (hearing.mayProbe()) ask(key, canonical, type, Date.now() + queryMs)
      return { status: 'failed', reason: 'unreachable' }
    }
    let question = underWay.get(key)
    if (question !== undefined) {
      count.shared += 1
      question.wantedUntil = Math.max(question.wantedUntil, deadline)
    } else if (queue.length >= dnsQueueMax) {
      count.limited += 1
      return { status: 'failed', reason: 'limited' }
    } else {
      question = ask(key, canonical, type, deadline)
    }
    return waitUntil(question.answer, deadline)
  }

  return {
    enabled: !options.local,
    query,
    block(zone, seconds) {
      blockedZones.set(zone.toLowerCase().replace(/\.$/, ''), Date.now() + seconds * 1000)
      options.log?.(`dns zone ${zone}: not asked for ${seconds} s, it refuses us`)
    },
    stats: () => ({
      ...count,
      inFlight,
      inFlightPeak,
      queued: queue.length,
      cached: cache.size,
      isDown: hearing.isDown(),
    }),
    close() {
      isClosed = true
      hearing.close()
      for (const question of queue.splice(0)) finish(question, { status: 'failed', reason: 'disabled' })
      cache.clear()
      blockedZones.clear()
    },
  }
}
