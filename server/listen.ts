// The scan listeners: TCP, TLS and unix sockets whose every connection is sniffed (sniff.ts) and handed to the front of its dialect.
// Counts connections, refuses new ones when there are too many, and at the end lets those in flight be answered.
// Every socket is half-open: spamc, Exim and others shut down their sending side and then wait for the reply
// (spamd-protocol.md, fact 5: without it spamc prints 0/0, which looks like ham).
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { type Address, formatAddress } from '../src/config/address.js'
import { allowedNetworks } from './allowed.js'
import { bindUnix, listening, type SocketFile } from './bind.js'
import { type FirstLineState, sniff } from './sniff.js'

/** What a front is told about a connection beside its bytes. */
export interface Opening {
  readonly peer: Peer
  /** How the first line ended; only the spamd front ever sees anything but 'line'. */
  readonly state: FirstLineState
  /** Address of the listener, as bound: '127.0.0.1:783', 'unix:/path'. */
  readonly listener: string
  /** Protocol and cipher of a TLS connection, as spamd logs them. */
  readonly tls?: string
}

export interface Peer {
  /** Address of the client; '127.0.0.1' over a unix socket, as spamd says. */
  readonly address: string
  /** 'localhost' for loopback and unix sockets, else the address: no reverse look-up stands between a client and its answer. */
  readonly name: string
  /** Port of the client, or the path of the unix socket. */
  readonly port: number | string
}

/** A front owns the socket from the call on: it answers, drains and closes. It must attach its listeners before it returns. */
export interface Fronts {
  spamd(socket: Socket, first: Buffer, opening: Opening): void
  rspamc(socket: Socket, first: Buffer, opening: Opening): void
  http(socket: Socket, first: Buffer, opening: Opening): void
}

/** One address to listen on; mode and owner concern unix sockets only. */
export interface ListenTo extends SocketFile {
  readonly address: Address
  readonly tls?: {
    readonly key: string | Buffer
    readonly cert: string | Buffer
    /** Certificate authorities that client certificates must come from; absent = none asked for. */
    readonly ca?: string | Buffer
  }
}

export interface ListenLimits {
  readonly firstLineBytesMax: number
  /** 0 = wait for ever. */
  readonly firstLineMs: number
  /** Above it the listeners close until a tenth of the places is free again. */
  readonly connectionsMax: number
}

/** The part of a pino logger that is used here. */
export interface Log {
  debug(fields: object, text: string): void
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
}

export interface ListenOptions {
  readonly fronts: Fronts
  readonly limits: ListenLimits
  readonly log: Log
  /** Who may connect over TCP: addresses and CIDR networks. Absent = everybody; unix sockets are guarded by their mode alone. */
  readonly allowed?: readonly string[]
}

export interface Listening {
  /** Addresses as bound, port 0 replaced. */
  readonly addresses: readonly string[]
  /** Addresses that could not be bound: the caller decides whether that ends the start. */
  readonly failed: readonly { readonly address: string; readonly error: NodeJS.ErrnoException }[]
  connections(): number
  /**
   * Overload: true closes the listening sockets, so that clients are refused and go to their next server (an accepted connection that
   * is then answered with an error defeats Exim's fail-over, spamd-protocol.md 4.3); false opens them again.
   */
  pushBack(on: boolean): void
  /** No new connections; resolves when those in flight are answered, or after `graceMs`, when the rest is cut. */
  close(graceMs: number): Promise<void>
}

/** At the end a client that has connected and said nothing yet may still do so: its request may be on the way. */
const idleGraceMs = 500

interface Door {
  readonly to: ListenTo
  readonly server: Server
  /** Port as bound the first time: the same is taken after a push-back. */
  bound: Address
  /** The same as text. */
  name: string
}

