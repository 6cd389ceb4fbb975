// Makers of the usual kinds of directive: one line each in the list of a subject. What SpamAssassin refuses is refused here too,
// with a problem that names the line; the value then stays as it was.
import type { Directive, DirectiveContext, DirectiveLine } from './types.js'

type Scope = Directive['scope']

interface Options {
  readonly scope?: Scope
  readonly aliases?: readonly string[]
}

function make(
  name: string,
  initial: unknown,
  options: Options | undefined,
  read: Directive['read'],
): Directive {
  return {
    name,
    initial,
    scope: options?.scope ?? 'user',
    ...(options?.aliases ? { aliases: options.aliases } : {}),
    read,
  }
}

/** Reports a value that cannot be used. */
export function invalidValue(line: DirectiveLine, context: DirectiveContext): void {
  context.problem('invalid-value', `invalid '${line.written}' value`)
}

/** Reports a line that says nothing where a value is needed; true if it did. */
export function missingValue(line: DirectiveLine, context: DirectiveContext): boolean {
  if (line.value !== '') return false
  context.problem('missing-value', `missing '${line.written}' value`)
  return true
}

export function stringDirective(name: string, initial: string | undefined, options?: Options): Directive {
  return make(name, initial, options, (line, value, context) =>
    missingValue(line, context) ? value : line.value,
  )
}

export function numberDirective(name: string, initial: number | undefined, options?: Options): Directive {
  return make(name, initial, options, (line, value, context) => {
    if (missingValue(line, context)) return value
    if (/^[+-]?\d+(?:\.\d*)?$/.test(line.value)) return Number(line.value)
    invalidValue(line, context)
    return value
  })
}

/** yes, no, 1, 0 in any case; the value is a boolean. */
export function boolDirective(name: string, initial: boolean, options?: Options): Directive {
  return make(name, initial, options, (line, value, context) => {
    if (missingValue(line, context)) return value
    const word = line.value.toLowerCase()
    if (word === 'yes' || word === '1') return true
    if (word === 'no' || word === '0') return false
    invalidValue(line, context)
    return value
  })
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Seconds, or a number with one of s m h d w. */
export function durationDirective(name: string, initial: number, options?: Options): Directive {
  return make(name, initial, options, (line, value, context) => {
    if (missingValue(line, context)) return value
    const found = /^(\+?\d+(?:\.\d*)?)(?:\s*([smhdw]))?$/i.exec(line.value)
    if (found) return Number(found[1]) * (found[2] ? unitSeconds[found[2].toLowerCase()]! : 1)
    invalidValue(line, context)
    return value
  })
}

/** Words of all lines, in order. */
export function listDirective(name: string, initial: readonly string[], options?: Options): Directive {
  return make(name, initial, options, (line, value, context) =>
    missingValue(line, context) ? value : [...(value as readonly string[]), ...line.value.split(/\s+/)],
  )
}

/** `KEY rest of the line`: a map from key to rest, later lines win. */
export function mapDirective(name: string, options?: Options): Directive {
  const initial: ReadonlyMap<string, string> = new Map()
  return make(name, initial, options, (line, value, context) => {
    const found = /^(\S+)\s+(.+)$/s.exec(line.value)
    if (!found) {
      context.problem('missing-value', `missing '${line.written}' value`)
      return value
    }
    return new Map(value as ReadonlyMap<string, string>).set(found[1]!, found[2]!)
  })
}

/** One template line a directive line, surrounding quotes removed. */
export function templateDirective(name: string, options?: Options): Directive {
  return make(name, '', options, (line, value) => {
    const quoted = /^"(.*?)"$/.exec(line.value)
    return `${value as string}${quoted ? quoted[1] : line.value}\n`
  })
}
