// Decodes a header value: unfolding, stray 8-bit bytes, RFC 2047 encoded words (SpamAssassin 4.0.1, Message/Node.pm; fixtures/oracle/micro-mime,
// group subj). The result is UTF-8 octets without line ends.

import type { ByteString } from '../types.js'
import { has8bit, trimBlanks } from './bytes.js'
import { normalizeToOctets } from './charset.js'
import { decodeBase64, decodeQuotedPrintable } from './transfer.js'

/** Fields in which encoded words are left alone. */
const undecodedNames =
  /^(?:received|(?:resent-)?(?:message-id|date)|mime-version|references|in-reply-to|list-.*)$/is

/** `raw` is what follows the colon, folding kept; `name` decides whether encoded words are decoded. */
export function decodeHeaderValue(raw: ByteString, name: ByteString): ByteString {
  let value = trimBlanks(raw)
  if (value.includes('\n')) value = value.replace(/\n[ \t]+/g, ' ').replace(/\r?\n/g, '')
  if (has8bit(value)) value = normalizeToOctets(value, 'UTF-8')
  if (!value.includes('=?') || undecodedNames.test(name)) return value
  return decodeWords(value)
}

const betweenWords =
  /(=\?[A-Za-z0-9*_-]+\?[bqBQ]\?[^?]*\?=)[ \t\n\r\f\v]+(?==\?[A-Za-z0-9*_-]+\?[bqBQ]\?[^?]*\?=)/g
const wordOrText = /=\?([A-Za-z0-9*_-]+)\?([bqBQ])\?([^?]*)\?=|[^=]+|=/g

/** Neighbouring words of one charset are joined before their charset is undone: senders split characters between words. */
function decodeWords(value: ByteString): ByteString {
  let out = ''
  let charset = ''
  let pending = ''
  const flush = (): void => {
    if (charset === '') out += pending
    else out += normalizeToOctets(pending, charset.replace(/\*.*$/, ''), true)
    pending = ''
  }
  for (const [whole, declared, encoding, data] of value.replace(betweenWords, '$1').matchAll(wordOrText)) {
    const next = declared === undefined ? '' : declared.toLowerCase()
    if (next !== charset) {
      flush()
      charset = next
    }
    pending += declared === undefined ? whole : decodeWord(encoding ?? '', data ?? '')
  }
  flush()
  return out
}

function decodeWord(encoding: string, data: ByteString): ByteString {
  if (encoding === 'B' || encoding === 'b') return decodeBase64(data)
  return decodeQuotedPrintable(data.replaceAll('_', '=20'))
}
