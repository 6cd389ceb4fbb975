// Reads hamd.toml into a Config. In: text and file name. Out: the whole configuration, or every problem with file, line and remedy:
// a wrong configuration is refused at start and, at a reload, the old one stays.
import { parse, TomlError } from 'smol-toml'
import { parseAddress } from './address.js'
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
    const keys = own<Record<string, Key>>(schema, section)
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
      const key = own<Key>(keys, name)
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
  for (const { section, name, text: wrong } of contradictions(config as unknown as Config))
    problems.push({ file, line: lineOf(text, section, name), text: `${section}.${name} ${wrong}` })
  if (problems.length > 0) throw new ConfigError(problems)
  return config as unknown as Config
}

/** A word of the file may be `constructor`: only what the table itself has counts. */
function own<T>(table: object, name: string): T | undefined {
  return Object.hasOwn(table, name) ? (table as Record<string, T>)[name] : undefined
}

/** What is right word by word and would still be ignored or come to nothing. */
function contradictions({ listen, users, clamd }: Config): { section: string; name: string; text: string }[] {
  const found: { section: string; name: string; text: string }[] = []
  if ((listen.tls_key === null) !== (listen.tls_cert === null)) {
    const name = listen.tls_key === null ? 'tls_cert' : 'tls_key'
    found.push({ section: 'listen', name, text: 'needs the other of tls_key and tls_cert' })
  }
  if ((users.prefs === 'dir' || users.prefs === 'pattern') && users.prefs_dir === null)
    found.push({ section: 'users', name: 'prefs', text: 'needs users.prefs_dir' })
  for (const name of ['scan', 'controller'] as const)
    for (const address of listen[name] ?? [])
      if (!parseAddress(address)) found.push({ section: 'listen', name, text: notAnAddress(address) })
  if (clamd.address !== null && !parseAddress(clamd.address))
    found.push({ section: 'clamd', name: 'address', text: notAnAddress(clamd.address) })
  return found
}

function notAnAddress(text: string): string {
  return `${text} is no address: write host:port, [v6]:port or unix:/path`
}

/** What is wrong with the value, or undefined. 0 and NaN never change a limit quietly: bounds are checked for every number. */
function check(key: Key, value: unknown): string | undefined {
  if (typeof key.type === 'object')
    return key.type.oneOf.includes(value as string)
      ? undefined
      : `must be one of ${key.type.oneOf.join(', ')}`
  switch (key.type) {
    case 'string':
      if (typeof value !== 'string') return 'must be a string in quotes'
      return key.form === undefined || key.form.is.test(value) ? undefined : `must be ${key.form.says}`
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
