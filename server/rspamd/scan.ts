// One scan asked for over HTTP or RSPAMC, from request to the parts of a reply. In: headers and body. Out: ReplyParts, or a ScanRefusal with the
// status and text rspamd answers (rspamd-protocol.md 1.8). Both text and JSON formats build on this, so that they cannot differ in the verdict.

import { randomUUID } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { CoreError } from '../../src/errors.js'
import type { Mutable } from '../../src/mutable.js'
import type { Core, Request, ScanSettings, SymbolInfo, Wants } from '../../src/types.js'
import type { HeaderList } from '../http-headers.js'
import type { Holding } from '../http-memory.js'
import { inflateZstd } from '../http-zstd.js'
import type { ReplyParts } from './format.js'
import { taskLine } from './log-line.js'
import type { RspamdOptions } from './options.js'
import { readEnvelope, readFlags, readSettings, settingsOf, wantsSpam } from './request.js'
import { rspamdVerdict, verdictWithoutScan } from './verdict.js'

/** Who sits at the other end. Taken from the accepted socket, never from a header. */
export interface Peer {
  readonly address: string
  readonly unix: boolean
}

/**
 * `unix` is what the listener knows: a TCP socket that has broken meanwhile has no address either, and must not gain a
 * unix peer's rights by that.
 */
export function peerOf(socket: Socket, unix: boolean): Peer {
  const address = unix ? 'localhost' : (socket.remoteAddress ?? 'unknown')
  return { address: plainAddress(address), unix }
}

/** Why there is no verdict, in rspamd's words. */
export class ScanRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly domain: 'protocol-error' | 'task-error' = 'task-error',
    /** Seconds after which the client may come back. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message)
  }
}

export interface ScanJob {
  readonly headers: HeaderList
  readonly body: Uint8Array
  readonly peer: Peer
  /** What the request holds of the common memory. */
  readonly holding: Holding
  /** For log, history and metrics. */
  readonly front: string
}

/** Scans, or throws a ScanRefusal. */
export async function scanForReply(job: ScanJob, core: Core, options: RspamdOptions): Promise<ReplyParts> {
  const started = performance.now()
  const { headers } = job
  const envelope = readEnvelope(headers)
  const flags = readFlags(headers)
  const raw = await messageBytes(job, options)
  const settings = chooseSettings(headers, options)
  const { rewriteSubject, milterHeaders } = options
  if (raw.length === 0 || flags.skip || settings === 'skip') {
    const { thresholds } = await core.stats()
    const verdict = verdictWithoutScan(thresholds, raw.length > 0)
    const [scanned, symbols, seconds] = [undefined, noSymbols, secondsSince(started)]
    return { verdict, scanned, symbols, envelope, flags, rewriteSubject, milterHeaders, seconds }
  }
  const user = chooseUser(headers, options)
  const shows =
    job.front === 'controller'
      ? { explain: yes(headers, 'explain'), clues: yes(headers, 'clues') }
      : undefined
  const wants: Mutable<Wants> = { urls: flags.extendedUrls ? 'details' : true }
  if (flags.profile) wants.profile = true
  if (shows) Object.assign(wants, shows)
  if (options.rewriteMessage && flags.bodyBlock) wants.rewritten = 'message'
  const { address } = job.peer
  const remote = { address, name: address }
  const request: Mutable<Request> = { id: randomUUID(), raw, envelope, wants, remote, front: job.front }
  if (user !== undefined) request.user = user
  if (settings) request.settings = settings
  if (flags.passAll) request.passAll = true
  if (flags.noLog) request.unlogged = true
  const scanned = await scan(core, request)
  const symbols = await symbolTable(core)
  const verdict = rspamdVerdict(scanned, options.vocabulary)
  const parts: Mutable<ReplyParts> = {
    verdict,
    scanned,
    symbols,
    envelope,
    flags,
    rewriteSubject,
    milterHeaders,
    seconds: secondsSince(started),
  }
  if (options.scanIds) parts.scanId = request.id
  if (shows) parts.shows = shows
  if (options.line && !flags.noLog) {
    options.line(taskLine({ parts, headers, raw, id: request.id, now: new Date() }))
  }
  return parts
}

/**
 * Symbol -> how it is configured. Asked for at most every `symbolsMs`: the list is long and changes with reloads only. While the core
 * gives the same list, the table stays the same one.
 */
export async function symbolTable(core: Core): Promise<SymbolTable> {
  const known = tables.get(core)
  if (known && performance.now() - known.at < symbolsMs) return known.table
  const list = await core.symbols()
  const table = known?.list === list ? known.table : new Map(list.map((info) => [info.symbol, info]))
  tables.set(core, { at: performance.now(), list, table })
  return table
}

