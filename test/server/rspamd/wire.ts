// Listeners and raw clients for the tests of the rspamd fronts: a small sniffing server on a free loopback port, and requests as bytes.
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createHttpFront } from '../../../server/rspamd/front.js'
import { serveRspamc } from '../../../server/rspamd/legacy.js'
import type { RspamdOptions } from '../../../server/rspamd/options.js'
import type { Core } from '../../../src/types.js'

export interface ScanServer {
  readonly port: number
  close(): Promise<void>
}

/** A scan port as the real listener makes it: the first line decides between HTTP and RSPAMC. */
export async function scanServer(
  core: Core,
  options: Partial<RspamdOptions> = {},
  path?: string,
): Promise<ScanServer> {
  const front = createHttpFront(core, options)
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    let bytes = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      if (!bytes.includes(0x0a)) return
      socket.off('data', onData).pause()
      const firstLine = bytes.toString('latin1', 0, bytes.indexOf(0x0a))
      if (/ R?SPAMC\//.test(firstLine)) void serveRspamc(socket, bytes, core, options, path !== undefined)
      else front.serve(socket, bytes, path !== undefined)
    }
    socket.on('data', onData)
  })
  const port = await listenOn(server, path)
  // A test that fails before it closes its server must not keep the process.
  server.unref()
  return {
    port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function listenOn(server: Server, path?: string): Promise<number> {
  return new Promise((resolve) => {
    const done = () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    }
    if (path === undefined) server.listen(0, '127.0.0.1', done)
    else server.listen(path, done)
  })
}

export interface Exchange {
  /** Pieces sent one after the other. */
  readonly send: readonly (string | Buffer)[]
  /** Shut down our side after sending. */
  readonly halfClose?: boolean
  readonly pauseMs?: number
  readonly timeoutMs?: number
}

/** Everything the server sent until it closed; undefined when it did not close in time. */
export function exchange(
  to: number | string,
  { send, halfClose, pauseMs, timeoutMs }: Exchange,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = typeof to === 'number' ? connect(to, '127.0.0.1') : connect(to)
    const pieces: Buffer[] = []
    const timer = setTimeout(() => {
      resolve(undefined)
      socket.destroy()
    }, timeoutMs ?? 5000)
    socket.on('data', (piece) => pieces.push(piece))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(pieces))
    })
    socket.on('connect', async () => {
      for (const piece of send) {
        socket.write(piece)
        if (pauseMs) await new Promise((done) => setTimeout(done, pauseMs))
      }
      if (halfClose) socket.end()
    })
  })
}

export interface RawReply {
  readonly status: number
  readonly phrase: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape
  readonly json: any
}

export function parseReply(bytes: Buffer | undefined): RawReply {
  if (!bytes || bytes.length === 0) throw new Error('no reply')
  const end = bytes.indexOf('\r\n\r\n')
  const [statusLine, ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const match = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(statusLine!)!
  const body = bytes.subarray(end + 4)
  const text = body.toString('utf8')
  return {
    status: Number(match[1]),
    phrase: match[2]!,
    headers: new Map(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 2),
      ]),
    ),
    body,
    json: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined,
  }
}

/** One well-formed HTTP request. */
export async function ask(
  to: number | string,
  target: string,
  {
    method = 'POST',
    headers = [],
    body = '',
  }: { method?: string; headers?: string[]; body?: string | Buffer } = {},
): Promise<RawReply> {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  const head = [`${method} ${target} HTTP/1.1`, 'Host: test', `Content-Length: ${length}`, ...headers].join(
    '\r\n',
  )
  return parseReply(await exchange(to, { send: [`${head}\r\n\r\n`, body] }))
}

export const ham = [
  'From: Alice <alice@example.com>',
  'To: bob@example.net',
  'Subject: Hello there',
  'Message-ID: <m1@example.com>',
  'X-Test-Hit: TEST_HIT 1.5 one two',
  '',
  'See http://www.example.org/ for more, or write to carol@example.org now.',
  '',
].join('\r\n')

export const gtube = [
  'From: alice@example.com',
  'Subject: test',
  'Message-ID: <g1@example.com>',
  '',
  'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X',
  '',
].join('\r\n')

/** A mail of the given score. */
export function scored(score: number, extra = ''): string {
  return ham.replace('TEST_HIT 1.5 one two', `TEST_HIT ${score}`).replace('Message-ID', `${extra}Message-ID`)
}
