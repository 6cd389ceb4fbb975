// Parses the part of Perl's regex language that mail rules use into a tree. Input is a byte string. What Perl refuses is refused
// here with Perl's own words where lint shows them; what only we cannot do says "unsupported".
import {
  addAll,
  anySet,
  type ByteSet,
  complement,
  digitSet,
  emptySet,
  foldSet,
  type Node,
  notLfSet,
  rangeSet,
  spaceSet,
  wordSet,
} from './ast.js'

export class RegexSyntaxError extends Error {}

interface Flags {
  i: boolean
  s: boolean
  m: boolean
  x: boolean
}

/** The tree, the groups that something refers to, and the names of named groups (a name may stand for several). */
export interface Parsed {
  readonly root: Node
  readonly referenced: ReadonlySet<number>
  readonly names: ReadonlyMap<string, number>
}

const posixSets: Readonly<Record<string, ByteSet>> = {
  alpha: rangeSet([65, 90], [97, 122]),
  digit: digitSet,
  alnum: rangeSet([48, 57], [65, 90], [97, 122]),
  upper: rangeSet([65, 90]),
  lower: rangeSet([97, 122]),
  punct: rangeSet([33, 47], [58, 64], [91, 96], [123, 126]),
  space: spaceSet,
  word: wordSet,
  xdigit: rangeSet([48, 57], [65, 70], [97, 102]),
  print: rangeSet([32, 126]),
  graph: rangeSet([33, 126]),
  cntrl: rangeSet([0, 31], [127, 127]),
  ascii: rangeSet([0, 127]),
  blank: rangeSet([9, 9], [32, 32]),
}

const classEscapes: Readonly<Record<string, ByteSet>> = {
  d: digitSet,
  w: wordSet,
  s: spaceSet,
  h: rangeSet([9, 9], [32, 32], [160, 160]),
  v: rangeSet([10, 13], [0x85, 0x85]),
}

const controlEscapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, e: 27, a: 7 }

/** Nested groups; stops a pattern of ten thousand brackets from overflowing our own stack. */
const nestingMax = 250
/** Perl's own bound for {n,m}. */
const repeatMax = 65_534

/** Throws RegexSyntaxError. `modifiers` is any of Perl's; only imsx matter to bytes. */
export function parsePerl(source: string, modifiers: string): Parsed {
  return new Parser(source).parse({
    i: modifiers.includes('i'),
    s: modifiers.includes('s'),
    m: modifiers.includes('m'),
    x: modifiers.includes('x'),
  })
}

class Parser {
  private at = 0
  private depth = 0
  private captures = 0
  private readonly names = new Map<string, number>()
  private readonly referenced = new Set<number>()
  private readonly source: string

  constructor(source: string) {
    this.source = source
  }

  parse(flags: Flags): Parsed {
    const root = this.alternatives(flags)
    if (this.at < this.source.length) this.fail('Unmatched ) in regex')
    for (const index of this.referenced) {
      if (index > this.captures) this.fail('Reference to nonexistent group in regex')
    }
    return { root, referenced: this.referenced, names: this.names }
  }

  private fail(what: string): never {
    throw new RegexSyntaxError(`${what}; at ${this.at}`)
  }

