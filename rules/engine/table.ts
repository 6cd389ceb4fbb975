// A Plan's rules made ready to run: grouped by priority and by the text they read, patterns compiled lazily, evals looked up. Made once
// per engine; a run only reads it.

import type { ByteString, HeaderRequest } from '../../src/types.js'
import { headerRequest } from '../../src/views/headers.js'
import type { PatternSource } from '../regex/automata/tables.js'
import { createSwitchingMatcher, patternsMin, type SwitchingMatcher } from '../regex/fast.js'
import type { Budget } from '../regex/guarded.js'
import type { CompiledPattern, PatternUse, TextMatcher } from '../regex/matcher.js'
import { createPlainMatcher, LazyPattern } from '../regex/plain.js'
import {
  demandedTemplate,
  escapesOf,
  relaxedTemplate,
  templateNames,
  type WholeLine,
  wholeLineTemplate,
} from './capture.js'
import { compileMetas, type Metas } from './metas.js'
import { type AskedField, AskedFields } from './parts.js'
import type { Eval, EvalContext, Pattern, Plan, Plugin, Rule } from './types.js'

/** How SpamAssassin's reports begin the line of a hit, by the text it was found in. */
export const areas = { body: 'BODY: ', uri: 'URI: ', rawbody: 'RAW: ', full: 'FULL: ' } as const

function areaOf(kind: string): string {
  return (areas as Readonly<Record<string, string>>)[kind] ?? ''
}

/** Rules that one matcher finds in one kind of text. */
export interface TextGroup {
  /** Number of the group within the table: key of per-set activity. */
  readonly id: number
  /** Pattern number -> rule index. */
  readonly rules: readonly number[]
  readonly matcher: TextMatcher
}

/** Header rules that ask for the same value. */
export interface HeaderGroup extends TextGroup {
  readonly request: string
  readonly asked: HeaderRequest
  /** Counts each rule has on an absent header (the empty text): known after the first time, -1 before. */
  readonly onEmpty: Int32Array
}

/** A rule that does not fit a group: negated, if-unset, captures, placeholders. */
export interface SingleRule {
  readonly rule: number
  /** 'header', or the text it reads. */
  readonly kind: Rule['kind']
  /** Of a header rule. */
  readonly asked: HeaderRequest | undefined
  /** What stands for an absent header. */
  readonly ifUnset: ByteString
  readonly negated: boolean
  /** Of a hit, in reports. */
  readonly area: string
  readonly use: PatternUse | undefined
  /** Names of tags whose values have to be put in before the pattern can be compiled. */
  readonly templates: readonly string[]
  /** The tag of them that every match has in it, if that is certain. */
  readonly demanded: string | undefined
  /** Matches wherever the pattern may, whatever the value. */
  readonly relaxed: CompiledPattern | undefined
  /** A header rule that says no more than that the header is the tag's value. */
  readonly wholeLine: WholeLine | undefined
}

/**
 * All that a call needs stands here: 150 evals a message would have to fetch their rules and lists of arguments, which no cache holds,
 * one by one.
 */
export interface EvalRule {
  readonly rule: number
  readonly name: string
  readonly area: EvalContext['area']
  /** Of a hit, in reports: they name the area of an eval, but not that of a `full` one. */
  readonly reportArea: string
  readonly tflags: readonly string[]
  readonly run: Eval
  /** The same function for all evals of a plugin. */
  readonly idle: Plugin['idle']
  /** Number of arguments; hardly any have more than the two that stand here themselves. */
  readonly arity: number
  readonly first: string
  readonly second: string
  readonly args: readonly string[]
  /** Asks the network: started before everything else. */
  readonly net: boolean
}

/** All that runs at one priority, in SpamAssassin's order of kinds. */
export interface Stage {
  readonly priority: number
  readonly headers: readonly HeaderGroup[]
  readonly headerSingles: readonly SingleRule[]
  readonly exists: readonly number[]
  readonly headerEvals: readonly EvalRule[]
  readonly body: TextGroup | undefined
  readonly uri: TextGroup | undefined
  readonly bodyEvals: readonly EvalRule[]
  /** SpamAssassin counts them among the evals on body. */
  readonly mimeHeaders: readonly MimeRule[]
  readonly uriDetails: readonly UriRule[]
  readonly rawbody: TextGroup | undefined
  readonly rawbodyEvals: readonly EvalRule[]
  readonly full: TextGroup | undefined
  readonly fullEvals: readonly EvalRule[]
  readonly rblEvals: readonly EvalRule[]
  /** body, uri, rawbody and full rules with captures or placeholders. */
  readonly singles: readonly SingleRule[]
}

