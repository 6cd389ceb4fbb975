// One spamd connection from its first line to the closed socket: read the request, ask the core, answer in spamd's words, drain, close.
// Knows the dialect and the Verdict; rules, tokens and look-ups are the core's. One request per connection, as in spamd.
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { CoreError } from '../../src/errors.js'
import { firstLineBytesMax, spamdHeaderLinesMax } from '../../src/limits.js'
import type { Core, LearnOutcome, Wants } from '../../src/types.js'
import type { Log, Opening } from '../listen.js'
import { leave, writeAll } from '../parting.js'
import * as format from './format.js'
import { beginLine, connectionLine, escapeLine, outcomeLine, resultLine, tellLine } from './log.js'
import { ConnectionLost, Reader } from './reader.js'
import { addHeader, parseRequestLine, type RequestHeaders, type RequestLine, type Verb } from './request.js'

export interface SpamdOptions {
  /** TELL may learn (--allow-tell). */
  readonly allowTell: boolean
  /** What the listener waited for the first line, for the words of the timeout. */
  readonly firstLineMs: number
  /** Headers, body and scan together (--timeout-child); 0 = for ever. */
  readonly requestMs: number
  readonly messageBytesMax: number
  readonly log: Log
  /** Takes spamd's own log lines; absent = they are not made. */
  readonly line?: (line: string) => void
}

/** After the answer a client may go on sending for so long before it is cut: closing with unread bytes would reset the answer away. */
const lingerMs = 30_000
/** A client that announced its length under a misspelled name and stays open is answered after so much silence. */
const hintPatienceMs = 300

const inflateAsync = promisify(inflate)

const wantsOf: Readonly<Partial<Record<Verb, Wants>>> = {
  REPORT: { report: true },
  REPORT_IFSPAM: { report: true },
  PROCESS: { rewritten: 'message' },
  HEADERS: { rewritten: 'headers' },
}

/** Pieces of an answer. */
type Reply = readonly Uint8Array[]

/** The words of a refusal, in the form they go out. */
class Refusal {
  constructor(
    readonly bytes: Buffer,
    readonly why: string,
  ) {}
}

const badHeader = (text: string) =>
  new Refusal(format.protocolError(text), `bad protocol: header error: ${text}`)
const notAvailable = (text: string) =>
  new Refusal(format.unavailable(text), `service unavailable: ${text.trim()}`)

/** The front of the spamd dialect: owns the socket from here on. */
export function serveSpamd(
  socket: Socket,
  first: Buffer,
  opening: Opening,
  core: Core,
  given: SpamdOptions,
): void {
  const { line } = given
  const options = line === undefined ? given : { ...given, line: (text: string) => line(escapeLine(text)) }
  const reader = new Reader(socket, first)
  options.line?.(connectionLine(opening))
  answer(reader, opening, core, options)
    .then(
      (reply) => finish(socket, reader, reply),
      (error: unknown) => {
        if (error instanceof ConnectionLost) return void socket.destroy()
        options.log.warn({ err: error }, 'spamd request failed')
        finish(socket, reader, [format.temporaryFailure(textOf(error))])
      },
    )
    .catch((error: unknown) => options.log.warn({ err: error }, 'spamd reply failed'))
}

/** The reply to one request. Rejects only when the client is gone or the core failed. */
async function answer(reader: Reader, opening: Opening, core: Core, options: SpamdOptions): Promise<Reply> {
  const outcome = await reply(reader, opening, core, options)
  if (!(outcome instanceof Refusal)) return outcome
  options.line?.(`spamd: ${outcome.why}`)
  options.log.info({ peer: opening.peer.address }, `spamd: ${outcome.why}`)
  return [outcome.bytes]
}

async function reply(
  reader: Reader,
  opening: Opening,
  core: Core,
  options: SpamdOptions,
): Promise<Reply | Refusal> {
  if (opening.state === 'timeout') {
    const seconds = options.firstLineMs / 1000
    return new Refusal(
      format.firstLineTimeout(seconds),
      `timeout: (${seconds} second socket timeout reading input from client)`,
    )
  }
  if (opening.state === 'ended') return badHeader('(closed before headers)')
  const line = opening.state === 'line' ? await reader.line(firstLineBytesMax) : 'too-long'
  if (typeof line === 'string') return badHeader('(first line is too long)')
  const request = parseRequestLine(line.text)
  if (request === undefined) return badHeader(line.text)

  const served = serve(request, reader, opening, core, options)
  return options.requestMs > 0 ? unlessLate(served, request.verb, options.requestMs) : served
}

