// The scan commands over HTTP, whatever carried them: the scan port's own reader or the controller. In: path, headers, body, peer.
// Out: an HttpReply. Commands are compared without case and without a trailing slash being forgiven, as rspamd does.
import type { Core } from '../../src/types.js'
import type { HeaderList } from '../http-headers.js'
import type { Holding } from '../http-memory.js'
import { errorReply, type HttpReply, textReply } from '../http-reply.js'
import { deflateZstd } from '../http-zstd.js'
import { formatLegacyJson, formatV2, type ReplyParts } from './format.js'
import type { RspamdOptions } from './options.js'
import { type Peer, refusalOf, ScanRefusal, scanForReply } from './scan.js'

/** A request after its transport: query arguments already stand among the headers. */
export interface HttpCall {
  readonly method: string
  /** Without query, lower case. */
  readonly path: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: HeaderList
  readonly body: Uint8Array
  readonly peer: Peer
  readonly holding: Holding
}

type Shape = 'v2' | 'skip' | 'legacy'

const scanCommands: ReadonlyMap<string, Shape> = new Map([
  ['/checkv2', 'v2'],
  ['/skip', 'skip'],
  ['/check', 'legacy'],
  ['/symbols', 'legacy'],
  ['/scan', 'legacy'],
  ['/process', 'legacy'],
  ['/report', 'legacy'],
  ['/report_ifspam', 'legacy'],
])

/** What the scan ports answer. */
export async function answerScanPort(call: HttpCall, core: Core, options: RspamdOptions): Promise<HttpReply> {
  if (call.path === '/ping') return textReply('pong\r\n')
  if (call.path === '/metrics' && options.metricsText) {
    return { ...textReply(await options.metricsText()), type: openMetricsType }
  }
  const shape = scanCommands.get(call.path)
  if (!shape) return refuse(new ScanRefusal(500, 'invalid command', 'protocol-error'), options)
  return answerScan(call, shape, core, options, 'rspamd-http')
}

export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

export async function answerScan(
  call: HttpCall,
  shape: Shape,
  core: Core,
  options: RspamdOptions,
  front: string,
): Promise<HttpReply> {
  try {
    const parts = await scanForReply({ ...call, front }, core, options)
    const body = shape === 'legacy' ? formatLegacyJson(parts) : formatV2(parts, shape === 'v2')
    return await finishReply(
      { status: 200, phrase: 'OK', type: 'application/json', body },
      parts,
      call,
      options,
    )
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal !== error) options.log?.({ level: 'error', msg: 'scan reply failed', err: error })
    return refuse(refusal, options)
  }
}

export function refuse(refusal: ScanRefusal, options: RspamdOptions): HttpReply {
  const reply = errorReply(
    refusal.status,
    refusal.message,
    options.errorDomain ? { error_domain: refusal.domain } : {},
  )
  if (refusal.retryAfterSeconds === undefined) return reply
  return { ...reply, headers: [['Retry-After', String(refusal.retryAfterSeconds)]] }
}

/** Adds the rewritten message behind the JSON and compresses, where asked for. */
async function finishReply(
  reply: HttpReply,
  parts: ReplyParts,
  call: HttpCall,
  options: RspamdOptions,
): Promise<HttpReply> {
  let finished = reply
  const message = options.rewriteMessage && parts.flags.bodyBlock ? rewrittenMessage(parts) : undefined
  if (message) {
    const json = Buffer.from(reply.body as string)
    finished = {
      ...finished,
      body: Buffer.concat([json, message]),
      headers: [['Message-Offset', String(json.length)]],
    }
  }
  if (call.headers.get('compression') === undefined && !parts.flags.zstd) return finished
  const bytes = typeof finished.body === 'string' ? Buffer.from(finished.body) : finished.body
  return {
    ...finished,
    body: await deflateZstd(bytes),
    headers: [...(finished.headers ?? []), ['Compression', 'zstd']],
  }
}

/** For milter clients only the body: their headers travel in the `milter` block. */
function rewrittenMessage({ scanned, flags }: ReplyParts): Uint8Array | undefined {
  const bytes = scanned?.rewritten
  if (!bytes || !flags.milter) return bytes
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = /\r?\n\r?\n/.exec(text.toString('latin1'))
  return end ? text.subarray(end.index + end[0].length) : text.subarray(text.length)
}
