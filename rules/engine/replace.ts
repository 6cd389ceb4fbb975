// replace_rules: regexes written with <A> <inter X> <post X> <pre X> get their replace_tag texts before they are compiled. The order
// of steps, and that a marker is taken once per pass, is SpamAssassin's; so is the bound of six passes.

import { checkPattern } from '../regex/plain.js'
import type { Definition } from './book.js'
import { splitFlags } from './pattern.js'
import { setting } from './settings.js'
import type { Pattern, Settings } from './types.js'

const passesMax = 6

/** Names given by replace_rules lines. */
function isReplaced(name: string, settings: Settings): boolean {
  return setting<ReadonlySet<string> | undefined>(settings, 'replace_rules')?.has(name) ?? false
}

/** The definition with its pattern expanded; unchanged when the rule is not listed or the result would not compile. */
export function replaceTags(
  name: string,
  definition: Definition,
  settings: Settings,
  problem: (text: string) => void,
): Definition {
  if (!('pattern' in definition) || definition.kind === 'mimeheader') return definition
  if (!isReplaced(name, settings)) return definition
  try {
    const pattern = expand(definition.pattern, settings)
    if (pattern.source === definition.pattern.source) return definition
    checkPattern(pattern.source, pattern.flags)
    return { ...definition, pattern }
  } catch (error) {
    problem(`replacement in ${name} gives a bad regexp: ${(error as Error).message}`)
    return definition
  }
}

type Table = ReadonlyMap<string, string>

function expand(pattern: Pattern, settings: Settings): Pattern {
  // Regex text, not literal text: SpamAssassin puts it into its own patterns as it stands.
  const start = setting<string>(settings, 'replace_start')
  const end = setting<string>(settings, 'replace_end')
  const table = (name: string) => setting<Table>(settings, name)
  let text = (pattern.flags === '' ? '' : `(?${pattern.flags})`) + pattern.source
  for (let pass = 0; pass < passesMax; pass++) {
    let again = false
    const take = (word: string): string | undefined => {
      const found = new RegExp(`${start}${word} (.+?)${end}`).exec(text)
      if (!found) return undefined
      text = text.slice(0, found.index) + text.slice(found.index + found[0].length)
      return table(`replace_${word}`).get(found[1]!)
    }
    const before = take('pre')
    const after = take('post')
    const between = take('inter')
    let pieces = perlSplit(text)
    const anyTag = `(${start}.+?${end})`
    if (before) pieces = pieces.map((piece) => piece.replace(new RegExp(anyTag), (tag) => before + tag))
    if (after) pieces = pieces.map((piece) => piece.replace(new RegExp(anyTag, 'g'), (tag) => tag + after))
    if (between) pieces = pieces.map((piece) => (piece === '' ? between : piece))
    pieces = pieces.map((piece) => {
      const tag = new RegExp(`${start}(.+?)${end}`).exec(piece)?.[1]
      const replacement = tag ? table('replace_tag').get(tag) : undefined
      if (!tag || !replacement) return piece
      if (/<[^>]+>/.test(replacement)) again = true
      return piece.replace(new RegExp(`${start}${escapeRegExp(tag)}${end}`, 'g'), () => replacement)
    })
    text = pieces.join('')
    if (!again) break
  }
  return splitFlags(text)
}

/** Perl's split at <...> with the separators kept: empty strings at the end are dropped, those between stay. */
function perlSplit(text: string): string[] {
  const pieces = text.split(/(<[^<>]+>)/)
  while (pieces.length > 0 && pieces.at(-1) === '') pieces.pop()
  return pieces
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
