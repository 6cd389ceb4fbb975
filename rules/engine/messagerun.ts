// One run of the rules over one message: which texts are matched when, which evals are called, what a pattern with captures does.
// Hits and metas are kept in hits.ts.
import type { ByteString, HeaderRequest, Note, Scan } from '../../src/types.js'
import { relayTags } from '../../src/views/relays.js'
import type { Budget } from '../regex/guarded.js'
import { Runaway } from '../regex/machine.js'
import type { FirstMatch, OnHit, PatternUse } from '../regex/matcher.js'
import { countMatches, LazyPattern } from '../regex/plain.js'
import type { Active, ActiveGroup, ActiveHeaders, ActiveStage, EvalRow } from './activity.js'
import { Answers, answeredBytesMax } from './answers.js'
import { EvalCall, type EvalHost, type HitOptions, Tags, type TagValue } from './calls.js'
import { collectCaptures, fillTemplates, isWholeLine, textsWith } from './capture.js'
import { evidenceOf } from './evidence.js'
import { Hits } from './hits.js'
import { matchMimeHeader, matchUriDetail, PartFields } from './parts.js'
import { overlaySettings } from './prefs.js'
import type { RunOptions } from './run.js'
import { setting } from './settings.js'
import { early } from './settling.js'
import {
  areas,
  type EvalRule,
  type MimeRule,
  patternUse,
  type RuleTable,
  type SingleRule,
  type UriRule,
} from './table.js'
import type { Prepared } from './tables.js'
import type { EvalResult, Pattern, Plan, Plugin, Rule, RuleRun, Settings } from './types.js'

const noLines: readonly ByteString[] = ['']

export class MessageRun implements EvalHost {
  readonly scan: Scan
  readonly settings: Settings
  private readonly plan: Plan
  private readonly table: RuleTable
  private readonly budget: Budget
  private readonly preparing: readonly Plugin[]
  private readonly options: RunOptions
  private readonly active: Active
  private readonly hits: Hits
  private readonly tags = new Tags()
  private readonly notes: Note[] = []
  private readonly pending: Promise<void>[] = []
  private readonly until: number
  /** Shortcircuit rules are there and obeyed: priorities are then run one after the other to the end. */
  private readonly ordered: boolean
  private timedOut = false
  /** Lines that have a tag's value in them: rules that demand one stand side by side and read the same lines. */
  private held: { in: readonly ByteString[]; tag: string; lines: readonly ByteString[] } | undefined
  /** The result is made: what comes late is dropped. */
  private over = false
  /** What is being matched: the group's rules, the lines, and what they are; `found` takes hits as pairs of pattern and count. */
  private groupRules: readonly number[] = []
  private groupLines: readonly ByteString[] = noLines
  private groupWhere = ''
  private groupArea = ''
  private found: number[] | undefined
  /** One for all groups: V8 looks for the code of each new closure at its first call. */
  private readonly onHit: OnHit = (use, count, first, crashed) => this.groupHit(use, count, first, crashed)
  private readonly starting: ((use: number) => void) | undefined

  constructor(plan: Plan, { table, activity, budget, preparing }: Prepared, scan: Scan, options: RunOptions) {
    this.plan = plan
    this.table = table
    this.budget = budget
    this.preparing = preparing
    this.scan = scan
    this.options = options
    this.settings = overlaySettings(plan.settings, options.overlay)
    this.active = activity.of(options)
    this.ordered = this.canShortcircuit()
    const { onRule } = options
    this.starting = onRule && ((use) => onRule(this.groupRules[use]!))
    const { scoreSet, subtests, overlay } = options
    const shortcircuits = this.ordered
    this.hits = new Hits(table, this.active, this.settings, { scoreSet, subtests, overlay, shortcircuits })
    const seconds = setting<number | undefined>(this.settings, 'time_limit') ?? 0
    this.until = seconds > 0 ? Date.now() + seconds * 1000 : Number.POSITIVE_INFINITY
  }

  async go(): Promise<RuleRun> {
    const { metas } = this.table
    const { stages } = this.active
    const { ordered, hits } = this
    this.budget.renew()
    for (const plugin of this.preparing) this.prepare(plugin)
    if (!ordered) for (const stage of stages) this.startNetwork(stage)
    let started = !ordered
    for (let index = 0; index < stages.length && !this.stopped(); index++) {
      const stage = stages[index]!
      if (!started && stage.priority >= -100) {
        for (const later of stages) this.startNetwork(later)
        started = true
      }
      this.runStage(stage)
      if (index === 0) for (const meta of metas.cyclic) hits.runMeta(meta, early)
      if (ordered && !this.stopped()) hits.settleMetas(false)
    }
    this.tags.allStarted()
    if (!hits.shortcircuit) await this.lookupsDone()
    this.over = true
    this.tags.close()
    if (!this.stopped()) hits.settleAllMetas()
    const { hits: found, subtests } = hits.result()
    hits.release()
    const { shortcircuit } = hits
    const tags = this.tags.values
    const { notes } = this
    return shortcircuit
      ? { hits: found, subtests, tags, shortcircuit, notes }
      : { hits: found, subtests, tags, notes }
  }

