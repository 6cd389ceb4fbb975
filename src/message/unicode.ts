// UTF-8 and what Perl's strict decoders refuse although JavaScript strings can hold it.

import { isUtf8 } from 'node:buffer'
import type { ByteString } from '../types.js'
import { bytesOf } from './bytes.js'

/** U+FDD0..FDEF and the last two code points of every plane. */
export const hasNoncharacter = (text: string): boolean =>
  /[\ufdd0-\ufdef\ufffe\uffff]|[\ud83f\ud87f\ud8bf\ud8ff\ud93f\ud97f\ud9bf\ud9ff\uda3f\uda7f\udabf\udaff\udb3f\udb7f\udbbf\udbff][\udffe\udfff]/.test(
    text,
  )

/** Half a surrogate pair. */
export const loneSurrogates = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

export const hasLoneSurrogate = (text: string): boolean => text.search(loneSurrogates) >= 0

/** Characters of strictly valid UTF-8, undefined for anything else. */
export function decodeUtf8(bytes: ByteString): string | undefined {
  const buffer = bytesOf(bytes)
  if (!isUtf8(buffer)) return undefined
  const text = buffer.toString('utf8')
  return hasNoncharacter(text) ? undefined : text
}
