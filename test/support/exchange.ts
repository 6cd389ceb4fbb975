// One request over a fresh connection, byte by byte as a test wrote it.
import { connect } from 'node:net'

/** Sends bytes, half-closes if asked to, and reads to the end of the connection. */
export function exchange(
  to: { host: string; port: number } | { path: string },
  bytes: string,
  halfClose = true,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(to)
    let reply = ''
    socket.setTimeout(20_000, () =>
      socket.destroy(new Error(`no end of reply after ${JSON.stringify(reply.slice(0, 80))}`)),
    )
    socket.on('data', (chunk) => (reply += chunk.toString('latin1')))
    socket.on('end', () => resolve(reply))
    socket.on('error', reject)
    if (halfClose) socket.end(Buffer.from(bytes, 'latin1'))
    else socket.write(Buffer.from(bytes, 'latin1'))
  })
}
