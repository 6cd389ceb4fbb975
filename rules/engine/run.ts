// Runs the rules of a Plan on one message. Network evals are called first, so that their look-ups are under way while the regex rules
// run; metas settle when their parts are settled. What can be seen of the order - captures, shortcircuit, the time limit - is
// SpamAssassin's: by priority, and within one by kind.
import type { ByteString, Hit, Note, Scan } from '../../src/types.js'
import { relayTags } from '../../src/views/relays.js'
import { type AutomatonSet, type PatternSource, patternsKey } from '../regex/automata/tables.js'
import type { FirstMatch, PatternUse } from '../regex/matcher.js'
import { countMatches, LazyPattern } from '../regex/plain.js'
import { EvalCall, type EvalHost, type HitOptions, Tags, type TagValue } from './calls.js'
import { fillTemplates, isTagName } from './capture.js'
import type { Meta } from './metas.js'
import { matchMimeHeader, matchUriDetail } from './parts.js'
import { overlaySettings, type PrefsOverlay } from './prefs.js'
import { setting } from './settings.js'
import {
  compileTable,
  type EvalRule,
  type HeaderGroup,
  type MimeRule,
  type PatternCache,
  patternUse,
  type RuleTable,
  type SingleRule,
  type Stage,
  type TextGroup,
  type UriRule,
} from './table.js'
import type { EvalResult, Pattern, Plan, Plugin, Rule, RuleRun, Settings } from './types.js'

export type ScoreSet = 0 | 1 | 2 | 3

export interface RunOptions {
  /** 0 none, 1 network, 2 Bayes, 3 both: decides which rules run. */
  readonly scoreSet: ScoreSet
  /** `__` rules in the result. */
  readonly subtests?: boolean
  /** Evidence for each hit. */
  readonly explain?: boolean
  readonly overlay?: PrefsOverlay
  /** Obey shortcircuit rules; default true. */
  readonly shortcircuit?: boolean
  /** Rules that must not run: suspended ones, or what a request switched off. */
  readonly skip?: ReadonlySet<string>
  /** Told the index (in Plan.rules) of each rule that is about to run, for a watchdog. */
  readonly onRule?: (rule: number) => void
}

export interface Engine {
  readonly plan: Plan
  run(scan: Scan, options: RunOptions): Promise<RuleRun>
  /** Rule name -> eval that no plugin brings. */
  readonly missing: ReadonlyMap<string, string>
  /** Lists of patterns for which automata can be built (rules/regex/automata). */
  patternLists(): readonly (readonly PatternSource[])[]
  /** Takes automata, by patternsKey; the plain engine answers for lists without. Returns how many lists have them now. */
  adopt(sets: ReadonlyMap<string, AutomatonSet>): number
}

export interface EngineOptions {
  /** Network rules never run, whatever the score set says. */
  readonly local?: boolean
  /**
   * A regex with %{TAG} keeps for good the texts it is first completed with, as in a SpamAssassin 4.0.1 process (its Check plugin
   * matches with /o). The stock rules' scores were found under that: done right, GB_CUSTOM_HTM_URI hits 1.4 % of the corpus, nearly
   * all of it ham. Off by default, because an answer should not depend on an earlier message.
   */
  readonly frozenCaptures?: boolean
}

export function createEngine(plan: Plan, plugins: readonly Plugin[], options: EngineOptions = {}): Engine {
  const tables = new Tables(plan, plugins, options)
  return {
    plan,
    missing: tables.base.table.missing,
    patternLists: () => tables.base.table.switching.map(({ patterns }) => patterns),
    adopt(sets) {
      let adopted = 0
      for (const { matcher, patterns } of tables.base.table.switching) {
        const set = sets.get(patternsKey(patterns))
        if (!set) continue
        matcher.adopt(set)
        adopted++
      }
      return adopted
    },
    run: (scan, runOptions) => {
      return new Run(plan, tables.of(runOptions.overlay), scan, runOptions).go()
    },
  }
}

interface Prepared {
  readonly table: RuleTable
  readonly activity: Activity
  /** Completed patterns by rule, with frozenCaptures. */
  readonly frozen: Map<number, PatternUse> | undefined
}

