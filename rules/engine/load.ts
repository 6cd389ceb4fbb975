// Reads rule files into a Plan: plain data that any thread can make an Engine from. Order of files, conditionals and the meaning of
// every line are SpamAssassin's (sa-rules.md 2, 3); what cannot be used becomes a Problem, never an error.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import type { ByteString } from '../../src/types.js'
import { wrongArea } from './areas.js'
import { finishRules, RuleBook } from './book.js'
import { coreDirectives, pluginDirectives } from './core.js'
import { definitionReaders } from './definitions.js'
import { confFunctions, defaultPlugins, functionsOf, shortPluginName, stockPlugins } from './features.js'
import { listFiles } from './files.js'
import { LineReader, type LineSink } from './lines.js'
import { type LineOutcome, readShortcircuit, ruleLineReaders } from './scoring.js'
import type { Directive, DirectiveContext, Place, Plan, Plugin, Problem } from './types.js'

export interface LoadOptions {
  /** Files, or folders: their *.pre, then *.cf, in byte order of names. Later ones override. */
  readonly sources: readonly string[]
  /** Further text after the .pre files, and after all .cf files. */
  readonly preLines?: string
  readonly cfLines?: string
  /** Implementations at hand: src/checks/index.ts. */
  readonly plugins: readonly Plugin[]
  /** Directives that belong to no plugin: `viewDirectives` of src/views/directives.ts and `listDirectives` of src/checks/index.ts. */
  readonly directives: readonly Directive[]
  /** No look-ups: `local_tests_only` in the files. */
  readonly local?: boolean
  /** Told of every file that was read or could not be, included ones too, in order. */
  readonly onFile?: (path: string, text: ByteString | undefined) => void
}

/** Name of text that comes from no file. */
export const noFile = '(no file)'

/** Changes when the meaning of a Plan changes, so that saved tables are not mistaken for current ones. */
const planVersion = 1

export function loadPlan(options: LoadOptions): Plan {
  const loader = new Loader(options)
  const files = options.sources.flatMap(listFiles)
  const pre = files.filter((file) => /\.pre$/i.test(file))
  for (const file of pre) loader.readFile(file)
  if (options.preLines !== undefined) loader.readText(noFile, options.preLines)
  if (pre.length === 0 && options.preLines === undefined) loader.loadDefaults()
  loader.startRules()
  for (const file of files) if (!/\.pre$/i.test(file)) loader.readFile(file)
  if (options.cfLines !== undefined) loader.readText(noFile, options.cfLines)
  return loader.finish()
}

/** Words of address lists, networks and DNS that SpamAssassin knows without any plugin. */
const coreWords =
  /^(?:(?:un|def_)?(?:welcome|white|block|black)list_(?!.*_(?:spf|dkim)$)|more_spam_to|all_spam_to|enlist_|delist_|(?:welcome|white|block|black)list_uri_host|dns_|clear_dns|rbl_timeout)/

class Loader implements LineSink {
  readonly local: boolean
  private readonly book = new RuleBook()
  private readonly values = new Map<string, unknown>()
  private readonly directives = new Map<string, { readonly directive: Directive; readonly plugin?: string }>()
  private readonly loaded = new Set<string>()
  private readonly problems: Problem[] = []
  private readonly scoreLines = new Map<string, Place>()
  private readonly hash = createHash('sha256')
  private readonly plugins: ReadonlyMap<string, Plugin>
  private readonly onFile: LoadOptions['onFile']
  private reader = new LineReader(this)

  constructor(options: LoadOptions) {
    this.local = options.local ?? false
    this.onFile = options.onFile
    this.plugins = new Map(options.plugins.map((plugin) => [plugin.name, plugin]))
    for (const directive of [...coreDirectives, ...options.directives]) this.addDirective(directive)
    for (const { plugin, directive } of pluginDirectives) this.addDirective(directive, plugin)
    for (const plugin of options.plugins)
      for (const directive of plugin.directives ?? []) this.addDirective(directive, plugin.name)
    // What SpamAssassin does not have is ours and needs no loadplugin line.
    for (const { name } of options.plugins) if (!stockPlugins.has(name)) this.loaded.add(name)
    this.hash.update(JSON.stringify([planVersion, this.local, [...this.plugins.keys()]]))
  }

  private addDirective(directive: Directive, plugin?: string): void {
    this.values.set(directive.name, directive.initial)
    for (const name of [directive.name, ...(directive.aliases ?? [])])
      this.directives.set(name, plugin === undefined ? { directive } : { directive, plugin })
  }

  loadDefaults(): void {
    for (const name of defaultPlugins) this.loaded.add(name)
  }

  /** The .pre files are over: conditions they asked are asked anew. */
  startRules(): void {
    this.reader = new LineReader(this)
  }

  readFile(path: string): void {
    let text: string
    try {
      text = readFileSync(path, 'latin1')
    } catch (error) {
      this.onFile?.(path, undefined)
      this.problem({ file: path, line: 0 }, 'unreadable', `cannot read ${path}: ${(error as Error).message}`)
      return
    }
    this.onFile?.(path, text)
    this.readText(path, text)
  }

  readText(name: string, text: string): void {
    this.hash.update(`\0${name}\0`).update(text, 'latin1')
    this.reader.read(name, text)
  }

  // ---- LineSink

  problem(place: Place, kind: string, text: string, severity: Problem['severity'] = 'error'): void {
    this.problems.push({ ...place, kind, text, severity })
  }

  include(path: string, from: string): { name: string; text: string } | undefined {
    const name = isAbsolute(path) || from === noFile ? path : join(dirname(from), path)
    try {
      const text = readFileSync(name, 'latin1')
      this.onFile?.(name, text)
      this.hash.update(`\0${name}\0`).update(text, 'latin1')
      return { name, text }
    } catch {
      this.onFile?.(name, undefined)
      return undefined
    }
  }

