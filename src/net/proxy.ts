// The network of a scan worker: same interfaces, but everything is asked of the main thread over a MessagePort, because cache, caps
// and sockets belong to the process. Questions of one tick travel in one message and so do the answers: a message carries 40 look-ups
// in two hops instead of 80. Message bytes go over as they are; in a SharedArrayBuffer they are not copied.
import type { MessagePort } from 'node:worker_threads'
import type { Clamd, Dns, DnsAnswer, DnsType, Net, VirusOutcome } from '../types.js'
import { type Alarm, setAlarm } from './alarm.js'

type Ask =
  | {
      readonly id: number
      readonly what: 'dns'
      readonly name: string
      readonly type: DnsType
      readonly deadline: number
    }
  | { readonly id: number; readonly what: 'clamd'; readonly raw: Uint8Array; readonly deadline: number }
  | { readonly id: number; readonly what: 'block'; readonly zone: string; readonly seconds: number }

interface Reply {
  readonly id: number
  readonly answer: DnsAnswer | VirusOutcome
}

/** What the worker must know before it asks; part of its start data. */
export interface NetFlags {
  readonly dnsEnabled: boolean
  readonly hasClamd: boolean
}

export function netFlags(net: Net): NetFlags {
  return { dnsEnabled: net.dns.enabled, hasClamd: net.clamd !== undefined }
}

/** Collects what is posted within one tick and sends it as one message. */
function createBatch<T>(port: MessagePort): (item: T) => void {
  let batch: T[] = []
  return (item) => {
    batch.push(item)
    if (batch.length > 1) return
    setImmediate(() => {
      port.postMessage(batch)
      batch = []
    })
  }
}

/** Main thread: answers a worker's questions from the one real net. */
export function serveNet(port: MessagePort, net: Net): void {
  const post = createBatch<Reply>(port)
  port.on('message', (asks: readonly Ask[]) => {
    for (const ask of asks) {
      if (ask.what === 'block') net.dns.block?.(ask.zone, ask.seconds)
      else void answer(ask, net).then((reply) => post(reply))
    }
  })
}

async function answer(ask: Exclude<Ask, { what: 'block' }>, net: Net): Promise<Reply> {
  if (ask.what === 'dns') return { id: ask.id, answer: await net.dns.query(ask.name, ask.type, ask.deadline) }
  const outcome = await net.clamd?.scan(ask.raw, ask.deadline)
  return { id: ask.id, answer: outcome ?? { status: 'failed', reason: 'no clamd configured' } }
}

/** Grace beyond a deadline before a question counts as lost: the main thread answers at the deadline itself, this is for its death. */
const graceMs = 1_000

/** Worker thread: looks like the real net. */
export function createNetProxy(port: MessagePort, flags: NetFlags): Net {
  const post = createBatch<Ask>(port)
  const open = new Map<number, { readonly settle: (answer: never) => void; readonly alarm: Alarm }>()
  let lastId = 0

  port.on('message', (replies: readonly Reply[]) => {
    for (const { id, answer } of replies) {
      const asked = open.get(id)
      if (asked === undefined) continue
      asked.alarm.clear()
      open.delete(id)
      asked.settle(answer as never)
    }
  })

  function ask<T>(make: (id: number) => Ask, deadline: number, lost: T): Promise<T> {
    return new Promise((resolve) => {
      const id = ++lastId
      const settle = (answer: T) => resolve(answer)
      const giveUp = () => {
        open.delete(id)
        resolve(lost)
      }
      const alarm = setAlarm(deadline - Date.now() + graceMs, giveUp)
      open.set(id, { settle, alarm })
      post(make(id))
    })
  }

  const dns: Dns = {
    enabled: flags.dnsEnabled,
    query(name, type, deadline) {
      if (!flags.dnsEnabled) return Promise.resolve({ status: 'failed', reason: 'disabled' })
      const lost: DnsAnswer = { status: 'failed', reason: 'timeout' }
      return ask((id): Ask => ({ id, what: 'dns', name, type, deadline }), deadline, lost)
    },
    block: (zone, seconds) => post({ id: 0, what: 'block', zone, seconds }),
  }
  const clamd: Clamd = {
    scan(raw, deadline) {
      const lost: VirusOutcome = { status: 'failed', reason: 'no answer of the main thread in time' }
      return ask((id): Ask => ({ id, what: 'clamd', raw, deadline }), deadline, lost)
    },
  }
  return flags.hasClamd ? { dns, clamd } : { dns }
}
