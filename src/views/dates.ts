// A date as mail headers write it -> seconds since the epoch, read the way SpamAssassin 4.0.1 reads it (micro-head.md, items 44 and 45):
// found in parts anywhere in the text, out-of-range values pulled to the nearest usable one, unknown zones taken as UTC.
import { isBlank } from '../message/bytes.js'
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
  const plain = parsePlainDate(text)
  if (plain !== undefined) return plain
  const spaced = ` ${text} `.replace(/, */g, ' ').replace(/[\t-\r ]+/g, ' ')
  const found = readDay(spaced)
  if (!found) return undefined
  let { rest } = found
  const clock = / (\d?\d):(\d\d)(?::(\d\d))? /.exec(rest)
  if (clock) rest = `${rest.slice(0, clock.index)} ${rest.slice(clock.index + clock[0].length)}`
  const hour = Number(clock?.[1] ?? 0)
  const minute = Number(clock?.[2] ?? 0)
  const second = Number(clock?.[3] ?? 0)
  return secondsOf(found.day, found.month, found.year, hour, minute, second, readZone(rest))
}

/** @param ahead seconds by which the zone is ahead of UTC. */
function secondsOf(
  givenDay: number,
  givenMonth: number,
  givenYear: number,
  hour: number,
  minute: number,
  second: number,
  ahead: number,
): number | undefined {
  let day = givenDay
  let month = givenMonth
  let year = givenYear
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
  const hours = (daysUpTo(year, month) + day - 1) * 24 + Math.min(hour, 23)
  const utc = (hours * 60 + Math.min(minute, 59)) * 60 + Math.min(second, 59)
  return ahead > 0 && utc < ahead ? 0 : utc - ahead
}

/** From the epoch to the first of a month, up to 2099: Date.UTC would leave optimised code for it, six times a message. */
function daysUpTo(year: number, month: number): number {
  const leapDays = ((year - 1969) >> 2) + (month > 2 && year % 4 === 0 ? 1 : 0)
  return (year - 1970) * 365 + leapDays + daysBefore[month - 1]!
}
const daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]

/**
 * The form that nearly all dates have, `Thu, 22 Aug 2002 12:46:01 +0100` with or without the day of the week; undefined for any other,
 * which the search through the text then reads. What follows does not matter: the search would find these parts first.
 */
function parsePlainDate(text: ByteString): number | undefined {
  let at = afterBlanks(text, 0)
  if (isLetter(codeAt(text, at))) {
    if (!isLetter(codeAt(text, at + 1)) || !isLetter(codeAt(text, at + 2))) return undefined
    at += 3
    if (codeAt(text, at) === commaCode) at++
    else if (!isBlank(codeAt(text, at))) return undefined
    at = afterBlanks(text, at)
  }
  const dayEnd = afterDigits(text, at)
  const nameAt = afterBlanks(text, dayEnd)
  const yearAt = afterBlanks(text, nameAt + 3)
  const hourAt = afterBlanks(text, yearAt + 4)
  const isDay =
    (dayEnd === at + 1 || dayEnd === at + 2) &&
    nameAt > dayEnd &&
    yearAt > nameAt + 3 &&
    afterDigits(text, yearAt) === yearAt + 4 &&
    hourAt > yearAt + 4
  if (!isDay) return undefined
  const hourEnd = afterDigits(text, hourAt)
  const second = hourEnd + 4
  const zoneAt = afterBlanks(text, second + 2)
  const sign = codeAt(text, zoneAt)
  const zoneEnd = zoneAt + 5
  const isPlain =
    (hourEnd === hourAt + 1 || hourEnd === hourAt + 2) &&
    codeAt(text, hourEnd) === colonCode &&
    afterDigits(text, hourEnd + 1) === hourEnd + 3 &&
    codeAt(text, hourEnd + 3) === colonCode &&
    afterDigits(text, second) === second + 2 &&
    zoneAt > second + 2 &&
    (sign === 43 || sign === 45) &&
    afterDigits(text, zoneAt + 1) === zoneEnd &&
    (zoneEnd === text.length || isBlank(text.charCodeAt(zoneEnd)))
  if (!isPlain) return undefined
  const month = monthKeys.indexOf(monthKey(text, nameAt)) + 1
  if (month === 0) return undefined
  const zone = (number(text, zoneAt + 1, zoneAt + 3) * 60 + number(text, zoneAt + 3, zoneEnd)) * 60
  return secondsOf(
    number(text, at, dayEnd),
    month,
    number(text, yearAt, yearAt + 4),
    number(text, hourAt, hourEnd),
    number(text, hourEnd + 1, hourEnd + 3),
    number(text, second, second + 2),
    sign === 45 ? -zone : zone,
  )
}

