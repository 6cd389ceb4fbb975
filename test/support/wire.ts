// A client that sends bytes and keeps every byte of the answer, for tests of fronts over TCP, TLS and unix sockets.
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** half-close = shut down the sending side after the bytes, as spamc does; keep = leave it open; byte-by-byte = one write a byte. */
export type Manner = 'keep' | 'half-close' | 'byte-by-byte'

export interface Answer {
  readonly bytes: Buffer
  /** The bytes as one char each. */
  readonly text: string
  /** The server reset the connection: bytes may have been lost on a slower network. */
  readonly reset: boolean
  /** Milliseconds from connecting to EOF. */
  readonly tookMs: number
}

/** Connects to '127.0.0.1:783', '[::1]:783' or 'unix:/path'. */
export function open(to: string, tls = false): Promise<Socket> {
  const cut = to.lastIndexOf(':')
  const host = to.slice(0, cut).replace(/^\[(.*)\]$/, '$1')
  const port = Number(to.slice(cut + 1))
  const options = { allowHalfOpen: true, rejectUnauthorized: false }
  const where = to.startsWith('unix:')
    ? { ...options, path: to.slice(5), port: 0 }
    : { ...options, host, port }
  return new Promise((resolve, reject) => {
    const socket = tls ? connectTls(where) : connect(where)
    socket.once('error', reject)
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

/** Sends the bytes and reads to EOF. Rejects when the connection is refused or nothing comes for 20 s. */
export async function exchange(
  to: string,
  request: string | Uint8Array,
  manner: Manner = 'keep',
  tls = false,
): Promise<Answer> {
  const started = Date.now()
  const socket = await open(to, tls)
  const bytes = typeof request === 'string' ? Buffer.from(request, 'latin1') : request
  let reset = false
  const chunks: Buffer[] = []
  const answer = new Promise<void>((resolve, reject) => {
    socket.setTimeout(20_000, () => reject(new Error('no answer for 20 s')))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reset ||= error.code === 'ECONNRESET' || error.code === 'EPIPE'
    })
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', resolve)
    socket.on('close', resolve)
  })
  if (manner === 'byte-by-byte') {
    for (const byte of bytes) {
      socket.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
  } else if (manner === 'half-close') socket.end(bytes)
  else socket.write(bytes)
  try {
    await answer
  } finally {
    socket.destroy()
  }
  const all = Buffer.concat(chunks)
  return { bytes: all, text: all.toString('latin1'), reset, tookMs: Date.now() - started }
}
