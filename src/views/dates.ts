// A date as mail headers write it -> seconds since the epoch, read the way SpamAssassin 4.0.1 reads it (micro-head.md, items 44 and 45):
// found in parts anywhere in the text, out-of-range values pulled to the nearest usable one, unknown zones taken as UTC.
import type { ByteString } from '../types.js'

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const month = `(${months.join('|')})`
const dayMonthYear = new RegExp(` (\\d+) ${month} (\\d{4}) `, 'i')
const ctimeDate = new RegExp(` ${month} +(\\d+) \\d+:\\d+:\\d+ (\\d{4}) `, 'i')
const shortYear = new RegExp(` (\\d+) ${month} (\\d{2,3}) `, 'i')

/** Offsets of the zone names SpamAssassin knows, in minutes; every other name counts as UTC. */
const zoneMinutes: ReadonlyMap<string, number> = new Map(
  (
    [
      [0, 'UT UTC GMT WET'],
      [-150, 'NDT'],
      [-180, 'ADT BRT'],
      [-210, 'NST'],
      [-240, 'AST EDT'],
      [-300, 'EST CDT'],
      [-360, 'CST MDT'],
      [-420, 'MST PDT'],
      [-480, 'PST AKDT'],
      [-540, 'AKST HADT'],
      [-600, 'HST HAST'],
      [-120, 'BRST'],
      [60, 'BST IST WEST CET MET MEZ'],
      [120, 'CEST EET MEST MESZ'],
      [180, 'EEST MSK IDT'],
      [240, 'MSD'],
      [480, 'AWST HKT SGT PHT'],
      [540, 'JST KST'],
      [570, 'ACST'],
      [600, 'AEST'],
      [630, 'ACDT'],
      [660, 'AEDT'],
      [720, 'NZST'],
      [780, 'NZDT'],
    ] as const
  ).flatMap(([minutes, names]) => names.split(' ').map((name) => [name, minutes] as const)),
)

interface Day {
  readonly day: number
  readonly month: number
  readonly year: number
  /** The text without what was read. */
  readonly rest: string
}

function readDay(text: string): Day | undefined {
  const first = dayMonthYear.exec(text)
  if (first) return day(text, first, first[1]!, first[2]!, first[3]!)
  const ctime = ctimeDate.exec(text)
  if (ctime) return day(text, ctime, ctime[2]!, ctime[1]!, ctime[3]!)
  const short = shortYear.exec(text)
  return short ? day(text, short, short[1]!, short[2]!, short[3]!) : undefined
}

function day(text: string, found: RegExpExecArray, day: string, name: string, year: string): Day {
  let fullYear = Number(year)
  // RFC 2822 4.3: two digits below 50 are of this century, other short years count from 1900.
  if (year.length === 2 && fullYear < 50) fullYear += 2000
  else if (year.length !== 4) fullYear += 1900
  return {
    day: Number(day),
    month: months.indexOf(name.toLowerCase()) + 1,
    year: fullYear,
    rest: `${text.slice(0, found.index)} ${text.slice(found.index + found[0].length)}`,
  }
}

function daysIn(month: number, year: number): number {
  if (month === 4 || month === 6 || month === 9 || month === 11) return 30
  if (month !== 2) return 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** Seconds by which the written zone is ahead of UTC. */
function readZone(text: string): number {
  const numeric = / ([-+])(\d\d)(\d\d) /.exec(text)
  if (numeric) {
    const seconds = (Number(numeric[2]) * 60 + Number(numeric[3])) * 60
    return numeric[1] === '-' ? -seconds : seconds
  }
  const name = /\b([A-Z]{2,4}(?:-DST)?)\b/.exec(text)
  return name ? (zoneMinutes.get(name[1]!) ?? 0) * 60 : 0
}

/** Seconds since the epoch, undefined when no date can be found. */
export function parseDate(text: ByteString): number | undefined {
  const spaced = ` ${text} `.replace(/, */g, ' ').replace(/[\t-\r ]+/g, ' ')
  const found = readDay(spaced)
  if (!found) return undefined
  let { day, month, year, rest } = found
  const clock = / (\d?\d):(\d\d)(?::(\d\d))? /.exec(rest)
  if (clock) rest = `${rest.slice(0, clock.index)} ${rest.slice(clock.index + clock[0].length)}`
  if (day > daysIn(month, year)) {
    day = 1
    month += 1
    if (month > 12) {
      month = 1
      year += 1
    }
  }
  // 32-bit time_t is SpamAssassin's range.
  year = Math.min(Math.max(year, 1970), 2037)
  // Day 0 is the one value no clamp catches: Perl's timegm refuses it.
  if (day < 1) return undefined
  const hour = Math.min(Number(clock?.[1] ?? 0), 23)
  const minute = Math.min(Number(clock?.[2] ?? 0), 59)
  const second = Math.min(Number(clock?.[3] ?? 0), 59)
  const utc = Date.UTC(year, month - 1, day, hour, minute, second) / 1000
  const ahead = readZone(rest)
  return ahead > 0 && utc < ahead ? 0 : utc - ahead
}
