// The lines that define rules: header, body, rawbody, uri, full, meta, mimeheader, uri_detail, reuse. Each becomes a Definition in the
// book, or a problem that says why it was dropped.

import type { Definition, RuleBook } from './book.js'
import { withoutMatching } from './book.js'
import { markTemplates } from './capture.js'
import { ExpressionError, evaluate, parseExpression } from './expression.js'
import { alwaysMatches, readPattern } from './pattern.js'
import type { Place, Problem } from './types.js'

/** What a defining line is read with. */
export interface DefinitionContext {
  readonly book: RuleBook
  readonly place: Place
  readonly problem: (kind: string, text: string, severity?: Problem['severity']) => void
}

type Area = Extract<Definition, { kind: 'eval' }>['area']

/** A line's outcome: false = the value makes no sense (the caller reports it), true = handled, if only by a problem. */
type Reader = (value: string, context: DefinitionContext) => boolean

/** Name and rest of a defining line; undefined when one is missing. */
function nameAndRest(value: string): readonly [string, string] | undefined {
  const found = /^(\S+)\s+(\S.*)$/s.exec(value)
  return found ? [found[1]!, found[2]!] : undefined
}

/** Adds a definition unless its name cannot be one. */
function define(name: string, definition: Definition, context: DefinitionContext): void {
  if (!/^[_A-Za-z][_A-Za-z0-9]{0,127}$/.test(name)) {
    context.problem('bad-name', `rule '${name}' has invalid characters`)
    return
  }
  if (name.length > 100) {
    context.problem('bad-name', `rule '${name}' is too long`)
    return
  }
  if (name.length > 40 && !/^(?:__|T_)/.test(name))
    context.problem('long-name', `rule name '${name}' is over 40 chars`)
  if ('pattern' in definition && definition.kind !== 'mimeheader') {
    const why = alwaysMatches(definition.pattern.source)
    if (why) context.problem('always-matches', `invalid regexp for ${name}: always matching regexp: ${why}`)
  }
  context.book.define(name, definition, context.place)
}

function validName(name: string): boolean {
  return /^[_A-Za-z][_A-Za-z0-9]{0,99}$/.test(name)
}

