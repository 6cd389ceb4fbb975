// spamd's own log lines, word for word (spamd-protocol.md 6): fail2ban filters, monitoring and mail statistics match them. Each function
// gives one line without time stamp and prefix; the log they go to adds its own.
import { autolearnText } from '../../src/report/index.js'
import { oneDecimal, shownScore } from '../../src/report/numbers.js'
import type { ByteString, Scanned } from '../../src/types.js'
import type { Opening } from '../listen.js'
import { symbolList } from './format.js'

/** One finished request, as far as the lines need it. */
export interface LoggedScan {
  readonly scanned: Scanned
  readonly user: string | undefined
  readonly uid: number
  readonly seconds: number
  readonly peer: Opening['peer']
}

export function connectionLine({ peer, listener, tls }: Opening): string {
  if (typeof peer.port === 'string') return `spamd: got connection over ${peer.port}`
  const port = listener.slice(listener.lastIndexOf(':') + 1)
  // The number of the descriptor is no business of a Node program; patterns want some number there.
  return `spamd: connection from ${peer.name} [${peer.address}]:${peer.port} to port ${port}, fd 5${tls === undefined ? '' : `, ${tls}`}`
}

export function beginLine(verb: string, { scanned, user, uid }: LoggedScan): string {
  const resent = scanned.resentMessageId === undefined ? '' : ` aka ${bracketed(scanned.resentMessageId)}`
  return `spamd: ${verb === 'PROCESS' ? 'processing' : 'checking'} message ${bracketed(scanned.messageId)}${resent} for ${nameOf(user)}:${uid}`
}

export function outcomeLine({ scanned, user, uid, seconds }: LoggedScan): string {
  const { score, requiredScore, isSpam } = scanned.verdict
  const points = `${shownScore(score, requiredScore, isSpam)}/${oneDecimal(requiredScore)}`
  return `spamd: ${isSpam ? 'identified spam' : 'clean message'} (${points}) for ${nameOf(user)}:${uid} in ${oneDecimal(seconds)} seconds, ${scanned.sizeBytes} bytes.`
}

export function resultLine({ scanned, user, uid, seconds, peer }: LoggedScan): string {
  const { verdict } = scanned
  const items = [
    `scantime=${oneDecimal(seconds)}`,
    `size=${scanned.sizeBytes}`,
    `user=${nameOf(user)}`,
    `uid=${uid}`,
    `required_score=${oneDecimal(verdict.requiredScore)}`,
    `rhost=${peer.name}`,
    `raddr=${peer.address}`,
    `rport=${peer.port}`,
    `mid=${safe(bracketed(scanned.messageId))}`,
  ]
  if (scanned.resentMessageId !== undefined) items.push(`rmid=${safe(bracketed(scanned.resentMessageId))}`)
  if (verdict.bayes?.probability !== undefined) items.push(`bayes=${verdict.bayes.probability.toFixed(6)}`)
  items.push(`autolearn=${autolearnText(verdict)}`)
  const score = String(Math.trunc(verdict.score)).padStart(2)
  return `spamd: result: ${verdict.isSpam ? 'Y' : '.'} ${score} - ${symbolList(verdict)} ${items.join(',')}`
}

export function tellLine(
  did: { readonly set: readonly string[]; readonly removed: readonly string[] },
  user: string | undefined,
  uid: number,
  seconds: number,
  sizeBytes: number,
): string {
  const words = [
    ...(did.set.length > 0 ? [` Setting ${did.set.join(',')} `] : []),
    ...(did.removed.length > 0 ? [` Removing ${did.removed.join(',')} `] : []),
  ]
  const what = words.length === 0 ? ' Did nothing ' : words.join('')
  return `spamd: Tell:${what}for ${nameOf(user)}:${uid} in ${oneDecimal(seconds)} seconds, ${sizeBytes} bytes`
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\r': '\\r',
  '\n': '\\n',
  '\t': '\\t',
}

/** What clients and senders wrote may not start a line of its own: all but printable ASCII is escaped, as spamd's log does. */
export function escapeLine(line: ByteString): string {
  return line.replace(/[^\x20-\x7e]|\\/g, (char) => {
    const code = char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')
    return shortEscapes[char] ?? `\\x{${code}}`
  })
}

function nameOf(user: string | undefined): ByteString {
  return user === undefined || user === '' ? '(unknown)' : Buffer.from(user, 'utf8').toString('latin1')
}

function bracketed(id: string | undefined): string {
  if (id === undefined || id === '') return '(unknown)'
  return `<${id.replace(/[^\x21-\x7e]/g, '?').replace(/[<>]/g, '?')}>`
}

function safe(text: string): string {
  return text.replace(/[\x00-\x20\s,]/g, '_')
}
