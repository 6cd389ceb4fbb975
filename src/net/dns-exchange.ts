// One question to the resolvers of the machine: UDP with a fresh socket (so a fresh random port) and a random id each time, the next
// server when one is silent or refuses, TCP when the answer is cut. What comes out is a reply or the reason why there is none.
// A socket per question instead of a shared one: measured with 200 questions in flight on one socket, 43 answers got lost.
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { DnsType } from '../types.js'
import { setAlarm } from './alarm.js'
import { type DnsReply, decodeReply, encodeQuery } from './dns-message.js'
import type { DnsServer } from './dns-server.js'

export type ExchangeFailure = 'timeout' | 'servfail' | 'refused' | 'unreachable'
export type Exchange =
  | { readonly reply: DnsReply }
  | { readonly failure: ExchangeFailure }
  /** The name cannot exist: a label is empty or longer than 63 bytes. */
  | { readonly failure: 'impossible-name' }

type OneTry = { readonly reply: DnsReply } | { readonly failure: ExchangeFailure }

function isReplyTo(reply: DnsReply | undefined, id: number, name: string): reply is DnsReply {
  return reply?.id === id && reply.name.toLowerCase() === name.replace(/\.$/, '').toLowerCase()
}

function judge(reply: DnsReply): OneTry {
  if (reply.rcode === 0 || reply.rcode === 3) return { reply }
  return { failure: reply.rcode === 5 ? 'refused' : 'servfail' }
}

function askUdp(server: DnsServer, name: string, type: DnsType, timeoutMs: number): Promise<OneTry> {
  return new Promise((resolve) => {
    const id = randomInt(0x10000)
    const query = encodeQuery(id, name, type)!
    const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4')
    let isDone = false
    const finish = (outcome: OneTry) => {
      if (isDone) return
      isDone = true
      alarm.clear()
      socket.close()
      resolve(outcome)
    }
    const alarm = setAlarm(timeoutMs, () => finish({ failure: 'timeout' }))
    socket.on('error', () => finish({ failure: 'unreachable' }))
    socket.on('message', (bytes) => {
      const reply = decodeReply(bytes, type)
      // A forged or stray packet is passed over, the true answer may still come.
      if (isReplyTo(reply, id, name)) finish(judge(reply))
    })
    // A connected socket takes packets of this server only and hears of a closed port at once.
    socket.connect(server.port, server.host, () => {
      if (!isDone) socket.send(query, (error) => error && finish({ failure: 'unreachable' }))
    })
  })
}

function askTcp(server: DnsServer, name: string, type: DnsType, timeoutMs: number): Promise<OneTry> {
  return new Promise((resolve) => {
    const id = randomInt(0x10000)
    const query = encodeQuery(id, name, type)!
    const socket = connect(server.port, server.host)
    const chunks: Buffer[] = []
    const finish = (outcome: OneTry) => {
      alarm.clear()
      socket.destroy()
      resolve(outcome)
    }
    const alarm = setAlarm(timeoutMs, () => finish({ failure: 'timeout' }))
    socket.on('error', () => finish({ failure: 'unreachable' }))
    socket.on('close', () => finish({ failure: 'unreachable' }))
    socket.on('connect', () => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(query.length)
      socket.write(Buffer.concat([length, query]))
    })
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return
      const reply = decodeReply(bytes.subarray(2, 2 + bytes.readUInt16BE(0)), type)
      finish(isReplyTo(reply, id, name) ? judge(reply) : { failure: 'servfail' })
    })
  })
}

async function askServer(server: DnsServer, name: string, type: DnsType, until: number, tryMs: number) {
  const outcome = await askUdp(server, name, type, Math.min(tryMs, until - Date.now()))
  if (!('reply' in outcome) || !outcome.reply.truncated) return outcome
  return askTcp(server, name, type, until - Date.now())
}

/** Tries of one question: a lost packet is asked again, a server that is down is left for the next. */
const triesMax = 3

/** Never rejects. `until` is a Date.now() instant. */
export async function exchange(
  servers: readonly DnsServer[],
  name: string,
  type: DnsType,
  until: number,
): Promise<Exchange> {
  if (encodeQuery(0, name, type) === undefined) return { failure: 'impossible-name' }
  let failure: ExchangeFailure = 'unreachable'
  const tries = Math.max(triesMax, servers.length)
  const tryMs = Math.max(1, Math.ceil((until - Date.now()) / tries))
  for (let index = 0; index < tries && servers.length > 0 && Date.now() < until; index++) {
    const outcome = await askServer(servers[index % servers.length]!, name, type, until, tryMs)
    if ('reply' in outcome) return outcome
    // What a server said is worth more than a later server's silence.
    if (failure !== 'servfail' && failure !== 'refused') failure = outcome.failure
    const isLastServer = index >= servers.length - 1
    if (isLastServer && outcome.failure !== 'timeout') break
  }
  return { failure }
}