type SymbolTable = ReadonlyMap<string, SymbolInfo>

const symbolsMs = 5_000
const tables = new WeakMap<
  Core,
  { readonly at: number; readonly list: readonly SymbolInfo[]; readonly table: SymbolTable }
>()

/** The core's refusals in HTTP. 503 with Retry-After where the same message may pass later. */
export function refusalOf(error: unknown): ScanRefusal {
  if (error instanceof ScanRefusal) return error
  if (!(error instanceof CoreError)) return new ScanRefusal(500, 'internal error')
  switch (error.code) {
    case 'overloaded':
    case 'shutting-down':
      return new ScanRefusal(503, error.message, 'task-error', retrySeconds)
    case 'too-large':
      return new ScanRefusal(413, error.message)
    case 'bad-request':
      return new ScanRefusal(500, error.message, 'protocol-error')
    default:
      return new ScanRefusal(500, error.message)
  }
}

/** The bytes to scan: body, inflated if it is zstd, or a local file where that is allowed. */
export async function messageBytes(
  { headers, body, peer, holding }: Pick<ScanJob, 'headers' | 'body' | 'peer' | 'holding'>,
  options: Pick<RspamdOptions, 'localFiles' | 'messageBytesMax'>,
): Promise<Uint8Array> {
  const shm = headers.get('shm')
  if (shm !== undefined) throw new ScanRefusal(503, `Cannot open shm segment (${shm}): Not permitted`)
  const file = headers.get('file') ?? headers.get('path')
  if (file !== undefined) {
    const path = readPath(file)
    if (!peer.unix || !options.localFiles) throw new ScanRefusal(503, `Invalid file (${path}): Not permitted`)
    return readLocalFile(path, options.messageBytesMax)
  }
  const told = headers.get('message-length')
  if (told !== undefined && !(Number(told) <= body.length)) throw new ScanRefusal(503, 'Invalid length')
  const compression = headers.get('compression')
  if (headers.get('dictionary') !== undefined)
    throw new ScanRefusal(503, 'Unknown dictionary, undefined error')
  if (compression === undefined) return body
  if (!/^zstd$/i.test(compression)) throw new ScanRefusal(503, 'Invalid compression method')
  const inflated = await inflateZstd(body, options.messageBytesMax, holding)
  if (inflated.status === 'inflated') return inflated.bytes
  if (inflated.status === 'too-large') throw new ScanRefusal(413, 'Decompressed message is too large')
  if (inflated.status === 'overloaded') {
    throw new ScanRefusal(503, 'too many large requests at once', 'task-error', retrySeconds)
  }
  const why = inflated.status === 'not-zstd' ? 'Unknown frame descriptor' : 'Corrupted block detected'
  throw new ScanRefusal(503, `Decompression error: ${why}`)
}

/** Retry-After of refusals under load, seconds. */
export const retrySeconds = 5

const noSymbols: SymbolTable = new Map()

async function scan(core: Core, request: Request) {
  try {
    return await core.scan(request)
  } catch (error) {
    throw refusalOf(error)
  }
}

/** `Settings` wins over `Settings-ID`; unreadable and unknown ones are as if they were not there. */
function chooseSettings(headers: HeaderList, options: RspamdOptions): ScanSettings | 'skip' | undefined {
  const inline = headers.get('settings')
  if (wantsSpam(inline)) return 'skip'
  const fromHeader = readSettings(inline)
  if (fromHeader) return fromHeader
  const named = options.settings.get(headers.get('settings-id') ?? '')
  return named && settingsOf(named)
}

function chooseUser(headers: HeaderList, options: RspamdOptions): string | undefined {
  if (options.userFrom === 'none') return undefined
  const name = headers.get(options.userFrom)?.replace(/^<(.*)>$/, '$1')
  return name === '' ? undefined : name
}

/** Explanations are for people who look after the server: only the controller gives them. */
function yes(headers: HeaderList, name: string): boolean {
  return /^(?:yes|true|1)$/i.test(headers.get(name) ?? '')
}

/** The value may be quoted and URL-encoded. */
function readPath(value: string): string {
  const path = value.replace(/^"(.*)"$/, '$1')
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

async function readLocalFile(path: string, bytesMax: number): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > bytesMax) throw new ScanRefusal(413, `Invalid file (${path}): too large`)
      const bytes = new Uint8Array(new SharedArrayBuffer(size))
      const { bytesRead } = await file.read(bytes, 0, size, 0)
      return bytes.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof ScanRefusal) throw error
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new ScanRefusal(
      503,
      `Invalid file (${path}): ${missing ? 'No such file or directory' : 'Cannot be read'}`,
    )
  }
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000
}

/** v4 addresses arrive as ::ffff:192.0.2.1 on dual-stack listeners. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
