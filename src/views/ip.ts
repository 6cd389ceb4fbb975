// IP addresses as text: the pattern by which SpamAssassin recognises one, numbers behind it, private ranges, reversed form.
// Comes in: byte strings out of headers, URIs and settings. Goes out: verdicts about them; nothing here looks anything up.

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const dotted = `${octet}\\.${octet}\\.${octet}\\.${octet}`
const word = '[A-Fa-f0-9]{1,4}'

/** Groups of `word:` in front of an embedded IPv4 address, one `::` allowed. */
const beforeDotted = [
  `(?:${word}:){6}`,
  `::(?:${word}:){0,5}`,
  `(?:${word}:){1,5}:`,
  `${word}::(?:${word}:){1,4}`,
  `(?:${word}:){2}:(?:${word}:){1,3}`,
  `(?:${word}:){3}:(?:${word}:){1,2}`,
  `(?:${word}:){4}:${word}:`,
].join('|')

const pureV6 = [
  `(?:${word}:){7}${word}`,
  `:(?::${word}){1,7}`,
  `(?:${word}:){1,7}:`,
  ...[1, 2, 3, 4, 5, 6].map((before) => `(?:${word}:){${before}}(?::${word}){1,${7 - before}}`),
  '::',
].join('|')

/** Source of a pattern for one address, v4 without leading zeros or v6 in any form, optionally after `IPv6:`. */
export const ipSource =
  `(?:\\b(?<!:)${dotted}\\b|(?:[Ii][Pp][Vv]6:|(?<![A-Fa-f0-9:]))` +
  `(?:(?:${beforeDotted})${dotted}|${pureV6})(?![A-Fa-f0-9:]))`

/** Source of a pattern for the names and addresses of the own machine. */
export const localhostSource =
  '(?:localhost(?:\\.localdomain)?|\\b(?<!:)127\\.0\\.0\\.1\\b|(?:[Ii][Pp][Vv]6:|(?<![A-Fa-f0-9:]))' +
  '(?:(?:(?:0{1,4}:){0,5}:?(?::0{1,4}){0,4}:?)(?:ffff|FFFF):127\\.0\\.0\\.1|(?:0{1,4}:){7}0{0,3}1|' +
  '(?:0{1,4}:){0,6}:(?:0{1,4}:){0,6}0{0,3}1)(?![A-Fa-f0-9:]))'

const wholeIp = new RegExp(`^${ipSource}$`)
const wholeV4 = new RegExp(`^${dotted}$`)

export function isIpAddress(text: string): boolean {
  return wholeIp.test(text)
}

export function isIpv4Address(text: string): boolean {
  return wholeV4.test(text)
}

/** Number of a dotted IPv4 address, -1 for anything else. */
function plainNumber(text: string): number {
  let number = 0
  let octet = 0
  let digits = 0
  let dots = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 46 && digits > 0 && dots < 3) {
      number = number * 256 + octet
      octet = 0
      digits = 0
      dots++
    } else if (code >= 48 && code <= 57 && digits < 3) {
      octet = octet * 10 + code - 48
      digits++
      if (octet > 255) return -1
    } else return -1
  }
  return dots === 3 && digits > 0 ? number * 256 + octet : -1
}

/** Eight 16-bit words; IPv4 becomes ::ffff:a.b.c.d. Undefined when the text is no address. */
export type Words = readonly number[]

export function parseIp(text: string): Words | undefined {
  const number = plainNumber(text)
  if (number >= 0) return [0, 0, 0, 0, 0, 0xffff, Math.floor(number / 0x10000), number % 0x10000]
  const bare = text.replace(/^ipv6:/i, '')
  const quad = /^(?:(.*:))?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(bare)
  let tail: number[] = []
  let head = bare
  if (quad) {
    const bytes = quad.slice(2).map(Number)
    if (bytes.some((byte) => byte > 255)) return undefined
    tail = [bytes[0]! * 256 + bytes[1]!, bytes[2]! * 256 + bytes[3]!]
    if (quad[1] === undefined) return [0, 0, 0, 0, 0, 0xffff, ...tail]
    head = quad[1].endsWith('::') ? quad[1] : quad[1].slice(0, -1)
  }
  if (!/^[0-9a-f:]*$/i.test(head) || !head.includes(':')) return undefined
  const halves = head.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (groups.some((list) => list.some((group) => group === '' || group.length > 4))) return undefined
  const left = (groups[0] ?? []).map((group) => Number.parseInt(group, 16))
  const right = (groups[1] ?? []).map((group) => Number.parseInt(group, 16))
  const missing = 8 - tail.length - left.length - right.length
  if (halves.length === 1 ? missing !== 0 : missing < 0) return undefined
  return [...left, ...new Array<number>(missing).fill(0), ...right, ...tail]
}

const mapped = /^0*:0*:(?:0*:)*ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** Without `IPv6:`, brackets and zone; an IPv4 address mapped in dotted form becomes plain IPv4, in hexadecimal form it stays IPv6. */
export function plainIp(text: string): string {
  if (plainNumber(text) >= 0) return text
  return text
    .replace(/^ipv6:/i, '')
    .replace(/^\[/, '')
    .replace(/\]$/, '')
    .replace(/%[A-Za-z0-9._~-]*$/, '')
    .replace(mapped, '$1')
}

/** Addresses that never travel the public internet. fd00::/8 is not among them, as with SpamAssassin 4.0.1. */
export function isPrivate(ip: string): boolean {
  const number = plainNumber(ip)
  if (number >= 0) return isPrivateV4(number >>> 24, (number >>> 16) & 255)
  const words = parseIp(ip)
  if (!words) return false
  if ((words[0]! & 0xffc0) === 0xfe80) return true
  const upperZero = words.slice(0, 5).every((value) => value === 0)
  if (upperZero && words[5] === 0 && words[6] === 0 && words[7] === 1) return true
  // A mapped address in hexadecimal form stays IPv6: only the dotted form is judged as IPv4.
  if (!upperZero || words[5] !== 0xffff || !ip.includes('.')) return false
  return isPrivateV4(words[6]! >> 8, words[6]! & 255)
}

function isPrivateV4(first: number, second: number): boolean {
  return (
    first === 10 ||
    first === 127 ||
    (first === 169 && second === 254) ||
    (first === 172 && second >= 16 && second <= 31) ||
    (first === 192 && second === 168) ||
    (first === 100 && second >= 64 && second <= 127)
  )
}

/** Octets (IPv4) or nibbles (IPv6) backwards, joined by dots, as DNS lists want them; undefined for anything else. */
export function reverseIp(ip: string): string | undefined {
  const quad = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(ip)
  if (quad) return `${quad[4]}.${quad[3]}.${quad[2]}.${quad[1]}`
  if (!/^[0-9a-fA-F:.]{2,}$/.test(ip) || !ip.includes(':')) return undefined
  const words = parseIp(ip)
  if (!words) return undefined
  const nibbles = words.map((value) => value.toString(16).padStart(4, '0')).join('')
  return nibbles.split('').reverse().join('.')
}
