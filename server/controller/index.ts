// The controller: rspamd's HTTP API for people and programs that look after the server, and for rspamc, which scans through this port too.
// In: HTTP on its own listeners. Out: JSON. fastify carries it on Node's lenient HTTP parser (LF-only lines, no Host, large headers); replies are
// written by http-reply.ts, because a body under 204, reason phrases and `Connection: close` are part of the protocol (rspamd-protocol.md 3, 7.1).
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { requirePackage } from '../../src/commonjs.js'
import { type Address, formatAddress } from '../../src/config/address.js'
import { httpHeaderBytesMax, httpRequestMs } from '../../src/limits.js'
import { createMetrics } from '../../src/metrics.js'
import { version } from '../../src/root.js'
import type { Core } from '../../src/types.js'
import { bindUnix, listening } from '../bind.js'
import { Body } from '../body.js'
import { decodeValue, HeaderList } from '../http-headers.js'
import type { Holding } from '../http-memory.js'
import { errorReply, formatReply, type HttpReply, jsonReply, sendAndClose, textReply } from '../http-reply.js'
import { splitTarget, withQuery } from '../rspamd/front.js'
import type { HttpCall } from '../rspamd/http-scan.js'
import { rspamdOptions } from '../rspamd/options.js'
import { peerOf, retrySeconds } from '../rspamd/scan.js'
import { Authority, authProblems, isLocal, type Rights } from './auth.js'
import type { ControllerOptions, Route, RouteContext } from './context.js'
import { metricsText } from './metrics.js'
import { routes } from './routes.js'
import { createCounts } from './stat.js'

const { fastify } = requirePackage<typeof import('fastify')>('fastify')

export type { ControllerOptions, ErrorRow } from './context.js'
export { makePasswordHash, passwordProblem, verifyPassword } from './password.js'

export interface Controller {
  /** Binds one more address; gives it back as bound ('127.0.0.1:11334', 'unix:/path'). Rejects when it cannot be bound. */
  listen(address: Address, unixMode?: number): Promise<string>
  /** The page of /metrics, for scan ports that serve it too. */
  metricsText(): Promise<string>
  /** No new connections; those in flight are answered. */
  close(): Promise<void>
}

/** Headers and line of a request must be there within. */
const headersMs = 30_000
/** Controller sockets are trusted without a password: only owner and group may open them. */
const unixModeByDefault = 0o660

const openToLoopback: ReadonlySet<string> = new Set(['/ready', '/healthy'])
const cors = [
  ['Access-Control-Allow-Methods', 'POST, GET, OPTIONS'],
  ['Access-Control-Allow-Headers', 'Content-Type,Password,Map,Weight,Flag'],
] as const

/** Throws on passwords that nobody could ever match: that is a mistake in the configuration, not in a request. */
export function createController(core: Core, given: Partial<ControllerOptions> = {}): Controller {
  const problems = authProblems(given)
  if (problems.length > 0) throw new Error(problems.join('; '))
  const options: ControllerOptions = {
    secureIps: [],
    scan: rspamdOptions(),
    metrics: createMetrics(),
    version,
    startedAt: new Date(),
    ...given,
  }
  const authority = new Authority(options)
  const counts = createCounts()
  let requests = 0
  const doors: { close(): Promise<void> }[] = []

  async function answer(call: HttpCall): Promise<HttpReply> {
    requests += 1
    if (call.method === 'OPTIONS') return { ...textReply(''), headers: cors }
    if (call.method !== 'GET' && call.method !== 'POST') return invalidMethod
    const route = routes.get(call.path)
    if (!route) return textReply('Not found', 404, 'Not found')
    try {
      const rights = route.needs === 'open' ? 'none' : await authority.rightsOf(call)
      const refusal = refusalFor(call, route, rights)
      if (refusal) return refusal
      const context: RouteContext = { core, options, rights, counts, requests }
      return await route.run(call, context)
    } catch (error) {
      options.scan.log?.({ level: 'error', msg: `controller ${call.path} failed`, err: error })
      return errorReply(500, error instanceof Error ? error.message : 'internal error')
    }
  }

  async function serve(message: IncomingMessage, unix: boolean): Promise<void> {
    const { socket } = message
    // Taken now: a socket that breaks later has no address any more, and must not pass for another kind of peer.
    const peer = peerOf(socket, unix)
    const holding = options.scan.budget.open()
    try {
      const body = await readBody(message, options.scan.messageBytesMax, holding)
      if (body === 'closed') return void socket.destroy()
      const reply = typeof body === 'string' ? refusedBody(body) : await replyTo(message, body)
      const headers = [...noStore, ...(reply.headers ?? [])]
      sendAndClose(socket, formatReply({ ...reply, headers }, options.scan.server, new Date()))
    } finally {
      holding.release()
      // Whatever the client still sends is read and dropped.
      message.removeAllListeners('data').resume()
    }

    function replyTo(
      { method = '', url = '', rawHeaders }: IncomingMessage,
      bytes: Uint8Array,
    ): Promise<HttpReply> {
      const target = splitTarget(url)
      if (!target) return Promise.resolve(textReply('Not found', 404, 'Not found'))
      const headers = withQuery(headerList(rawHeaders), target.query)
      return answer({ method, ...target, headers, body: bytes, peer, holding })
    }
  }

  return {
    metricsText: () => metricsText(core, options),
    async listen(address, unixMode = unixModeByDefault) {
      const door = await openDoor(address.kind === 'unix', options.scan.server, serve)
      doors.push(door)
      if (address.kind === 'unix') {
        await bindUnix(door.server, address.path, { mode: unixMode })
        return formatAddress(address)
      }
      await listening(door.server, () => door.server.listen({ host: address.host, port: address.port }))
      const { port } = door.server.address() as AddressInfo
      return formatAddress({ ...address, port })
    },
    async close() {
      await Promise.all(doors.map((door) => door.close()))
    },
  }
}