  private canShortcircuit(): boolean {
    const types = setting<ReadonlyMap<string, string> | undefined>(this.settings, 'shortcircuit')
    if (this.options.shortcircuit === false || !this.plan.plugins.includes('Shortcircuit')) return false
    const limit = (name: string) => setting<number | undefined>(this.settings, name) !== undefined
    return (
      (types?.size ?? 0) > 0 || limit('shortcircuit_min_ham_score') || limit('shortcircuit_max_spam_score')
    )
  }

  private prepare({ name, prepare }: Plugin): void {
    const { scan, settings } = this
    const failed = (error: unknown): void => {
      const text = error instanceof Error ? error.message : String(error)
      this.note({ check: `plugin ${name}`, kind: 'crashed', text })
    }
    try {
      const done = prepare?.({ scan, settings, tag: (tag, value) => this.setTag(tag, value) })
      if (!(done instanceof Promise)) return
      const key = `plugin ${name}`
      this.tags.start(key)
      this.pending.push(done.catch(failed).finally(() => this.tags.finish(key)))
    } catch (error) {
      failed(error)
    }
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
    return this.hits.shortcircuit !== undefined || this.timedOut
  }

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

  private runStage(stage: ActiveStage): void {
    const { views } = this.scan
    if (this.ordered) for (const rule of stage.settles) this.hits.settled[rule] = early
    if (this.mayGoOn()) this.headers(stage)
    this.evals(stage.headerEvals)
    if (stage.body && this.mayGoOn()) this.match(stage.body, views.bodyForRules, 'body', areas.body)
    if (stage.uri && this.mayGoOn()) this.match(stage.uri, views.uris.list, 'uri', areas.uri)
    this.evals(stage.bodyEvals)
    this.partRules(stage)
    if (stage.rawbody && this.mayGoOn())
      this.match(stage.rawbody, views.text.rawbody, 'rawbody', areas.rawbody)
    this.evals(stage.rawbodyEvals)
    if (stage.full && this.mayGoOn()) this.match(stage.full, [views.full], 'full', areas.full)
    this.evals(stage.fullEvals)
    if (stage.singles.length > 0 && this.mayGoOn()) for (const single of stage.singles) this.single(single)
  }

  private mayGoOn(): boolean {
    return !this.stopped() && this.timeLeft()
  }

  private headers(stage: ActiveStage): void {
    const { headers } = this.scan.views
    const { places, silent, exists, existsPlaces, existsRequests } = stage
    for (let at = 0; at < places.length; at++) {
      if (places[at]! < 0 || !headers.lacks?.(places[at]!)) this.headerGroup(stage.headers[at]!)
      else if (silent[at] === 0 && this.absentHeader(stage.headers[at]!) === 0) silent[at] = 1
    }
    for (let at = 0; at < exists.length; at++) {
      if (existsPlaces[at]! >= 0 && headers.lacks?.(existsPlaces[at]!)) continue
      if (headers.getAll(existsRequests[at]!).length > 0) this.gotHit(exists[at]!, 1, '')
    }
    for (const single of stage.headerSingles) this.single(single)
  }

  /** What the pattern is matched against: all values, joined by LF unless they end in one; undefined = the header is absent. */
  private headerValue(request: HeaderRequest): ByteString | undefined {
    const values = this.scan.views.headers.getAll(request)
    if (values.length === 0) return undefined
    return values.length === 1 ? values[0] : values.join(values[0]!.endsWith('\n') ? '' : '\n')
  }

  private headerGroup(headers: ActiveHeaders): void {
    const { request, asked } = headers.group
    const value = this.headerValue(asked)
    if (value === undefined) this.absentHeader(headers)
    else if (this.options.explain) this.match(headers, [value], `header ${request}`, '')
    else if (value.length > answeredBytesMax || !headers.remembers) this.match(headers, [value], 'header', '')
    else this.shortHeader(headers, value)
  }

  private shortHeader(headers: ActiveHeaders, value: ByteString): void {
    headers.answers ??= new Answers()
    const known = headers.answers.find(value)
    if (known === 'new') this.match(headers, [value], 'header', '')
    else if (known === 'again') {
      const found: number[] = []
      const crashes = this.notes.length
      this.match(headers, [value], 'header', '', found)
      if (this.notes.length === crashes) headers.answers.keep(value, found)
    } else {
      const { rules } = headers.group
      for (let at = 0; at < known.length; at += 2) this.gotHit(rules[known[at]!]!, known[at + 1]!, '')
    }
  }

