// The piece of a message that made a rule hit, short and printable, for people who ask why.
import type { ByteString, Hit } from '../../src/types.js'
import type { FirstMatch } from '../regex/matcher.js'

/** Bytes of evidence shown for a hit. */
const evidenceBytesMax = 80

/** @param where kind of text, e.g. 'body' or 'header Subject'; texts of many lines get the line's number. */
export function evidenceOf(text: ByteString, first: FirstMatch, where: string): NonNullable<Hit['evidence']> {
  const end = first.index + Math.min(first.length, evidenceBytesMax)
  const numbered = where === 'body' || where === 'rawbody'
  return {
    text: escapeBytes(text.slice(first.index, end)),
    where: numbered ? `${where} ${first.line}` : where,
  }
}

/** Printable ASCII as it is, everything else as \n, \t or \xhh. */
function escapeBytes(text: ByteString): string {
  return text.replace(/[^ -~]/g, (char) =>
    char === '\n' ? '\\n' : char === '\t' ? '\\t' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
