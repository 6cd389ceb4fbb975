// Shortens long runs of blank lines before anything else looks at the body (SpamAssassin 4.0.1, Message.pm; fixtures/oracle/micro-mime
// body-011, body-013): tokens and rules on structure must not drown in them.

import { blankLinesMax } from '../limits.js'
import type { ByteString } from '../types.js'
import { isBlank } from './bytes.js'

/** Of more than 20 blank lines in a row the first and the last 19 stay; at the very top of the body the first two and the last 19. */
export function shortenBlankRuns(text: ByteString): ByteString {
  let out = ''
  let copied = 0
  let run: number[] = []
  const finishRun = (): void => {
    const kept = run[0] === 0 ? 2 : 1
    const surplus = run.length - (run[0] === 0 ? 1 : 0) - blankLinesMax
    if (surplus > 0) {
      out += text.slice(copied, run[kept])
      copied = run[kept + surplus] ?? text.length
    }
    run = []
  }
  let line = 0
  while (line < text.length) {
    let at = line
    while (at < text.length && text.charCodeAt(at) !== 10 && isBlank(text.charCodeAt(at))) at++
    if (at === text.length || text.charCodeAt(at) === 10) {
      run.push(line)
      line = at + 1
      continue
    }
    if (run.length > 0) finishRun()
    const feed = text.indexOf('\n', at)
    line = feed < 0 ? text.length : feed + 1
  }
  if (run.length > 0) finishRun()
  return copied === 0 ? text : out + text.slice(copied)
}
