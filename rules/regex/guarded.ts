// Patterns that can backtrack without end, and what one message may spend on them. Where a text is short enough for the pattern, V8 runs
// its RegExp; else the machine (machine.ts), which finds the same and counts its steps. Beyond the steps it throws Runaway: the rule is
// suspended for that message. V8's own linear engine is no help: it takes no `i`, no anchors as we print them, no counted loop beyond 16.
import { headerTextBytesMax, messageRuleStepsMax, ruleStepsMax } from '../../src/limits.js'
import { type Anchor, anchorOf } from './anchored.js'
import { type Node, walk } from './ast.js'
import { searchSteps } from './cost.js'
import { Machine, Runaway, Workspace } from './machine.js'
import type { Searcher } from './matcher.js'
import type { Parsed } from './parse.js'
import type { Printed } from './print.js'
import { compileProgram } from './program.js'

/** Steps of one search that are left to V8, some milliseconds at the worst, and more for each byte: that is linear. */
const nativeSteps = 5e6
const nativeStepsPerByte = 100
/** A pattern that is cheap on this length is so on any: only its bytes count. Longest text but whole messages. */
const textBytesMax = headerTextBytesMax
/** V8's time with such patterns in one message; then the machine runs them whatever the length. */
const nativeMsMax = 10
const stepsPerByte = 4

/** What one message may spend on hostile patterns. One per engine: the rules of two messages never run at the same time. */
export class Budget {
  readonly work = new Workspace()
  /** Number of the message at hand. */
  message = 0
  nativeMs = 0
  private steps = 0

  /** The next message begins. */
  renew(): void {
    this.message++
    this.nativeMs = 0
    this.steps = messageRuleStepsMax
    this.work.trim()
  }

  get left(): number {
    return this.steps
  }

  charge(steps: number): void {
    this.steps -= steps
  }
}

/** Longest text on which V8 needs few steps for this pattern; undefined = any. */
export function nativeBytesMax(parsed: Parsed): number | undefined {
  const steps = searchSteps(parsed.root)
  const isCheap = (bytes: number) => steps(bytes) <= nativeSteps + nativeStepsPerByte * bytes
  if (isCheap(textBytesMax)) return undefined
  let bytes = textBytesMax
  while (bytes >= 16 && !isCheap(bytes)) bytes >>= 1
  return bytes < 16 ? 0 : bytes
}

/** The RegExp itself where V8 is enough for texts of any length. */
export function guard(parsed: Parsed, native: Searcher, printed: Printed, budget: Budget): Searcher {
  if (isLarge(parsed.root)) return native
  const bytes = nativeBytesMax(parsed)
  if (bytes === undefined) return native
  const groups = new Map<number, number>()
  for (const [name, group] of parsed.names) groups.set(group, printed.names.get(name)!)
  // A pattern that had to be printed wider than it is: one meaning for all lengths, and that the right one.
  return new GuardedRegExp(parsed, native, printed.widened ? -1 : bytes, groups, budget)
}

/** Judging trees of such a size costs more than it is worth: lists of spellings, mostly. V8 runs them, and the watchdog looks on. */
const nodesMax = 5000

function isLarge(root: Node): boolean {
  let nodes = 0
  walk(root, () => void nodes++)
  return nodes > nodesMax
}

export class GuardedRegExp implements Searcher {
  lastIndex = 0
  /** Searches that the machine made. */
  runs = 0
  private message = -1
  private spent = 0
  private allowed = 0
  private readonly parsed: Parsed
  private readonly native: Searcher
  private nativeBytes: number
  private readonly groups: ReadonlyMap<number, number>
  private readonly budget: Budget
  private readonly anchor: Anchor | undefined
  private machine: Machine | undefined

  /**
   * @param native the RegExp, for short texts
   * @param nativeBytes longest text that it gets
   * @param groups Perl's number of a kept group -> its number in results
   */
  constructor(
    parsed: Parsed,
    native: Searcher,
    nativeBytes: number,
    groups: ReadonlyMap<number, number>,
    budget: Budget,
  ) {
    this.parsed = parsed
    this.native = native
    this.nativeBytes = nativeBytes
    this.groups = groups
    this.budget = budget
    this.anchor = anchorOf(parsed.root)
  }

