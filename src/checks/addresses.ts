// Whom a message claims to be from and for: the addresses of all headers that say so, each once. Several evals compare them with lists.
import type { ByteString, Scan } from '../types.js'
import { isFqdn } from '../views/hosts.js'
import { once } from './once.js'
import { headerAll } from './text.js'

const senderRequests = [
  'From:addr',
  'Envelope-Sender:addr',
  'Resent-Sender:addr',
  'X-Envelope-From:addr',
  'EnvelopeFrom:addr',
]

/** Every address that claims to be the sender; Resent-From wins over all others. */
export const allFromAddresses = once((scan): readonly ByteString[] => {
  const resent = headerAll(scan, 'Resent-From:first:addr')
  if (resent.length) return unique(resent)
  const claimed: ByteString[] = []
  for (const request of senderRequests) {
    for (const address of headerAll(scan, request)) {
      // 'foo@bar...com' is seen in the wild.
      if (address.includes('..')) claimed.push(address.replace(/\.{2,}/g, '.'))
      else if (address !== '') claimed.push(address)
    }
  }
  return unique(claimed)
})

const recipientRequests = [
  'To:addr',
  'Apparently-To:addr',
  'Delivered-To:addr',
  'Envelope-Recipients:addr',
  'Apparently-Resent-To:addr',
  'X-Envelope-To:addr',
  'Envelope-To:addr',
  'X-Delivered-To:addr',
  'X-Original-To:addr',
  'X-Rcpt-To:addr',
  'X-Real-To:addr',
  'Cc:addr',
]

/** Every address the message seems to be for; Resent-To and -Cc win over all others. */
export const allToAddresses = once((scan): readonly ByteString[] => {
  const resent = ['Resent-To:first:addr', 'Resent-Cc:first:addr'].flatMap((request) =>
    headerAll(scan, request),
  )
  if (resent.length) return unique(resent)
  const claimed = recipientRequests.flatMap((request) => headerAll(scan, request))
  return unique([...receivedFor(scan), ...claimed])
})

/** Recipients named in the newest three Received lines: sendmail writes them nowhere else. */
function receivedFor(scan: Scan): string[] {
  const found: string[] = []
  for (const line of headerAll(scan, 'Received').slice(0, 3)) {
    if (!line.includes(' for ')) continue
    const recipient = / for <?([^\t-\r ]+@([^\t-\r ]+?))>?;/.exec(line)
    if (recipient && isFqdn(recipient[2]!)) found.push(recipient[1]!)
  }
  return found
}

function unique(values: readonly ByteString[]): readonly ByteString[] {
  if (values.length < 2 || (values.length === 2 && values[0] !== values[1])) return values
  return [...new Set(values)]
}