export interface MimeRule {
  readonly rule: number
  readonly field: AskedField
  /** Among the rules that ask for this field. */
  readonly place: number
  readonly pattern: CompiledPattern
  readonly negated: boolean
  readonly ifUnset: string
  readonly first: number
  readonly last: number
  readonly concat: boolean
  readonly hitsMax: number
}

export interface UriRule {
  readonly rule: number
  readonly criteria: readonly {
    readonly key: string
    readonly regExp: CompiledPattern
    readonly negated: boolean
  }[]
}

/** What each hit asks of its rule, one byte per rule: 1 = yes. */
export interface RuleMarks {
  /** A `__` rule. */
  readonly subtest: Uint8Array
  /** tflags multiple */
  readonly multiple: Uint8Array
  readonly meta: Uint8Array
}

export function marksOf(rules: readonly Rule[]): RuleMarks {
  const mark = (is: (rule: Rule) => boolean) => Uint8Array.from(rules, (rule) => (is(rule) ? 1 : 0))
  return {
    subtest: mark(({ name }) => name.startsWith('__')),
    multiple: mark(({ tflags }) => tflags.includes('multiple')),
    meta: mark(({ kind }) => kind === 'meta'),
  }
}

export interface RuleTable {
  readonly rules: readonly Rule[]
  /** The names of the rules: a rule itself, fetched for its name, costs cache misses. */
  readonly names: readonly string[]
  readonly marks: RuleMarks
  readonly indexOf: ReadonlyMap<string, number>
  readonly stages: readonly Stage[]
  readonly metas: Metas
  readonly groups: number
  /** Names of evals that nobody brings, by rule name. */
  readonly missing: ReadonlyMap<string, string>
  /** Matchers that can be given automata, with what these are built from. */
  readonly switching: readonly Switching[]
}

export interface Switching {
  readonly matcher: SwitchingMatcher
  readonly patterns: readonly PatternSource[]
}

/** Patterns by text, shared between the tables of one engine so that each is compiled once. */
export type PatternCache = Map<string, CompiledPattern>

/** What an engine has compiled, and what its patterns may spend. */
export interface Compiled {
  readonly patterns: PatternCache
  readonly budget: Budget
}

/** @param before patterns of an engine before: those that are asked for again move to `compiled`. */
export function compileTable(
  plan: Plan,
  plugins: readonly Plugin[],
  local: boolean,
  compiled: Compiled,
  before?: PatternCache,
): RuleTable {
  return new TableMaker(plan, plugins, compiled, before).make(local)
}

type Loaded = Pick<EvalRule, 'run' | 'idle'>

/** Evals by name of the plugins that the plan loaded. */
function evalsOf(plan: Plan, plugins: readonly Plugin[]): Map<string, Loaded> {
  const loaded = new Set(plan.plugins)
  const evals = new Map<string, Loaded>()
  for (const { name: plugin, evals: brought = {}, idle } of plugins) {
    if (!loaded.has(plugin)) continue
    for (const [name, run] of Object.entries(brought)) evals.set(name, { run, idle })
  }
  return evals
}

/** How a rule's tflags want its pattern matched. */
export function patternUse(pattern: CompiledPattern, rule: Rule): PatternUse {
  const multiple = rule.tflags.includes('multiple')
  return {
    pattern,
    searcher: undefined,
    multiple,
    hitsMax: multiple ? hitsMaxOf(rule) : 1,
    skipFirst: rule.kind === 'body' && rule.tflags.includes('nosubject'),
  }
}

function hitsMaxOf(rule: Rule): number {
  for (const flag of rule.tflags) {
    const found = /^maxhits=(\d+)$/.exec(flag)
    if (found) return Number(found[1]) || Number.POSITIVE_INFINITY
  }
  return Number.POSITIVE_INFINITY
}

type TextKind = 'body' | 'uri' | 'rawbody' | 'full'

