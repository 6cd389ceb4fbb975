// Prints a parsed Perl regex as an equivalent JavaScript RegExp: the exact meaning, without the `u` flag, over byte strings.
// The differences that need printing, each with its reason, are listed in docs of the reference run (sa-rules.md 7.2).
import { type ByteSet, bytesOf, type Node, otherCase, setSize, walk } from './ast.js'
import { type Parsed, parsePerl } from './parse.js'
import { canBeEmpty } from './width.js'

/** Source and flags for `new RegExp`; names of JS group numbers for named captures. */
export interface Printed {
  readonly source: string
  readonly flags: string
  /** Perl group name -> JS group number. */
  readonly names: ReadonlyMap<string, number>
  /** A case-insensitive back reference stood in a case-sensitive pattern: the whole had to become case-insensitive (Node < 23). */
  readonly widened: boolean
}

/** Scoped flags `(?i:x)` came with V8 12.5 (Node 23); without them one construct cannot be printed exactly. */
const scopedFlags = isAccepted('(?i:a)')

function isAccepted(source: string): boolean {
  try {
    new RegExp(source)
    return true
  } catch {
    return false
  }
}

export interface PrintOptions {
  /** Groups of a larger regex that stand before this one: numbers start after them. */
  readonly groupsBefore?: number
  /** Loops like `.*` of which V8 is to count, as backtracking, when they give back what they took: by an empty look-ahead in each pass. */
  readonly counted?: ReadonlySet<Node>
}

export function printRegExp(parsed: Parsed, { groupsBefore = 0, counted }: PrintOptions = {}): Printed {
  const printer = new Printer(parsed, groupsBefore, counted)
  const source = printer.node(parsed.root)
  return {
    source: source === '' ? '(?:)' : source,
    flags: printer.ignoreCase ? 'i' : '',
    names: printer.names,
    widened: printer.widened,
  }
}

/** Parse, print and compile in one go. Throws RegexSyntaxError, or SyntaxError when V8 refuses. */
export function toRegExp(source: string, modifiers: string, extraFlags = ''): RegExp {
  const printed = printRegExp(parsePerl(source, modifiers))
  return new RegExp(printed.source, printed.flags + extraFlags)
}

function hex(code: number): string {
  return `\\x${code.toString(16).padStart(2, '0')}`
}

