// Reads a pattern from left to right: single characters, their escapes, bracket classes. What is built of them is parse.ts's matter.
import { addAll, type ByteSet, complement, emptySet, foldSet } from './ast.js'
import { classEscapes, posixSets, propertySet } from './classes.js'

export class RegexSyntaxError extends Error {}

const controlEscapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, e: 27, a: 7 }

/** Stands for every character above 255. */
export const wide = 256

/** Modifiers that change what a bracket means. */
interface BracketFlags {
  readonly i: boolean
  readonly xx: boolean
}

/** Brackets read before, by their text and modifiers: rule sets write the same ones by the thousand (`replace_rules`). */
const bracketsRead = new Map<string, ByteSet>()
const bracketsReadMax = 512
/** A bracket's text if it holds no other bracket. */
const plainBracket = /\^?\]?(?:[^\]\\]|\\.)*\]/sy

export class PatternReader {
  protected at = 0

  constructor(protected readonly source: string) {}

  protected fail(what: string): never {
    throw new RegexSyntaxError(`${what}; at ${this.at}`)
  }

  protected match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.at
    const found = expression.exec(this.source)
    if (found) this.at += found[0].length
    return found
  }

  protected eat(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  /** A single code after a backslash, valid both inside and outside brackets. */
  protected escapedCode(char: string): number {
    const control = controlEscapes[char]
    if (control !== undefined) return control
    switch (char) {
      case 'c': {
        const code = this.source.charCodeAt(this.at++)
        if (!(code >= 32 && code < 127))
          this.fail('Character following "\\c" must be printable ASCII in regex')
        return code & 31
      }
      case 'x': {
        const found = this.match(/\{\s*([0-9a-fA-F]*)\s*\}|[0-9a-fA-F]{0,2}/y)!
        if (found[0].length < 2 && /[^\]]/.test(this.source[this.at] ?? ']'))
          this.fail('Non-hex character terminates \\x early in regex')
        return this.byte(Number.parseInt(found[1] ?? found[0] ?? '0', 16) || 0)
      }
      case 'o': {
        const found = this.match(/\{\s*([0-7]+)\s*\}/y)
        if (!found) this.fail('Missing braces on \\o{} in regex')
        return this.byte(Number.parseInt(found[1]!, 8))
      }
      case 'N': {
        const found = this.match(/\{U\+([0-9a-fA-F]+)\}/y)
        if (!found) this.fail('unsupported escape \\N{}')
        return this.byte(Number.parseInt(found[1]!, 16))
      }
    }
    if (/[0-7]/.test(char)) {
      const more = this.match(/[0-7]{0,2}/y)![0]
      if (more.length < 2 && /[89]/.test(this.source[this.at] ?? ''))
        this.fail('Non-octal character terminates octal escape early in regex')
      return Number.parseInt(char + more, 8) & 255
    }
    if (/[A-Za-z89]/.test(char)) this.fail(`Unrecognized escape \\${char} passed through in regex`)
    return char.charCodeAt(0)
  }

  private byte(code: number): number {
    // Rules see bytes: such a character never occurs, but a pattern with it is legal.
    return Math.min(code, wide)
  }

  /** \p{Name}, \pL and their opposites: Unicode's properties of the characters 0 to 255. */
  private property(negated: boolean): ByteSet {
    const found = this.match(/\{\s*(\^?)\s*([^{}]*?)\s*\}|([A-Za-z])/y)
    const set = found ? propertySet(found[2] ?? found[3]!) : undefined
    if (!set) this.fail(`Can't find Unicode property definition "${found?.[2] ?? found?.[3] ?? ''}" in regex`)
    return negated !== (found![1] === '^') ? complement(set) : set
  }

  protected classEscape(char: string): ByteSet | undefined {
    if (char === 'p' || char === 'P') return this.property(char === 'P')
    const set = classEscapes[char.toLowerCase()]
    if (!set) return undefined
    return char === char.toLowerCase() ? set : complement(set)
  }

  /** The set is shared: not to be changed. */
  protected bracket(flags: BracketFlags): ByteSet {
    const start = this.at
    const text = this.match(plainBracket)?.[0]
    const end = this.at
    const key = `${flags.i ? 'i' : ''}${flags.xx ? 'x' : ''}[${text}`
    const known = text === undefined ? undefined : bracketsRead.get(key)
    if (known) return known
    this.at = start
    const set = this.readBracket(flags)
    if (text !== undefined && this.at === end) {
      if (bracketsRead.size >= bracketsReadMax) bracketsRead.clear()
      bracketsRead.set(key, set)
    }
    return set
  }

  private readBracket(flags: BracketFlags): ByteSet {
    if (/^:[^\]]*:\]/.test(this.source.slice(this.at, this.at + 32)))
      this.fail('POSIX syntax [: :] belongs inside character classes in regex')
    const negated = this.eat('^')
    const set = emptySet()
    for (let first = true; ; first = false) {
      if (flags.xx) this.match(/[ \t]*/y)
      if (this.at >= this.source.length) this.fail('Unmatched [ in regex')
      if (!first && this.eat(']')) break
      const low = this.bracketItem(set)
      if (low !== undefined && low !== wide) set[low] = 1
      if (this.source[this.at] !== '-' || this.source[this.at + 1] === ']') continue
      this.at++
      if (this.at >= this.source.length) this.fail('Unmatched [ in regex')
      const high = low === undefined ? undefined : this.bracketItem(set)
      if (low === undefined || high === undefined) this.fail('False [] range in regex')
      if (high < low) this.fail('Invalid [] range in regex')
      set.fill(1, Math.min(low, 256), Math.min(high + 1, 256))
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
