// The text dialect `CHECK RSPAMC/1.3` that Exim's `variant=rspamd` speaks. In: a socket and its first bytes. Out: status line, Metric, Action, Symbol
// lines and EOF, without any blank line between (rspamd-protocol.md 2.2). Exim parses the first two lines by scanf, reads at most 32,599
// bytes and waits for the end of the connection.
import type { Socket } from 'node:net'
import type { Core } from '../../src/types.js'
import { safePhrase, sendAndClose } from '../http-reply.js'
import { readRequest, saidNothingElse } from '../http-request.js'
import { newSubject, type ReplyParts } from './format.js'
import { type RspamdOptions, rspamdOptions } from './options.js'
import { peerOf, refusalOf, scanForReply } from './scan.js'

const statusLine = 'RSPAMD/1.3 0 EX_OK\r\n'

/** Serves one connection. Resolves when the reply is handed to the socket. */
export async function serveRspamc(
  socket: Socket,
  firstBytes: Buffer,
  core: Core,
  given: Partial<RspamdOptions> = {},
  unix = false,
): Promise<void> {
  const options = rspamdOptions(given)
  const peer = peerOf(socket, unix)
  const holding = options.budget.open()
  const outcome = await readRequest(socket, firstBytes, {
    bodyBytesMax: options.messageBytesMax,
    requestMs: options.requestMs,
    holding,
  })
  try {
    // Nothing is answered to a request that is not whole: Exim takes the end of the connection for a temporary failure.
    if (outcome.status === 'failed') return sendAndClose(socket, undefined)
    const { startLine, headers, body, hasLength } = outcome.request
    if (!/^(?:CHECK|SYMBOLS) R?SPAMC\/\d+(?:\.\d+)?\s*$/.test(startLine))
      return sendAndClose(socket, undefined)
    const job = { headers, body, peer, holding, front: 'rspamc' }
    const text = await replyText(job, core, options)
    const heardAll = hasLength && saidNothingElse(socket, outcome)
    sendAndClose(socket, Buffer.from(text), options.requestMs, heardAll)
  } finally {
    holding.release()
  }
}

async function replyText(
  job: Parameters<typeof scanForReply>[0],
  core: Core,
  options: RspamdOptions,
): Promise<string> {
  try {
    return formatRspamc(await scanForReply(job, core, options), options.legacyReplyBytesMax)
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal !== error) options.log?.({ level: 'error', msg: 'scan reply failed', err: error })
    // As rspamd: the JSON makes Exim's scan of the Metric line fail, so the mail is deferred.
    return `${statusLine}${JSON.stringify({ error: refusal.message })}\r\n`
  }
}

/** The whole reply. Symbols that would not fit are left out by whole lines, smallest scores first. */
export function formatRspamc(parts: ReplyParts, bytesMax: number): string {
  const { verdict, scanned } = parts
  const subject = newSubject(parts)
  const head = [
    // The word is `False` even for spam in every rspamd; Exim reads and drops it.
    `Metric: default; False; ${verdict.score.toFixed(2)} / ${verdict.requiredScore.toFixed(2)} / 0.0`,
    `Action: ${verdict.action}`,
    ...(subject === undefined ? [] : [`Subject: ${safePhrase(subject)}`]),
  ]
  const tail = [
    ...Object.values(verdict.messages).map((text) => `Message: ${safePhrase(text)}`),
    ...(scanned ? [`Message-ID: ${safePhrase(scanned.messageId ?? 'undef')}`] : []),
  ]
  let left = bytesMax - statusLine.length - lines([...head, ...tail]).length
  const kept = new Set<string>()
  for (const hit of [...verdict.hits].sort((a, b) => Math.abs(b.score) - Math.abs(a.score))) {
    left -= symbolLine(hit).length + 2
    if (left < 0) break
    kept.add(hit.symbol)
  }
  const symbols = verdict.hits.filter((hit) => kept.has(hit.symbol)).map(symbolLine)
  return statusLine + lines([...head, ...symbols, ...tail])
}

function symbolLine(hit: { readonly symbol: string; readonly score: number }): string {
  return `Symbol: ${hit.symbol}(${hit.score.toFixed(2)})`
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\r\n`).join('')
}
