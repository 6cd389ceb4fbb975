// Load generator: so many connections at once, one message each, over the spamd protocol or HTTP, and what the answers took. The same
// client for every server, so that its own cost is the same in every figure.
import { connect } from 'node:net'

export type Dialect = 'spamd' | 'http'

export interface Load {
  readonly port: number
  readonly dialect: Dialect
  readonly mails: readonly Buffer[]
  readonly connections: number
  readonly durationMs: number
  /** Messages a second, sent whether answers come or not; absent = as fast as answers come. */
  readonly rate?: number
}

export interface LoadResult {
  readonly answered: number
  readonly failed: number
  readonly seconds: number
  /** Milliseconds of each answered message, ascending. */
  readonly latencies: readonly number[]
}

const answerMs = 60_000

function requestBytes(dialect: Dialect, mail: Buffer): Buffer {
  const head =
    dialect === 'spamd'
      ? `SYMBOLS SPAMC/1.5\r\nContent-length: ${mail.length}\r\n\r\n`
      : `POST /checkv2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${mail.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), mail])
}

const good: Record<Dialect, RegExp> = { spamd: /^SPAMD\/\S+ 0 EX_OK/, http: /^HTTP\/1\.1 200 / }

/** One request on a connection of its own. Resolves with the answer, or undefined when none came. */
export function exchange(port: number, bytes: Buffer): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let answer = ''
    socket.setTimeout(answerMs, () => socket.destroy())
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer === '' ? undefined : answer))
  })
}

export async function scanOnce(port: number, dialect: Dialect, mail: Buffer): Promise<boolean> {
  const answer = await exchange(port, requestBytes(dialect, mail))
  return answer !== undefined && good[dialect].test(answer)
}

export async function runLoad(load: Load, first: number): Promise<LoadResult> {
  const { mails, port, dialect, durationMs } = load
  const latencies: number[] = []
  let failed = 0
  let next = first
  const startedAt = performance.now()
  const one = async (sentAt: number) => {
    const answered = await scanOnce(port, dialect, mails[next++ % mails.length]!)
    if (answered) latencies.push(performance.now() - sentAt)
    else failed++
  }
  if (load.rate === undefined) {
    await Promise.all(
      Array.from({ length: load.connections }, async () => {
        while (performance.now() - startedAt < durationMs) await one(performance.now())
      }),
    )
  } else {
    const open = new Set<Promise<void>>()
    const step = 1000 / load.rate
    for (let due = startedAt; due - startedAt < durationMs; due += step) {
      const wait = due - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      // Counted from when it was due: a generator that waits for a slow server must not hide its slowness.
      const running: Promise<void> = one(due).finally(() => open.delete(running))
      open.add(running)
    }
    await Promise.all(open)
  }
  const seconds = (performance.now() - startedAt) / 1000
  return { answered: latencies.length, failed, seconds, latencies: latencies.sort((a, b) => a - b) }
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted.length === 0
    ? Number.NaN
    : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}
