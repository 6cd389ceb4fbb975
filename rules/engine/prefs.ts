// A user's preferences as a thin layer over the shared Plan: scores, lists and templates of one user, read like a rule file but with
// the rights of a user. Making one costs as much as its text is long; nothing of the Plan is copied or compiled again.
import { type Definition, finishRules, RuleBook, type Scores } from './book.js'
import { coreDirectives, pluginDirectives } from './core.js'
import { definitionReaders } from './definitions.js'
import { shortPluginName } from './features.js'
import { LineReader, type LineSink } from './lines.js'
import { type LineOutcome, readShortcircuit, ruleLineReaders } from './scoring.js'
import { layerSettings } from './settings.js'
import type { Directive, DirectiveContext, Place, Plan, Plugin, Problem, Rule, Settings } from './types.js'

export interface PrefsOverlay {
  /** Rule name -> its scores for this user. */
  readonly scores: ReadonlyMap<string, Scores>
  readonly descriptions: ReadonlyMap<string, string>
  /** Directive values that differ from the Plan's. */
  readonly values: ReadonlyMap<string, unknown>
  /** Rules of the user's own, and the Plan's that the user changed; empty unless the admin set allow_user_rules. */
  readonly rules: readonly Rule[]
  /** Lines that were refused, and why. */
  readonly problems: readonly Problem[]
}

export interface PrefsOptions {
  /** The user may define rules (allow_user_rules): only for users trusted with the regex engine. */
  readonly allowUserRules: boolean
  /** As given to loadPlan. */
  readonly plugins: readonly Plugin[]
  readonly directives: readonly Directive[]
}

/** Settings as this user has them. */
export function overlaySettings(settings: Settings, overlay: PrefsOverlay | undefined): Settings {
  return overlay ? layerSettings(settings, overlay.values) : settings
}

export function overlayPrefs(plan: Plan, text: string, options: PrefsOptions): PrefsOverlay {
  const reader = new PrefsReader(plan, options)
  new LineReader(reader).read('user_prefs', text)
  return reader.finish()
}

/** A map that answers from a second one what it has not; it grows and is listed by its own entries only. */
class Overlaid<V> extends Map<string, V> {
  private readonly below: (key: string) => V | undefined

  constructor(below: (key: string) => V | undefined) {
    super()
    this.below = below
  }

  override get(key: string): V | undefined {
    return super.get(key) ?? this.below(key)
  }
}

/** The book of a user's rules: what the lines say is new, what they ask for may be the Plan's. */
class UserBook extends RuleBook {
  override readonly scores: Map<string, Scores>
  override readonly tflags: Map<string, string>
  override readonly priorities: Map<string, number>

  constructor(rules: ReadonlyMap<string, Rule>) {
    super()
    this.scores = new Overlaid((name) => rules.get(name)?.scores)
    this.tflags = new Overlaid((name) => rules.get(name)?.tflags.join(' '))
    this.priorities = new Overlaid((name) => rules.get(name)?.priority)
  }
}

/** Words for rules that need allow_user_rules; `score`, `describe` and `shortcircuit` do not. */
const privilegedWords = new Set(['tflags', 'priority'])

class PrefsReader implements LineSink {
  readonly local = false
  private readonly book: UserBook
  private readonly values = new Map<string, unknown>()
  private readonly problems: Problem[] = []
  private readonly directives = new Map<string, Directive>()
  private readonly rules: ReadonlyMap<string, Rule>
  private readonly plan: Plan
  private readonly allowUserRules: boolean

  constructor(plan: Plan, options: PrefsOptions) {
    this.plan = plan
    this.allowUserRules = options.allowUserRules
    this.rules = rulesOf(plan)
    this.book = new UserBook(this.rules)
    const add = (directive: Directive) => {
      for (const name of [directive.name, ...(directive.aliases ?? [])]) this.directives.set(name, directive)
    }
    for (const directive of [...coreDirectives, ...options.directives]) add(directive)
    for (const { directive } of pluginDirectives) add(directive)
    for (const plugin of options.plugins) for (const directive of plugin.directives ?? []) add(directive)
  }

  problem(place: Place, kind: string, text: string, severity: Problem['severity'] = 'error'): void {
    this.problems.push({ ...place, kind, text, severity })
  }

  /** A user must not make us open files. */
  include(): undefined {
    return undefined
  }