/** The table of the Plan, and those of users who have rules of their own. */
class Tables {
  readonly base: Prepared
  /** Least recently used first. */
  private readonly users = new Map<PrefsOverlay, Prepared>()
  private readonly patterns: PatternCache = new Map()
  private readonly plan: Plan
  private readonly plugins: readonly Plugin[]
  private readonly options: EngineOptions

  constructor(plan: Plan, plugins: readonly Plugin[], options: EngineOptions) {
    this.plan = plan
    this.plugins = plugins
    this.options = options
    this.base = this.prepare(plan, this.patterns)
  }

  of(overlay: PrefsOverlay | undefined): Prepared {
    if (!overlay || overlay.rules.length === 0) return this.base
    const known = this.users.get(overlay)
    const prepared = known ?? this.prepareUser(overlay)
    this.users.delete(overlay)
    this.users.set(overlay, prepared)
    if (this.users.size > userTablesMax) this.users.delete(this.users.keys().next().value!)
    return prepared
  }

  private prepareUser(overlay: PrefsOverlay): Prepared {
    const own = new Map(overlay.rules.map((rule) => [rule.name, rule]))
    const rules = this.plan.rules.map((rule) => own.get(rule.name) ?? rule)
    const present = new Set(this.plan.rules.map((rule) => rule.name))
    for (const rule of overlay.rules) if (!present.has(rule.name)) rules.push(rule)
    // A copy of the cache's entries: the user's patterns must not outlive the user's table.
    return this.prepare({ ...this.plan, rules }, new Map(this.patterns))
  }

  private prepare(plan: Plan, patterns: PatternCache): Prepared {
    const { local, frozenCaptures } = this.options
    const table = compileTable(plan, this.plugins, local ?? false, patterns)
    return { table, activity: new Activity(table), frozen: frozenCaptures ? new Map() : undefined }
  }
}

/** Users whose own rules are kept ready; a table costs about 2 MB. */
const userTablesMax = 16

/** Which rules run in a score set, per rule and per group: made once per set and per user's preferences. */
interface Active {
  readonly rules: Uint8Array
  readonly groups: readonly Uint8Array[]
}

class Activity {
  private readonly plain = new Map<number, Active>()
  private readonly overlaid = new WeakMap<PrefsOverlay, Map<number, Active>>()
  private readonly table: RuleTable

  constructor(table: RuleTable) {
    this.table = table
  }

  of(options: RunOptions): Active {
    const { overlay, scoreSet, skip } = options
    if (skip && skip.size > 0) return this.make(scoreSet, overlay, skip)
    let known = this.plain
    if (overlay && overlay.scores.size > 0) {
      known = this.overlaid.get(overlay) ?? new Map()
      this.overlaid.set(overlay, known)
    }
    let active = known.get(scoreSet)
    if (!active) {
      active = this.make(scoreSet, overlay, undefined)
      known.set(scoreSet, active)
    }
    return active
  }

  private make(
    set: number,
    overlay: PrefsOverlay | undefined,
    skip: ReadonlySet<string> | undefined,
  ): Active {
    const rules = new Uint8Array(this.table.rules.length)
    for (let index = 0; index < rules.length; index++) {
      const rule = this.table.rules[index]!
      const score = overlay?.scores.get(rule.name)?.[set] ?? rule.scores[set]!
      rules[index] = score !== 0 && !skip?.has(rule.name) ? 1 : 0
    }
    const groups: Uint8Array[] = new Array(this.table.groups)
    const add = (group: TextGroup | undefined) => {
      if (group) groups[group.id] = Uint8Array.from(group.rules, (rule) => rules[rule]!)
    }
    for (const stage of this.table.stages) {
      for (const group of stage.headers) add(group)
      for (const group of [stage.body, stage.uri, stage.rawbody, stage.full]) add(group)
    }
    return { rules, groups }
  }
}

const areas: Readonly<Record<string, string>> = {
  body: 'BODY: ',
  uri: 'URI: ',
  rawbody: 'RAW: ',
  full: 'FULL: ',
}
/** States of a rule: not decided; decided at the end only, because something did not run; decided. */
const unsettled = 0
const late = 1
const early = 2
const noLines: readonly ByteString[] = ['']
/** Bytes of evidence shown for a hit. */
const evidenceBytesMax = 80

/** What a hit carries besides its count; only hits that need it have one. */
interface Extra {
  details: string[]
  area?: string
  ownScore?: number
  evidence?: { text: ByteString; where: string }
  description?: string
}