class TableMaker {
  private groups = 0
  private readonly switching: Switching[] = []
  private readonly rules: readonly Rule[]
  private readonly indexOf: ReadonlyMap<string, number>
  private readonly evals: ReadonlyMap<string, Loaded>
  private readonly missing = new Map<string, string>()
  private readonly askedFields = new AskedFields()
  private readonly compiled: Compiled
  private readonly before: PatternCache | undefined

  constructor(plan: Plan, plugins: readonly Plugin[], compiled: Compiled, before: PatternCache | undefined) {
    this.compiled = compiled
    this.before = before
    this.rules = plan.rules
    this.indexOf = new Map(plan.rules.map((rule, index) => [rule.name, index]))
    this.evals = evalsOf(plan, plugins)
  }

  make(local: boolean): RuleTable {
    const byPriority = new Map<number, number[]>()
    for (let index = 0; index < this.rules.length; index++) {
      const { priority } = this.rules[index]!
      const list = byPriority.get(priority)
      if (list) list.push(index)
      else byPriority.set(priority, [index])
    }
    const priorities = [...byPriority.keys()].sort((a, b) => a - b)
    const stages = priorities.map((priority) => this.stage(priority, byPriority.get(priority)!))
    const metas = compileMetas(this.rules, this.indexOf, local)
    return {
      rules: this.rules,
      names: this.rules.map(({ name }) => name),
      marks: marksOf(this.rules),
      indexOf: this.indexOf,
      stages,
      metas,
      groups: this.groups,
      missing: this.missing,
      switching: this.switching,
    }
  }

  private pattern(pattern: Pattern): CompiledPattern {
    const key = `${pattern.flags}/${pattern.source}`
    const { patterns, budget } = this.compiled
    let compiled = patterns.get(key)
    if (!compiled) {
      compiled = this.before?.get(key) ?? new LazyPattern(pattern.source, pattern.flags, budget)
      patterns.set(key, compiled)
    }
    return compiled
  }

  private stage(priority: number, rules: readonly number[]): Stage {
    const of = (kind: Rule['kind']) => rules.filter((index) => this.rules[index]!.kind === kind)
    const header = of('header')
    const plain = header.filter((index) => this.isPlainHeader(this.rules[index]!))
    const texts: readonly TextKind[] = ['body', 'uri', 'rawbody', 'full']
    const special = texts.flatMap((kind) => of(kind).filter((index) => this.isSpecial(this.rules[index]!)))
    const evals = of('eval').flatMap((index) => this.evalRule(index))
    const inArea = (wanted: string) => evals.filter(({ area }) => area === wanted)
    return {
      priority,
      headers: this.headerGroups(plain),
      headerSingles: header.filter((index) => !plain.includes(index)).map((index) => this.single(index)),
      exists: of('exists'),
      headerEvals: inArea('header'),
      body: this.textGroup(of('body')),
      uri: this.textGroup(of('uri')),
      bodyEvals: inArea('body'),
      mimeHeaders: of('mimeheader').map((index) => this.mimeRule(index)),
      uriDetails: of('uri_detail').map((index) => this.uriRule(index)),
      rawbody: this.textGroup(of('rawbody')),
      rawbodyEvals: inArea('rawbody'),
      full: this.textGroup(of('full')),
      fullEvals: inArea('full'),
      rblEvals: inArea('rbl'),
      singles: special.map((index) => this.single(index)),
    }
  }

  private isSpecial(rule: Rule): boolean {
    if (!('pattern' in rule)) return false
    const { captures, templates } = escapesOf(rule.pattern.source)
    return captures || templates
  }

  private isPlainHeader(rule: Rule): boolean {
    return rule.kind === 'header' && !rule.negated && rule.ifUnset === undefined && !this.isSpecial(rule)
  }

  private headerGroups(rules: readonly number[]): HeaderGroup[] {
    const byRequest = new Map<string, number[]>()
    for (const index of rules) {
      const { request } = this.rules[index] as { request: string }
      const list = byRequest.get(request)
      if (list) list.push(index)
      else byRequest.set(request, [index])
    }
    return [...byRequest].map(([request, list]) => {
      const { id, rules, matcher } = this.group(list)
      const onEmpty = new Int32Array(list.length).fill(-1)
      return { id, rules, matcher, request, asked: headerRequest(request), onEmpty }
    })
  }

