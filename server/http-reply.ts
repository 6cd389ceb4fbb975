// An HTTP reply as a value, and its bytes. rspamd's clients print the reason phrase, need Content-Length even in HTTP/1.0, a body under 204, and
// the end of the connection as the end of the reply (rspamd-protocol.md 1.4), so the head is written here instead of by a framework.
import type { Socket } from 'node:net'
import { httpRequestMs } from '../src/limits.js'
import { leave } from './parting.js'

export interface HttpReply {
  readonly status: number
  readonly phrase: string
  readonly type: string
  readonly body: Uint8Array | string
  readonly headers?: readonly (readonly [name: string, value: string])[]
}

/** After the reply a client has so long to close its side before the socket is destroyed. */
const lingerMs = 5_000
/** Longest reason phrase: Message-IDs stand in it, and clients read status lines into small buffers. */
const phraseCharsMax = 500

export function jsonReply(value: unknown, status = 200, phrase = 'OK'): HttpReply {
  return { status, phrase, type: 'application/json', body: JSON.stringify(value) }
}

/** `{"error":text}` with the text as the reason phrase too: rspamc and the web UI print the phrase. */
export function errorReply(status: number, text: string, extra: Record<string, string> = {}): HttpReply {
  return jsonReply({ error: text, ...extra }, status, text)
}

export function textReply(body: string, status = 200, phrase = 'OK'): HttpReply {
  return { status, phrase, type: 'text/plain', body }
}

/** The reason phrase without anything that could end the line or upset a client: mail senders choose parts of it. */
export function safePhrase(phrase: string): string {
  return phrase
    .replace(/[^\x20-\x7e]+/g, '?')
    .slice(0, phraseCharsMax)
    .trim()
}

let dateKnown = { second: 0, text: '' }

/** Made once a second. */
function dateText(now: Date): string {
  const second = Math.floor(now.getTime() / 1000)
  if (dateKnown.second !== second) dateKnown = { second, text: now.toUTCString() }
  return dateKnown.text
}

export function formatReply(reply: HttpReply, server: string, now: Date): Buffer {
  const { body, headers = [] } = reply
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  let head = `HTTP/1.1 ${reply.status} ${safePhrase(reply.phrase)}\r\nConnection: close\r\nServer: ${server}\r\n`
  head += `Date: ${dateText(now)}\r\nContent-Length: ${length}\r\n`
  if (reply.type !== '') head += `Content-Type: ${reply.type}\r\n`
  for (const [name, value] of headers) head += `${name}: ${safePhrase(value)}\r\n`
  head += '\r\n'
  const bytes = Buffer.allocUnsafe(head.length + length)
  bytes.write(head, 0, 'latin1')
  if (typeof body === 'string') bytes.write(body, head.length)
  else bytes.set(body, head.length)
  return bytes
}

/**
 * Sends the last bytes of a connection and closes it in order, so that a client still sending does not lose them to a reset. A
 * client that does not take them within `sendMs`, or then does not close its own side, is let go.
 * @param heardAll the client has nothing more to say.
 */
export function sendAndClose(
  socket: Socket,
  bytes: Uint8Array | undefined,
  sendMs = httpRequestMs,
  heardAll = false,
): void {
  if (socket.destroyed) return
  if (bytes) socket.write(bytes)
  if (heardAll && leave(socket)) return
  let timer = setTimeout(() => socket.destroy(), sendMs)
  socket.once('finish', () => {
    clearTimeout(timer)
    timer = setTimeout(() => socket.destroy(), lingerMs)
  })
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
  socket.end()
}