function literal(code: number): string {
  const char = String.fromCharCode(code)
  return /[\w \-"'%&,:;<=>@!~`#]/.test(char) ? char : hex(code)
}

function member(code: number): string {
  const char = String.fromCharCode(code)
  return /\w/.test(char) ? char : hex(code)
}

function printSet(set: ByteSet): string {
  const size = setSize(set)
  if (size === 256) return '[^]'
  if (size === 0) return '(?!)'
  if (size === 1) return literal(set.indexOf(1))
  const negate = set[255] === 1 && size > 64
  let out = ''
  for (let code = 0; code < 256; code++) {
    if ((set[code] === 1) === negate) continue
    let high = code
    while (high < 255 && set[high + 1] === set[code]) high++
    if (high === code) out += member(code)
    else out += `${member(code)}${high === code + 1 ? '' : '-'}${member(high)}`
    code = high
  }
  return negate ? `[^${out}]` : `[${out}]`
}

/** Perl's `$` is "end or before the last LF", `^` without m never stands inside, and JS takes CR for a line end: so none is printed as such. */
const assertions = {
  word: '\\b',
  notWord: '\\B',
  start: '(?<![^])',
  lineStart: '(?:(?<![^])|(?<=\\n)(?=[^]))',
  end: '(?![^])',
  endOrLf: '(?=\\n?(?![^]))',
  lineEnd: '(?![^\\n])',
} as const

function isCaseClosed(set: ByteSet): boolean {
  return set.every((member, code) => otherCase(code) < 0 || set[otherCase(code)] === member)
}

class Printer {
  readonly ignoreCase: boolean
  readonly widened: boolean
  readonly names = new Map<string, number>()
  private groups: number
  private readonly renumbered = new Map<number, number>()
  private readonly parsed: Parsed
  private readonly counted: ReadonlySet<Node> | undefined

  constructor(parsed: Parsed, groupsBefore: number, counted: ReadonlySet<Node> | undefined) {
    this.parsed = parsed
    this.counted = counted
    this.groups = groupsBefore
    let folding = false
    let exact = false
    let foldedReference = false
    walk(parsed.root, (node) => {
      // A set outside of `(?i:...)` that knows a letter in one case only, such as [a-z], must not become case-insensitive.
      if (node.t === 'set' && !isCaseClosed(node.set)) exact = true
      const cased = node.t === 'backref' || (node.t === 'char' && otherCase(node.code) >= 0)
      if (!cased) return
      if (node.fold) folding = true
      else exact = true
      if (node.t === 'backref' && node.fold) foldedReference = true
    })
    this.widened = foldedReference && exact && !scopedFlags
    this.ignoreCase = (folding && !exact) || this.widened
  }

  node(node: Node): string {
    switch (node.t) {
      case 'char': {
        const expand = node.fold && !this.ignoreCase && otherCase(node.code) >= 0
        return expand ? printSet(bytesOf(node)!) : literal(node.code)
      }
      case 'set':
        return printSet(node.set)
      case 'seq':
        return node.items
          .map((item) => (item.t === 'alt' ? `(?:${this.node(item)})` : this.node(item)))
          .join('')
      case 'alt':
        return node.items.map((item) => this.node(item)).join('|')
      case 'look':
        return `(?${node.ahead ? '' : '<'}${node.negative ? '!' : '='}${this.node(node.item)})`
      case 'atomic':
        return this.atomic(() => this.node(node.item))
      case 'backref': {
        const reference = `\\${this.renumbered.get(node.index) ?? node.index}`
        return node.fold && !this.ignoreCase ? `(?i:${reference})` : `(?:${reference})`
      }
      case 'capture':
        return this.capture(node)
      case 'repeat':
        return this.repeat(node)
      case 'assert':
        return assertions[node.kind]
    }
  }

  /** A group nobody refers to is printed without capturing: V8 is measurably faster so. */
  private capture(node: Extract<Node, { t: 'capture' }>): string {
    const kept = node.name !== undefined || this.parsed.referenced.has(node.index)
    if (!kept) return `(?:${this.node(node.item)})`
    const index = ++this.groups
    this.renumbered.set(node.index, index)
    if (node.name && !this.names.has(node.name)) this.names.set(node.name, index)
    return `(${this.node(node.item)})`
  }

  /** (?>X) as a look-ahead that captures, followed by what it captured: a look-ahead is never re-entered. */
  private atomic(inner: () => string): string {
    const index = ++this.groups
    return `(?:(?=(${inner()}))\\${index})`
  }

  private repeat(node: Extract<Node, { t: 'repeat' }>): string {
    const optional = node.min === 0 && node.max === 1 && canBeEmpty(node.item)
    const print = (): string => {
      const body = this.node(node.item)
      const simple = (node.item.t === 'char' || node.item.t === 'set') && body !== '(?!)'
      const counts = this.counted?.has(node) === true && !canBeEmpty(node.item)
      const unit = counts ? `(?:${body}(?=))` : simple ? body : `(?:${body})`
      // JavaScript gives up an optional group that matched nothing, Perl takes it: as an alternative it is taken here, too.
      if (optional) return node.mode === 'lazy' ? `(?:|${body})` : `(?:${body}|)`
      if (node.max === 1 && node.min === 0) return `${unit}?`
      if (node.max === Infinity && node.min < 2) return unit + (node.min ? '+' : '*')
      if (node.max === node.min) return `${unit}{${node.min}}`
      return `${unit}{${node.min},${node.max === Infinity ? '' : node.max}}`
    }
    if (node.mode === 'possessive') return this.atomic(print)
    return print() + (node.mode === 'lazy' && !optional ? '?' : '')
  }
}