/** What comes first: the answer, or the refusal after `requestMs`. */
function unlessLate(
  served: Promise<Reply | Refusal>,
  verb: Verb,
  requestMs: number,
): Promise<Reply | Refusal> {
  return new Promise((resolve, reject) => {
    const late = () => {
      const seconds = requestMs / 1000
      const why = `timeout: (${seconds} second timeout while trying to ${verb})`
      resolve(new Refusal(format.requestTimeout(seconds, verb), why))
    }
    // After a busy moment what has arrived meanwhile comes first.
    const timer = setTimeout(() => setImmediate(late), requestMs)
    served.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

async function serve(
  request: RequestLine,
  reader: Reader,
  opening: Opening,
  core: Core,
  options: SpamdOptions,
): Promise<Reply | Refusal> {
  const started = Date.now()
  const { verb, version } = request
  if (verb === 'PING' || verb === 'SKIP') {
    // At 1.5 an empty line follows; left unread it would turn the close into a reset.
    const headers = version >= 1.5 ? await readHeaders(reader) : {}
    if (headers instanceof Refusal) return headers
    if (verb === 'SKIP') options.line?.('spamd: skipped large message in 0.0 seconds')
    return verb === 'PING' ? [format.pong] : []
  }
  const headers = version > 1 || verb === 'TELL' ? await readHeaders(reader) : {}
  if (headers instanceof Refusal) return headers
  if (verb === 'TELL') {
    const refused = checkTell(headers, options)
    if (refused !== undefined) return refused
  }
  const raw = await readMessage(reader, headers, options)
  if (raw instanceof Refusal) return raw
  const user = headers.user || undefined
  if (verb === 'TELL') return tell(raw, headers, user, started, opening, core, options)

  const scanned = await core.scan({
    id: randomUUID(),
    raw,
    envelope: { rcptTo: [] },
    wants: wantsOf[verb] ?? {},
    remote: { address: opening.peer.address, name: opening.peer.name },
    front: 'spamd',
    ...(user === undefined ? {} : { user }),
  })
  // The dialect knows no action: under either policy 'spam: no' would call unchecked mail clean.
  const { unchecked } = scanned.verdict
  if (unchecked)
    return new Refusal(format.temporaryFailure(`not checked: ${unchecked.reason}`), 'not checked')
  // Handing back an empty message would lose the mail.
  if ((verb === 'PROCESS' || verb === 'HEADERS') && scanned.rewritten === undefined)
    throw new CoreError('scan-failed', 'the message could not be rewritten')
  if (options.line) {
    const logged = {
      scanned,
      user,
      uid: process.getuid?.() ?? 0,
      seconds: (Date.now() - started) / 1000,
      peer: opening.peer,
    }
    options.line(beginLine(verb, logged))
    options.line(outcomeLine(logged))
    options.line(resultLine(logged))
  }
  return format.scanReply(verb, version, scanned)
}

async function readHeaders(reader: Reader): Promise<RequestHeaders | Refusal> {
  const headers: RequestHeaders = {}
  for (let count = 0; count <= spamdHeaderLinesMax; count++) {
    const line = await reader.line(firstLineBytesMax)
    if (line === 'ended') return badHeader('(EOF during headers)')
    if (line === 'too-long') return badHeader('(header line is too long)')
    if (line.text === '') return headers
    const refused = addHeader(headers, line.text)
    if (refused !== undefined) return badHeader(refused)
  }
  return badHeader('(too many headers)')
}

function checkTell(headers: RequestHeaders, options: SpamdOptions): Refusal | undefined {
  const { set, remove } = headers
  if (!options.allowTell) return notAvailable('TELL commands are not enabled, set the --allow-tell switch.')
  if (set?.local && remove?.local)
    return badHeader('Unable to set local and remove local in the same operation.')
  if (set?.remote && remove?.remote)
    return badHeader('Unable to set remote and remove remote in the same operation.')
  return undefined
}

async function readMessage(
  reader: Reader,
  headers: RequestHeaders,
  { messageBytesMax }: SpamdOptions,
): Promise<Uint8Array | Refusal> {
  const tooLarge = () => notAvailable(`(message is larger than ${messageBytesMax} bytes)`)
  if (headers.length === undefined) {
    if (headers.zlib) return notAvailable('Compress requires Content-length header')
    return (await reader.rest(messageBytesMax, headers.lengthHint, hintPatienceMs)) ?? tooLarge()
  }
  const expected = Number(headers.length)
  if (expected > messageBytesMax) return tooLarge()
  const body = await reader.bytes(expected)
  if (headers.zlib) return inflated(body, messageBytesMax, tooLarge)
  const got = body.length < expected ? body.length : expected + cutBytes(body, reader.arrived())
  if (got === expected) return body
  return badHeader(`(Content-Length mismatch: Expected ${headers.length} bytes, got ${got} bytes)`)
}

/**
 * Bytes that stand between the announced end and the end of that line. spamd reads whole lines, so a length that cuts one shows as
 * a mismatch, and answering it would lose mail with PROCESS. An added line end (the Perl client's) is no part of the message.
 */
function cutBytes(body: Uint8Array, beyond: Buffer): number {
  if (beyond.length === 0 || body.at(-1) === 0x0a) return 0
  const end = beyond.indexOf(0x0a)
  const cut = end < 0 ? beyond : beyond.subarray(0, end + 1)
  return /^\r?\n?$/.test(cut.toString('latin1')) ? 0 : cut.length
}

async function inflated(
  body: Uint8Array,
  sizeMax: number,
  tooLarge: () => Refusal,
): Promise<Uint8Array | Refusal> {
  try {
    const message = await inflateAsync(body, { maxOutputLength: sizeMax })
    const shared = Buffer.from(new SharedArrayBuffer(message.length))
    message.copy(shared)
    return shared
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return tooLarge()
    // The line feed inside the reply is spamd's.
    return notAvailable('zlib: failed to find end of zlib stream\n')
  }
}

async function tell(
  raw: Uint8Array,
  headers: RequestHeaders,
  user: string | undefined,
  started: number,
  opening: Opening,
  core: Core,
  options: SpamdOptions,
): Promise<Reply> {
  const learn = async (as: 'spam' | 'ham' | 'forget') =>
    did(
      await core.learn({
        raw,
        class: as,
        source: `spamd ${opening.peer.address}`,
        ...(user === undefined ? {} : { user }),
      }),
      options,
    )
  // Whatever is not exactly 'spam' is ham, an absent class as well: spamd's behaviour, and the harmless side.
  const set =
    headers.set?.local && (await learn(headers.messageClass === 'spam' ? 'spam' : 'ham')) ? ['local'] : []
  const removed = headers.remove?.local && (await learn('forget')) ? ['local'] : []
  const seconds = (Date.now() - started) / 1000
  options.line?.(tellLine({ set, removed }, user, process.getuid?.() ?? 0, seconds, raw.length))
  return [format.tellReply(set, removed)]
}

/** Nothing to do and not able to are both "did not" on the wire. */
function did(outcome: LearnOutcome, options: SpamdOptions): boolean {
  if (outcome.status === 'refused' || outcome.status === 'failed')
    options.log.warn({ reason: outcome.reason }, 'TELL was not learned')
  return outcome.status === 'learned' || outcome.status === 'relearned' || outcome.status === 'forgotten'
}

/** Sends the reply and closes; a client that may still be talking is listened to until it has closed too. */
function finish(socket: Socket, reader: Reader, reply: Reply): void {
  if (socket.destroyed) return
  writeAll(socket, reply)
  if (reader.heardAll && leave(socket)) return
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.on('close', () => clearTimeout(timer))
  reader.discard()
  socket.end()
}

function textOf(error: unknown): string {
  return error instanceof CoreError ? error.message : 'internal error'
}
