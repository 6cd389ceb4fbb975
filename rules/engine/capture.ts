// Named captures: a rule with (?<NAME>...) sets the tag NAME, a rule with %{NAME} is matched with the captured texts put in.

import type { Pattern } from './types.js'

/** As written: %{NAME} or %{HEADER(To)}. */
const written = /(?<!\\)%\{([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*(?:\([^)}]*\))?)\}/g
/** As kept in a Pattern: a form that is a legal regex and that nobody writes by hand. */
const kept = /%\\x7b([A-Z][A-Z0-9_]*(?:\([^)}]*\))?)\\x7d/g
const keptHere = new RegExp(kept.source, 'y')

/** Turns placeholders into the form that Patterns keep. */
export function markTemplates(regex: string): string {
  return regex.includes('%{') ? regex.replace(written, '%\\x7b$1\\x7d') : regex
}

/** What a regex text asks of the runner besides matching. */
export function escapesOf(source: string): { readonly captures: boolean; readonly templates: boolean } {
  return { captures: /\(\?P?[<'][A-Z]/.test(source), templates: templateNames(source).length > 0 }
}

/** Names of the tags that a pattern has placeholders for, each once. */
export function templateNames(source: string): readonly string[] {
  if (!source.includes('%\\x7b')) return []
  return [...new Set([...source.matchAll(kept)].map((found) => found[1]!))]
}

/**
 * The name of a placeholder without whose value nothing can match: it stands outside of all brackets and alternatives and is not
 * repeated. Undefined when there is none, or when the pattern is written in a way that hides it.
 */
export function demandedTemplate({ source, flags }: Pattern): string | undefined {
  if (flags.includes('x') || /\[\^?\]|\[:/.test(source)) return undefined
  let depth = 0
  let inSet = false
  let demanded: string | undefined
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!
    keptHere.lastIndex = at
    const found = depth === 0 && !inSet ? keptHere.exec(source) : null
    if (found) {
      at += found[0].length - 1
      if (!'?*{'.includes(source[at + 1] ?? ' ')) demanded ??= found[1]!
    } else if (char === '\\') at++
    else if (inSet) inSet = char !== ']'
    else if (char === '[') inSet = true
    else if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === '|' && depth === 0) return undefined
  }
  return demanded
}

/**
 * The pattern with anything at all in the place of its demanded placeholder: matches wherever the filled pattern does, and is the same
 * for all messages. Undefined where that is not certain.
 */
export function relaxedTemplate(pattern: Pattern): string | undefined {
  const { source } = pattern
  if (demandedTemplate(pattern) === undefined) return undefined
  const [place, another] = source.matchAll(kept)
  if (!place || another || source[place.index + place[0].length] === '+') return undefined
  return source.replace(place[0], () => '[\\x00-\\xff]*')
}

/** A pattern that is a placeholder and nothing else between `^` and `$`: a text or one of its lines must be the value. */
export interface WholeLine {
  /** `/m`: any line will do. */
  readonly anyLine: boolean
  /** `/i` */
  readonly anyCase: boolean
}

/** Such patterns are answered without a RegExp, which would have to be made for every message: 160 µs each. */
export function wholeLineTemplate({ source, flags }: Pattern): WholeLine | undefined {
  const [place] = source.matchAll(kept)
  if (source !== `^${place?.[0]}$`) return undefined
  return { anyLine: flags.includes('m'), anyCase: flags.includes('i') }
}

/** Whether the pattern with one of the values in it would match. */
export function isWholeLine(
  text: string,
  values: readonly string[],
  { anyLine, anyCase }: WholeLine,
): boolean {
  const searched = anyCase ? text.toLowerCase() : text
  for (const value of values) {
    if (value === '') continue
    const wanted = anyCase ? value.toLowerCase() : value
    for (let at = searched.indexOf(wanted); at >= 0; at = searched.indexOf(wanted, at + 1)) {
      const end = at + wanted.length
      const ends = end === text.length || (text[end] === '\n' && (anyLine || end + 1 === text.length))
      if (ends && (at === 0 || (anyLine && text[at - 1] === '\n'))) return true
    }
  }
  return false
}

/** The texts that have one of the values in them, in whatever case. */
export function textsWith(texts: readonly string[], values: readonly string[]): readonly string[] {
  const wanted = values.filter((value) => value !== '').map((value) => value.toLowerCase())
  return texts.filter((text) => {
    const lower = text.toLowerCase()
    return wanted.some((value) => lower.includes(value))
  })
}

/** Puts the values in, quoted. Each tag has one that is not empty. */
export function fillTemplates(source: string, valuesOf: (tag: string) => readonly string[]): string {
  return source.replace(kept, (_, name: string) => {
    const values = valuesOf(name).filter((value) => value !== '')
    return `(?:${values.map(quote).join('|')})`
  })
}

/** Perl's quotemeta for bytes. */
function quote(text: string): string {
  return text.replace(/[^A-Za-z0-9_]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** A captured tag's name must look like one. */
function isTagName(name: string): boolean {
  return /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/.test(name)
}

/** Captured texts of one match, by tag name. */
export function collectCaptures(
  names: ReadonlyMap<string, number>,
  found: RegExpExecArray,
  into: Map<string, Set<string>>,
): void {
  for (const [name, group] of names) {
    const text = found[group]
    if (!text || !isTagName(name)) continue
    const values = into.get(name)
    if (values) values.add(text)
    else into.set(name, new Set([text]))
  }
}
