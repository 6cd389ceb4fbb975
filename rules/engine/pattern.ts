// A regex as .cf files write it: /re/flags, m{re}flags, m!re!flags. Gives the Pattern of the Plan, or what is wrong with it.
import { checkPattern as checkRegex } from '../regex/plain.js'
import type { Pattern } from './types.js'

export type PatternOutcome =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly reason: string }

const closing: Readonly<Record<string, string>> = { '{': '}', '(': ')', '<': '>', '[': ']' }

function refuse(reason: string): PatternOutcome {
  return { ok: false, reason }
}

/** Takes the delimiters off and proves that the regex compiles. */
export function readPattern(text: string): PatternOutcome {
  let body: string
  let end: string
  const other = /^(?:m|qr)([^\w])/.exec(text)
  if (text.startsWith('/')) {
    body = text.slice(1)
    end = '/'
  } else if (other) {
    body = text.slice(other[0].length)
    end = closing[other[1]!] ?? other[1]!
    if (end === '\\') return refuse('backslash delimiter not allowed')
  } else {
    return refuse('missing regexp delimiters')
  }
  const flags = /[a-df-z]*$/.exec(body)![0]
  if (body.length <= flags.length || body[body.length - flags.length - 1] !== end)
    return refuse('invalid end delimiter/mods')
  const source = body.slice(0, body.length - flags.length - 1)
  if (/\(\?\??\{/.test(source)) return refuse('eval (?{}) found')
  if (!'})]'.includes(end) && hasUnescaped(source.replace(/\\\\/g, ''), end))
    return refuse(`unquoted delimiter '${end}' found`)
  if (/[^imsxpuandl]/.test(flags)) return refuse(`Sequence (?${flags}...) not recognized in regex`)
  return checkPattern(source, flags)
}

function hasUnescaped(text: string, char: string): boolean {
  for (let at = text.indexOf(char); at >= 0; at = text.indexOf(char, at + 1))
    if (text[at - 1] !== '\\') return true
  return false
}

/** Perl refuses what it cannot parse; so does this, and what V8 cannot express. */
function checkPattern(source: string, flags: string): PatternOutcome {
  const pattern = splitFlags(flags === '' ? source : `(?${flags})${source}`)
  try {
    checkRegex(pattern.source, pattern.flags)
  } catch (error) {
    return refuse((error as Error).message)
  }
  return { ok: true, pattern }
}

/** Moves leading (?flags) into `flags`; flags that mean nothing for bytes are dropped. */
export function splitFlags(text: string): Pattern {
  let source = text
  let flags = ''
  for (let found = leading.exec(source); found; found = leading.exec(source)) {
    for (const flag of found[1]!) if ('imsx'.includes(flag) && !flags.includes(flag)) flags += flag
    source = source.slice(found[0].length)
  }
  return { source, flags }
}

const leading = /^\(\?([a-z]+)\)/

/** SpamAssassin's lint calls these always matching; they run all the same outside lint. */
export function alwaysMatches(source: string): string | undefined {
  if (source === '') return 'empty'
  if (/(?<!\\)\|\|/.test(source)) return "contains '||'"
  if (/^\||\|(?<!\\\|)$/.test(source)) return "starts or ends with '|'"
  return undefined
}
