// Arithmetic and logic as .cf files write them, for `if` lines and for metas: Perl's operators with Perl's precedence, parsed to a
// tree. Nothing of a rule file is ever run as code.

export type Expression =
  | { readonly t: 'number'; readonly value: number }
  /** A rule name or, in `if` lines, one of the words of the language. */
  | { readonly t: 'name'; readonly name: string }
  /** plugin(X), can(X), has(X). */
  | { readonly t: 'call'; readonly name: string; readonly argument: string }
  | { readonly t: 'unary'; readonly op: '!' | '-'; readonly item: Expression }
  | { readonly t: 'binary'; readonly op: BinaryOp; readonly left: Expression; readonly right: Expression }
  | { readonly t: 'choice'; readonly when: Expression; readonly yes: Expression; readonly no: Expression }

export type BinaryOp = '||' | '&&' | '^' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/'

/** What is wrong with an expression. `refused`: SpamAssassin drops the line before it looks at the grammar. */
export class ExpressionError extends Error {
  readonly refused: boolean

  constructor(message: string, refused = false) {
    super(message)
    this.refused = refused
  }
}

/** Binding strength; `^` is Perl's bitwise xor, between && and the comparisons. */
const strengths: Readonly<Record<BinaryOp, number>> = {
  '||': 1,
  '&&': 2,
  '^': 3,
  '==': 4,
  '!=': 4,
  '<': 5,
  '<=': 5,
  '>': 5,
  '>=': 5,
  '+': 6,
  '-': 6,
  '*': 7,
  '/': 7,
}

const calls = new Set(['plugin', 'can', 'has'])

/** Brackets and signs may nest so deep; stops a hostile rule file from overflowing our stack. */
const depthMax = 1000

/** A meta, or the condition of an `if` line: they differ in which words they allow. */
export type ExpressionKind = 'meta' | 'condition'

/** Throws ExpressionError with the reason. */
export function parseExpression(text: string, kind: ExpressionKind): Expression {
  const parser = new ExpressionParser(tokens(text, kind), kind)
  const tree = parser.choice()
  parser.end()
  return tree
}

/**
 * SpamAssassin's lexer: what it does not know it skips, quotes, `%` and a single `=` for instance; digits and signs that stand
 * together are one word, so that `A -1` is refused in a meta while `A - 1` is not.
 */
const lexer = /[-+\d.]+|\w[\w:]*|[()]|\|\||&&|\^|!(?!=)|>=?|<=?|==|!=|[-+*/]|[?:]/g

function tokens(text: string, kind: ExpressionKind): string[] {
  const out: string[] = []
  for (const [token] of text.matchAll(lexer)) {
    if (kind === 'meta') checkMetaToken(token)
    else checkConditionToken(token)
    if (/^[-+\d.]*\d/.test(token)) out.push(...token.match(/[-+]|\d+(?:\.\d*)?|\.\d+|\./g)!)
    else out.push(token)
  }
  return out
}

function checkMetaToken(token: string): void {
  if (/^[_a-zA-Z][_a-zA-Z0-9]{0,127}$/.test(token)) return
  if (!/^(?:\d+(?:\.\d+)?|[^\w\s]{1,2})$/.test(token)) throw new ExpressionError(`token: ${token}`, true)
}

function checkConditionToken(token: string): void {
  if (/^(?:\W{1,5}|[+-]?\d+(?:\.\d+)?)$/.test(token) || calls.has(token)) return
  if (!/^\w[\w:]+$/.test(token)) throw new ExpressionError(`unparseable value '${token}'`, true)
  if (!/^(?:\w+::){0,10}\w+$/.test(token)) throw new ExpressionError(`not allowed value '${token}'`, true)
}

class ExpressionParser {
  private at = 0
  private depth = 0
  private readonly tokens: readonly string[]
  private readonly kind: ExpressionKind

  constructor(list: readonly string[], kind: ExpressionKind) {
    this.tokens = list
    this.kind = kind
  }

  end(): void {
    if (this.at < this.tokens.length) throw new ExpressionError(`unexpected '${this.tokens[this.at]}'`)
  }

