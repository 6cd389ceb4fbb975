// The dates of a message against each other: what Date says, what the trace says, and the difference that check_for_shifted_date
// judges. The clock of this machine matters only for fetchmail's own line, which may not lie in the future.
import type { ByteString, Scan } from '../types.js'
import { findTraceDate, parseDate } from '../views/dates.js'
import { bytePattern } from '../views/pattern.js'
import { headerAll } from './text.js'

/** First readable value of Resent-Date, else of Date. */
function headerDate(scan: Scan): number | undefined {
  return scan.memo('dates/header', () => {
    for (const value of [...headerAll(scan, 'Resent-Date'), ...headerAll(scan, 'Date')]) {
      const time = parseDate(value)
      if (time !== undefined) return time
    }
    return undefined
  })
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

/** A value is one line nearly always. */
function nonBlankLines(value: ByteString): ByteString | readonly ByteString[] {
  const isBlank = (line: string) => !/[^\t-\r ]/.test(line)
  if (value.indexOf('\n') === value.length - 1 && !isBlank(value)) return value.slice(0, -1)
  return value.split('\n').filter((line) => !isBlank(line))
}

function hopDate(line: string): number | undefined {
  const found = findTraceDate(line)
  return found === undefined ? undefined : parseDate(found)
}

function receivedTimes(scan: Scan): ReceivedTimes {
  return scan.memo('dates/received', () => {
    const lines = headerAll(scan, 'Received').flatMap(nonBlankLines)
    // A local hand-over counts as fetching only together with fetchmail's line behind it.
    const handOver = lines.length > 0 && localHop.test(lines[0]!) ? 1 : 0
    const next = lines[handOver]
    const fetchmail = next?.includes('(fetchmail-') === true && fetchmailHop.test(next)
    const local = fetchmail ? lines.slice(0, handOver + 1) : []
    const now = Date.now() / 1000
    const fetched = local.map(hopDate).filter((time) => time !== undefined && time <= now) as number[]
    return {
      hops: lines
        .slice(local.length)
        .map(hopDate)
        .filter((time) => time !== undefined),
      fetched: fetched.length ? Math.max(...fetched) : undefined,
    }
  })
}

/** Seconds by which Date is ahead of the hop nearest to it; 0 when either is unknown. */
export function dateDifference(scan: Scan): number {
  return scan.memo('dates/difference', () => {
    const date = headerDate(scan)
    if (date === undefined) return 0
    const differences = receivedTimes(scan).hops.map((hop) => date - hop)
    // The oldest hop often copies Date: it proves nothing while another one speaks.
    if (differences.length > 1 && differences.at(-1) === 0) differences.pop()
    return differences.sort((a, b) => Math.abs(a) - Math.abs(b))[0] ?? 0
  })
}

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