  private match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.at
    const found = expression.exec(this.source)
    if (found) this.at += found[0].length
    return found
  }

  private eat(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  /** Inline flags such as (?i) change `flags` up to the end of the enclosing group. */
  private alternatives(flags: Flags): Node {
    if (++this.depth > nestingMax) this.fail('unsupported: nested too deeply')
    const branches: Node[] = []
    let items: Node[] = []
    while (this.at < this.source.length && this.source[this.at] !== ')') {
      if (this.eat('|')) {
        branches.push({ t: 'seq', items })
        items = []
        continue
      }
      const atom = this.atom(flags)
      if (atom) items.push(this.quantified(atom, flags))
    }
    this.depth--
    const last: Node = { t: 'seq', items }
    return branches.length === 0 ? last : { t: 'alt', items: [...branches, last] }
  }

  private group(flags: Flags): Node {
    const inner = this.alternatives({ ...flags })
    if (!this.eat(')')) this.fail('Unmatched ( in regex')
    return inner
  }

  private skipComments(): void {
    while (this.match(/[\t-\r ]+|#[^\n]*|\(\?#[^)]*\)/y));
  }

  private quantifier(): { min: number; max: number } | undefined {
    const found = this.match(/([*+?])|\{[ \t]*(?:(\d+)[ \t]*(?:(,)[ \t]*(\d*))?|(,)[ \t]*(\d+))[ \t]*\}/y)
    if (!found) return undefined
    if (found[1])
      return { min: found[1] === '+' ? 1 : 0, max: found[1] === '?' ? 1 : Number.POSITIVE_INFINITY }
    const min = Number(found[2] ?? 0)
    const max = found[5] ? Number(found[6]) : !found[3] ? min : found[4] ? Number(found[4]) : Infinity
    if (min > repeatMax || (max !== Infinity && max > repeatMax))
      this.fail('Quantifier in {,} bigger than 65534 in regex')
    return { min, max }
  }

  private quantified(atom: Node, flags: Flags): Node {
    if (flags.x) this.skipComments()
    const found = this.quantifier()
    if (!found) return atom
    const mode = this.eat('?') ? 'lazy' : this.eat('+') ? 'possessive' : 'greedy'
    if (flags.x) this.skipComments()
    if (this.match(/(?=[*+?]|\{[ \t]*(?:\d+[ \t]*(?:,[ \t]*\d*)?|,[ \t]*\d+)[ \t]*\})/y))
      this.fail('Nested quantifiers in regex')
    // Perl takes {3,1} as something that never matches.
    if (found.max < found.min) return { t: 'set', set: emptySet() }
    return { t: 'repeat', item: atom, ...found, mode }
  }

  private atom(flags: Flags): Node | undefined {
    if (flags.x) {
      this.skipComments()
      if (this.at >= this.source.length || /[|)]/.test(this.source[this.at]!)) return undefined
    }
    const char = this.source[this.at++]!
    switch (char) {
      case '(':
        return this.parenthesis(flags)
      case '[':
        return { t: 'set', set: this.bracket(flags) }
      case '.':
        return { t: 'set', set: flags.s ? anySet : notLfSet }
      case '^':
        return { t: 'assert', kind: flags.m ? 'lineStart' : 'start' }
      case '$':
        return { t: 'assert', kind: flags.m ? 'lineEnd' : 'endOrLf' }
      case '\\':
        return this.escape(flags)
      case '*':
      case '+':
      case '?':
        return this.fail('Quantifier follows nothing in regex')
      default:
        return { t: 'char', code: char.charCodeAt(0), fold: flags.i }
    }
  }

  private parenthesis(flags: Flags): Node | undefined {
    if (this.match(/\?#[^)]*\)/y)) return undefined
    if (this.eat('?:')) return this.group(flags)
    if (this.eat('?>')) return { t: 'atomic', item: this.group(flags) }
    const look = this.match(/\?(<?)([=!])/y)
    if (look) return { t: 'look', ahead: !look[1], negative: look[2] === '!', item: this.group(flags) }
    const named = this.match(/\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/y)
    if (named || this.source[this.at] !== '?') {
      const index = ++this.captures
      const name = named ? (named[1] ?? named[2]) : undefined
      if (name && !this.names.has(name)) this.names.set(name, index)
      return { t: 'capture', index, name, item: this.group(flags) }
    }
    const inline = this.match(/\?(\^?)([a-z]*)(?:-([a-z]*))?([:)])/y)
    if (!inline) this.fail('unsupported group in regex')
    if (/[^imsxnpaudl]/.test(`${inline[2]}${inline[3] ?? ''}`))
      this.fail(`Sequence (?${inline[2]}...) not recognized in regex`)
    const scoped = inline[4] === ')' ? flags : { ...flags }
    if (inline[1]) Object.assign(scoped, { i: false, s: false, m: false, x: false })
    for (const flag of inline[2]!) if (flag in scoped) scoped[flag as keyof Flags] = true
    for (const flag of inline[3] ?? '') if (flag in scoped) scoped[flag as keyof Flags] = false
    return inline[4] === ')' ? undefined : this.group(scoped)
  }

  /** A single code after a backslash, valid both inside and outside brackets. */
  private escapedCode(char: string): number {
    const control = controlEscapes[char]
    if (control !== undefined) return control
    if (char === 'c') return this.source.charCodeAt(this.at++) & 31
    if (char === 'x') {
      const found = this.match(/\{\s*([0-9a-fA-F]*)\s*\}|[0-9a-fA-F]{0,2}/y)!
      const code = Number.parseInt(found[1] ?? found[0] ?? '0', 16) || 0
      if (code > 255) this.fail('unsupported: character above \\xff')
      return code
    }
    if (char === 'o') {
      const found = this.match(/\{\s*([0-7]+)\s*\}/y)
      if (!found) this.fail('Missing braces on \\o{} in regex')
      return Number.parseInt(found[1]!, 8) & 255
    }
    if (/[0-7]/.test(char)) return Number.parseInt(char + this.match(/[0-7]{0,2}/y)![0], 8) & 255
    if (/[A-Za-z]/.test(char)) this.fail(`unsupported escape \\${char}`)
    return char.charCodeAt(0)
  }

  private classEscape(char: string): ByteSet | undefined {
    const set = classEscapes[char.toLowerCase()]
    if (!set) return undefined
    return char === char.toLowerCase() ? set : complement(set)
  }

  private escape(flags: Flags): Node {
    const char = this.source[this.at++]
    if (char === undefined) this.fail('Trailing \\ in regex')
    const set = this.classEscape(char)
    if (set) return { t: 'set', set }
    switch (char) {
      case 'b':
        if (this.source[this.at] === '{') this.fail('unsupported escape \\b{}')
        return { t: 'assert', kind: 'word' }
      case 'B':
        return { t: 'assert', kind: 'notWord' }
      case 'A':
        return { t: 'assert', kind: 'start' }
      case 'Z':
        return { t: 'assert', kind: 'endOrLf' }
      case 'z':
        return { t: 'assert', kind: 'end' }
      case 'N':
        return { t: 'set', set: notLfSet }
      case 'R':
        return lineBreak
      case 'k': {
        const found = this.match(/[<{'](\w+)[>}']/y)
        return this.backref(found ? this.names.get(found[1]!) : undefined, flags)
      }
      case 'g': {
        const found = this.match(/\{?(-?\d+)\}?/y)
        const index = found ? Number(found[1]) : 0
        return this.backref(index < 0 ? this.captures + 1 + index : index, flags)
      }
    }
    if (/[1-9]/.test(char)) {
      const digits = char + /^\d*/.exec(this.source.slice(this.at))![0]
      if (Number(digits) < 10 || Number(digits) <= this.captures) {
        this.at += digits.length - 1
        return this.backref(Number(digits), flags)
      }
    }
    return { t: 'char', code: this.escapedCode(char), fold: flags.i }
  }

  private backref(index: number | undefined, flags: Flags): Node {
    if (!index) this.fail('Reference to nonexistent group in regex')
    this.referenced.add(index)
    return { t: 'backref', index, fold: flags.i }
  }

  private bracket(flags: Flags): ByteSet {
    const negated = this.eat('^')
    const set = emptySet()
    for (let first = true; ; first = false) {
      if (this.at >= this.source.length) this.fail('Unmatched [ in regex')
      if (!first && this.eat(']')) break
      const low = this.bracketItem(set)
      if (low === undefined) continue
      set[low] = 1
      if (this.source[this.at] !== '-' || this.source[this.at + 1] === ']') continue
      this.at++
      if (this.at >= this.source.length) this.fail('Unmatched [ in regex')
      const high = this.bracketItem(set)
      // "a-\d": the hyphen is literal.
      if (high === undefined) set[45] = 1
      else if (high < low) this.fail('Invalid [] range in regex')
      else set.fill(1, low, high + 1)
    }
    const folded = flags.i ? foldSet(set) : set
    return negated ? complement(folded) : folded
  }

  /** One member of a bracket: a code is returned, a whole class is added to `into`. */
  private bracketItem(into: ByteSet): number | undefined {
    const posix = this.match(/\[:(\^?)(\w+):\]/y)
    if (posix) {
      const set = posixSets[posix[2]!] ?? this.fail(`POSIX class [:${posix[2]}:] unknown in regex`)
      addAll(into, posix[1] ? complement(set) : set)
      return undefined
    }
    const char = this.source[this.at++]!
    if (char !== '\\') return char.charCodeAt(0)
    const escaped = this.source[this.at++]
    if (escaped === undefined) this.fail('Unmatched [ in regex')
    const set = this.classEscape(escaped)
    if (set) {
      addAll(into, set)
      return undefined
    }
    return escaped === 'b' ? 8 : this.escapedCode(escaped)
  }
}

/** \R: CRLF as one, else any single line break. */
const lineBreak: Node = {
  t: 'atomic',
  item: {
    t: 'alt',
    items: [
      {
        t: 'seq',
        items: [
          { t: 'char', code: 13, fold: false },
          { t: 'char', code: 10, fold: false },
        ],
      },
      { t: 'set', set: classEscapes['v']! },
    ],
  },
}