/** Arguments of an eval: quoted strings or bare words, comma separated; undefined when they cannot be read. */
export function evalArguments(text: string): string[] | undefined {
  if (/^\s+$/.test(text)) return []
  const args: string[] = []
  let rest = text
  while (rest !== '') {
    const found = /^\s*(?:(['"])(.*?)\1|([\d.:A-Za-z-]+?))\s*(?:,\s*|$)/.exec(rest)
    if (!found || found[0] === '') return undefined
    args.push(found[2] ?? found[3]!)
    rest = rest.slice(found[0].length)
  }
  return args
}

function defineEval(name: string, call: string, area: Area, context: DefinitionContext): boolean {
  if (!/^\w+\(.*\)$/s.test(call)) return false
  const found = /^(\w+)\((.*?)\)$/s.exec(call)
  const args = found ? evalArguments(found[2]!) : undefined
  if (!found || !args) {
    context.problem('bad-eval', `syntax error for eval function ${name}: ${call}`)
    return true
  }
  define(name, { kind: 'eval', area, eval: found[1]!, args }, context)
  return true
}

function textRule(kind: 'body' | 'rawbody' | 'uri' | 'full'): Reader {
  return (value, context) => {
    const line = nameAndRest(value)
    if (!line) return false
    const [name, rest] = line
    if (kind !== 'uri' && rest.startsWith('eval:')) return defineEval(name, rest.slice(5), kind, context)
    const outcome = readPattern(markTemplates(rest))
    if (outcome.ok) define(name, { kind, pattern: outcome.pattern }, context)
    else if (!validName(name)) define(name, { kind: 'empty' }, context)
    else context.problem('bad-regex', `invalid regexp for ${name} '${rest}': ${outcome.reason}`)
    return true
  }
}

const headerModifier = /:(?!(?:raw|addr|name|host|domain|ip|revip|first|last)\b)/i

function header(value: string, context: DefinitionContext): boolean {
  const line = nameAndRest(value)
  if (!line) return false
  const [name, rest] = line
  const call = /^(?:rbl)?eval:(.*)$/s.exec(rest)?.[1]
  if (call !== undefined)
    return defineEval(name, call, /^check_(?:rbl|dns)/.test(call) ? 'rbl' : 'header', context)
  if (rest.startsWith('exists:')) {
    const wanted = rest.slice(7)
    if (/^[\w.-]+:?$/.test(wanted))
      define(name, { kind: 'exists', request: wanted.replace(/:$/, '') }, context)
    else context.problem('bad-header', `invalid head test ${name} header: ${wanted}`)
    return true
  }
  const test = /^([\w.-]+(?::|(?::[a-z]+){1,2})?)\s*([=!]~)\s*(.+)$/s.exec(rest)
  if (!test) {
    context.problem('bad-header', `invalid head test ${name}: ${rest}`)
    return true
  }
  const request = test[1]!.replace(/:$/, '')
  if (headerModifier.test(request)) {
    context.problem('bad-header', `invalid header modifier for ${name}: ${request}`)
    return true
  }
  const [text, ifUnset] = splitUnset(test[3]!)
  const outcome = readPattern(markTemplates(text))
  if (!outcome.ok) {
    context.problem('bad-regex', `invalid regexp for ${name} '${text}': ${outcome.reason}`)
    return true
  }
  define(
    name,
    {
      kind: 'header',
      request,
      pattern: outcome.pattern,
      negated: test[2] === '!~',
      ...(ifUnset === undefined ? {} : { ifUnset }),
    },
    context,
  )
  return true
}

/** Takes `[if-unset: TEXT]` off the end of a pattern. */
function splitUnset(text: string): readonly [string, string | undefined] {
  const found = /\s+\[if-unset:\s+(.+)\]$/s.exec(text)
  return found ? [text.slice(0, found.index), found[1]!] : [text, undefined]
}

/** A meta is accepted when Perl would accept it with every rule counting 0: a constant division by zero is refused too. */
function meta(value: string, context: DefinitionContext): boolean {
  const line = nameAndRest(value)
  if (!line || /\*\s*\*/.test(line[1])) return false
  const [name, expression] = line
  if (/::|->|[$@%;{}]/.test(expression)) {
    context.problem('bad-meta', `invalid meta ${name} rule: ${expression}`, 'warning')
    return true
  }
  try {
    const tree = parseExpression(withoutMatching(expression), 'meta')
    if (dividesByZero(tree)) throw new ExpressionError('division by zero possible')
    define(name, { kind: 'meta', expression }, context)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    const text = error.refused
      ? `invalid meta ${name} ${error.message}`
      : `invalid expression for rule ${name}: "${expression}": ${error.message}`
    context.problem('bad-meta', text)
  }
  return true
}

function dividesByZero(tree: ReturnType<typeof parseExpression>): boolean {
  const zero = (node: typeof tree) =>
    evaluate(
      node,
      () => 0,
      () => false,
    )
  switch (tree.t) {
    case 'binary': {
      if (dividesByZero(tree.left)) return true
      const left = zero(tree.left)
      if ((tree.op === '&&' && left === 0) || (tree.op === '||' && left !== 0)) return false
      return dividesByZero(tree.right) || (tree.op === '/' && zero(tree.right) === 0)
    }
    case 'unary':
      return dividesByZero(tree.item)
    case 'choice':
      return dividesByZero(tree.when) || dividesByZero(zero(tree.when) !== 0 ? tree.yes : tree.no)
    default:
      return false
  }
}

function mimeheader(value: string, context: DefinitionContext): boolean {
  const line = nameAndRest(value)
  const test = line ? /^([^:\s]+(?::(?:raw)?)?)\s*([=!]~)\s*(.+)$/s.exec(line[1]) : null
  if (!line || !test || !/^[_A-Za-z][_A-Za-z0-9]{0,127}$/.test(line[0])) return false
  const [text, ifUnset] = splitUnset(test[3]!)
  const outcome = readPattern(text)
  if (!outcome.ok) return false
  define(
    line[0],
    {
      kind: 'mimeheader',
      request: test[1]!.replace(/:$/, ''),
      pattern: outcome.pattern,
      negated: test[2] === '!~',
      ...(ifUnset === undefined ? {} : { ifUnset }),
    },
    context,
  )
  return true
}

function uriDetail(value: string, context: DefinitionContext): boolean {
  const line = nameAndRest(value)
  if (!line) return false
  const criterion = /\b(\w+)\b\s*([=!]~)\s*((?:\/.*?\/|m(\W).*?\4)[imsx]*)(?=\s|$)/g
  type Criterion = Extract<Definition, { kind: 'uri_detail' }>['criteria'][number]
  // A key that stands twice keeps its last criterion, as in SpamAssassin.
  const criteria = new Map<string, Criterion>()
  for (const found of line[1].matchAll(criterion)) {
    const key = found[1]!
    if (!/^(?:raw|type|cleaned|text|domain|host)$/.test(key)) return false
    const outcome = readPattern(found[3]!)
    if (!outcome.ok) return false
    criteria.set(key, { key, pattern: outcome.pattern, negated: found[2] === '!~' })
  }
  if (criteria.size === 0) return false
  define(line[0], { kind: 'uri_detail', criteria: [...criteria.values()] }, context)
  return true
}

function reuse(value: string, context: DefinitionContext): boolean {
  const name = /\s*(\w+)(?:\s+(?:\w+(?:\s+\w+)*))?\s*$/.exec(value)?.[1]
  if (name === undefined) return false
  if (!context.book.entries.has(name)) define(name, { kind: 'empty' }, context)
  return true
}

/** Key of the line -> its reader. mimeheader and uri_detail only count when their plugins are loaded. */
export const definitionReaders: ReadonlyMap<string, { readonly read: Reader; readonly plugin?: string }> =
  new Map([
    ['header', { read: header }],
    ['body', { read: textRule('body') }],
    ['rawbody', { read: textRule('rawbody') }],
    ['uri', { read: textRule('uri') }],
    ['full', { read: textRule('full') }],
    ['meta', { read: meta }],
    ['reuse', { read: reuse }],
    ['mimeheader', { read: mimeheader, plugin: 'MIMEHeader' }],
    ['uri_detail', { read: uriDetail, plugin: 'URIDetail' }],
  ])