  pluginLoaded(name: string): boolean {
    return this.loaded.has(shortPluginName(name)) || name === 'Mail::SpamAssassin::Plugin::RaciallyCharged'
  }

  can(name: string): boolean {
    const [, packageName, word] = /^(.*)::([^:]+)$/s.exec(name) ?? ['', '', '']
    if (packageName === 'Mail::SpamAssassin::Conf') {
      if (confFunctions.has(word!)) return true
      const flags = this.values.get('enable_compat') as ReadonlySet<string>
      return word!.startsWith('compat_') && flags.has(word!.slice(7))
    }
    const short = shortPluginName(packageName!)
    if (!this.loaded.has(short)) return false
    const plugin = this.plugins.get(short)
    return (
      functionsOf(short).includes(word!) ||
      (plugin?.features ?? []).some((feature) => feature === word || feature === name) ||
      Object.hasOwn(plugin?.evals ?? {}, word!)
    )
  }

  line(key: string, value: string, place: Place, whole: string): void {
    const outcome = this.ruleLine(key, value, place)
    if (outcome === 'done') return
    if (outcome === 'missing') this.problem(place, 'missing-value', `missing '${key}' value`)
    else if (outcome === 'invalid') this.problem(place, 'invalid-value', `invalid '${key}' value: ${whole}`)
    else if (!this.directiveLine(key, value, place)) this.unknownLine(key, place, whole)
  }

  private unknownLine(key: string, place: Place, whole: string): void {
    if (key === 'ok_languages')
      this.problem(place, 'unknown-directive', `failed to parse line, now a plugin: ${whole}`, 'warning')
    else this.problem(place, 'unknown-directive', `failed to parse line: ${whole}`)
  }

  /** Undefined when the word is none of those about rules. */
  private ruleLine(key: string, value: string, place: Place): LineOutcome | undefined {
    const reader = definitionReaders.get(key)
    if (reader) {
      if (reader.plugin && !this.loaded.has(reader.plugin)) return undefined
      if (!/^\S+\s+\S/.test(value) && !/^\S+$/.test(value) && value !== '') return 'missing'
      const context = { book: this.book, place, problem: this.problem.bind(this, place) }
      return reader.read(value, context) ? 'done' : 'invalid'
    }
    if (key === 'test') return 'done'
    if (key === 'loadplugin' || key === 'tryplugin') return this.loadPlugin(key, value, place)
    if (key === 'shortcircuit' && this.loaded.has('Shortcircuit')) return readShortcircuit(value, this.book)
    if (key === 'score') this.scoreLines.set(/^\S*/.exec(value)![0], place)
    return ruleLineReaders.get(key)?.(value, this.book)
  }

  private loadPlugin(key: string, value: string, place: Place): LineOutcome {
    if (value === '') return 'missing'
    const found = /^((?:\w+::){0,10}\w+)(?:\s+(\S+\.pm))?$/i.exec(value)
    if (!found) return 'invalid'
    const name = shortPluginName(found[1]!)
    if (this.plugins.has(name) || stockPlugins.has(name)) this.loaded.add(name)
    else if (key === 'loadplugin')
      this.problem(
        place,
        'unknown-plugin',
        `plugin ${found[1]} is not known here; its rules are left out`,
        'warning',
      )
    return 'done'
  }

  private directiveLine(key: string, value: string, place: Place): boolean {
    const known = this.directives.get(key)
    if (!known) return false
    if (known.plugin !== undefined && !this.loaded.has(known.plugin) && !coreWords.test(key)) return false
    const { directive } = known
    const before = this.values.get(directive.name)
    const line = { key: directive.name, written: key, value, place }
    this.values.set(directive.name, directive.read(line, before, this.contextAt(place)))
    return true
  }

  private contextAt(place: Place): DirectiveContext {
    return {
      defineEval: (name, area, evalName, args, tflags) => {
        this.book.define(name, { kind: 'eval', area, eval: evalName, args }, place)
        if (tflags?.length) this.book.addTflags(name, tflags.join(' '))
      },
      problem: (kind, text, severity) => this.problem(place, kind, text, severity),
      change: (name, make) => this.values.set(name, make(this.values.get(name))),
    }
  }

  finish(): Plan {
    this.values.set('shortcircuit', this.book.shortcircuit)
    const settings = { values: this.values }
    this.checkEvals()
    const rules = finishRules(this.book, settings, this.problem.bind(this))
    return {
      rules,
      settings,
      plugins: [...this.loaded],
      problems: this.problems,
      scoresWithoutRule: [...this.scoreLines]
        .filter(([name]) => !this.book.entries.has(name))
        .map(([name, place]) => ({ name, ...place })),
      hash: this.hash.digest('hex'),
    }
  }

  /** Drops evals that stand on the wrong kind of line, and reports those that nobody brings: their rules count 0. */
  private checkEvals(): void {
    const known = new Set<string>()
    for (const plugin of this.plugins.values())
      if (this.loaded.has(plugin.name)) for (const name of Object.keys(plugin.evals ?? {})) known.add(name)
    for (const [name, { definition, place }] of this.book.entries) {
      if (definition.kind !== 'eval') continue
      const right = wrongArea(definition.eval, definition.area)
      if (right) {
        this.problem(place, 'wrong-area', `wrong rule type defined for ${name}, expected '${right}'`)
        this.book.entries.set(name, { definition: { kind: 'empty' }, place })
      } else if (!known.has(definition.eval)) {
        const severity = this.local && definition.area === 'rbl' ? 'hint' : 'error'
        this.problem(place, 'unknown-eval', `unknown eval '${definition.eval}' for ${name}`, severity)
      }
    }
  }
}
