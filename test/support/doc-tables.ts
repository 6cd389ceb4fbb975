// The tables of docs/operations.md as the sources give them: configuration keys, limits, error codes. The test compares; nothing is kept twice.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Key, schema } from '../../src/config/schema.js'
import { errorCodes } from '../../src/errors.js'
import { packageRoot } from '../../src/root.js'

const cell = (text: string) => text.replaceAll('|', '\\|')

/** Section -> rows of its keys. */
export function configRows(): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(schema).map(([section, keys]) => [
      section,
      Object.entries(keys as Record<string, Key>).map(
        ([name, { default: value, about }]) =>
          `| \`${name}\` | ${value === null ? '' : `\`${JSON.stringify(value)}\``} | ${cell(about)} |`,
      ),
    ]),
  )
}

export function errorRows(): string[] {
  return Object.entries(errorCodes).map(([code, about]) => `| \`${code}\` | ${cell(about)} |`)
}

/** From the source text: the sentence of a limit is its comment, which holds for all constants up to the next one. */
export function limitRows(): string[] {
  const source = readFileSync(join(packageRoot, 'src', 'limits.ts'), 'utf8')
  const rows: string[] = []
  let about = ''
  for (const line of source.split('\n')) {
    about = /^\/\*\* (.*) \*\/$/.exec(line)?.[1] ?? about
    const found = /^export const (\w+) = (.+)$/.exec(line)
    if (found) rows.push(`| \`${found[1]}\` | ${found[2]} | ${cell(about)} |`)
  }
  return rows
}

/** Rows of the first table below a heading, without its two head lines. */
export function documentedRows(text: string, heading: string): string[] {
  const after = text.split(`\n${heading}\n`)[1] ?? ''
  const lines = after.split(/\n#+ /, 1)[0]!.split('\n')
  const start = lines.findIndex((line) => line.startsWith('|'))
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'))
  return start < 0 ? [] : lines.slice(start + 2, end < 0 ? undefined : end)
}