  /** An absent header is matched as the empty text; what hits on that never changes, so it is asked once. Gives the number of hits. */
  private absentHeader(headers: ActiveHeaders): number {
    const { onEmpty, rules, matcher } = headers.group
    if (!headers.onAbsent) {
      const unknown = headers.active.map((runs, use) => (runs === 1 && onEmpty[use]! < 0 ? 1 : 0))
      for (let use = 0; use < unknown.length; use++) if (unknown[use] === 1) onEmpty[use] = 0
      matcher.match(noLines, unknown, (use, count) => (onEmpty[use] = count), false)
      headers.onAbsent = rules.flatMap((_, use) =>
        headers.active[use] === 1 && onEmpty[use]! > 0 ? use : [],
      )
    }
    for (const use of headers.onAbsent) this.gotHit(rules[use]!, onEmpty[use]!, '')
    return headers.onAbsent.length
  }

  private match(
    { group, active }: ActiveGroup,
    lines: readonly ByteString[],
    where: string,
    area: string,
    found?: number[],
  ): void {
    this.groupRules = group.rules
    this.groupLines = lines
    this.groupWhere = where
    this.groupArea = area
    this.found = found
    group.matcher.match(lines, active, this.onHit, this.options.explain === true, this.starting)
  }

  private groupHit(use: number, count: number, first: FirstMatch | undefined, crashed: unknown): void {
    const rule = this.groupRules[use]!
    if (crashed !== undefined) {
      this.crashed(rule, crashed)
      return
    }
    this.gotHit(rule, count, this.groupArea)
    this.found?.push(use, count)
    if (first) this.explain(rule, this.groupLines[first.line]!, first, this.groupWhere)
  }

  private explain(rule: number, text: ByteString, first: FirstMatch, where: string): void {
    this.hits.extraOf(this.table.rules[rule]!.name).evidence = evidenceOf(text, first, where)
  }

  private gotHit(rule: number, value: number, area: string): void {
    if (!this.over) this.hits.add(rule, value, area)
  }

  // ---- rules that stand alone

  private single(single: SingleRule): void {
    this.options.onRule?.(single.rule)
    try {
      this.matchSingle(single)
    } catch (error) {
      this.crashed(single.rule, error)
    }
  }

  private matchSingle(single: SingleRule): void {
    const { rule, kind, negated, demanded, wholeLine } = single
    for (const tag of single.templates) if (!this.isSet(tag)) return
    this.hits.settled[rule] = early
    const lines = this.linesOf(single)
    // Compiling costs more than looking whether there is anything to find.
    if (demanded !== undefined && !negated && !this.mayHold(single, lines, demanded)) return
    if (wholeLine && !this.options.explain) {
      const values = this.tagValues(single.templates[0]!)
      if (isWholeLine(lines[0]!, values, wholeLine) !== negated) this.gotHit(rule, 1, single.area)
      return
    }
    const use = single.use ?? this.filledUse(rule)
    const { regExp, names } = use.pattern
    const captures = names.size === 0 ? undefined : new Map<string, Set<string>>()
    let count = 0
    for (let line = use.skipFirst ? 1 : 0; line < lines.length && count < use.hitsMax; line++) {
      if (use.multiple && !captures) {
        count += countMatches(use.pattern, lines[line]!, use.hitsMax - count)
        continue
      }
      regExp.lastIndex = 0
      for (let found = regExp.exec(lines[line]!); found; found = regExp.exec(lines[line]!)) {
        count++
        if (this.options.explain && count === 1)
          this.explain(rule, lines[line]!, { line, index: found.index, length: found[0].length }, kind)
        if (captures) collectCaptures(names, found, captures)
        if (!use.multiple || count >= use.hitsMax) break
        if (found[0] === '') regExp.lastIndex++
      }
      if (count > 0 && !use.multiple) break
    }
    if (negated ? count === 0 : count > 0) this.gotHit(rule, negated ? 1 : count, single.area)
    if (!captures) return
    for (const [name, values] of captures)
      this.setTag(name, values.size === 1 ? [...values][0]! : [...values])
  }

  /** The pattern with captured texts put in. */
  private filledUse(index: number): PatternUse {
    const rule = this.table.rules[index] as Rule & { pattern: Pattern }
    const { source, flags } = rule.pattern
    const filled = fillTemplates(source, (name) => this.tagValues(name))
    return patternUse(new LazyPattern(filled, flags, this.budget), rule)
  }

