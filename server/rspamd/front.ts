// The HTTP scan API of rspamd's normal worker. In: a socket whose first bytes the sniffing listener has read. Out: one reply, then the end of the
// connection: Exim waits for it, and a second pipelined request is ignored (rspamd-protocol.md 1.2). The scan port reads HTTP itself
// (server/http-request.ts says why); fastify serves the controller.
import type { Socket } from 'node:net'
import type { Core } from '../../src/types.js'
import type { HeaderList } from '../http-headers.js'
import type { Holding } from '../http-memory.js'
import { formatReply, type HttpReply, sendAndClose } from '../http-reply.js'
import { type ParsedRequest, type ReadFailure, readRequest, saidNothingElse } from '../http-request.js'
import { answerScanPort, type HttpCall, refuse } from './http-scan.js'
import { type RspamdOptions, rspamdOptions } from './options.js'
import { type Peer, peerOf, retrySeconds, ScanRefusal } from './scan.js'

export interface HttpFront {
  /**
   * Takes over the socket. `firstBytes` is what the listener has read to know the dialect, and has not put back;
   * `unix` says that the listener is a unix socket.
   */
  serve(socket: Socket, firstBytes: Buffer, unix?: boolean): void
}

export function createHttpFront(core: Core, given: Partial<RspamdOptions> = {}): HttpFront {
  const options = rspamdOptions(given)
  return {
    serve(socket, firstBytes, unix = false) {
      serveHttp(socket, firstBytes, peerOf(socket, unix), core, options).catch((error) => {
        options.log?.({ level: 'error', msg: 'http connection failed', err: error })
        socket.destroy()
      })
    },
  }
}

async function serveHttp(
  socket: Socket,
  firstBytes: Buffer,
  peer: Peer,
  core: Core,
  options: RspamdOptions,
): Promise<void> {
  const holding = options.budget.open()
  const reading = readRequest(socket, firstBytes, {
    bodyBytesMax: options.messageBytesMax,
    answerContinue: true,
    requestMs: options.requestMs,
    holding,
  })
  const outcome = 'status' in reading ? reading : await reading
  try {
    if (outcome.status === 'failed') return closeAfter(socket, outcome.failure, options)
    const call = readCall(outcome.request, peer, holding)
    if (!call) return sendAndClose(socket, undefined)
    const reply = await answerScanPort(call, core, options)
    // Bytes without a length, then the end: the client meant a body. A verdict on the empty message would call it ham.
    const { hasLength } = outcome.request
    const unread = !hasLength && outcome.trailing && socket.readableEnded
    const bytes = unread ? undefined : replyBytes(reply, options)
    sendAndClose(socket, bytes, options.requestMs, hasLength && saidNothingElse(socket, outcome))
  } finally {
    holding.release()
  }
}

/** rspamd closes without a word on what it cannot read; a size or load refusal is told, since clients can act on it. */
function closeAfter(socket: Socket, failure: ReadFailure, options: RspamdOptions): void {
  if (failure === 'too-large') {
    sendAndClose(
      socket,
      replyBytes(refuse(new ScanRefusal(413, 'Request entity too large'), options), options),
    )
  } else if (failure === 'overloaded') {
    const refusal = new ScanRefusal(503, 'too many requests are being read', 'task-error', retrySeconds)
    sendAndClose(socket, replyBytes(refuse(refusal, options), options))
  } else if (failure === 'timeout') {
    sendAndClose(socket, replyBytes(refuse(new ScanRefusal(408, 'Request timeout'), options), options))
  } else {
    sendAndClose(socket, undefined)
  }
}

function replyBytes(reply: HttpReply, options: RspamdOptions): Buffer {
  return formatReply(reply, options.server, new Date())
}

/** http_parser's methods: what is not among them closes the connection without a reply. */
const methods =
  /^(?:GET|POST|PUT|HEAD|OPTIONS|DELETE|PATCH|TRACE|CONNECT|COPY|LOCK|MKCOL|MOVE|PROPFIND|PROPPATCH|SEARCH|UNLOCK|REPORT|MKACTIVITY|CHECKOUT|MERGE|NOTIFY|SUBSCRIBE|UNSUBSCRIBE|PURGE|MKCALENDAR)$/

function readCall(request: ParsedRequest, peer: Peer, holding: Holding): HttpCall | undefined {
  const line = /^(\S+) +(\S+) +HTTP\/\d\.\d\s*$/.exec(request.startLine)
  if (!line || !methods.test(line[1]!)) return undefined
  const target = splitTarget(line[2]!)
  if (!target) return undefined
  return {
    method: line[1]!,
    path: target.path,
    query: target.query,
    headers: withQuery(request.headers, target.query),
    body: request.body,
    peer,
    holding,
  }
}

/** Query arguments are a full substitute for headers. */
export function withQuery(headers: HeaderList, query: ReadonlyMap<string, string>): HeaderList {
  return query.size === 0 ? headers : headers.with([...query])
}

/** Path in lower case and arguments of a request target, absolute form included; undefined when there is no path. */
export function splitTarget(
  target: string,
): { path: string; query: ReadonlyMap<string, string> } | undefined {
  const local = target.replace(/^https?:\/\/[^/?]*/i, '')
  if (!local.startsWith('/')) return undefined
  const mark = local.indexOf('?')
  const path = (mark < 0 ? local : local.slice(0, mark)).toLowerCase().replace(/\/{2,}/g, '/')
  const query = new Map<string, string>()
  if (mark >= 0) {
    for (const [name, value] of new URLSearchParams(local.slice(mark + 1).replace(/#.*$/, ''))) {
      query.set(name.toLowerCase(), value)
    }
  }
  return { path, query }
}