const noStore = [['Cache-Control', 'no-store']] as const
function refusedBody(why: 'too-large' | 'overloaded'): HttpReply {
  if (why === 'too-large') return errorReply(413, 'Request entity too large')
  const reply = errorReply(503, 'too many large requests at once')
  return { ...reply, headers: [['Retry-After', String(retrySeconds)]] }
}

const invalidMethod: HttpReply = { status: 500, phrase: 'Invalid method', type: 'text/plain', body: '' }

function refusalFor(call: HttpCall, route: Route, rights: Rights): HttpReply | undefined {
  if (route.needs === 'open') return undefined
  if (rights === 'throttled') return errorReply(429, 'Too many authentication failures')
  // Orchestrators probe without a password; from the machine itself that tells nothing new.
  if (openToLoopback.has(call.path) && isLocal(call)) return undefined
  const enough = rights === 'full' || (rights === 'read' && route.needs === 'read')
  return enough ? undefined : jsonReply({ error: 'Unauthorized' }, 401, 'Unauthorized')
}

/** A fastify on a server of its own: one per address, since a fastify listens once. */
async function openDoor(
  unix: boolean,
  serverName: string,
  serve: (message: IncomingMessage, unix: boolean) => Promise<void>,
) {
  const served = new WeakSet<Socket>()
  let server!: Server
  const app = fastify({
    serverFactory(handler) {
      server = createServer(
        {
          insecureHTTPParser: true,
          requireHostHeader: false,
          maxHeaderSize: httpHeaderBytesMax,
          headersTimeout: headersMs,
          requestTimeout: httpRequestMs,
          connectionsCheckingInterval: 5_000,
        },
        handler,
      )
      server.maxHeadersCount = 0
      return server
    },
    clientErrorHandler: (error, socket) => sendAndClose(socket, clientError(error.code, serverName)),
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
  })
  // Every type of body is left to readBody: no parser may refuse what rspamd takes.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.addHook('onRequest', (request, _reply, done) => {
    delete request.raw.headers['content-type']
    done()
  })
  // One handler for all methods and paths: rspamd's paths ignore case and double slashes, its dispatch is a table (routes.ts).
  app.setNotFoundHandler(async (request, reply) => {
    reply.hijack()
    const { socket } = request.raw
    // A second, pipelined request is not answered: the connection ends with the first reply.
    if (served.has(socket)) return
    served.add(socket)
    await serve(request.raw, unix)
  })
  await app.ready()
  return {
    server,
    async close() {
      await app.close()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Answers to what Node's parser refuses; the text dialects belong to the scan ports. */
function clientError(code: string, server: string): Buffer | undefined {
  if (code === 'ECONNRESET') return undefined
  const reply =
    code === 'HPE_INVALID_METHOD'
      ? invalidMethod
      : code === 'HPE_HEADER_OVERFLOW'
        ? errorReply(431, 'Request Header Fields Too Large')
        : code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? errorReply(408, 'Request timeout')
          : textReply('HTTP parser error: invalid request', 400, 'Undefined Error')
  return formatReply({ ...reply, headers: noStore }, server, new Date())
}

/** Gathers the body, bounded; a GET may have one too. */
function readBody(
  message: IncomingMessage,
  bytesMax: number,
  holding: Holding,
): Promise<Uint8Array | 'too-large' | 'overloaded' | 'closed'> {
  return new Promise((resolve) => {
    const body = new Body(toldLength(message))
    message.on('data', (piece: Buffer) => {
      if (body.length + piece.length > bytesMax) return resolve('too-large')
      if (!holding.take(piece.length)) return resolve('overloaded')
      body.add(piece)
    })
    message.on('end', () => resolve(body.finish()))
    message.on('close', () => resolve('closed'))
    message.on('error', () => resolve('closed'))
  })
}

/** The parser has checked it already. */
function toldLength({ headers }: IncomingMessage): number | undefined {
  const told = headers['content-length']
  return told === undefined ? undefined : Number(told)
}

function headerList(raw: readonly string[]): HeaderList {
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    pairs.push([raw[i]!.toLowerCase(), decodeValue(raw[i + 1]!.trim())])
  }
  return new HeaderList(pairs)
}