/** Binds all addresses. Never rejects: what could not be bound is listed. */
export async function listen(addresses: readonly ListenTo[], options: ListenOptions): Promise<Listening> {
  const { fronts, limits, log } = options
  const allowed = options.allowed === undefined ? undefined : allowedNetworks(options.allowed)
  const sockets = new Set<Socket>()
  /** Connections whose first line is not complete: little is owed to them at the end. */
  const waiting = new Set<Socket>()
  const doors: Door[] = []
  const failed: { address: string; error: NodeJS.ErrnoException }[] = []
  let asked = false
  let crowded = false
  let open = true
  let closing = false
  let whenEmpty: (() => void) | undefined

  function onConnection(socket: Socket, door: Door): void {
    // 'close' follows every error, and the fronts listen for that; without a listener here a reset client would end the process.
    socket.on('error', (error) => log.debug({ err: error }, 'connection broke'))
    if (closing) return void socket.destroy()
    const peer = peerOf(socket, door)
    if (allowed !== undefined && door.bound.kind === 'tcp' && !allowed(peer.address)) {
      log.warn({ peer: peer.address }, 'unauthorized connection')
      socket.destroy()
      return
    }
    sockets.add(socket)
    waiting.add(socket)
    socket.on('close', () => {
      sockets.delete(socket)
      waiting.delete(socket)
      if (crowded && sockets.size <= limits.connectionsMax * 0.9) {
        crowded = false
        settleDoors()
      }
      if (sockets.size === 0) whenEmpty?.()
    })
    if (sockets.size >= limits.connectionsMax && !crowded) {
      crowded = true
      log.warn({ connections: sockets.size }, 'too many connections: refusing new ones')
      settleDoors()
    }
    sniff(socket, { bytesMax: limits.firstLineBytesMax, timeoutMs: limits.firstLineMs }, (sniffed) => {
      waiting.delete(socket)
      const tls = tlsName(socket)
      const opening: Opening = {
        peer,
        state: sniffed.state,
        listener: door.name,
        ...(tls === undefined ? {} : { tls }),
      }
      if (sniffed.dialect === 'http') fronts.http(socket, sniffed.bytes, opening)
      else if (sniffed.dialect === 'rspamc') fronts.rspamc(socket, sniffed.bytes, opening)
      else fronts.spamd(socket, sniffed.bytes, opening)
    })
  }

  /** Opens or closes the listening sockets as `asked`, `crowded` and `closing` say. */
  function settleDoors(): void {
    const wanted = !asked && !crowded && !closing
    if (wanted === open) return
    open = wanted
    for (const door of doors) {
      if (!wanted) door.server.close()
      else bind(door).catch((error) => log.warn({ err: error, address: door.name }, 'cannot listen again'))
    }
  }

  for (const to of addresses.flatMap(expand)) {
    const server = to.tls === undefined ? plainServer() : tlsServer(to.tls, log)
    const door: Door = { to, server, bound: to.address, name: formatAddress(to.address) }
    server.on(to.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) =>
      onConnection(socket, door),
    )
    try {
      await bind(door)
      server.on('error', (error) => log.warn({ err: error }, 'listening socket broke'))
      doors.push(door)
    } catch (error) {
      failed.push({ address: formatAddress(to.address), error: error as NodeJS.ErrnoException })
    }
  }

  return {
    addresses: doors.map((door) => door.name),
    // `localhost` stands for two addresses; a machine without IPv6 has only one of them, which is enough.
    failed: failed.filter(({ address }) => !isSpareLoopback(address, addresses, doors)),
    connections: () => sockets.size,
    pushBack(on) {
      if (asked !== on) log.warn({}, on ? 'overload: refusing new connections' : 'overload is over')
      asked = on
      settleDoors()
    },
    async close(graceMs) {
      closing = true
      settleDoors()
      const idle = setTimeout(
        () => {
          for (const socket of waiting) socket.destroy()
        },
        Math.min(graceMs, idleGraceMs),
      )
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs)
        whenEmpty = () => {
          clearTimeout(timer)
          resolve()
        }
        if (sockets.size === 0) whenEmpty()
      })
      clearTimeout(idle)
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Answers are one write and the end, which nothing delays: `noDelay` would be a system call for nothing. */
function plainServer(): Server {
  return createServer({ allowHalfOpen: true })
}

function tlsServer(tls: NonNullable<ListenTo['tls']>, log: Log): Server {
  const client = tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true }
  const server = createTlsServer({
    key: tls.key,
    cert: tls.cert,
    allowHalfOpen: true,
    noDelay: true,
    ...client,
  })
  server.on('tlsClientError', (error, socket) => {
    log.info({ err: error }, 'TLS handshake failed')
    socket.destroy()
  })
  return server
}

/** `localhost` is both loopback addresses, as for spamd. */
function expand(to: ListenTo): ListenTo[] {
  if (to.address.kind === 'unix' || to.address.host !== 'localhost') return [to]
  const { port } = to.address
  return ['127.0.0.1', '::1'].map((host) => ({ ...to, address: { kind: 'tcp', host, port } }))
}

function isSpareLoopback(failed: string, asked: readonly ListenTo[], doors: readonly Door[]): boolean {
  return (
    failed.startsWith('[::1]:') &&
    asked.some(({ address }) => address.kind === 'tcp' && address.host === 'localhost') &&
    doors.some(({ to }) => to.address.kind === 'tcp' && to.address.host === '127.0.0.1')
  )
}

async function bind(door: Door): Promise<void> {
  const { server, to, bound } = door
  if (bound.kind === 'unix') return bindUnix(server, bound.path, to)
  // '::' takes IPv4 as well; where the kernel has no IPv6, 0.0.0.0 is all there is.
  const hosts = bound.host === '*' ? ['::', '0.0.0.0'] : [bound.host]
  for (const [index, host] of hosts.entries()) {
    try {
      await listening(server, () => server.listen({ host, port: bound.port }))
      const { port } = server.address() as AddressInfo
      door.bound = { kind: 'tcp', host: bound.host, port }
      door.name = formatAddress(door.bound)
      return
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (index === hosts.length - 1 || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error
    }
  }
}

function peerOf(socket: Socket, door: Door): Peer {
  if (door.bound.kind === 'unix') return { address: '127.0.0.1', name: 'localhost', port: door.bound.path }
  const address = plainAddress(socket.remoteAddress ?? '')
  const loopback = address === '::1' || address.startsWith('127.')
  return { address, name: loopback ? 'localhost' : address, port: socket.remotePort ?? 0 }
}

/** An IPv4 client of a socket bound to '::' is written ::ffff:192.0.2.1 by the kernel. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

function tlsName(socket: Socket): string | undefined {
  if (!('getCipher' in socket)) return undefined
  const secure = socket as TLSSocket
  return `${(secure.getProtocol() ?? '').replace('.', '_')}/${secure.getCipher().name}`
}
