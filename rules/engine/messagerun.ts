// One run of the rules over one message: which texts are matched when, which evals are called. Rules that stand alone are in
// singles.ts; hits and metas are kept in hits.ts.
import type { ByteString, Note, Scan } from '../../src/types.js'
import type { Budget } from '../regex/guarded.js'
import { Runaway } from '../regex/machine.js'
import type { FirstMatch, OnHit } from '../regex/matcher.js'
import type { Active, ActiveGroup, ActiveHeaders, ActiveStage, EvalRow } from './activity.js'
import { Answers, answeredBytesMax } from './answers.js'
import { EvalCall, type EvalHost, type HitOptions, Tags, type TagValue } from './calls.js'
import { evidenceOf } from './evidence.js'
import { Hits } from './hits.js'
import { matchMimeHeader, matchUriDetail, PartFields } from './parts.js'
import { overlaySettings } from './prefs.js'
import type { RunOptions } from './run.js'
import { setting } from './settings.js'
import { early } from './settling.js'
import { headerText, type SingleHost, Singles } from './singles.js'
import {
  areas,
  type EvalRule,
  type MimeRule,
  type RuleTable,
  type SingleRule,
  type UriRule,
} from './table.js'
import type { Prepared } from './tables.js'
import type { EvalResult, Plan, Plugin, RuleRun, Settings } from './types.js'

const noLines: readonly ByteString[] = ['']

export class MessageRun implements EvalHost, SingleHost {
  readonly scan: Scan
  readonly settings: Settings
  private readonly plan: Plan
  readonly table: RuleTable
  readonly budget: Budget
  private readonly preparing: readonly Plugin[]
  private readonly options: RunOptions
  private readonly active: Active
  private readonly hits: Hits
  readonly tags = new Tags()
  private readonly singles: Singles
  private readonly notes: Note[] = []
  private readonly pending: Promise<void>[] = []
  private readonly until: number
  /** Shortcircuit rules are there and obeyed: priorities are then run one after the other to the end. */
  private readonly ordered: boolean
  private timedOut = false
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
    this.singles = new Singles(this)
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

  private headerGroup(headers: ActiveHeaders): void {
    const { request, asked } = headers.group
    const value = headerText(this.scan.views.headers, asked)
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

  explain(rule: number, text: ByteString, first: FirstMatch, where: string): void {
    this.hits.extraOf(this.table.rules[rule]!.name).evidence = evidenceOf(text, first, where)
  }

  gotHit(rule: number, value: number, area: string): void {
    if (!this.over) this.hits.add(rule, value, area)
  }

  // ---- rules that stand alone

  private single(single: SingleRule): void {
    this.options.onRule?.(single.rule)
    try {
      this.singles.match(single)
    } catch (error) {
      this.crashed(single.rule, error)
    }
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

  get explains(): boolean {
    return this.options.explain === true
  }

  /** It ran in its turn, whether it hit or not. */
  settle(rule: number): void {
    this.hits.settled[rule] = early
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
    this.singles.tagsChanged()
  }

  waitForTag(rule: string, name: string): Promise<TagValue | undefined> {
    return this.over ? Promise.resolve(undefined) : this.tags.when(rule, name)
  }

  note(note: Note): void {
    if (!this.over) this.notes.push(note)
  }
}