  private textGroup(rules: readonly number[]): TextGroup | undefined {
    const plain = rules.filter((index) => !this.isSpecial(this.rules[index]!))
    return plain.length === 0 ? undefined : this.group(plain)
  }

  private group(rules: readonly number[]): TextGroup {
    const uses = rules.map((index) => {
      const rule = this.rules[index] as Rule & { pattern: Pattern }
      return patternUse(this.pattern(rule.pattern), rule)
    })
    return { id: this.groups++, rules, matcher: this.matcher(rules, uses) }
  }

  /** Short lists stay with the plain engine for good, and so do `full` texts: there a line has no bound. */
  private matcher(rules: readonly number[], uses: readonly PatternUse[]): TextMatcher {
    const patterns = rules.map((index) => (this.rules[index] as Rule & { pattern: Pattern }).pattern)
    if (uses.length < patternsMin || this.rules[rules[0]!]!.kind === 'full') return createPlainMatcher(uses)
    const matcher = createSwitchingMatcher(uses)
    this.switching.push({ matcher, patterns })
    return matcher
  }

  private single(index: number): SingleRule {
    const rule = this.rules[index] as Rule & { pattern: Pattern }
    const templates = templateNames(rule.pattern.source)
    const use = templates.length === 0 ? patternUse(this.pattern(rule.pattern), rule) : undefined
    const demanded = templates.length === 0 ? undefined : demandedTemplate(rule.pattern)
    const relaxed = demanded === undefined ? undefined : relaxedTemplate(rule.pattern)
    const header = rule.kind === 'header' ? rule : undefined
    const counted = rule.tflags.includes('multiple')
    return {
      rule: index,
      kind: rule.kind,
      asked: header && headerRequest(header.request),
      ifUnset: header?.ifUnset ?? '',
      negated: header?.negated === true,
      area: areaOf(rule.kind),
      use,
      templates,
      demanded,
      relaxed: relaxed === undefined ? undefined : this.pattern({ ...rule.pattern, source: relaxed }),
      wholeLine: header && !counted ? wholeLineTemplate(rule.pattern) : undefined,
    }
  }

  private evalRule(index: number): EvalRule[] {
    const rule = this.rules[index] as Extract<Rule, { kind: 'eval' }>
    const loaded = this.evals.get(rule.eval)
    if (!loaded) {
      this.missing.set(rule.name, rule.eval)
      return []
    }
    const net = rule.area === 'rbl' || rule.tflags.includes('net')
    const { run, idle } = loaded
    const { name, area, tflags, args } = rule
    const [first = '', second = ''] = args
    const reportArea = area === 'full' ? '' : areaOf(area)
    const arity = args.length
    return [{ rule: index, name, area, reportArea, tflags, run, idle, arity, first, second, args, net }]
  }

  private mimeRule(index: number): MimeRule {
    const rule = this.rules[index] as Extract<Rule, { kind: 'mimeheader' }>
    const multiple = rule.tflags.includes('multiple')
    const hitsMax = hitsMaxOf(rule)
    const [first, last] = partRange(rule.tflags)
    const field = this.askedFields.of(rule.request)
    return {
      rule: index,
      field,
      place: field.rules++,
      pattern: this.pattern(rule.pattern),
      negated: rule.negated,
      ifUnset: rule.ifUnset ?? '',
      first,
      last,
      concat: rule.tflags.includes('concat'),
      hitsMax: hitsMax !== Number.POSITIVE_INFINITY ? hitsMax : multiple ? 1000 : 1,
    }
  }

  private uriRule(index: number): UriRule {
    const rule = this.rules[index] as Extract<Rule, { kind: 'uri_detail' }>
    return {
      rule: index,
      criteria: rule.criteria.map(({ key, pattern, negated }) => ({
        key,
        regExp: this.pattern(pattern),
        negated,
      })),
    }
  }
}

/** tflags range=N, N-, -M, N-M: numbers of MIME parts, the message itself being 1. */
function partRange(tflags: readonly string[]): readonly [number, number] {
  for (const flag of tflags) {
    const found = /^range=(\d+)?(-)?(\d+)?$/.exec(flag)
    if (!found) continue
    const first = found[1] === undefined ? 0 : Number(found[1])
    if (found[2] === undefined) return found[1] === undefined ? [0, 1000] : [first, first]
    return [first, found[3] === undefined ? 1000 : Number(found[3])]
  }
  return [0, 1000]
}