  test(text: string): boolean {
    const machine = this.machineFor(text)
    return machine ? this.search(machine, text) : this.runNative(text, 'test')
  }

  exec(text: string): RegExpExecArray | null {
    const machine = this.machineFor(text)
    if (!machine) return this.runNative(text, 'exec')
    return this.search(machine, text) ? this.result(machine, text) : null
  }

  /** Where the match at this place ends that is not empty, 0 = there is none. */
  nonEmptyEnd(text: string, at: number, native: RegExp): number {
    const machine = this.machineFor(text)
    if (!machine) {
      native.lastIndex = at
      return native.test(text) ? native.lastIndex : 0
    }
    try {
      return machine.matchNonEmpty(text, at, this.stepsLeft()) ? machine.end : 0
    } finally {
      this.charge(machine)
    }
  }

  /** Undefined where V8 is to search. */
  private machineFor(text: string): Machine | undefined {
    if (text.length <= this.nativeBytes && this.budget.nativeMs < nativeMsMax) return undefined
    if (!this.machine && this.nativeBytes < Infinity) {
      const program = compileProgram(this.parsed)
      if (program) this.machine = new Machine(program, this.budget.work)
      else this.nativeBytes = Infinity
    }
    return this.machine
  }

  private runNative<Name extends 'test' | 'exec'>(text: string, name: Name): ReturnType<Searcher[Name]> {
    this.native.lastIndex = this.lastIndex
    const startedAt = performance.now()
    const found = this.native[name](text) as ReturnType<Searcher[Name]>
    this.budget.nativeMs += performance.now() - startedAt
    this.lastIndex = this.native.lastIndex
    return found
  }

  private search(machine: Machine, text: string): boolean {
    this.allow(text)
    this.runs++
    let found = false
    try {
      found =
        this.lastIndex <= text.length && machine.search(text, this.lastIndex, this.anchor, this.stepsLeft())
    } finally {
      this.charge(machine)
    }
    this.lastIndex = found ? machine.end : 0
    return found
  }

  /** A text read for the first time brings steps with it: reading is not running away. */
  private allow(text: string): void {
    const { budget } = this
    if (this.message !== budget.message) {
      this.message = budget.message
      this.spent = 0
      this.allowed = ruleStepsMax
    }
    if (this.lastIndex > 0) return
    this.allowed += stepsPerByte * text.length
    budget.charge(-stepsPerByte * text.length)
  }

  private stepsLeft(): number {
    const left = Math.min(this.allowed - this.spent, this.budget.left)
    if (left <= 0) throw new Runaway('it backtracks too long')
    return left
  }

  private charge({ steps }: Machine): void {
    this.spent += steps
    this.budget.charge(steps)
  }

  private result({ index, end, slots, program }: Machine, text: string): RegExpExecArray {
    const found: (string | undefined)[] = [text.slice(index, end)]
    for (const [group, number] of this.groups) {
      const slot = program.slotOf.get(group)
      const from = slot === undefined ? -1 : slots[slot]!
      const to = slot === undefined ? -1 : slots[slot + 1]!
      found[number] = to < 0 ? undefined : text.slice(from, to)
    }
    return Object.assign(found, { index, input: text }) as unknown as RegExpExecArray
  }
}

/** The same for what the pattern matches at a place without being empty. */
export class GuardedNonEmpty {
  lastIndex = 0
  private readonly regExp: GuardedRegExp
  private readonly native: RegExp

  constructor(regExp: GuardedRegExp, native: RegExp) {
    this.regExp = regExp
    this.native = native
  }

  test(text: string): boolean {
    this.lastIndex = this.regExp.nonEmptyEnd(text, this.lastIndex, this.native)
    return this.lastIndex > 0
  }
}
