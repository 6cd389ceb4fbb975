// Parses the part of Perl's regex language that mail rules use into a tree. Input is a byte string. What Perl refuses is refused
// here with Perl's own words where lint shows them; what only we cannot do says "unsupported".

import { anySet, emptySet, type Node, notLfSet } from './ast.js'
import { cluster, lineBreak } from './classes.js'
import { PatternReader, wide } from './reader.js'
import { type Alternative, resolveLater } from './rewrite.js'
import { maxWidth } from './width.js'

interface Flags {
  i: boolean
  s: boolean
  m: boolean
  x: boolean
  /** Plain brackets do not capture. */
  n: boolean
  /** (?xx): blanks mean nothing inside brackets either. */
  xx: boolean
}

export interface Parsed {
  readonly root: Node
  /** Groups that a back reference names. */
  readonly referenced: ReadonlySet<number>
  /** Named groups; of several with one name the first. */
  readonly names: ReadonlyMap<string, number>
  /** Why the tree accepts more, or less, than Perl would: backtracking verbs, recursion beyond a depth. Empty = exact. */
  readonly inexact: readonly string[]
}

/** Nested groups; stops a pattern of ten thousand brackets from overflowing our own stack. */
const nestingMax = 250
/** Perl's own bound for {n,m}. */
const repeatMax = 65_534

/** Throws RegexSyntaxError (reader.ts). `modifiers` is any of Perl's; only imsx matter to bytes. */
export function parsePerl(source: string, modifiers: string): Parsed {
  return new Parser(source).parse({
    i: modifiers.includes('i'),
    s: modifiers.includes('s'),
    m: modifiers.includes('m'),
    x: modifiers.includes('x'),
    n: modifiers.includes('n'),
    xx: false,
  })
}

class Parser extends PatternReader {
  private depth = 0
  private captures = 0
  private readonly names = new Map<string, number>()
  private readonly referenced = new Set<number>()
  private readonly inexact = new Set<string>()
  /** Stand-ins in the tree for what can only be written out when the whole is known. */
  private readonly later = new Map<Node, Alternative>()
  private readonly groups = new Map<number, Node>()

