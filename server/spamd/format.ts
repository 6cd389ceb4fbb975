// The bytes of every spamd reply (spamd-protocol.md 2). Pure: a verdict or the words of a refusal in, a Buffer out. What the reply looks
// like depends on the version of the request: a Content-length at 1.2 breaks Exim, a missing one at 1.3 breaks spamc.
import { oneDecimal, shownScore } from '../../src/report/numbers.js'
import type { ByteString, Scanned, Verdict } from '../../src/types.js'
import type { Verb } from './request.js'

export const pong = Buffer.from('SPAMD/1.5 0 PONG\r\n')

/** One line and no blank line after it. `text` may quote what the client sent. */
export function protocolError(text: string): Buffer {
  return Buffer.from(`SPAMD/1.0 76 Bad header line: ${text}\r\n`, 'latin1')
}

export function unavailable(text: string): Buffer {
  return Buffer.from(`SPAMD/1.0 69 Service Unavailable: ${text}\r\n`, 'latin1')
}

/** hamd's own: spamd has no word for "not now". Exim defers on every code but 0, spamc falls back, others read 75 as TEMPFAIL. */
export function temporaryFailure(text: string): Buffer {
  return Buffer.from(`SPAMD/1.0 75 Temporary failure: ${oneLine(text)}\r\n`, 'latin1')
}

export function firstLineTimeout(seconds: number): Buffer {
  return Buffer.from(`SPAMD/1.0 79 Timeout: (${seconds} second socket timeout reading input from client)\r\n`)
}

export function requestTimeout(seconds: number, verb: Verb): Buffer {
  return Buffer.from(`SPAMD/1.0 79 Timeout: (${seconds} second timeout while trying to ${verb})\r\n`)
}

/** Reply of the verbs that scan, in pieces: a rewritten message is not copied. */
export function scanReply(verb: Verb, version: number, scanned: Scanned): readonly Uint8Array[] {
  const spam = spamLine(verb, scanned.verdict)
  switch (verb) {
    case 'PROCESS':
    case 'HEADERS': {
      const message = scanned.rewritten ?? new Uint8Array()
      if (version < 1.2) return [Buffer.from('SPAMD/1.0 0 EX_OK\r\n'), message]
      const length = `Content-length: ${message.length}\r\n`
      const head = version >= 1.3 ? `${length}${spam}\r\n\r\n` : `${length}\r\n`
      return [Buffer.from(`SPAMD/1.1 0 EX_OK\r\n${head}`), message]
    }
    case 'SYMBOLS':
      return withBody(version, spam, symbolList(scanned.verdict) + (version < 1.3 ? '\r\n' : ''))
    case 'REPORT':
      return withBody(version, spam, scanned.report ?? '')
    case 'REPORT_IFSPAM':
      return withBody(version, spam, scanned.verdict.isSpam ? (scanned.report ?? '') : '')
    default:
      return [Buffer.from(`SPAMD/1.1 0 EX_OK\r\n${spam}\r\n\r\n`)]
  }
}

/** Success of TELL. The surplus CRLF is spamd's, and clients were written against it. */
export function tellReply(didSet: readonly string[], didRemove: readonly string[]): Buffer {
  const set = didSet.length > 0 ? `DidSet: ${didSet.join(',')}\r\n` : ''
  const removed = didRemove.length > 0 ? `DidRemove: ${didRemove.join(',')}\r\n` : ''
  return Buffer.from(`SPAMD/1.1 0 EX_OK\r\n${set}${removed}\r\n\r\n`)
}

/** Names of the rules that hit, as often as they counted, sorted by byte and joined by commas; '' when nothing hit. */
export function symbolList(verdict: Verdict): string {
  const names: string[] = []
  for (const { symbol, times = 1 } of verdict.hits) for (let n = 0; n < times; n++) names.push(symbol)
  return names.sort().join(',')
}

function withBody(version: number, spam: string, body: ByteString): readonly Uint8Array[] {
  const length = version >= 1.3 ? `Content-length: ${body.length}\r\n` : ''
  return [Buffer.from(`SPAMD/1.1 0 EX_OK\r\n${length}${spam}\r\n\r\n${body}`, 'latin1')]
}

/** The blanks around ';' and '/' and one decimal on both numbers are what sscanf patterns and regexes of clients demand. */
function spamLine(verb: Verb, { score, requiredScore, isSpam }: Verdict): string {
  const yes = verb === 'REPORT_IFSPAM' ? 'Yes' : 'True'
  const no = verb === 'REPORT_IFSPAM' ? 'No' : 'False'
  return `Spam: ${isSpam ? yes : no} ; ${shownScore(score, requiredScore, isSpam)} / ${oneDecimal(requiredScore)}`
}

/** Our own texts only ever say one line of ASCII. */
function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 400)
}
