// Reads a fresh connection up to the end of its first line and says which dialect it speaks. One port serves SPAMC, RSPAMC and HTTP,
// as rspamd's own port does; the verb alone cannot decide, since PING, CHECK and PROCESS exist on several sides.
import type { Socket } from 'node:net'

export type Dialect = 'http' | 'rspamc' | 'spamd'

/** How the first line ended. Everything but 'line' is answered by the spamd front, whose protocol has a word for it. */
export type FirstLineState = 'line' | 'ended' | 'timeout' | 'too-long'

export interface Sniffed {
  /** Everything read so far: the first line and whatever came with it. */
  readonly bytes: Buffer
  readonly state: FirstLineState
  readonly dialect: Dialect
}

const lineFeed = 0x0a

/** The dialect of a first line, given without or with its line end. */
export function dialectOf(line: string): Dialect {
  if (/ HTTP\/\d\.\d\r?\n?$/.test(line)) return 'http'
  // A blank must stand before the word: 'CHECK RSPAMC/1.3' contains 'SPAMC/' as well.
  if (/ RSPAMC\//.test(line)) return 'rspamc'
  return 'spamd'
}

/**
 * Calls `done` once, in the tick in which the last byte was read, with the socket flowing and free of our listeners: a front that
 * attaches its own at once misses neither data nor 'end'. Not called when the connection breaks first.
 */
export function sniff(
  socket: Socket,
  limits: { readonly bytesMax: number; readonly timeoutMs: number },
  done: (sniffed: Sniffed) => void,
): void {
  const chunks: Buffer[] = []
  let size = 0
  let finished = false
  const timer = limits.timeoutMs > 0 ? setTimeout(onTimeout, limits.timeoutMs) : undefined

  /** When this process was busy the line may long have arrived: what waits in the socket is looked at first. */
  function onTimeout(): void {
    setImmediate(() => {
      if (!finished) finish('timeout', size)
    })
  }
  function finish(state: FirstLineState, lineEnd: number): void {
    finished = true
    clearTimeout(timer)
    socket.off('data', onData)
    socket.off('end', onEnd)
    socket.off('close', onClose)
    const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    const dialect = state === 'line' ? dialectOf(bytes.toString('latin1', 0, lineEnd)) : 'spamd'
    done({ bytes, state: state === 'ended' && size > 0 ? 'line' : state, dialect })
  }
  function onData(chunk: Buffer): void {
    const at = chunk.indexOf(lineFeed)
    const before = size
    chunks.push(chunk)
    size += chunk.length
    if (at >= 0) finish('line', before + at)
    else if (size > limits.bytesMax) finish('too-long', size)
  }
  function onEnd(): void {
    finish('ended', size)
  }
  function onClose(): void {
    finished = true
    clearTimeout(timer)
  }
  socket.on('data', onData)
  socket.on('end', onEnd)
  socket.on('close', onClose)
}
