// Reads one HTTP (or RSPAMC) request from a socket, as leniently as rspamd does, and never more than the limits allow.
// In: bytes as they arrive. Out: start line, headers, body. Why not node:http: rspamd accepts LF-only lines, any method, no Host, control bytes
// in values and keeps the last of repeated headers; Node's parser refuses or merges these (rspamd-protocol.md 7.1), and it has no time limit
// while the listener still looks for the dialect. The parser below knows no socket, so that every split of the bytes can be tested.
import type { Socket } from 'node:net'
import { firstLineBytesMax, httpHeaderBytesMax, httpRequestMs, messageBytesMax } from '../src/limits.js'
import { Body } from './body.js'
import { decodeValue, HeaderList } from './http-headers.js'
import type { Holding } from './http-memory.js'

/** What was refused and how the front should take it. */
export type ReadFailure =
  /** The client went away or half-closed before its request was whole: no reply is due. */
  | 'closed'
  /** Not HTTP at all, broken chunking, contradictory lengths. */
  | 'malformed'
  | 'too-large'
  | 'timeout'
  /** The bytes of all requests being read have reached their common bound. */
  | 'overloaded'

export type ReadOutcome =
  | {
      readonly status: 'read'
      readonly request: ParsedRequest
      /** Bytes behind the request have been seen: a pipelined request, or a body whose length was not told. */
      readonly trailing: boolean
      /** What the socket had read by then, to see later whether more has come. */
      readonly bytesRead: number
    }
  | { readonly status: 'failed'; readonly failure: ReadFailure }

export interface ParsedRequest {
  readonly startLine: string
  readonly headers: HeaderList
  /** Lives in a SharedArrayBuffer: scan workers read it without a copy. */
  readonly body: Uint8Array
  /** The request told how long its body is. Without it HTTP has no body, whatever follows. */
  readonly hasLength: boolean
}

export interface ReadOptions {
  readonly headerBytesMax?: number
  readonly bodyBytesMax?: number
  /** The whole request must be there within. */
  readonly requestMs?: number | undefined
  readonly holding?: Holding
  /** HTTP clients may ask for `100 Continue`; the RSPAMC dialect knows nothing of it. */
  readonly answerContinue?: boolean
}

/** Lines of chunk sizes, extensions included, and all trailers together: stops a stream of framing without data. */
const chunkLineBytesMax = 1024
const trailerBytesMax = 16 * 1024

const lf = 0x0a
const none = Buffer.alloc(0)
const noHeaders = new HeaderList([])

type State = 'head' | 'body' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'done' | 'failed'

/** The request as a machine that is fed bytes in whatever pieces they come. */
export class RequestParser {
  state: State = 'head'
  failure: ReadFailure | undefined
  /** Bytes behind the request: a second, pipelined one, or a body without a length. */
  trailingBytes = 0

  private head = none
  private headLength = 0
  private scanned = 0
  private headers = noHeaders
  private startLine = ''
  private hasLength = false
  private body: Body | undefined
  /** Bytes still due in the body or the present chunk. */
  private due = 0
  private line = ''
  private trailerBytes = 0

  constructor(
    private readonly headerBytesMax: number,
    private readonly bodyBytesMax: number,
  ) {}

  /** The client waits for `100 Continue` before it sends its body. */
  get expectsContinue(): boolean {
    return this.state !== 'head' && /^100-continue$/i.test(this.headers.get('expect') ?? '')
  }

