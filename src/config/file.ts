// Reads hamd.toml into a Config. In: text and file name. Out: the whole configuration, or every problem with file, line and remedy:
// a wrong configuration is refused at start and, at a reload, the old one stays.
import { parse, TomlError } from 'smol-toml'
import { type Config, type Key, schema } from './schema.js'

export interface ConfigProblem {
  readonly file: string
  readonly line: number
  readonly text: string
}

export class ConfigError extends Error {
  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map((p) => `${p.file}:${p.line}: ${p.text}`).join('\n'))
    this.name = 'ConfigError'
  }
}

/** The built-in defaults. */
export function defaultConfig(): Config {
  const sections = Object.entries(schema).map(([section, keys]) => [
    section,
    Object.fromEntries(Object.entries(keys as Record<string, Key>).map(([name, key]) => [name, key.default])),
  ])
  return Object.fromEntries(sections) as Config
}

/**
 * Parses a configuration file.
 * @throws ConfigError with every unknown section or key, wrong type and value out of bounds.
 */
export function parseConfig(text: string, file: string): Config {
  let document: Record<string, unknown>
  try {
    document = parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw new ConfigError([{ file, line: error.line, text: `not TOML: ${firstLine(error.message)}` }])
  }
  const problems: ConfigProblem[] = []
  const config = structuredClone(defaultConfig()) as Record<string, Record<string, unknown>>
  for (const [section, body] of Object.entries(document)) {
    const keys = (schema as Record<string, Record<string, Key>>)[section]
    if (!keys) {
      problems.push({
        file,
        line: lineOf(text, section),
        text: `unknown section [${section}]; known: ${Object.keys(schema).join(', ')}`,
      })
      continue
    }
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      problems.push({
        file,
        line: lineOf(text, undefined, section),
        text: `${section} is a section: write [${section}] and its keys below`,
      })
      continue
    }
    for (const [name, value] of Object.entries(body)) {
      const key = keys[name]
      const line = lineOf(text, section, name)
      if (!key)
        problems.push({
          file,
          line,
          text: `unknown key ${name} in [${section}]; known: ${Object.keys(keys).join(', ')}`,
        })
      else {
        const wrong = check(key, value)
        if (wrong) problems.push({ file, line, text: `${section}.${name} ${wrong}` })
        else config[section]![name] = key.type === 'strings' && typeof value === 'string' ? [value] : value
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config as unknown as Config
}

/** What is wrong with the value, or undefined. 0 and NaN never change a limit quietly: bounds are checked for every number. */
function check(key: Key, value: unknown): string | undefined {
  if (typeof key.type === 'object')
    return key.type.oneOf.includes(value as string)
      ? undefined
      : `must be one of ${key.type.oneOf.join(', ')}`
  switch (key.type) {
    case 'string':
      return typeof value === 'string' ? undefined : 'must be a string in quotes'
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'must be true or false'
    case 'strings': {
      const list = typeof value === 'string' ? [value] : value
      const good = Array.isArray(list) && list.every((word) => typeof word === 'string')
      return good ? undefined : 'must be a list of strings in quotes'
    }
    case 'number': {
      if (typeof value !== 'number' || !Number.isFinite(value)) return 'must be a number'
      if (key.min !== undefined && value < key.min) return `must be at least ${key.min}`
      if (key.max !== undefined && value > key.max) return `must be at most ${key.max}`
      return undefined
    }
  }
}

/** Line of `[section]` or of `name =` within the section; 1 where a dotted or inline spelling hides it. */
function lineOf(text: string, section: string | undefined, name?: string): number {
  let current: string | undefined
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    const table = /^\s*\[\s*([\w-]+)\s*\]/.exec(line)
    if (table) current = table[1]
    if (
      name === undefined
        ? current === section && table
        : current === section && line.trimStart().split(/[\s=]/, 1)[0] === name
    )
      return index + 1
  }
  return 1
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!
}
