// Perl regexes that a .cf file hands to an eval as an argument: compiled once per source, undefined when Perl would refuse them.
import { compilePattern } from '../../rules/regex/plain.js'

/** Sources come from rule files only, so their number is bounded by the rules. */
const known = new Map<string, RegExp | undefined>()

function compile(source: string): RegExp | undefined {
  const flagged = /^\(\?([imsx]+)\)/.exec(source)
  try {
    return compilePattern(flagged ? source.slice(flagged[0].length) : source, flagged?.[1] ?? '').regExp
  } catch {
    return undefined
  }
}

export function evalRegex(source: string): RegExp | undefined {
  if (!known.has(source)) known.set(source, compile(source))
  return known.get(source)
}

export function matches(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0
  return pattern.test(text)
}

/** Every match, from the start of the text. */
export function allMatches(pattern: RegExp, text: string): IterableIterator<RegExpMatchArray> {
  pattern.lastIndex = 0
  return text.matchAll(pattern)
}