  feed(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0 && this.state !== 'failed') {
      if (this.state === 'done') {
        this.trailingBytes += rest.length
        return
      }
      if (this.state === 'head') rest = this.feedHead(rest)
      else if (this.state === 'body' || this.state === 'chunk-data') rest = this.feedData(rest)
      else rest = this.feedChunkLine(rest)
    }
  }

  /** The finished request; the state must be 'done'. */
  finish(): ParsedRequest {
    return {
      startLine: this.startLine,
      headers: this.headers,
      body: this.body?.finish() ?? none,
      hasLength: this.hasLength,
    }
  }

  private fail(failure: ReadFailure): Buffer {
    this.state = 'failed'
    this.failure = failure
    return none
  }

  private feedHead(chunk: Buffer): Buffer {
    // Nearly every head comes in one piece, and then it is read where it lies.
    if (this.headLength === 0) {
      const end = this.findHeadEnd(chunk)
      if (end >= 0 && end <= this.headerBytesMax)
        return this.startBody(chunk.toString('latin1', 0, end)) ? chunk.subarray(end) : none
      this.scanned = 0
    }
    this.appendHead(chunk)
    const end = this.findHeadEnd(this.head.subarray(0, this.headLength))
    const length = end < 0 ? this.headLength : end
    if (length > this.headerBytesMax) return this.fail('too-large')
    if (end < 0) {
      if (this.headLength > firstLineBytesMax && this.head.subarray(0, firstLineBytesMax).indexOf(lf) < 0) {
        return this.fail('too-large')
      }
      return none
    }
    const rest = Buffer.from(this.head.subarray(end, this.headLength))
    const text = this.head.toString('latin1', 0, end)
    this.head = none
    return this.startBody(text) ? rest : none
  }

  private appendHead(chunk: Buffer): void {
    const length = this.headLength + chunk.length
    if (length > this.head.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, this.head.length * 2, 1024))
      this.head.copy(larger, 0, 0, this.headLength)
      this.head = larger
    }
    chunk.copy(this.head, this.headLength)
    this.headLength = length
  }

  /** Offset behind the empty line, or -1. Lines end in LF or CRLF, mixed as they like. */
  private findHeadEnd(head: Buffer): number {
    for (let at = this.scanned; ; ) {
      const found = head.indexOf(lf, at)
      if (found < 0) {
        this.scanned = head.length
        return -1
      }
      const next = found + 1
      if (next < head.length && head[next] === lf) return next + 1
      if (next + 1 < head.length && head[next] === 0x0d && head[next + 1] === lf) return next + 2
      if (next + 1 >= head.length) {
        this.scanned = found
        return -1
      }
      at = next
    }
  }

  private startBody(text: string): boolean {
    const pairs: [string, string][] = []
    let at = text.indexOf('\n')
    this.startLine = lineOf(text, 0, at)
    for (let start = at + 1; start < text.length; start = at + 1) {
      at = text.indexOf('\n', start)
      const line = lineOf(text, start, at)
      if (line === '') continue
      const last = pairs.at(-1)
      if ((line.startsWith(' ') || line.startsWith('\t')) && last) {
        last[1] += ` ${line.trim()}`
        continue
      }
      const colon = line.indexOf(':')
      if (colon <= 0) {
        this.fail('malformed')
        return false
      }
      pairs.push([line.slice(0, colon).trim().toLowerCase(), decodeValue(line.slice(colon + 1).trim())])
    }
    this.headers = new HeaderList(pairs)
    return this.decideLength()
  }

  private decideLength(): boolean {
    if (/\bchunked\s*$/i.test(this.headers.get('transfer-encoding') ?? '')) {
      this.hasLength = true
      this.state = 'chunk-size'
      return true
    }
    const lengths = this.headers.getAll('content-length')
    const length = lengths[0]
    if (length === undefined) {
      this.state = 'done'
      return true
    }
    if (lengths.some((other) => other !== length) || !/^\d{1,15}$/.test(length)) {
      this.fail('malformed')
      return false
    }
    this.hasLength = true
    this.due = Number(length)
    if (this.due > this.bodyBytesMax) {
      this.fail('too-large')
      return false
    }
    this.body = new Body(this.due)
    this.state = this.due === 0 ? 'done' : 'body'
    return true
  }

  private feedData(chunk: Buffer): Buffer {
    const piece = chunk.subarray(0, this.due)
    this.body ??= new Body()
    this.body.add(piece)
    this.due -= piece.length
    if (this.due === 0) this.state = this.state === 'body' ? 'done' : 'chunk-end'
    return chunk.subarray(piece.length)
  }

  private feedChunkLine(chunk: Buffer): Buffer {
    const end = chunk.indexOf(lf)
    const piece = end < 0 ? chunk : chunk.subarray(0, end)
    if (this.line.length + piece.length > chunkLineBytesMax) return this.fail('malformed')
    this.line += piece.toString('latin1')
    if (end < 0) return none
    const line = this.line.endsWith('\r') ? this.line.slice(0, -1) : this.line
    this.line = ''
    if (!this.takeChunkLine(line)) return none
    return chunk.subarray(end + 1)
  }

  private takeChunkLine(line: string): boolean {
    if (this.state === 'trailer') {
      this.trailerBytes += line.length + 1
      if (this.trailerBytes > trailerBytesMax) this.fail('malformed')
      else if (line === '') this.state = 'done'
    } else if (this.state === 'chunk-end') {
      if (line === '') this.state = 'chunk-size'
      else this.fail('malformed')
    } else {
      const size = /^\s*([0-9a-f]{1,8})\s*(;.*)?$/i.exec(line)
      if (!size) this.fail('malformed')
      else this.startChunk(Number.parseInt(size[1]!, 16))
    }
    return this.state !== 'failed'
  }

  private startChunk(size: number): void {
    if ((this.body?.length ?? 0) + size > this.bodyBytesMax) {
      this.fail('too-large')
      return
    }
    this.due = size
    this.state = size === 0 ? 'trailer' : 'chunk-data'
  }
}