  private mayHold({ relaxed }: SingleRule, lines: readonly ByteString[], demanded: string): boolean {
    if (this.held?.in !== lines || this.held.tag !== demanded)
      this.held = { in: lines, tag: demanded, lines: textsWith(lines, this.tagValues(demanded)) }
    if (!relaxed) return this.held.lines.length > 0
    const { regExp } = relaxed
    return this.held.lines.some((line) => {
      regExp.lastIndex = 0
      return regExp.test(line)
    })
  }

  private linesOf({ kind, asked, ifUnset }: SingleRule): readonly ByteString[] {
    const { views } = this.scan
    switch (kind) {
      case 'header':
        return [this.headerValue(asked!) ?? ifUnset]
      case 'body':
        return views.bodyForRules
      case 'rawbody':
        return views.text.rawbody
      case 'uri':
        return views.uris.list
      default:
        return [views.full]
    }
  }

  private isSet(tag: string): boolean {
    for (const value of this.tagValues(tag)) if (value !== '') return true
    return false
  }

  /** What stands for a placeholder; none = the tag is not set, and rules that ask for it do not run. */
  private tagValues(name: string): readonly string[] {
    if (name.startsWith('HEADER(')) return [this.scan.views.headers.get(name.slice(7, -1)) ?? '']
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

  private startNetwork(stage: ActiveStage): void {
    for (const rule of stage.network) this.callEval(rule)
  }

  private evals(rows: readonly EvalRow[]): void {
    if (rows.length === 0 || !this.mayGoOn()) return
    for (const { idle, evals, rules } of rows) {
      if (idle && this.isIdle(idle)) for (const rule of rules) this.hits.settled[rule] = early
      else for (const one of evals) this.callEval(one)
    }
  }

  /** Where the question fails, the evals are called and fail one by one. */
  private isIdle(idle: (scan: Scan) => boolean): boolean {
    try {
      return idle(this.scan)
    } catch {
      return false
    }
  }

  private callEval(rule: EvalRule): void {
    this.options.onRule?.(rule.rule)
    try {
      const result = new EvalCall(this, rule).result()
      if (result instanceof Promise) this.pending.push(this.later(rule, result))
      else this.evalDone(rule, result)
    } catch (error) {
      this.crashed(rule.rule, error)
    }
  }

  private async later(rule: EvalRule, result: Promise<EvalResult>): Promise<void> {
    this.tags.start(rule.name)
    try {
      this.evalDone(rule, await result)
    } catch (error) {
      this.crashed(rule.rule, error)
    }
    this.tags.finish(rule.name)
  }

  private evalDone({ rule, reportArea }: EvalRule, result: EvalResult): void {
    if (this.over) return
    this.hits.settled[rule] = early
    if (!result) return
    this.gotHit(rule, result === true ? 1 : result, reportArea)
  }

  // ---- fields of parts, and URIs

  private partRules({ mimeHeaders, uriDetails }: ActiveStage): void {
    if (mimeHeaders.length + uriDetails.length === 0 || !this.mayGoOn()) return
    const fields = new PartFields(this.scan.message)
    for (const rule of mimeHeaders) this.mimeHeader(rule, fields)
    for (const rule of uriDetails) this.uriDetail(rule)
  }

  private mimeHeader(rule: MimeRule, fields: PartFields): void {
    this.options.onRule?.(rule.rule)
    try {
      const count = matchMimeHeader(rule, fields)
      // Such a rule reports its own hits, without an area; what an eval returns gets one.
      if (count > 0) this.gotHit(rule.rule, count, rule.negated ? areas.body : '')
    } catch (error) {
      this.crashed(rule.rule, error)
    }
  }

  private uriDetail(rule: UriRule): void {
    this.options.onRule?.(rule.rule)
    try {
      if (matchUriDetail(rule, this.scan.views.uris.detail)) this.gotHit(rule.rule, 1, areas.body)
    } catch (error) {
      this.crashed(rule.rule, error)
    }
  }

  private crashed(rule: number, error: unknown): void {
    const { name } = this.table.rules[rule]!
    const text = error instanceof Error ? error.message : String(error)
    if (error instanceof Runaway)
      this.note({ check: `rule ${name}`, kind: 'skipped', text: `suspended for this message: ${text}` })
    else this.note({ check: `rule ${name}`, kind: 'crashed', text })
  }

  // ---- what evals may do

  hitByName(symbol: string, options: HitOptions): void {
    if (!this.over) this.hits.addByName(symbol, options)
  }

  addDetail(rule: string, text: string): void {
    this.hits.extraOf(rule).details.push(text)
  }

  setTag(name: string, value: TagValue): void {
    if (this.over) return
    this.tags.set(name, value)
    this.held = undefined
  }

  waitForTag(rule: string, name: string): Promise<TagValue | undefined> {
    return this.over ? Promise.resolve(undefined) : this.tags.when(rule, name)
  }

  note(note: Note): void {
    if (!this.over) this.notes.push(note)
  }
}
