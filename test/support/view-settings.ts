// Settings for tests of views: the stock rules' boundaries, redirectors and originating headers, with further lines on top.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Directive, Settings } from '../../rules/engine/types.js'
import { viewDirectives } from '../../src/views/directives.js'

const stockFolder = '/usr/share/spamassassin'

/** Why tests against the stock rules cannot run here; false if they can. */
export const stockRulesMissing: string | false = existsSync(stockFolder)
  ? false
  : 'SpamAssassin rules are not installed: apt-get install spamassassin (npm run peers)'

const byName = new Map<string, Directive>(
  viewDirectives.flatMap((directive) =>
    [directive.name, ...(directive.aliases ?? [])].map((name) => [name, directive] as const),
  ),
)

/** Folds lines over a base; lines of other subjects are skipped, conditions are taken as true. */
export function settingsFrom(text: string, base?: Settings): Settings & { readonly problems: string[] } {
  const values = new Map<string, unknown>(
    base?.values ?? viewDirectives.map(({ name, initial }) => [name, initial]),
  )
  const problems: string[] = []
  for (const line of text.split('\n')) {
    const words = /^\s*(\S+)\s*(.*?)\s*$/.exec(line.replace(/(?<!\\)#.*$/, '').replace(/\\#/g, '#'))
    const directive = words && byName.get(words[1]!.toLowerCase())
    if (!directive) continue
    const read = directive.read(
      {
        key: directive.name,
        written: words[1]!.toLowerCase(),
        value: words[2]!,
        place: { file: 'test', line: 0 },
      },
      values.get(directive.name),
      { defineEval: () => undefined, problem: (kind) => void problems.push(kind) },
    )
    values.set(directive.name, read)
  }
  return { values, problems }
}

/** The stock rules' settings. */
export function stockSettings(): Settings {
  const files = readdirSync(stockFolder).filter((name) => name.endsWith('.cf'))
  return settingsFrom(
    files
      .sort()
      .map((name) => readFileSync(join(stockFolder, name), 'latin1'))
      .join('\n'),
  )
}