/** The line from `start` up to its line feed, without a carriage return before it. */
function lineOf(text: string, start: number, end: number): string {
  return text.slice(start, text.charCodeAt(end - 1) === 0x0d ? end - 1 : end)
}

/**
 * Reads until the request is whole or has failed; most are whole with their first bytes. Never rejects. Bytes that follow are dropped,
 * and the socket is left flowing.
 */
export function readRequest(
  socket: Socket,
  firstBytes: Buffer,
  options: ReadOptions,
): ReadOutcome | Promise<ReadOutcome> {
  const parser = new RequestParser(
    options.headerBytesMax ?? httpHeaderBytesMax,
    options.bodyBytesMax ?? messageBytesMax,
  )
  let continued = options.answerContinue !== true
  const take = (chunk: Buffer): ReadOutcome | undefined => {
    if (options.holding && !options.holding.take(chunk.length)) return failed('overloaded')
    parser.feed(chunk)
    if (parser.state === 'failed') return failed(parser.failure!)
    if (parser.state === 'done') {
      const { bytesRead } = socket
      const trailing = parser.trailingBytes > 0
      return { status: 'read', request: parser.finish(), trailing, bytesRead }
    }
    if (!continued && parser.expectsContinue) {
      continued = true
      socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    }
    return undefined
  }
  // Errors and late bytes after the request concern nobody: the reply path checks whether the socket can still be written.
  socket.on('error', () => {})
  const outcome = firstBytes.length > 0 ? take(firstBytes) : undefined
  if (outcome || socket.destroyed) {
    socket.resume()
    return outcome ?? failed('closed')
  }
  return new Promise((resolve) => {
    const stop = (end: ReadOutcome) => {
      clearTimeout(timer)
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onEnd)
      socket.resume()
      resolve(end)
    }
    const timer = setTimeout(() => stop(failed('timeout')), options.requestMs ?? httpRequestMs)
    const onData = (chunk: Buffer) => {
      const end = take(chunk)
      if (end) stop(end)
    }
    const onEnd = () => stop(failed('closed'))
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd)
    socket.resume()
  })
}

/** Since a request with a told length was read, nothing has come. */
export function saidNothingElse(
  socket: Socket,
  { trailing, bytesRead }: Extract<ReadOutcome, { readonly status: 'read' }>,
): boolean {
  return !trailing && socket.bytesRead === bytesRead
}

function failed(failure: ReadFailure): ReadOutcome {
  return { status: 'failed', failure }
}
