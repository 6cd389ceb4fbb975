// What has hit so far in one run, and which metas that settles. Knows nothing of texts and evals.
import type { Hit } from '../../src/types.js'
import type { Active } from './activity.js'
import type { HitOptions } from './calls.js'
import type { Meta } from './metas.js'
import { setting } from './settings.js'
import { early, late, unsettled } from './settling.js'
import type { RuleTable } from './table.js'
import type { RuleRun, Settings } from './types.js'

/** Metas nested deeper than this are settled level by level instead of by recursion. */
const depthMax = 300

/** What one run writes per rule or meta. Kept and used again: their memory is most of what a run would have to allocate. */
interface Cells {
  /** All 0 between runs. */
  readonly values: Float64Array
  readonly settled: Uint8Array
  readonly metaDone: Uint8Array
  readonly touched: Uint8Array
}

const spare = new WeakMap<RuleTable, Cells[]>()

function takeCells(table: RuleTable): Cells {
  const cells = spare.get(table)?.pop()
  if (cells) return cells
  const { length } = table.rules
  return {
    values: new Float64Array(length),
    settled: new Uint8Array(length),
    metaDone: new Uint8Array(length),
    touched: new Uint8Array(table.metas.neverIdle.length),
  }
}

function giveBack(table: RuleTable, cells: Cells): void {
  const list = spare.get(table)
  if (list) list.push(cells)
  else spare.set(table, [cells])
}

/** What a hit carries besides its count; only hits that need it have one. */
export interface Extra {
  details: string[]
  area?: string
  ownScore?: number
  evidence?: NonNullable<Hit['evidence']>
  description?: string
}

/** What scores and shortcircuit depend on. */
export interface HitOptionsOfRun {
  readonly scoreSet: number
  readonly subtests?: boolean | undefined
  readonly overlay?: { readonly scores: ReadonlyMap<string, readonly number[]> } | undefined
  /** Shortcircuit rules end the run. */
  readonly shortcircuits: boolean
}

export class Hits {
  /** Value of each rule, 0 = no hit (yet). */
  readonly values: Float64Array
  /** Whether metas that need a rule may run: unsettled, late or early. Where no rule ends the run, all start as they end. */
  readonly settled: Uint8Array
  /** Set once a rule ended the run. */
  shortcircuit: RuleRun['shortcircuit']
  /** Rules in the order in which they hit. */
  private order: number[] = []
  private readonly extras = new Map<string, Extra>()
  /** Hits on names that no rule has. */
  private readonly foreign = new Map<string, number>()
  private readonly cells: Cells
  /** 1 = the meta has run, or its state is known. */
  private readonly metaDone: Uint8Array
  /** By place of the meta: 0 = its value is 0 for certain. */
  private readonly touched: Uint8Array
  private readonly table: RuleTable
  private readonly active: Active
  private readonly settings: Settings
  private readonly options: HitOptionsOfRun
  private score = 0

  constructor(table: RuleTable, active: Active, settings: Settings, options: HitOptionsOfRun) {
    this.table = table
    this.active = active
    this.settings = settings
    this.options = options
    this.cells = takeCells(table)
    const { values, settled, metaDone, touched } = this.cells
    this.values = values
    this.settled = settled
    this.metaDone = metaDone
    this.touched = touched
    if (options.shortcircuits) settled.fill(unsettled)
    else settled.set(active.settled)
    metaDone.fill(0)
    touched.set(table.metas.neverIdle)
  }

  /** The run is over and nothing is added any more. */
  release(): void {
    const { values } = this
    for (const rule of this.order) values[rule] = 0
    giveBack(this.table, this.cells)
  }

