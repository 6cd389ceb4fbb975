// Sends corpus messages through every front of a running hamd and counts: node dist/bench/fronts.js [EVERY]. No error, no hang, memory flat;
// prints messages per second and the resident memory after each tenth. Fronts: spamd text, /checkv2, rspamc text.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { exchange } from '../test/support/exchange.js'
import { type Hamd, startHamd } from '../test/support/hamd.js'
import { type CorpusMessage, corpus } from './corpus.js'

/** Connections at once: the workers are kept busy, no queue builds up. */
const connections = 8

export const fronts = ['spamd', 'checkv2', 'rspamc'] as const
export type Front = (typeof fronts)[number]

export interface FrontRun {
  readonly front: Front
  readonly messages: number
  /** Replies that were no verdict: path and first line. */
  readonly wrong: readonly string[]
  readonly seconds: number
  /** Resident memory in MB after each tenth of the messages. */
  readonly memoryMb: readonly number[]
}

const verdictOf: Readonly<Record<Front, RegExp>> = {
  spamd: /^SPAMD\/1\.1 0 EX_OK\r\nSpam: (?:True|False) ; -?\d+\.\d \/ \d+\.\d\r\n/,
  checkv2: /^HTTP\/1\.1 200 OK\r\n[\s\S]*"score":-?\d/,
  rspamc: /^RSPAMD\/1\.3 0 EX_OK\r\nMetric: default; \w+; -?\d+\.\d\d \/ /,
}

function requestOf(front: Front, mail: string): string {
  const length = `Content-length: ${mail.length}`
  if (front === 'spamd') return `CHECK SPAMC/1.5\r\n${length}\r\n\r\n${mail}`
  if (front === 'rspamc') return `CHECK RSPAMC/1.3\r\n${length}\r\n\r\n${mail}`
  return `POST /checkv2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${length}\r\n\r\n${mail}`
}

function residentMb(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024)
}

export async function runFront(hamd: Hamd, front: Front, mails: readonly CorpusMessage[]): Promise<FrontRun> {
  const wrong: string[] = []
  const memoryMb: number[] = []
  const tenth = Math.ceil(mails.length / 10)
  let next = 0
  let done = 0
  const startedAt = performance.now()
  const client = async () => {
    for (let mail = mails[next++]; mail !== undefined; mail = mails[next++]) {
      const request = requestOf(front, mail.read().toString('latin1'))
      const reply = await exchange(hamd.scan, request, front === 'spamd').catch(
        (error: Error) => error.message,
      )
      if (!verdictOf[front].test(reply)) wrong.push(`${mail.path}: ${reply.split('\r\n', 1)[0]}`)
      if (++done % tenth === 0) memoryMb.push(residentMb(hamd.child.pid!))
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  return { front, messages: mails.length, wrong, seconds: (performance.now() - startedAt) / 1000, memoryMb }
}

async function main(): Promise<void> {
  const every = Number(process.argv[2] ?? 1)
  const mails = corpus(every)
  const hamd = await startHamd({ args: ['--workers', '2'] })
  for (const front of fronts) {
    const { messages, wrong, seconds, memoryMb } = await runFront(hamd, front, mails)
    const rate = Math.round(messages / seconds)
    console.log(
      `${front}: ${messages} messages, ${wrong.length} wrong, ${rate} messages/s, MB ${memoryMb.join(' ')}`,
    )
    for (const line of wrong.slice(0, 10)) console.log(`  ${line}`)
  }
  await hamd.stop()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
