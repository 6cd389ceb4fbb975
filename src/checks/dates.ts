// The dates of a message against each other: what Date says, what the trace says, and the difference that check_for_shifted_date
// judges. The clock of this machine matters only for fetchmail's own line, which may not lie in the future.
import type { ByteString, Scan } from '../types.js'
import { findTraceDate, parseDate } from '../views/dates.js'
import { bytePattern } from '../views/pattern.js'
import { once } from './once.js'
import { headerAll, isBlankText } from './text.js'

/** First readable value of Resent-Date, else of Date. */
const headerDate = once(
  (scan) => firstDate(headerAll(scan, 'Resent-Date')) ?? firstDate(headerAll(scan, 'Date')),
)

function firstDate(values: readonly ByteString[]): number | undefined {
  for (const value of values) {
    const time = parseDate(value)
    if (time !== undefined) return time
  }
  return undefined
}

interface ReceivedTimes {
  /** Readable dates of the trace, newest hop first. */
  readonly hops: readonly number[]
  /** When fetchmail or a local hand-over took the message. */
  readonly fetched: number | undefined
}

const localHop = bytePattern(
  '\\bfrom (?:localhost\\s|(?:\\S+ ){1,2}\\S*\\b127\\.0\\.0\\.1\\b)|qmail \\d+ invoked by uid \\d+',
)
const fetchmailHop = /\bby localhost with \w+ \(fetchmail-[\d.]+/

/** Lines of the trace, newest first; blank ones left out. */
function traceLines(scan: Scan): readonly ByteString[] {
  const lines: ByteString[] = []
  for (const value of headerAll(scan, 'Received')) {
    // A value is one line nearly always.
    const pieces = value.indexOf('\n') === value.length - 1 ? [value] : value.split('\n')
    for (const piece of pieces) if (!isBlankText(piece)) lines.push(piece)
  }
  return lines
}

function hopDate(line: string): number | undefined {
  const found = findTraceDate(line)
  return found === undefined ? undefined : parseDate(found)
}

const isFetchmail = (line: ByteString | undefined): boolean =>
  line?.includes('(fetchmail-') === true && fetchmailHop.test(line)

/** How many of the newest lines are of this machine; a local hand-over counts only together with fetchmail's line behind it. */
function localLines([first, second]: readonly ByteString[]): number {
  if (isFetchmail(second) && localHop.test(first!)) return 2
  return isFetchmail(first) && !localHop.test(first!) ? 1 : 0
}

const receivedTimes = once((scan): ReceivedTimes => {
  const lines = traceLines(scan)
  const local = localLines(lines)
  const now = local > 0 ? Date.now() / 1000 : 0
  const hops: number[] = []
  let fetched: number | undefined
  for (let at = 0; at < lines.length; at++) {
    const time = hopDate(lines[at]!)
    if (time === undefined) continue
    if (at >= local) hops.push(time)
    else if (time <= now && (fetched === undefined || time > fetched)) fetched = time
  }
  return { hops, fetched }
})

/** Seconds by which Date is ahead of the hop nearest to it; 0 when either is unknown. */
export const dateDifference = once((scan) => {
  const date = headerDate(scan)
  if (date === undefined) return 0
  const { hops } = receivedTimes(scan)
  // The oldest hop often copies Date: it proves nothing while another one speaks.
  const count = hops.length > 1 && hops.at(-1) === date ? hops.length - 1 : hops.length
  let nearest: number | undefined
  for (let at = 0; at < count; at++) {
    const difference = date - hops[at]!
    if (nearest === undefined || Math.abs(difference) < Math.abs(nearest)) nearest = difference
  }
  return nearest ?? 0
})

/** When the message was received, seconds: the median of all that speaks for it, 0 when nothing does. */
export function receivedDate(scan: Scan): number {
  const date = headerDate(scan)
  const { hops, fetched } = receivedTimes(scan)
  const possible = [
    date,
    hops[0],
    fetched,
    date !== undefined && hops.length > 0 ? date - dateDifference(scan) : undefined,
  ].filter((time) => time !== undefined)
  return possible.sort((a, b) => b - a)[Math.floor((possible.length - 1) / 2)] ?? 0
}
