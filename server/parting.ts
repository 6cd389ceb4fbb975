// How a connection ends. Closing a socket while bytes of the client are unread, or still come, makes the kernel reset the connection, and the
// client may lose the answer by that. Hence two ways: who has heard all that the client has to say may leave at once, as spamd and rspamd do;
// anybody else ends its own side and reads on until the client has closed too (http-reply.ts, spamd/serve.ts).
import type { Socket } from 'node:net'

/** All pieces in one system call. */
export function writeAll(socket: Socket, pieces: readonly Uint8Array[]): void {
  if (pieces.length > 1) socket.cork()
  for (const piece of pieces) socket.write(piece)
  if (pieces.length > 1) socket.uncork()
}

/**
 * Closes a connection whose client has said all, if the kernel has taken every byte for it: that spares the farewell of half a dozen events.
 * TLS has one of its own, without which an answer counts as cut off.
 * @returns false = the connection is still there.
 */
export function leave(socket: Socket): boolean {
  if (socket.writableLength > 0 || 'encrypted' in socket) return false
  socket.destroy()
  return true
}
