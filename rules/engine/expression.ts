// Arithmetic and logic as .cf files write them, for `if` lines and for metas: Perl's operators with Perl's precedence, parsed to a
// tree. Nothing of a rule file is ever run as code.

export type Expression =
  | { readonly t: 'number'; readonly value: number }
  /** A quoted string, or a bare word that means nothing: 0 in arithmetic, true as a condition unless it is '' or '0'. */
  | { readonly t: 'text'; readonly value: string }
  /** A rule name or, in `if` lines, one of the words of the language. */
  | { readonly t: 'name'; readonly name: string }
  /** plugin(X), can(X), has(X). */
  | { readonly t: 'call'; readonly name: string; readonly argument: string }
  | { readonly t: 'unary'; readonly op: '!' | '-'; readonly item: Expression }
  | { readonly t: 'binary'; readonly op: BinaryOp; readonly left: Expression; readonly right: Expression }
  | { readonly t: 'choice'; readonly when: Expression; readonly yes: Expression; readonly no: Expression }

export type BinaryOp = '||' | '&&' | '^' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/'

export class ExpressionError extends Error {}

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

/** Names taken for calls with one argument. */
const calls = new Set(['plugin', 'can', 'has'])

/** Brackets and signs may nest so deep; stops a hostile rule file from overflowing our stack. */
const depthMax = 1000

export interface ExpressionOptions {
  /** Take plugin(X), can(X), has(X) as calls. */
  readonly calls: boolean
}

/** Throws ExpressionError with the reason. */
export function parseExpression(text: string, options: ExpressionOptions): Expression {
  const parser = new ExpressionParser(tokens(text), options)
  const tree = parser.choice()
  parser.end()
  return tree
}

/** Splits into numbers, names, quoted strings and operators; throws at the first thing that is none of them. */
function tokens(text: string): string[] {
  const out: string[] = []
  const lexer =
    /\s+|\d+(?:\.\d*)?|\.\d+|"[^"]*"|'[^']*'|\w[\w:]*|\|\||&&|==|!=|>=|<=|[-+*/()!<>^?:]|([\s\S])/gy
  for (const found of text.matchAll(lexer)) {
    if (found[1] !== undefined) throw new ExpressionError(`unexpected '${found[1]}'`)
    if (!/^\s/.test(found[0])) out.push(found[0])
  }
  return out
}

class ExpressionParser {
  private at = 0
  private depth = 0
  private readonly tokens: readonly string[]
  private readonly options: ExpressionOptions

  constructor(list: readonly string[], options: ExpressionOptions) {
    this.tokens = list
    this.options = options
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
      const op = this.tokens[this.at] as BinaryOp
      const own = strengths[op]
      if (own === undefined || own < strength) return left
      this.at++
      const right = this.binary(own + 1)
      left = { t: 'binary', op, left, right }
      if ((own === 4 || own === 5) && strengths[this.tokens[this.at] as BinaryOp] === own && own === 5)
        throw new ExpressionError(`comparisons cannot be chained: '${this.tokens[this.at]}'`)
    }
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
    if (/^[\d.]/.test(token)) return { t: 'number', value: Number(token) }
    if (/^["']/.test(token)) return { t: 'text', value: token.slice(1, -1) }
    if (!/^\w/.test(token)) throw new ExpressionError(`unexpected '${token}'`)
    if (this.options.calls && calls.has(token)) return this.call(token)
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
      case 'text':
        return node.value === '' || node.value === '0' ? 0 : Number.parseFloat(node.value) || 1
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
