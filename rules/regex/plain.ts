// The plain and exact engine: V8's RegExp, pattern by pattern, compiled at first use. The measure for every faster engine.
import type { ByteString } from '../../src/types.js'
import { nativeRegExp, searcherOf } from './anchored.js'
import { costOf } from './cost.js'
import { type Budget, GuardedNonEmpty, GuardedRegExp, guard } from './guarded.js'
import { limitedRegExp } from './limited.js'
import { LooseFirst, loosen } from './loose.js'
import type { CompiledPattern, FirstMatch, OnHit, PatternUse, Searcher, TextMatcher } from './matcher.js'
import { type Parsed, parsePerl } from './parse.js'
import { printRegExp } from './print.js'
import { rowCounter } from './rows.js'
import { canBeEmpty } from './width.js'

/** Throws RegexSyntaxError when Perl would refuse the pattern, or when we cannot express it. What parses can be printed. */
export function checkPattern(source: string, flags: string): Parsed {
  return parsePerl(source, flags)
}

/** A pattern that is known to be good. Throws RegexSyntaxError as checkPattern does; the RegExp is made at its first use. */
export function compilePattern(source: string, flags: string): CompiledPattern {
  checkPattern(source, flags)
  return new LazyPattern(source, flags)
}

/** A pattern that is parsed and compiled at its first use: of the stock rules a message needs a part only. */
export class LazyPattern implements CompiledPattern {
  private compiled: Pick<CompiledPattern, 'regExp' | 'names' | 'canBeEmpty' | 'rows'> | undefined
  private strict: CompiledPattern['nonEmpty'] | undefined
  private readonly source: string
  private readonly flags: string
  private readonly budget: Budget | undefined

  /** @param budget what a message may spend on the pattern if it can backtrack without end; undefined = V8 runs it come what may */
  constructor(source: string, flags: string, budget?: Budget) {
    this.source = source
    this.flags = flags
    this.budget = budget
  }

  get regExp(): Searcher {
    return this.compile().regExp
  }

  get canBeEmpty(): boolean {
    return this.compile().canBeEmpty
  }

  get rows(): CompiledPattern['rows'] {
    return this.compile().rows
  }

  /** Looks ahead at the whole rest of the text, and demands that less is left after the match. */
  get nonEmpty(): CompiledPattern['nonEmpty'] {
    if (!this.strict) {
      const { source, flags } = printRegExp(parsePerl(this.source, this.flags), { groupsBefore: 1 })
      const strict = new RegExp(`(?=([^]*))(?:${source})(?!\\1(?![^]))`, `${flags}y`)
      const { regExp } = this
      this.strict = regExp instanceof GuardedRegExp ? new GuardedNonEmpty(regExp, strict) : strict
    }
    return this.strict
  }

  get names(): ReadonlyMap<string, number> {
    return this.compile().names
  }

  private compile() {
    if (!this.compiled) {
      const { source, flags } = this
      const parsed = parsePerl(source, flags)
      const printed = printRegExp(parsed)
      const exact = this.budget
        ? guard({ source, flags }, parsed, printed, this.budget)
        : searcherOf(parsed.root, printed, nativeRegExp)
      const empty = canBeEmpty(parsed.root)
      this.compiled = {
        regExp: empty ? exact : (withLoose(parsed, exact) ?? exact),
        names: printed.names,
        canBeEmpty: empty,
        rows: rowCounter(parsed.root),
      }
    }
    return this.compiled
  }
}

/** The loose look of a pattern that is guarded has V8's limit, too. */
function withLoose(parsed: Parsed, exact: Searcher): Searcher | undefined {
  const guarded = exact instanceof GuardedRegExp
  const make = guarded ? limitedRegExp : nativeRegExp
  const root = make && loosen(parsed.root)
  if (!make || !root) return undefined
  const counted = guarded ? { counted: costOf(root).givingBack } : {}
  return new LooseFirst(searcherOf(root, printRegExp({ ...parsed, root }, counted), make), exact)
}

/**
 * Number of matches in one text, as Perl's `while (/re/g)` counts: where a match was empty, the next may begin at the same place if it
 * is not empty; only then the search moves on.
 */
export function countMatches(pattern: CompiledPattern, text: ByteString, hitsMax: number): number {
  const { regExp, rows } = pattern
  if (rows) return rows.count(text, hitsMax)
  regExp.lastIndex = 0
  let count = 0
  if (!pattern.canBeEmpty) {
    while (count < hitsMax && regExp.test(text)) count++
    return count
  }
  while (count < hitsMax) {
    const found = regExp.exec(text)
    if (found === null) return count
    count++
    if (found[0] !== '' || count >= hitsMax) continue
    const { nonEmpty } = pattern
    nonEmpty.lastIndex = found.index
    if (nonEmpty.test(text)) {
      count++
      regExp.lastIndex = nonEmpty.lastIndex
    } else regExp.lastIndex = found.index + 1
  }
  return count
}

/** Matches that count in one text: up to `hitsMax` of a pattern whose matches are counted, else 1 at most. */
export function matchesIn(use: PatternUse, text: ByteString, hitsMax: number): number {
  if (use.multiple) return countMatches(use.pattern, text, hitsMax)
  use.searcher ??= use.pattern.regExp
  const { searcher } = use
  searcher.lastIndex = 0
  return searcher.test(text) ? 1 : 0
}

export function firstMatch(regExp: Searcher, text: ByteString, line: number): FirstMatch | undefined {
  regExp.lastIndex = 0
  const found = regExp.exec(text)
  return found ? { line, index: found.index, length: found[0].length } : undefined
}

class PlainMatcher implements TextMatcher {
  private readonly uses: readonly PatternUse[]

  constructor(uses: readonly PatternUse[]) {
    this.uses = uses
  }

  match(
    lines: readonly ByteString[],
    active: Uint8Array,
    onHit: OnHit,
    firsts: boolean,
    starting?: (use: number) => void,
  ): void {
    for (let index = 0; index < this.uses.length; index++) {
      if (active[index] === 0) continue
      starting?.(index)
      const use = this.uses[index]!
      try {
        this.matchOne(use, index, lines, onHit, firsts)
      } catch (error) {
        onHit(index, 0, undefined, error)
      }
    }
  }

  private matchOne(
    use: PatternUse,
    index: number,
    lines: readonly ByteString[],
    onHit: OnHit,
    firsts: boolean,
  ): void {
    let count = 0
    let first: FirstMatch | undefined
    for (let line = use.skipFirst ? 1 : 0; line < lines.length; line++) {
      const text = lines[line]!
      const found = matchesIn(use, text, use.hitsMax - count)
      if (found === 0) continue
      if (count === 0 && firsts) first = firstMatch(use.pattern.regExp, text, line)
      count += found
      if (!use.multiple || count >= use.hitsMax) break
    }
    if (count > 0) onHit(index, count, first)
  }
}

export function createPlainMatcher(uses: readonly PatternUse[]): TextMatcher {
  return new PlainMatcher(uses)
}