  /** A rule hit; `value` adds up for `tflags multiple`, else the first counts. */
  add(rule: number, value: number, area: string): void {
    const { marks, metas } = this.table
    const before = this.values[rule]!
    if (before !== 0 && marks.multiple[rule] === 0) return
    this.settled[rule] = early
    this.values[rule] = before + (value > 0 ? value : 1)
    if (before === 0) {
      this.order.push(rule)
      const { needers, needersAt } = metas
      const end = needersAt[rule + 1]!
      for (let at = needersAt[rule]!; at < end; at++) this.touched[needers[at]!] = 1
    }
    // Nobody sees the area of a subtest.
    if (area !== '' && marks.subtest[rule] === 0) this.extraOf(this.table.names[rule]!).area = area
    if (this.options.shortcircuits) this.checkShortcircuit(rule, this.table.names[rule]!)
  }

  /** A hit by name, also on names that no rule has. */
  addByName(symbol: string, options: HitOptions): void {
    const rule = this.table.indexOf.get(symbol)
    const extra = this.extraOf(symbol)
    extra.details.push(...(options.details ?? []))
    if (options.score !== undefined) extra.ownScore = options.score
    if (options.area !== undefined) extra.area = options.area
    if (options.description !== undefined) extra.description = options.description
    if (rule === undefined) {
      this.foreign.set(symbol, (this.foreign.get(symbol) ?? 0) + (options.value ?? 1))
    } else if (options.score !== undefined || this.active.rules[rule] === 1) {
      this.add(rule, options.value ?? 1, options.area ?? '')
    }
  }

  /** The record of what a hit carries besides its count. */
  extraOf(name: string): Extra {
    let extra = this.extras.get(name)
    if (!extra) {
      extra = { details: [] }
      this.extras.set(name, extra)
    }
    return extra
  }

  private checkShortcircuit(rule: number, name: string): void {
    if (this.shortcircuit !== undefined) return
    const score = this.scoreOf(rule)
    this.score += name.startsWith('__') ? 0 : score
    const type = setting<ReadonlyMap<string, string>>(this.settings, 'shortcircuit').get(name)
    if (type === undefined || type === 'off') this.checkScoreLimits(name)
    else {
      const amount = (which: 'ham' | 'spam') => setting<number>(this.settings, `shortcircuit_${which}_score`)
      const ham = type === 'on' ? score < 0 : type === 'ham'
      this.shortcircuit = { rule: name, type: ham ? 'ham' : 'spam' }
      const own = type === 'on' ? (ham ? -0.0001 : 0.0001) : amount(ham ? 'ham' : 'spam')
      this.addByName('SHORTCIRCUIT', { score: own })
    }
  }

  private checkScoreLimits(name: string): void {
    const min = setting<number | undefined>(this.settings, 'shortcircuit_min_ham_score')
    const max = setting<number | undefined>(this.settings, 'shortcircuit_max_spam_score')
    const ham = min !== undefined && this.score < min
    if (!ham && !(max !== undefined && this.score > max)) return
    this.shortcircuit = { rule: name, type: this.score < 0 ? 'ham' : 'spam' }
    this.addByName('SHORTCIRCUIT', { score: this.score < 0 ? -0.001 : 0.001 })
  }

  private scoreOf(rule: number): number {
    const { name, scores } = this.table.rules[rule]!
    const set = this.options.scoreSet
    return this.extras.get(name)?.ownScore ?? this.options.overlay?.scores.get(name)?.[set] ?? scores[set]!
  }

  /**
   * Runs metas whose parts are settled. `atEnd`, rules that did not run count 0, but a meta that never settled blocks those on it, and
   * so does, for a meta scored 0, one that settles only then (micro-head.md 50).
   */
  settleMetas(atEnd: boolean): void {
    for (const meta of this.table.metas.ordered) {
      if (this.metaDone[meta.rule] === 1) continue
      const level = this.levelOf(meta, atEnd)
      if (level === unsettled || (level === late && this.active.rules[meta.rule] === 0)) continue
      this.runMeta(meta, level)
    }
  }