const spaceCode = 32
const commaCode = 44
const colonCode = 58

/** Three letters in either case as a number. */
const monthKey = (text: string, at: number): number =>
  (text.charCodeAt(at) << 16) | (text.charCodeAt(at + 1) << 8) | text.charCodeAt(at + 2) | 0x20_20_20

const monthKeys = months.map((name) => monthKey(name, 0))

/** 0 behind the end. */
const codeAt = (text: string, at: number): number => (at < text.length ? text.charCodeAt(at) : 0)

const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90)

function afterBlanks(text: string, from: number): number {
  let at = from
  while (at < text.length && isBlank(text.charCodeAt(at))) at++
  return at
}

function afterDigits(text: string, from: number): number {
  let at = from
  while (at < text.length && isDigit(text.charCodeAt(at))) at++
  return at
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57

/** Value of the digits between two offsets. */
function number(text: string, start: number, end: number): number {
  let value = 0
  for (let at = start; at < end; at++) value = value * 10 + text.charCodeAt(at) - 48
  return value
}

/**
 * The part of a trace line that looks like a date: day, a word of three characters, year, time, zone, with what may stand before the day.
 * Looked for from the colons of the time, because lines are long and have few colons.
 */
export function findTraceDate(line: ByteString): string | undefined {
  for (let colon = line.indexOf(':'); colon >= 0; colon = line.indexOf(':', colon + 1)) {
    const hour = beforeDigits(line, colon)
    const minuteEnd = afterDigits(line, colon + 1)
    if (hour === colon || minuteEnd === colon + 1 || codeAt(line, minuteEnd) !== colonCode) continue
    const end = afterDigits(line, minuteEnd + 1)
    if (end === minuteEnd + 1 || codeAt(line, end) !== spaceCode || end + 1 >= line.length) continue
    if (isBlank(line.charCodeAt(end + 1)) || line.charCodeAt(hour - 1) !== spaceCode) continue
    const year = beforeDigits(line, hour - 1)
    const dayEnd = year - 5
    if (year === hour - 1 || line.charCodeAt(year - 1) !== spaceCode || line.charCodeAt(dayEnd) !== spaceCode)
      continue
    if (hasBlank(line, year - 4, year - 1)) continue
    const start = traceDateStart(line, beforeDigits(line, dayEnd), dayEnd)
    if (start < 0) continue
    let zoneEnd = end + 1
    while (zoneEnd < line.length && !isBlank(line.charCodeAt(zoneEnd))) zoneEnd++
    return line.slice(start, zoneEnd)
  }
  return undefined
}

/** A blank and perhaps one character stand before the day; -1 if not. */
function traceDateStart(line: string, day: number, dayEnd: number): number {
  if (day >= dayEnd) return -1
  if (day >= 2 && isBlank(line.charCodeAt(day - 2)) && line.charCodeAt(day - 1) !== 10) return day - 2
  return day >= 1 && isBlank(line.charCodeAt(day - 1)) ? day - 1 : -1
}

function beforeDigits(text: string, end: number): number {
  let at = end
  while (at > 0 && isDigit(text.charCodeAt(at - 1))) at--
  return at
}

function hasBlank(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (isBlank(text.charCodeAt(at))) return true
  return false
}
