// The narrow door between the rule runner and whatever finds patterns in texts: the plain engine (plain.ts) and any faster one
// stand behind it and must give the same hits.
import type { ByteString } from '../../src/types.js'
import type { RowCounter } from './rows.js'

/** What matching needs of a RegExp with the `g` flag. */
export interface Searcher {
  lastIndex: number
  test(text: string): boolean
  exec(text: string): RegExpExecArray | null
}

/** A pattern made ready for matching. */
export interface CompiledPattern {
  /** Compiled at first use. */
  readonly regExp: Searcher
  /** It may match the empty text: counting has to look closer then. */
  readonly canBeEmpty: boolean
  /** Counts matches without a RegExp, where the pattern is simple enough. */
  readonly rows: RowCounter | undefined
  /** Sticky; matches at lastIndex what the pattern matches there without being empty. */
  readonly nonEmpty: Pick<Searcher, 'lastIndex' | 'test'>
  /** Perl group name -> JS group number, for rules with named captures. */
  readonly names: ReadonlyMap<string, number>
}

/** One pattern of a matcher; its place in the list is its number. */
export interface PatternUse {
  readonly pattern: CompiledPattern
  /** The pattern's own, once it is compiled: the way to it through the pattern is two cache misses longer. */
  searcher?: Searcher | undefined
  /** Count every match instead of stopping at the first. */
  readonly multiple: boolean
  /** Stop counting here; Infinity = never. */
  readonly hitsMax: number
  /** Leave out line 0 (tflags nosubject). */
  readonly skipFirst: boolean
}

/** Where a pattern hit first. */
export interface FirstMatch {
  readonly line: number
  readonly index: number
  readonly length: number
}

/** Called once per pattern that hit. `crashed` is set, and count 0, when the regex engine gave up (its stack overflowed, or `Runaway`). */
export type OnHit = (use: number, count: number, first: FirstMatch | undefined, crashed?: unknown) => void

export interface TextMatcher {
  /**
   * `active[i] === 0` leaves pattern i out. `firsts` asks for the place of the first match. `starting` is told which pattern's RegExp
   * is about to run: a watchdog wants to know.
   */
  match(
    lines: readonly ByteString[],
    active: Uint8Array,
    onHit: OnHit,
    firsts: boolean,
    starting?: (use: number) => void,
  ): void
}
