// What an eval may do while it runs: details, hits on other rules, tags. One EvalCall per call; the run behind it may be over when a
// late look-up comes back, and then nothing happens any more.
import type { Note, Scan } from '../../src/types.js'
import type { EvalRule } from './table.js'
import type { Eval, EvalContext, Settings } from './types.js'

export type TagValue = string | readonly string[]

export interface HitOptions {
  readonly score?: number
  readonly value?: number
  readonly details?: readonly string[]
  readonly area?: string
  readonly description?: string
}

/** The part of a run that evals reach. */
export interface EvalHost {
  readonly scan: Scan
  readonly settings: Settings
  addDetail(rule: string, text: string): void
  hitByName(symbol: string, options: HitOptions): void
  setTag(name: string, value: TagValue): void
  waitForTag(rule: string, name: string): Promise<TagValue | undefined>
  note(note: Note): void
}

export class EvalCall implements EvalContext {
  private readonly host: EvalHost
  private readonly called: EvalRule

  constructor(host: EvalHost, called: EvalRule) {
    this.host = host
    this.called = called
  }

  /** What the eval says. Spreading the arguments costs more than many an eval does. */
  result(): ReturnType<Eval> {
    const { called } = this
    switch (called.arity) {
      case 0:
        return called.run(this)
      case 1:
        return called.run(this, called.first)
      case 2:
        return called.run(this, called.first, called.second)
      case 3:
        return called.run(this, called.first, called.second, called.args[2]!)
      default:
        return called.run(this, ...called.args)
    }
  }

  get rule(): string {
    return this.called.name
  }

  get area(): EvalContext['area'] {
    return this.called.area
  }

  get tflags(): readonly string[] {
    return this.called.tflags
  }

  get scan(): Scan {
    return this.host.scan
  }

  get settings(): Settings {
    return this.host.settings
  }

  detail(text: string): void {
    this.host.addDetail(this.rule, text)
  }

  hit(symbol: string, options: HitOptions = {}): void {
    this.host.hitByName(symbol, options)
  }

  tag(name: string, value: TagValue): void {
    this.host.setTag(name, value)
  }

  whenTag(name: string): Promise<TagValue | undefined> {
    return this.host.waitForTag(this.rule, name)
  }

  note(note: Note): void {
    this.host.note(note)
  }
}

/**
 * Tags of one run, and those who wait for them. A tag that nobody is going to set any more settles to undefined: that is so when
 * every eval still under way is itself waiting for a tag.
 */
export class Tags {
  readonly values = new Map<string, TagValue>()
  private readonly waiters = new Map<string, ((value: TagValue | undefined) => void)[]>()
  /** Rule -> number of tags it waits for. */
  private readonly waiting = new Map<string, number>()
  private readonly running = new Set<string>()
  private evalsStarted = false

  set(name: string, value: TagValue): void {
    this.values.set(name, value)
    const waiters = this.waiters.get(name)
    if (!waiters) return
    this.waiters.delete(name)
    for (const settle of waiters) settle(value)
  }

  when(rule: string, name: string): Promise<TagValue | undefined> {
    const value = this.values.get(name)
    // An empty tag is a place that is kept for a value, as in SpamAssassin.
    if (value !== undefined && value.length > 0) return Promise.resolve(value)
    return new Promise((resolve) => {
      this.waiting.set(rule, (this.waiting.get(rule) ?? 0) + 1)
      const settle = (late: TagValue | undefined) => {
        const left = this.waiting.get(rule)! - 1
        if (left === 0) this.waiting.delete(rule)
        else this.waiting.set(rule, left)
        resolve(late)
      }
      const list = this.waiters.get(name)
      if (list) list.push(settle)
      else this.waiters.set(name, [settle])
      this.settleStalled()
    })
  }

  /** A network eval is under way. */
  start(rule: string): void {
    this.running.add(rule)
  }

  finish(rule: string): void {
    this.running.delete(rule)
    this.settleStalled()
  }

  /** All evals have been called: from now on a stall can be told. */
  allStarted(): void {
    this.evalsStarted = true
    this.settleStalled()
  }

  /** Ends every wait. */
  close(): void {
    const all = [...this.waiters.values()].flat()
    this.waiters.clear()
    for (const settle of all) settle(undefined)
  }

  private settleStalled(): void {
    if (!this.evalsStarted || this.waiters.size === 0) return
    for (const rule of this.running) if (!this.waiting.has(rule)) return
    this.close()
  }
}
