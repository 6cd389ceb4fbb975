// Builds regexes for byte strings. Comes in: a pattern in which `\s` and `\S` mean ASCII white space only (a byte A0 is a letter of some
// charset, but JavaScript would call it a space), `.` means any byte but LF, and `{ip}` stands for an address. Goes out: a RegExp.
import { ipSource, localhostSource } from './ip.js'

/** ASCII white space as part of a character class. */
export const whiteClass = '\\t-\\r '

export function bytePattern(source: string, flags = ''): RegExp {
  let out = ''
  let inClass = false
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!
    if (char === '\\') {
      const next = source[++at]!
      if (next === 's') out += inClass ? whiteClass : `[${whiteClass}]`
      else if (next === 'S' && !inClass) out += `[^${whiteClass}]`
      else out += char + next
    } else if (inClass) {
      inClass = char !== ']'
      out += char
    } else if (char === '[') {
      inClass = true
      out += char
    } else if (char === '.' && !flags.includes('s')) {
      out += '[^\\n]'
    } else if (source.startsWith('{ip}', at)) {
      out += ipSource
      at += 3
    } else if (source.startsWith('{localhost}', at)) {
      out += localhostSource
      at += 10
    } else {
      out += char
    }
  }
  return new RegExp(out, flags)
}
