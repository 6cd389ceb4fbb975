// Patterns that can backtrack without end, and what one message may spend on them. V8 runs them with a limit of backtracks. Where it is
// reached, or what it does not see could take long (parts that succeed for themselves, on long texts), the machine (machine.ts) finds the
// same match and counts its steps; beyond them it throws Runaway, and the rule is suspended for that message.
import { headerTextBytesMax, messageRuleStepsMax, ruleStepsMax } from '../../src/limits.js'
import { type Anchor, anchorOf, type MakeRegExp, nativeRegExp, searcherOf } from './anchored.js'
import { type Node, walk } from './ast.js'
import { costOf, type PatternCost } from './cost.js'
import { limitedRegExp, limitMs } from './limited.js'
import { Machine, Runaway, Workspace } from './machine.js'
import type { Searcher } from './matcher.js'
import { type Parsed, parsePerl } from './parse.js'
import { type Printed, printRegExp } from './print.js'
import { compileProgram } from './program.js'

/**
 * Steps of one search that are left to V8, and more for each byte: that is linear. With a limit of backtracks they are steps ahead, of
 * which V8 does two in a nanosecond, on a text made for it; without, they are an estimate on the high side.
 */
const limitedSteps = 5e8
const unlimitedSteps = 2e7
const nativeStepsPerByte = 100
/** A pattern that is cheap on this length is so on any: only its bytes count. Longest text but whole messages. */
const textBytesMax = headerTextBytesMax
/** V8's time with such patterns in one message; then the machine runs them. */
const nativeMsMax = 10
/** Steps that come with each byte a rule reads: reading is not running away. */
const stepsPerByte = 4
/**
 * Large programs need more: a step a byte for each so many of their numbers. In ordinary mail `__FILL_THIS_FORM_LONG2` (140,464) takes 307
 * steps a byte, `__FILL_THIS_FORM_SHORT2` (84,220) 296, no other more than 100.
 */
const codePerStep = 100
/** V8 makes bytecode at the first search, machine code at the second: only the third shows how long a search takes. */
const nativeTurns = 3
/**
 * Long searches of a pattern that do not count as its message's, because V8 compiles in them: else the first message after a start, which
 * compiles many, would be out of time.
 */
const compilingTurns = 2
/** Nor does compiling take longer than this. */
const compilingMsMax = 3
/** Texts up to here cost nothing worth counting: an absent header is an empty one, and what it gives is remembered. */
const shortBytes = 16
/** Judging larger trees costs more than it is worth: lists of spellings, mostly. V8 runs them, and the watchdog looks on. */
const nodesMax = 5000

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

/** Longest text on which V8 needs few steps; Infinity = any. */
function nativeBytesMax(cost: PatternCost, limited: boolean): number {
  const most = limited ? limitedSteps : unlimitedSteps
  const isCheap = (bytes: number) => cost.steps(bytes, limited) <= most + nativeStepsPerByte * bytes
  if (isCheap(textBytesMax)) return Infinity
  let bytes = textBytesMax
  while (bytes >= 16 && !isCheap(bytes)) bytes >>= 1
  return bytes < 16 ? 0 : bytes
}

/** A pattern as it is written. Its tree is not kept, but made anew where it is needed again: trees are large. */
export interface Written {
  readonly source: string
  readonly flags: string
}

/** What the pattern is searched with: the RegExp itself where V8 is enough for texts of any length. */
export function guard(
  written: Written,
  parsed: Parsed,
  printed: Printed,
  budget: Budget,
  limited: MakeRegExp | null = limitedRegExp ?? null,
): Searcher {
  const { root } = parsed
  const cost = isLarge(root) ? undefined : costOf(root)
  if (!cost || nativeBytesMax(cost, false) === Infinity) return searcherOf(root, printed, nativeRegExp)
  const native = limited
    ? searcherOf(root, printRegExp(parsed, { counted: cost.givingBack }), limited)
    : searcherOf(root, printed, nativeRegExp)
  // A pattern that had to be printed wider than it is: one meaning for all lengths, and that the right one.
  const bytes = printed.widened ? -1 : nativeBytesMax(cost, limited !== null)
  return new GuardedRegExp(written, groupsOf(parsed, printed), anchorOf(root), native, bytes, budget)
}

/** Perl's number of a named group -> its number in results. */
function groupsOf(parsed: Parsed, printed: Printed): ReadonlyMap<number, number> {
  const groups = new Map<number, number>()
  for (const [name, group] of parsed.names) groups.set(group, printed.names.get(name)!)
  return groups
}

function isLarge(root: Node): boolean {
  let nodes = 0
  walk(root, () => void nodes++)
  return nodes > nodesMax
}