  pluginLoaded(name: string): boolean {
    return this.plan.plugins.includes(shortPluginName(name))
  }

  can(): undefined {
    return undefined
  }

  line(key: string, value: string, place: Place, whole: string): void {
    if (key === 'loadplugin' || key === 'tryplugin' || key === 'test') {
      this.refuse(place, `administrator setting: ${whole}`)
      return
    }
    if ((definitionReaders.has(key) || privilegedWords.has(key)) && !this.allowUserRules) {
      this.refuse(place, `'allow_user_rules' is 0: ${whole}`)
      return
    }
    const outcome = this.ruleLine(key, value, place)
    if (outcome === undefined) this.directiveLine(key, value, place, whole)
    else if (outcome !== 'done')
      this.problem(place, `${outcome}-value`, `${outcome} '${key}' value: ${whole}`)
  }

  private refuse(place: Place, text: string): void {
    this.problem(place, 'not-allowed', `not parsing, ${text}`)
  }

  private ruleLine(key: string, value: string, place: Place): LineOutcome | undefined {
    const reader = definitionReaders.get(key)
    if (reader) {
      if (reader.plugin && !this.plan.plugins.includes(reader.plugin)) return undefined
      const context = { book: this.book, place, problem: this.problem.bind(this, place) }
      return reader.read(value, context) ? 'done' : 'invalid'
    }
    if (key === 'shortcircuit' && this.plan.plugins.includes('Shortcircuit'))
      return readShortcircuit(value, this.book)
    return ruleLineReaders.get(key)?.(value, this.book)
  }

  private directiveLine(key: string, value: string, place: Place, whole: string): void {
    const directive = this.directives.get(key)
    if (!directive) {
      this.problem(place, 'unknown-directive', `failed to parse line: ${whole}`)
    } else if (directive.scope === 'admin') {
      this.refuse(place, `administrator setting: ${whole}`)
    } else if (directive.scope === 'privileged' && !this.allowUserRules) {
      this.refuse(place, `'allow_user_rules' is 0: ${whole}`)
    } else {
      const line = { key: directive.name, written: key, value, place }
      this.values.set(directive.name, directive.read(line, this.value(directive.name), this.contextAt(place)))
    }
  }

  private value(name: string): unknown {
    return this.values.has(name) ? this.values.get(name) : this.plan.settings.values.get(name)
  }

  private contextAt(place: Place): DirectiveContext {
    return {
      defineEval: (name, area, evalName, args, tflags) => {
        if (!this.allowUserRules) return
        this.book.define(name, { kind: 'eval', area, eval: evalName, args }, place)
        if (tflags?.length) this.book.addTflags(name, tflags.join(' '))
      },
      problem: (kind, text, severity) => this.problem(place, kind, text, severity),
      change: (name, make) => this.values.set(name, make(this.value(name))),
    }
  }

  finish(): PrefsOverlay {
    const { book } = this
    if (this.allowUserRules) {
      for (const name of [...book.tflags.keys(), ...book.priorities.keys()]) {
        const rule = this.rules.get(name)
        if (rule && !book.entries.has(name))
          book.entries.set(name, { definition: bare(rule), place: rule.place })
      }
    }
    if (book.shortcircuit.size > 0) {
      const before = this.value('shortcircuit') as ReadonlyMap<string, string>
      this.values.set('shortcircuit', new Map([...before, ...book.shortcircuit]))
    }
    const settings = layerSettings(this.plan.settings, this.values)
    const rules = book.entries.size === 0 ? [] : finishRules(book, settings, this.problem.bind(this))
    return {
      scores: new Map(book.scores),
      descriptions: book.descriptions,
      values: this.values,
      rules: this.allowUserRules ? rules : [],
      problems: this.problems,
    }
  }
}

function bare(rule: Rule): Definition {
  const { name: _, place: _p, priority: _r, tflags: _t, scores: _s, description: _d, ...definition } = rule
  return definition as Definition
}

const byPlan = new WeakMap<Plan, ReadonlyMap<string, Rule>>()

/** Rules by name, made once per plan. */
function rulesOf(plan: Plan): ReadonlyMap<string, Rule> {
  let rules = byPlan.get(plan)
  if (!rules) {
    rules = new Map(plan.rules.map((rule) => [rule.name, rule]))
    byPlan.set(plan, rules)
  }
  return rules
}