class Run implements EvalHost {
  readonly scan: Scan
  readonly settings: Settings
  private readonly plan: Plan
  private readonly table: RuleTable
  private readonly frozen: Prepared['frozen']
  private readonly options: RunOptions
  private readonly active: Active
  /** Value of each rule, 0 = no hit (yet). */
  private readonly values: Float64Array
  /** Whether metas that need a rule may run: unsettled, late or early. */
  private readonly settled: Uint8Array
  /** Rules in the order in which they hit. */
  private readonly order: number[] = []
  private readonly extras = new Map<string, Extra>()
  /** Hits on names that no rule has. */
  private readonly foreign = new Map<string, number>()
  private readonly tags = new Tags()
  private readonly notes: Note[] = []
  private readonly pending: Promise<void>[] = []
  private readonly metaDone: Uint8Array
  /** 1 = a rule that the meta names has hit. */
  private readonly touched: Uint8Array
  private readonly local: boolean
  private readonly until: number
  private shortcircuit: RuleRun['shortcircuit']
  private score = 0
  private over = false

  constructor(plan: Plan, { table, activity, frozen }: Prepared, scan: Scan, options: RunOptions) {
    this.plan = plan
    this.table = table
    this.frozen = frozen
    this.scan = scan
    this.options = options
    this.settings = overlaySettings(plan.settings, options.overlay)
    this.active = activity.of(options)
    this.values = new Float64Array(table.rules.length)
    this.settled = new Uint8Array(table.rules.length)
    this.metaDone = new Uint8Array(table.rules.length)
    this.touched = new Uint8Array(table.rules.length)
    this.local = (options.scoreSet & 1) === 0
    const seconds = setting<number | undefined>(this.settings, 'time_limit') ?? 0
    this.until = seconds > 0 ? Date.now() + seconds * 1000 : Number.POSITIVE_INFINITY
  }

  async go(): Promise<RuleRun> {
    const { stages, metas } = this.table
    const types = setting<ReadonlyMap<string, string> | undefined>(this.settings, 'shortcircuit')
    const ordered = this.canShortcircuit(types)
    if (!ordered) for (const stage of stages) this.startNetwork(stage)
    let started = !ordered
    for (let index = 0; index < stages.length && !this.stopped(); index++) {
      const stage = stages[index]!
      if (!started && stage.priority >= -100) {
        for (const later of stages) this.startNetwork(later)
        started = true
      }
      this.runStage(stage)
      if (index === 0) for (const meta of metas.cyclic) this.runMeta(meta, early)
      if (ordered && !this.stopped()) this.settleMetas(false)
    }
    this.tags.allStarted()
    if (!this.shortcircuit) await this.lookupsDone()
    this.over = true
    this.tags.close()
    if (!this.stopped()) {
      this.settleMetas(false)
      this.settleMetas(true)
    }
    return this.result()
  }

  private canShortcircuit(types: ReadonlyMap<string, string> | undefined): boolean {
    if (this.options.shortcircuit === false || !this.plan.plugins.includes('Shortcircuit')) return false
    const limit = (name: string) => setting<number | undefined>(this.settings, name) !== undefined
    return (
      (types?.size ?? 0) > 0 || limit('shortcircuit_min_ham_score') || limit('shortcircuit_max_spam_score')
    )
  }