  choice(): Expression {
    if (++this.depth > depthMax) throw new ExpressionError('nested too deeply')
    const when = this.binary(1)
    let tree = when
    if (this.eat('?')) {
      const yes = this.choice()
      this.expect(':')
      tree = { t: 'choice', when, yes, no: this.choice() }
    }
    this.depth--
    return tree
  }

  private binary(strength: number): Expression {
    let left = this.unary()
    for (;;) {
      const own = strengths[this.tokens[this.at] as BinaryOp]
      if (own === undefined || own < strength) return left
      left = own === 4 || own === 5 ? this.comparison(left, own) : this.operation(left, own)
    }
  }

  private operation(left: Expression, strength: number): Expression {
    const op = this.tokens[this.at++] as BinaryOp
    return { t: 'binary', op, left, right: this.binary(strength + 1) }
  }

  /** Comparisons chain since Perl 5.32: a < b < c is a < b && b < c. */
  private comparison(first: Expression, strength: number): Expression {
    let tree: Expression | undefined
    let left = first
    while (strengths[this.tokens[this.at] as BinaryOp] === strength) {
      const op = this.tokens[this.at++] as BinaryOp
      const right = this.binary(strength + 1)
      const link: Expression = { t: 'binary', op, left, right }
      tree = tree ? { t: 'binary', op: '&&', left: tree, right: link } : link
      left = right
    }
    return tree!
  }

  private unary(): Expression {
    if (++this.depth > depthMax) throw new ExpressionError('nested too deeply')
    try {
      if (this.eat('!')) return { t: 'unary', op: '!', item: this.unary() }
      if (this.eat('-')) return { t: 'unary', op: '-', item: this.unary() }
      if (this.eat('+')) return this.unary()
      return this.primary()
    } finally {
      this.depth--
    }
  }

  private primary(): Expression {
    const token = this.tokens[this.at++]
    if (token === undefined) throw new ExpressionError('it ends too early')
    if (token === '(') {
      if (this.eat(')')) return { t: 'number', value: 0 }
      const inner = this.choice()
      this.expect(')')
      return inner
    }
    if (/^\.?\d/.test(token)) return { t: 'number', value: Number(token) }
    if (!/^\w/.test(token)) throw new ExpressionError(`unexpected '${token}'`)
    if (this.kind === 'condition' && calls.has(token)) return this.call(token)
    return { t: 'name', name: token }
  }

  private call(name: string): Expression {
    this.expect('(')
    const argument = this.eat(')') ? '' : (this.tokens[this.at++] ?? '')
    if (argument !== '') this.expect(')')
    return { t: 'call', name, argument }
  }

  private eat(token: string): boolean {
    if (this.tokens[this.at] !== token) return false
    this.at++
    return true
  }

  private expect(token: string): void {
    if (!this.eat(token)) throw new ExpressionError(`'${token}' is missing`)
  }
}

/** Number value of an expression; booleans are 1 and 0, `&&` and `||` give the operand as in Perl. */
export function evaluate(
  tree: Expression,
  lookUp: (name: string) => number,
  call: (name: string, argument: string) => boolean,
): number {
  const go = (node: Expression): number => {
    switch (node.t) {
      case 'number':
        return node.value
      case 'name':
        return lookUp(node.name)
      case 'call':
        return call(node.name, node.argument) ? 1 : 0
      case 'unary':
        return node.op === '!' ? (go(node.item) === 0 ? 1 : 0) : -go(node.item)
      case 'choice':
        return go(node.when) !== 0 ? go(node.yes) : go(node.no)
      case 'binary':
        return apply(node, go)
    }
  }
  return go(tree)
}

function apply(node: Extract<Expression, { t: 'binary' }>, go: (node: Expression) => number): number {
  const left = go(node.left)
  if (node.op === '&&') return left === 0 ? 0 : go(node.right)
  if (node.op === '||') return left !== 0 ? left : go(node.right)
  const right = go(node.right)
  switch (node.op) {
    case '^':
      return left ^ right
    case '==':
      return left === right ? 1 : 0
    case '!=':
      return left !== right ? 1 : 0
    case '<':
      return left < right ? 1 : 0
    case '<=':
      return left <= right ? 1 : 0
    case '>':
      return left > right ? 1 : 0
    case '>=':
      return left >= right ? 1 : 0
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      // Perl dies here; the rule then simply does not hit.
      return right === 0 ? 0 : left / right
  }
}
