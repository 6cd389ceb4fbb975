// Shortens long runs of blank lines before anything else looks at the body (SpamAssassin 4.0.1, Message.pm; fixtures/oracle/micro-mime
// body-011, body-013): tokens and rules on structure must not drown in them.

import { blankLinesMax } from '../limits.js'
import type { ByteString } from '../types.js'
import { isBlank } from './bytes.js'

/** Of more than 20 blank lines in a row the first and the last 19 stay; at the very top of the body the first two and the last 19. */
export function shortenBlankRuns(text: ByteString): ByteString {
  return hasLongBlank(text) ? shortenRuns(text) : text
}

/** There are as many blanks in a row as so many blank lines need; a look at every n-th byte tells. */
function hasLongBlank(text: ByteString): boolean {
  let start = 0
  for (let at = blankLinesMax - 1; at < text.length; at = start + blankLinesMax - 1) {
    let before = at
    while (before >= start && isBlank(text.charCodeAt(before))) before--
    if (before < start) return true
    start = before + 1
  }
  return false
}

function shortenRuns(text: ByteString): ByteString {
  let out = ''
  let copied = 0
  let runStart = 0
  let runLines = 0
  const finishRun = (end: number): void => {
    const atTop = runStart === 0
    const surplus = runLines - (atTop ? 1 : 0) - blankLinesMax
    if (surplus > 0) {
      out += text.slice(copied, afterLines(text, runStart, atTop ? 2 : 1))
      copied = beforeLines(text, end, blankLinesMax - 1)
    }
    runLines = 0
  }
  let line = 0
  while (line < text.length) {
    let at = line
    while (at < text.length && text.charCodeAt(at) !== 10 && isBlank(text.charCodeAt(at))) at++
    if (at >= text.length || text.charCodeAt(at) === 10) {
      if (runLines++ === 0) runStart = line
      line = Math.min(at + 1, text.length)
      continue
    }
    if (runLines > 0) finishRun(line)
    const feed = text.indexOf('\n', at)
    line = feed < 0 ? text.length : feed + 1
  }
  if (runLines > 0) finishRun(text.length)
  return copied === 0 ? text : out + text.slice(copied)
}

/** Offset behind so many lines from `start` on. */
function afterLines(text: ByteString, start: number, count: number): number {
  let at = start
  for (let line = 0; line < count; line++) at = text.indexOf('\n', at) + 1
  return at
}

/** Offset of the line that is so many lines before `end`, which is the start of a line or the end of the text. */
function beforeLines(text: ByteString, end: number, count: number): number {
  let at = end
  for (let line = 0; line < count; line++) at = text.lastIndexOf('\n', at - 2) + 1
  return at
}