  /** Waits for the look-ups of evals, but never past the scan's deadline. */
  private async lookupsDone(): Promise<void> {
    if (this.pending.length === 0) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, this.scan.deadline - Date.now()) + 50, 'late')
    })
    const outcome = await Promise.race([Promise.all(this.pending), late])
    clearTimeout(timer)
    if (outcome === 'late')
      this.note({ check: 'rules', kind: 'timeout', text: 'some look-ups did not end before the deadline' })
  }

  private stopped(): boolean {
    return this.shortcircuit !== undefined || this.timedOut
  }

  private timedOut = false

  /** SpamAssassin looks at its clock between groups of rules. */
  private timeLeft(): boolean {
    if (this.timedOut) return false
    if (Date.now() <= this.until) return true
    this.timedOut = true
    this.hitByName('TIME_LIMIT_EXCEEDED', { score: 0.001, description: 'Exceeded time limit / deadline' })
    this.note({ check: 'rules', kind: 'timeout', text: 'time_limit exceeded, further rules skipped' })
    return false
  }

  // ---- one priority

  private runStage(stage: Stage): void {
    const { views } = this.scan
    const steps: (() => void)[] = [
      () => this.headers(stage),
      () => this.evals(stage.headerEvals),
      () => stage.body && this.texts(stage.body, views.text.body, 'body'),
      () => stage.uri && this.texts(stage.uri, views.uris.list, 'uri'),
      () => this.bodyEvals(stage.bodyEvals),
      () => stage.rawbody && this.texts(stage.rawbody, views.text.rawbody, 'rawbody'),
      () => this.evals(stage.rawbodyEvals),
      () => stage.full && this.texts(stage.full, [views.full], 'full'),
      () => this.evals(stage.fullEvals),
      () => this.singles(stage.singles),
    ]
    for (const step of steps) {
      if (this.stopped() || !this.timeLeft()) return
      step()
    }
  }

  private headers(stage: Stage): void {
    for (const group of stage.headers) this.headerGroup(group)
    for (const index of stage.exists) {
      if (this.active.rules[index] === 0) continue
      this.settled[index] = early
      const { request } = this.table.rules[index] as { request: string }
      if (this.scan.views.headers.get(request) !== undefined) this.gotHit(index, 1, '')
    }
    for (const single of stage.headerSingles) this.single(single)
  }

  /** What the pattern is matched against: all values, joined by LF unless they end in one; undefined = the header is absent. */
  private headerValue(request: string): ByteString | undefined {
    const values = this.scan.views.headers.getAll(request)
    if (values.length === 0) return undefined
    return values.length === 1 ? values[0] : values.join(values[0]!.endsWith('\n') ? '' : '\n')
  }

  private headerGroup(group: HeaderGroup): void {
    const active = this.active.groups[group.id]!
    const value = this.headerValue(group.request)
    if (value === undefined) this.emptyHeader(group, active)
    else this.match(group, active, [value], `header ${group.request}`)
  }

  /** An absent header is matched as the empty text; what hits on that never changes, so it is asked once. */
  private emptyHeader(group: HeaderGroup, active: Uint8Array): void {
    const { onEmpty, rules } = group
    for (let use = 0; use < rules.length; use++) {
      if (active[use] === 0) continue
      if (onEmpty[use]! < 0) {
        onEmpty[use] = 0
        const only = new Uint8Array(rules.length)
        only[use] = 1
        group.matcher.match(noLines, only, (_, count) => (onEmpty[use] = count), false)
      }
      this.settled[rules[use]!] = early
      if (onEmpty[use]! > 0) this.gotHit(rules[use]!, onEmpty[use]!, '')
    }
  }

  private texts(group: TextGroup, lines: readonly ByteString[], kind: string): void {
    this.match(group, this.active.groups[group.id]!, lines, kind)
  }

  private match(group: TextGroup, active: Uint8Array, lines: readonly ByteString[], where: string): void {
    const { rules } = group
    for (let use = 0; use < rules.length; use++) if (active[use] === 1) this.settled[rules[use]!] = early
    const { onRule } = this.options
    const explain = this.options.explain === true
    group.matcher.match(
      lines,
      active,
      (use, count, first, crashed) => {
        const rule = rules[use]!
        if (crashed !== undefined) {
          this.crashed(rule, crashed)
          return
        }
        this.gotHit(rule, count, areas[where] ?? '')
        if (explain && first) this.explain(rule, lines[first.line]!, first, where)
      },
      explain,
      onRule && ((use) => onRule(rules[use]!)),
    )
  }

  private explain(rule: number, text: ByteString, first: FirstMatch, where: string): void {
    const end = first.index + Math.min(first.length, evidenceBytesMax)
    const place = where === 'body' || where === 'rawbody' ? `${where} ${first.line}` : where
    this.extraOf(this.table.rules[rule]!.name).evidence = {
      text: escapeBytes(text.slice(first.index, end)),
      where: place,
    }
  }

  // ---- rules that stand alone

  private singles(list: readonly SingleRule[]): void {
    for (const single of list) this.single(single)
  }

  private single(single: SingleRule): void {
    if (this.active.rules[single.rule] === 0) return
    const rule = this.table.rules[single.rule] as Rule & { pattern: Pattern }
    this.options.onRule?.(single.rule)
    try {
      this.matchSingle(single, rule)
    } catch (error) {
      this.crashed(single.rule, error)
    }
  }

  private matchSingle(single: SingleRule, rule: Rule & { pattern: Pattern }): void {
    const use = single.use ?? this.frozen?.get(single.rule) ?? this.fillPattern(single.rule, rule)
    if (!use) return
    this.settled[single.rule] = early
    const { regExp, names } = use.pattern
    const negated = rule.kind === 'header' && rule.negated
    const captures = new Map<string, Set<string>>()
    let count = 0
    const lines = this.linesOf(rule)
    for (let line = use.skipFirst ? 1 : 0; line < lines.length && count < use.hitsMax; line++) {
      if (use.multiple && names.size === 0) {
        count += countMatches(use.pattern, lines[line]!, use.hitsMax - count)
        continue
      }
      regExp.lastIndex = 0
      for (let found = regExp.exec(lines[line]!); found; found = regExp.exec(lines[line]!)) {
        count++
        if (this.options.explain && count === 1)
          this.explain(
            single.rule,
            lines[line]!,
            { line, index: found.index, length: found[0].length },
            rule.kind,
          )
        collect(names, found, captures)
        if (!use.multiple || count >= use.hitsMax) break
        if (found[0] === '') regExp.lastIndex++
      }
      if (count > 0 && !use.multiple) break
    }
    if (negated ? count === 0 : count > 0)
      this.gotHit(single.rule, negated ? 1 : count, areas[rule.kind] ?? '')
    for (const [name, values] of captures)
      this.setTag(name, values.size === 1 ? [...values][0]! : [...values])
  }

  private linesOf(rule: Rule): readonly ByteString[] {
    const { views } = this.scan
    switch (rule.kind) {
      case 'header':
        return [this.headerValue(rule.request) ?? rule.ifUnset ?? '']
      case 'body':
        return views.text.body
      case 'rawbody':
        return views.text.rawbody
      case 'uri':
        return views.uris.list
      default:
        return [views.full]
    }
  }

  /** The pattern with captured texts put in; undefined when one is not known, and then the rule does not run. */
  private fillPattern(index: number, rule: Rule & { pattern: Pattern }): SingleRule['use'] {
    const source = fillTemplates(rule.pattern.source, (name) => this.tagValues(name))
    if (source === undefined) return undefined
    const use = patternUse(new LazyPattern(source, rule.pattern.flags), rule)
    this.frozen?.set(index, use)
    return use
  }

  private tagValues(name: string): readonly string[] {
    const header = /^HEADER\((.+)\)$/.exec(name)?.[1]
    if (header !== undefined) return [this.scan.views.headers.get(header) ?? '']
    const value = this.tags.values.get(name) ?? this.relayTag(name)
    if (value === undefined) return []
    return typeof value === 'string' ? [value] : value
  }

  /** Tags that are there without any rule: addresses and names of the relays. */
  private relayTag(name: string): string | undefined {
    return /^(?:FIRSTTRUSTED|LASTEXTERNAL|RELAYS)/.test(name)
      ? relayTags(this.scan.views.relays)[name]
      : undefined
  }

  // ---- evals

  private startNetwork(stage: Stage): void {
    const lists = [stage.rblEvals, stage.headerEvals, stage.bodyEvals, stage.rawbodyEvals, stage.fullEvals]
    for (const list of lists)
      for (const rule of list) if ('run' in rule && rule.net && this.mayRun(rule)) this.callEval(rule)
  }

  /** Network evals need a score set with network, Bayes evals one with Bayes. */
  private mayRun(rule: EvalRule): boolean {
    if (this.active.rules[rule.rule] === 0) return false
    if (rule.net && this.local) return false
    return !(this.table.rules[rule.rule]!.tflags.includes('learn') && (this.options.scoreSet & 2) === 0)
  }

  private evals(list: readonly EvalRule[]): void {
    for (const rule of list) if (!rule.net && this.mayRun(rule)) this.callEval(rule)
  }

  private bodyEvals(list: Stage['bodyEvals']): void {
    for (const rule of list) {
      if ('run' in rule) {
        if (!rule.net && this.mayRun(rule)) this.callEval(rule)
      } else if (this.active.rules[rule.rule] === 1) this.partRule(rule)
    }
  }

  private partRule(rule: MimeRule | UriRule): void {
    this.options.onRule?.(rule.rule)
    this.settled[rule.rule] = early
    try {
      const count =
        'mime' in rule
          ? matchMimeHeader(rule, this.scan.message)
          : matchUriDetail(rule, this.scan.views.uris.detail)
            ? 1
            : 0
      if (count > 0) this.gotHit(rule.rule, count, 'BODY: ')
    } catch (error) {
      this.crashed(rule.rule, error)
    }
  }

  private callEval(rule: EvalRule): void {
    const definition = this.table.rules[rule.rule] as Extract<Rule, { kind: 'eval' }>
    this.options.onRule?.(rule.rule)
    try {
      const result = rule.run(new EvalCall(this, definition), ...rule.args)
      if (result instanceof Promise) this.pending.push(this.later(rule.rule, definition.name, result))
      else this.evalDone(rule.rule, result)
    } catch (error) {
      this.crashed(rule.rule, error)
    }
  }

  private async later(rule: number, name: string, result: Promise<EvalResult>): Promise<void> {
    this.tags.start(name)
    try {
      this.evalDone(rule, await result)
    } catch (error) {
      this.crashed(rule, error)
    }
    this.tags.finish(name)
  }

  private evalDone(rule: number, result: EvalResult): void {
    if (this.over) return
    this.settled[rule] = early
    if (!result) return
    const { area } = this.table.rules[rule] as { area?: string }
    this.gotHit(rule, result === true ? 1 : result, areas[area ?? ''] ?? '')
  }

  private crashed(rule: number, error: unknown): void {
    const { name } = this.table.rules[rule]!
    const text = error instanceof Error ? error.message : String(error)
    this.note({ check: `rule ${name}`, kind: 'crashed', text })
  }

  // ---- metas

  /**
   * Runs metas whose parts are settled. `atEnd`, rules that did not run count 0, but a meta that never settled blocks those on it, and
   * so does one that only settles then a meta scored 0 (micro-head.md 50).
   */
  private settleMetas(atEnd: boolean): void {
    for (const meta of this.table.metas.ordered) {
      if (this.metaDone[meta.rule] === 1) continue
      const level = this.levelOf(meta, atEnd)
      if (level === unsettled || (level === late && this.active.rules[meta.rule] === 0)) continue
      this.runMeta(meta, level)
    }
  }

  /** How far the parts of a meta are settled. */
  private levelOf(meta: Meta, atEnd: boolean): number {
    let level = meta.open ? (atEnd ? late : unsettled) : early
    const { parts } = meta
    for (let index = 0; index < parts.length && level !== unsettled; index++) {
      const part = parts[index]!
      const own = this.settled[part]!
      if (own === early) continue
      const known = own === late || (atEnd && this.table.rules[part]!.kind !== 'meta')
      level = known ? late : unsettled
    }
    return level
  }

  private runMeta(meta: Meta, level: number): void {
    const { rule } = meta
    this.metaDone[rule] = 1
    const result = this.touched[rule] === 1 ? meta.run(this.values) : meta.idle
    const active = this.active.rules[rule] === 1
    if (result !== 0 && active) this.gotHit(rule, result, '')
    // A meta that is true but scored 0 never settles.
    if (result === 0 || active) this.settled[rule] = level
  }

  // ---- hits

  private gotHit(rule: number, value: number, area: string): void {
    if (this.over && this.table.rules[rule]!.kind !== 'meta') return
    const before = this.values[rule]!
    const { name, tflags } = this.table.rules[rule]!
    if (before !== 0 && !tflags.includes('multiple')) return
    this.settled[rule] = early
    this.values[rule] = before + (value > 0 ? value : 1)
    if (before === 0) {
      this.order.push(rule)
      for (const meta of this.table.metas.needers[rule]!) this.touched[meta] = 1
    }
    if (area !== '') this.extraOf(name).area = area
    this.checkShortcircuit(rule, name)
  }

  hitByName(symbol: string, options: HitOptions): void {
    if (this.over) return
    const rule = this.table.indexOf.get(symbol)
    const extra = this.extraOf(symbol)
    extra.details.push(...(options.details ?? []))
    if (options.score !== undefined) extra.ownScore = options.score
    if (options.area !== undefined) extra.area = options.area
    if (options.description !== undefined) extra.description = options.description
    if (rule === undefined) {
      this.foreign.set(symbol, (this.foreign.get(symbol) ?? 0) + (options.value ?? 1))
    } else if (options.score !== undefined || this.active.rules[rule] === 1) {
      this.gotHit(rule, options.value ?? 1, options.area ?? '')
    }
  }

  private checkShortcircuit(rule: number, name: string): void {
    if (this.options.shortcircuit === false || this.shortcircuit !== undefined) return
    if (!this.plan.plugins.includes('Shortcircuit')) return
    const score = this.scoreOf(rule)
    this.score += name.startsWith('__') ? 0 : score
    const type = setting<ReadonlyMap<string, string>>(this.settings, 'shortcircuit').get(name)
    if (type === undefined || type === 'off') this.checkScoreLimits(name)
    else {
      const amount = (which: 'ham' | 'spam') => setting<number>(this.settings, `shortcircuit_${which}_score`)
      const ham = type === 'on' ? score < 0 : type === 'ham'
      this.shortcircuit = { rule: name, type: ham ? 'ham' : 'spam' }
      const own = type === 'on' ? (ham ? -0.0001 : 0.0001) : amount(ham ? 'ham' : 'spam')
      this.hitByName('SHORTCIRCUIT', { score: own })
    }
  }

  private checkScoreLimits(name: string): void {
    const min = setting<number | undefined>(this.settings, 'shortcircuit_min_ham_score')
    const max = setting<number | undefined>(this.settings, 'shortcircuit_max_spam_score')
    const ham = min !== undefined && this.score < min
    if (!ham && !(max !== undefined && this.score > max)) return
    this.shortcircuit = { rule: name, type: this.score < 0 ? 'ham' : 'spam' }
    this.hitByName('SHORTCIRCUIT', { score: this.score < 0 ? -0.001 : 0.001 })
  }

  private scoreOf(rule: number): number {
    const { name, scores } = this.table.rules[rule]!
    const set = this.options.scoreSet
    return this.extras.get(name)?.ownScore ?? this.options.overlay?.scores.get(name)?.[set] ?? scores[set]
  }

  private extraOf(name: string): Extra {
    let extra = this.extras.get(name)
    if (!extra) {
      extra = { details: [] }
      this.extras.set(name, extra)
    }
    return extra
  }

  addDetail(rule: string, text: string): void {
    this.extraOf(rule).details.push(text)
  }

  setTag(name: string, value: TagValue): void {
    if (!this.over) this.tags.set(name, value)
  }

  waitForTag(rule: string, name: string): Promise<TagValue | undefined> {
    return this.over ? Promise.resolve(undefined) : this.tags.when(rule, name)
  }

  note(note: Note): void {
    if (!this.over) this.notes.push(note)
  }

  private result(): RuleRun {
    const hits: Hit[] = []
    const subtests: Record<string, number> = {}
    for (const rule of this.order) {
      const { name } = this.table.rules[rule]!
      if (!name.startsWith('__')) hits.push(this.hit(name, this.values[rule]!))
      else if (this.options.subtests) subtests[name] = this.values[rule]!
    }
    for (const [name, count] of this.foreign) {
      if (!name.startsWith('__')) hits.push(this.hit(name, count))
      else if (this.options.subtests) subtests[name] = count
    }
    return {
      hits,
      subtests,
      tags: this.tags.values,
      notes: this.notes,
      ...(this.shortcircuit ? { shortcircuit: this.shortcircuit } : {}),
    }
  }

  private hit(symbol: string, count: number): Hit {
    const extra = this.extras.get(symbol)
    return {
      symbol,
      count,
      details: extra?.details ?? [],
      area: extra?.area ?? '',
      ...(extra?.ownScore !== undefined ? { ownScore: extra.ownScore } : {}),
      ...(extra?.evidence ? { evidence: extra.evidence } : {}),
      ...(extra?.description !== undefined ? { description: extra.description } : {}),
    }
  }
}

/** Captured texts of one match, by tag name. */
function collect(
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

/** Printable ASCII as it is, everything else as \n, \t or \xhh. */
function escapeBytes(text: ByteString): string {
  return text.replace(/[^ -~]/g, (char) =>
    char === '\n' ? '\\n' : char === '\t' ? '\\t' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
