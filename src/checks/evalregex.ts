// Perl regexes that a .cf file hands to an eval as an argument: compiled once per source, undefined when Perl would refuse them.
import { parsePerl } from '../../rules/regex/parse.js'
import { printRegExp } from '../../rules/regex/print.js'

/** Sources come from rule files only, so their number is bounded by the rules. */
const known = new Map<string, RegExp | undefined>()

/** Groups that keep their text: several evals use the first one. The printer drops groups nobody refers to, so all are named. */
const keptGroups: ReadonlySet<number> = new Set(Array.from({ length: 99 }, (_, index) => index + 1))

function compile(source: string): RegExp | undefined {
  const leading = /^\(\?([imsx]+)\)/.exec(source)
  try {
    const parsed = parsePerl(leading ? source.slice(leading[0].length) : source, leading?.[1] ?? '')
    const printed = printRegExp({ ...parsed, referenced: keptGroups })
    return new RegExp(printed.source, `${printed.flags}g`)
  } catch {
    return undefined
  }
}

export function evalRegex(source: string): RegExp | undefined {
  let pattern = known.get(source)
  if (pattern === undefined && !known.has(source)) {
    pattern = compile(source)
    known.set(source, pattern)
  }
  return pattern
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