  parse(flags: Flags): Parsed {
    const tree = this.alternatives(flags)
    if (this.at < this.source.length) this.fail('Unmatched ) in regex')
    for (const index of this.referenced) {
      if (index > this.captures) this.fail('Reference to nonexistent group in regex')
    }
    const resolved = resolveLater(tree, this.later, this.groups, this.names)
    if (typeof resolved === 'string') this.fail(resolved)
    if (resolved.bounded) this.inexact.add('recursion is followed to a depth only')
    return {
      root: resolved.root,
      referenced: this.referenced,
      names: this.names,
      inexact: [...this.inexact],
    }
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
    if (!found) {
      const start = atom.t === 'assert' && (atom.kind === 'start' || atom.kind === 'lineStart')
      if (this.source[this.at] === '{' && !start) this.fail('Unescaped left brace in regex is passed through')
      return atom
    }
    const { min, max } = found
    if (max === Infinity && maxWidth(atom) === 0) this.fail('matches null string many times in regex')
    if (flags.x) this.skipComments()
    const mode = this.eat('?') ? 'lazy' : this.eat('+') ? 'possessive' : 'greedy'
    if (mode === 'lazy' && min === max) this.fail("Useless use of greediness modifier '?' in regex")
    if (max < min) this.fail("Quantifier {n,m} with n > m can't match in regex")
    if (flags.x) this.skipComments()
    if (this.match(/(?=[*+?]|\{[ \t]*(?:\d+[ \t]*(?:,[ \t]*\d*)?|,[ \t]*\d+)[ \t]*\})/y))
      this.fail('Nested quantifiers in regex')
    return { t: 'repeat', item: atom, min, max, mode }
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
    if (this.source.startsWith('?#', this.at)) this.fail('Sequence (?#... not terminated in regex')
    if (this.eat('?:')) return this.group(flags)
    if (this.eat('?>')) return { t: 'atomic', item: this.group(flags) }
    if (this.eat('?|')) return this.branchReset(flags)
    if (this.eat('?(')) return this.condition(flags)
    if (this.source[this.at] === '*') return this.verb(flags)
    const look = this.match(/\?(<?)([=!])/y)
    if (look) return this.look(!look[1], look[2] === '!', flags)
    const call = this.match(/\?(?:R|([+-]?\d+)|&(\w+)|P>(\w+))\)/y)
    if (call) return this.recursion(call)
    const same = this.match(/\?P=(\w+)\)/y)
    if (same) return this.backref(this.names.get(same[1]!), flags)
    const named = this.match(/\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/y)
    if (named) return this.capture(named[1] ?? named[2], flags)
    if (this.source[this.at] !== '?') return flags.n ? this.group(flags) : this.capture(undefined, flags)
    return this.inlineFlags(flags)
  }

  private capture(name: string | undefined, flags: Flags): Node {
    const index = ++this.captures
    if (name && !this.names.has(name)) this.names.set(name, index)
    const node: Node = { t: 'capture', index, name, item: this.group(flags) }
    this.groups.set(index, node)
    return node
  }

  private look(ahead: boolean, negative: boolean, flags: Flags): Node {
    const item = this.group(flags)
    // Perl 5.36 refuses it too, in these words; a rule file that has one is told the same by lint.
    if (!ahead && maxWidth(item) > 255) this.fail('Lookbehind longer than 255 not implemented in regex')
    return { t: 'look', ahead, negative, item }
  }

  private inlineFlags(flags: Flags): Node | undefined {
    const inline = this.match(/\?(\^?)([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/y)
    if (!inline) this.fail('Sequence (?... not recognized in regex')
    const [, reset, on, off] = inline
    if (/[^imsxnpaudl]/.test(`${on}${off ?? ''}`)) this.fail(`Sequence (?${on}...) not recognized in regex`)
    const scoped = inline[4] === ')' ? flags : { ...flags }
    if (reset) Object.assign(scoped, { i: false, s: false, m: false, x: false, n: false, xx: false })
    for (const flag of on!) if (flag in scoped) scoped[flag as keyof Flags] = true
    if (on!.includes('xx')) scoped.xx = true
    for (const flag of off ?? '') if (flag in scoped) scoped[flag as keyof Flags] = false
    return inline[4] === ')' ? undefined : this.group(scoped)
  }

  /** (?|a|b): every branch counts its groups from the same number. Only exact while nothing refers to them. */
  private branchReset(flags: Flags): Node {
    const first = this.captures
    let highest = first
    const branches: Node[] = []
    const inner = { ...flags }
    do {
      this.captures = first
      branches.push(this.branch(inner))
      highest = Math.max(highest, this.captures)
    } while (this.eat('|'))
    if (!this.eat(')')) this.fail('Unmatched ( in regex')
    this.captures = highest
    if (branches.length > 1 && highest > first)
      this.inexact.add('groups of a branch reset are told apart only while nothing refers to them')
    return { t: 'alt', items: branches }
  }

  /** One alternative up to `|` or `)`. */
  private branch(flags: Flags): Node {
    const items: Node[] = []
    while (this.at < this.source.length && !'|)'.includes(this.source[this.at]!)) {
      const atom = this.atom(flags)
      if (atom) items.push(this.quantified(atom, flags))
    }
    return { t: 'seq', items }
  }

  /** (?(1)yes|no), (?(<name>)yes|no), (?(?=look)yes|no). */
  private condition(flags: Flags): Node {
    const group = this.match(/(?:(\d+)|<(\w+)>|'(\w+)')\)/y)
    let when: number | string | Node
    if (group) when = group[1] ? Number(group[1]) : group[2]! || group[3]!
    else {
      const look = this.match(/\?(<?)([=!])/y)
      if (!look) this.fail('Unknown switch condition (?(...)) in regex')
      when = this.look(!look[1], look[2] === '!', flags)
    }
    const inner = { ...flags }
    const yes = this.branch(inner)
    const no: Node = this.eat('|') ? this.branch(inner) : { t: 'seq', items: [] }
    if (this.source[this.at] === '|') this.fail('Switch (?(condition)... contains too many branches in regex')
    if (!this.eat(')')) this.fail('Switch (?(condition)... not terminated in regex')
    if (typeof when === 'object') return conditionOnLook(when, yes, no)
    const standIn: Node = { t: 'alt', items: [] }
    this.later.set(standIn, { group: when, yes, no })
    return standIn
  }

  private recursion(found: RegExpExecArray): Node {
    const digits = found[1]
    const relative = digits !== undefined && /^[+-]/.test(digits)
    const number = Number(digits ?? 0)
    const target = relative ? this.captures + (number > 0 ? number : number + 1) : number
    const standIn: Node = { t: 'alt', items: [] }
    this.later.set(standIn, { call: found[2] ?? found[3] ?? target })
    return standIn
  }

  /** (*FAIL) is exact; verbs that only cut backtracking are left out, which can add matches but never lose one. */
  private verb(flags: Flags): Node | undefined {
    const words = this.match(
      /\*(?:(pla|positive_lookahead)|(nla|negative_lookahead)|(plb|positive_lookbehind)|(nlb|negative_lookbehind)|atomic):/y,
    )
    if (words) {
      if (words[1] || words[2]) return this.look(true, words[2] !== undefined, flags)
      if (words[3] || words[4]) return this.look(false, words[4] !== undefined, flags)
      return { t: 'atomic', item: this.group(flags) }
    }
    if (this.match(/\*(?:F|FAIL)\)/y)) return { t: 'set', set: emptySet() }
    if (this.match(/\*(?:PRUNE|SKIP|THEN|COMMIT|MARK)?(?::[^)]*)?\)/y)) {
      this.inexact.add('backtracking verbs are left out')
      return undefined
    }
    return this.fail('unsupported verb in regex')
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
      case 'G':
        return { t: 'assert', kind: 'start' }
      case 'K':
        // Moves the start of what is reported; whether there is a match does not depend on it.
        return { t: 'seq', items: [] }
      case 'N':
        if (this.source.startsWith('{U+', this.at)) break
        return { t: 'set', set: notLfSet }
      case 'R':
        return lineBreak
      case 'X':
        return cluster
      case 'k': {
        const found = this.match(/[<{'](\w+)[>}']/y)
        return this.backref(found ? this.names.get(found[1]!) : undefined, flags)
      }
      case 'g': {
        const found = this.match(/\{(-?\d+)\}|(-?\d+)|\{(\w+)\}/y)
        if (found?.[3]) return this.backref(this.names.get(found[3]), flags)
        const index = found ? Number(found[1] ?? found[2]) : 0
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
    const code = this.escapedCode(char)
    return code === wide ? { t: 'set', set: emptySet() } : { t: 'char', code, fold: flags.i }
  }

  private backref(index: number | undefined, flags: Flags): Node {
    if (!index) this.fail('Reference to nonexistent group in regex')
    this.referenced.add(index)
    return { t: 'backref', index, fold: flags.i }
  }
}

/** A condition on a look-around is a choice between it and its opposite. */
function conditionOnLook(look: Node, yes: Node, no: Node): Node {
  if (look.t !== 'look') return look
  const opposite: Node = { ...look, negative: !look.negative }
  return {
    t: 'alt',
    items: [
      { t: 'seq', items: [look, yes] },
      { t: 'seq', items: [opposite, no] },
    ],
  }
}
