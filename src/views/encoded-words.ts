// Decodes header values: encoded words (RFC 2047), raw 8-bit. Comes in: an unfolded value as bytes. Goes out: UTF-8 octets.
// Done as SpamAssassin 4.0.1 does (fixtures/oracle/micro-header, group encoded): encoded words are found anywhere, neighbours of the same
// charset are joined before the charset is undone, base64 padding counts per word.

import { decodeBase64, decodeQuotedPrintable } from '../message/transfer.js'
import type { ByteString } from '../types.js'
import { normalizeHeaderText } from './header-charset.js'

/** Fields that are taken as they are. */
const neverDecoded =
  /^(?:received|(?:resent-)?(?:message-id|date)|mime-version|references|in-reply-to|list-[^\n]*)$/i

const wordSource = '=\\?[A-Za-z0-9*_-]+\\?[bqBQ]\\?[^?]*\\?='
const gap = new RegExp(`(${wordSource})[\\t-\\r ]+(?=${wordSource})`, 'g')
const piece = /=\?([A-Za-z0-9*_-]+)\?([bqBQ])\?([^?]*)\?=|[^=]+|[\s\S]/gy

/** @param name field name, decides whether encoded words are looked at. */
export function decodeHeaderValue(raw: ByteString, name: string): ByteString {
  let text = raw
  if (text.includes('\n')) text = text.replace(/\n[ \t]/g, '\n ').replace(/\r?\n/g, '')
  if (/[\x80-\xff]/.test(text)) text = normalizeHeaderText(text, 'UTF-8', false)
  if (!text.includes('=?') || neverDecoded.test(name)) return text
  text = text.replace(gap, '$1')
  let out = ''
  let charset = ''
  let pending = ''
  const flush = (): void => {
    if (pending === '') return
    out += charset === '' ? pending : normalizeHeaderText(pending, charset.replace(/\*.*$/s, ''), true)
    pending = ''
  }
  piece.lastIndex = 0
  for (let found = piece.exec(text); found; found = piece.exec(text)) {
    const next = found[1]?.toLowerCase() ?? ''
    if (next !== charset) flush()
    charset = next
    pending += found[1] === undefined ? found[0] : decodeWord(found[2]!, found[3]!)
  }
  flush()
  return out
}

function decodeWord(encoding: string, text: ByteString): ByteString {
  return encoding === 'B' || encoding === 'b'
    ? decodeBase64(text)
    : decodeQuotedPrintable(text.replace(/_/g, '=20'))
}