export class GuardedRegExp implements Searcher {
  lastIndex = 0
  /** Searches that the machine made. */
  machineRuns = 0
  /** Searches by V8 that took longer than the limit may take. */
  private longTurns = 0
  private message = -1
  private spent = 0
  private allowed = 0
  private readonly written: Written
  private native: Searcher
  private readonly nativeBytes: number
  private readonly budget: Budget
  private readonly groups: ReadonlyMap<number, number>
  private readonly anchor: Anchor | undefined
  private machine: Machine | undefined
  /** The machine cannot run the pattern. */
  private unguarded = false

  /**
   * @param groups Perl's number of a named group -> its number in results
   * @param native V8's RegExp
   * @param nativeBytes longest text that it gets
   */
  constructor(
    written: Written,
    groups: ReadonlyMap<number, number>,
    anchor: Anchor | undefined,
    native: Searcher,
    nativeBytes: number,
    budget: Budget,
  ) {
    this.written = written
    this.groups = groups
    this.anchor = anchor
    this.native = native
    this.nativeBytes = nativeBytes
    this.budget = budget
  }

  test(text: string): boolean {
    if (this.mayRunNative(text)) {
      const found = this.runNative(text, 'test')
      if (found !== undefined) return found
    }
    const machine = this.theMachine()
    return machine ? this.search(machine, text) : this.runV8(text, 'test')
  }

  exec(text: string): RegExpExecArray | null {
    if (this.mayRunNative(text)) {
      const found = this.runNative(text, 'exec')
      if (found !== undefined) return found
    }
    const machine = this.theMachine()
    if (!machine) return this.runV8(text, 'exec')
    return this.search(machine, text) ? this.result(machine, text) : null
  }

  /** Where the match at this place ends that is not empty, 0 = there is none. */
  nonEmptyEnd(text: string, at: number, native: RegExp): number {
    const machine = this.mayRunNative(text) ? undefined : this.theMachine()
    if (!machine) {
      native.lastIndex = at
      return native.test(text) ? native.lastIndex : 0
    }
    const left = this.stepsLeft(text)
    try {
      return machine.matchNonEmpty(text, at, left) ? machine.end : 0
    } finally {
      this.charge(machine)
    }
  }

  private mayRunNative(text: string): boolean {
    if (this.unguarded || text.length > this.nativeBytes) return false
    return text.length <= shortBytes || this.budget.nativeMs < nativeMsMax
  }

  /** Made when it is first needed. A pattern that it cannot run is left to V8 and the watchdog. */
  private theMachine(): Machine | undefined {
    if (this.machine || this.unguarded) return this.machine
    const parsed = parsePerl(this.written.source, this.written.flags)
    const program = compileProgram(parsed)
    if (program) this.machine = new Machine(program, this.budget.work)
    else {
      this.unguarded = true
      this.native = searcherOf(parsed.root, printRegExp(parsed), nativeRegExp)
    }
    return this.machine
  }

  private runV8(text: string, name: 'test'): boolean
  private runV8(text: string, name: 'exec'): RegExpExecArray | null
  private runV8(text: string, name: 'test' | 'exec'): boolean | RegExpExecArray | null
  private runV8(text: string, name: 'test' | 'exec'): boolean | RegExpExecArray | null {
    this.native.lastIndex = this.lastIndex
    const found = name === 'test' ? this.native.test(text) : this.native.exec(text)
    this.lastIndex = this.native.lastIndex
    return found
  }

  /**
   * Undefined when the limit may be why nothing was found, or, where V8 searches line by line, nothing on an earlier line.
   */
  private runNative(text: string, name: 'test'): boolean | undefined
  private runNative(text: string, name: 'exec'): RegExpExecArray | null | undefined
  private runNative(text: string, name: 'test' | 'exec'): boolean | RegExpExecArray | null | undefined {
    const { lastIndex } = this
    for (let turn = 0; turn < nativeTurns; turn++) {
      const startedAt = performance.now()
      const found = this.runV8(text, name)
      const took = performance.now() - startedAt
      if ((found && !this.anchor) || took < limitMs) return found
      this.lastIndex = lastIndex
      if (++this.longTurns > compilingTurns) this.budget.nativeMs += took
      if (took > compilingMsMax) break
    }
    return undefined
  }

  private search(machine: Machine, text: string): boolean {
    this.allow(text, machine)
    this.machineRuns++
    const left = this.stepsLeft(text)
    let found = false
    try {
      found = this.lastIndex <= text.length && machine.search(text, this.lastIndex, this.anchor, left)
    } finally {
      this.charge(machine)
    }
    this.lastIndex = found ? machine.end : 0
    return found
  }

  /** A text read for the first time brings steps with it: reading is not running away. */
  private allow(text: string, { program }: Machine): void {
    const { budget } = this
    if (this.message !== budget.message) {
      this.message = budget.message
      this.spent = 0
      this.allowed = ruleStepsMax
    }
    if (this.lastIndex > 0) return
    const reading = text.length * Math.max(stepsPerByte, program.code.length / codePerStep)
    this.allowed += reading
    budget.charge(-reading)
  }

  private stepsLeft(text: string): number {
    if (text.length <= shortBytes) return ruleStepsMax
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