  /**
   * What settleMetas gives first without and then with `atEnd`, when nothing happens in between: metas that are 0 are not run, and their
   * states are worked out only where a meta that hits depends on them.
   */
  settleAllMetas(): void {
    const { arithmetic, ordered, starts, rules, depth } = this.table.metas
    if (this.options.shortcircuits || depth > depthMax) {
      this.settleMetas(false)
      this.settleMetas(true)
      return
    }
    const { touched, metaDone, values } = this
    const first = this.order
    const atLast: number[] = []
    for (let place = 0; place < ordered.length; place++) {
      if (touched[place] === 0) continue
      const result = arithmetic.run(starts[place]!, values)
      if (result === 0) continue
      const rule = rules[place]!
      if (metaDone[rule] === 1) continue
      metaDone[rule] = 1
      const level = this.stateOfParts(ordered[place]!)
      if (level === unsettled || this.active.rules[rule] === 0) continue
      // Those that only the end settles hit after all others.
      this.order = level === late ? atLast : first
      this.add(rule, result, '')
      this.settled[rule] = level
    }
    this.order = atLast.length === 0 ? first : [...first, ...atLast]
  }

  /** levelOf at the end, with the states of metas that are parts worked out on the way. */
  private stateOfParts(meta: Meta): number {
    let level = meta.open ? late : early
    for (const part of meta.parts) {
      const own = this.stateOf(part)
      if (own === early) continue
      if (own === unsettled && this.table.marks.meta[part] === 1) return unsettled
      level = late
    }
    return level
  }

  /** State of a rule whose value is known; a meta that was not run is 0. */
  private stateOf(rule: number): number {
    const meta = this.table.metas.byRule[rule]
    if (meta && this.metaDone[rule] === 0) {
      this.metaDone[rule] = 1
      const level = this.stateOfParts(meta)
      if (level === early || (level === late && this.active.rules[rule] === 1)) this.settled[rule] = level
    }
    return this.settled[rule]!
  }

  /** How far the parts of a meta are settled. */
  private levelOf(meta: Meta, atEnd: boolean): number {
    let level = meta.open ? (atEnd ? late : unsettled) : early
    const { parts } = meta
    for (let index = 0; index < parts.length && level !== unsettled; index++) {
      const part = parts[index]!
      const own = this.settled[part]!
      if (own === early) continue
      const known = own === late || (atEnd && this.table.marks.meta[part] === 0)
      level = known ? late : unsettled
    }
    return level
  }

  runMeta(meta: Meta, level: number): void {
    const { rule } = meta
    this.metaDone[rule] = 1
    const { arithmetic } = this.table.metas
    const result = this.touched[meta.place] === 1 ? arithmetic.run(meta.start, this.values) : 0
    const active = this.active.rules[rule] === 1
    if (result !== 0 && active) this.add(rule, result, '')
    // A meta that is true but scored 0 never settles.
    if (result === 0 || active) this.settled[rule] = level
  }

  result(): Pick<RuleRun, 'hits' | 'subtests'> {
    const hits: Hit[] = []
    const subtests: Record<string, number> = {}
    const { marks, names } = this.table
    for (const rule of this.order) {
      if (marks.subtest[rule] === 0) hits.push(this.hit(names[rule]!, this.values[rule]!))
      else if (this.options.subtests) subtests[names[rule]!] = this.values[rule]!
    }
    for (const [name, count] of this.foreign) {
      if (!name.startsWith('__')) hits.push(this.hit(name, count))
      else if (this.options.subtests) subtests[name] = count
    }
    return { hits, subtests }
  }

  private hit(symbol: string, count: number): Hit {
    const extra = this.extras.get(symbol)
    if (!extra) return { symbol, count, details: [], area: '' }
    const { details, area = '', ownScore, evidence, description } = extra
    // Most hits are of one shape: made so, it takes a fraction of the time that spreading takes.
    if (ownScore === undefined && !evidence && description === undefined)
      return { symbol, count, details, area }
    return {
      symbol,
      count,
      details,
      area,
      ...(ownScore !== undefined ? { ownScore } : {}),
      ...(evidence ? { evidence } : {}),
      ...(description !== undefined ? { description } : {}),
    }
  }
}
