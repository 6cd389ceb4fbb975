// Takes the date off the end of a Received line, so that shapes can say `$`. Comes in: a line with single blanks. By hand, because the pattern
// for it cost as much as the rest of a usual line.
import type { ByteString } from '../types.js'

/** Without the date at the end and the blanks and semicolons before it: read backwards, word by word. */
export function withoutDate(line: ByteString): ByteString {
  const start = dateStart(line)
  return start < 0 ? line : line.slice(0, start)
}

/** Where ` Thu, 22 Aug 2002 12:46:01 +0100` begins at the end of a line, -1 without such an end; any word may stand for the zone. */
function dateStart(line: ByteString): number {
  let at = line.length
  while (at > 0 && line.charCodeAt(at - 1) !== 32) at--
  const zone = at--
  if (at < dateBytesMin || zone === line.length) return -1
  let end = digitsBefore(line, at)
  if (end === at || end === 0 || line.charCodeAt(end - 1) !== 58) return -1
  at = end - 1
  end = digitsBefore(line, at)
  if (end === at) return -1
  if (line.charCodeAt(end - 1) === 58) {
    at = end - 1
    end = digitsBefore(line, at)
    if (end === at) return -1
  }
  at = end - 1
  if (line.charCodeAt(at) !== 32) return -1
  const year = digitsBefore(line, at)
  const month = year - 4
  if (year === at || month < 2 || months.indexOf(line.slice(month, year)) % 4 !== 0) return -1
  const day = digitsBefore(line, month - 1)
  if (day === month - 1 || line.charCodeAt(month - 1) !== 32) return -1
  const named = day - 5
  const isNamed = named > 0 && weekdays.indexOf(line.slice(named, day)) % 5 === 0
  const gap = isNamed ? gapBefore(line, named) : -1
  return gap < 0 ? gapBefore(line, day) : gap
}
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec '
const weekdays = 'Mon, Tue, Wed, Thu, Fri, Sat, Sun, '
/** `1 Jan 2 3:4`: nothing shorter is a date. */
const dateBytesMin = 11

/** Where the blanks and semicolons in front of a place begin, -1 if there are none. */
function gapBefore(line: ByteString, end: number): number {
  let at = end
  while (at > 0 && isGap(line.charCodeAt(at - 1))) at--
  return at === end ? -1 : at
}

const isGap = (code: number): boolean => code === 32 || code === 59

function digitsBefore(line: ByteString, end: number): number {
  let at = end
  while (at > 0 && isDigit(line.charCodeAt(at - 1))) at--
  return at
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57
