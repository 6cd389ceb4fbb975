// Words torn apart by tags: `<b>v</b>iagra`. SpamAssassin counts places where text before and behind a tag would make one word, and the
// distinct pairs of lengths of such short runs ("backhair") (4.0.1, HTML.pm; fixtures/oracle/micro-html, group obf).

import { isBlankChar } from './body.js'

const runMax = 7

/** Neither blank nor ASCII punctuation. */
function isWordly(code: number, wide: boolean): boolean {
  if (code < 0x7f) {
    if (code >= 48 && code <= 57) return true
    if (code >= 65 && code <= 90) return true
    if (code >= 97 && code <= 122) return true
    return code < 32 && !isBlankChar(code, wide)
  }
  return !isBlankChar(code, wide)
}

/** Letter, digit or underscore of Perl's \w: of all scripts in wide text, of ASCII in bytes. */
function isWordChar(code: number, wide: boolean): boolean {
  if (code < 0x80)
    return (
      (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95
    )
  return wide && /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u.test(String.fromCodePoint(code))
}

export const startsWordly = (text: string, wide: boolean): boolean =>
  text !== '' && isWordly(text.charCodeAt(0), wide)

export const endsWordly = (text: string, wide: boolean): boolean =>
  text !== '' && isWordly(text.charCodeAt(text.length - 1), wide)

/** Length of the longest run of at most seven wordly characters at the end that starts at a word boundary; 0 if there is none. */
export function trailingRun(text: string, wide: boolean): number {
  const tail = Array.from(text.slice(-2 * (runMax + 1)), (char) => char.codePointAt(0)!)
  let best = 0
  for (let length = 1; length <= Math.min(runMax, tail.length); length++) {
    const code = tail[tail.length - length]!
    if (!isWordly(code, wide)) break
    const before = tail[tail.length - length - 1]
    if (isWordChar(code, wide) !== (before !== undefined && isWordChar(before, wide))) best = length
  }
  return best
}

/** The same at the start of a text, up to a word boundary. */
export function leadingRun(text: string, wide: boolean): number {
  const head = Array.from(text.slice(0, 2 * (runMax + 1)), (char) => char.codePointAt(0)!)
  let best = 0
  for (let length = 1; length <= Math.min(runMax, head.length); length++) {
    const code = head[length - 1]!
    if (!isWordly(code, wide)) break
    const next = head[length]
    if (isWordChar(code, wide) !== (next !== undefined && isWordChar(next, wide))) best = length
  }
  return best
}
