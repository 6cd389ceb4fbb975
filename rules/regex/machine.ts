// Runs a program (program.ts) on a text by backtracking, as V8 runs the RegExp of the same pattern, and gives the same match; but counts
// its steps, and remembers what failed: a loop that failed from a place is not tried again from there, and when a search gets long, the
// same holds for every place where ways meet. Patterns without back references so need steps in proportion to the text.
import type { Anchor } from './anchored.js'
import { otherCase, wordSet } from './ast.js'
import { Assert, Op, opSize, type Program, type RunLoop } from './program.js'

/** Thrown when a pattern has used up its steps. */
export class Runaway extends Error {}

/** Kinds of stack entries; each has four slots: kind and number, and three more. */
const way = 0
const restoreSlot = 1
const restoreRegister = 2
const failed = 3
const shorter = 4
const longer = 5
const kindBits = 3
const entrySize = 4

/** Steps of one search after which failed places are written down: most searches end sooner and need no memory. */
const memoAfterSteps = 20_000
/** Bits of memory for failed places of one search. */
const memoBitsMax = 1 << 27
/** Entries of the stack. */
const stackEntriesMax = 1 << 21
/** A byte of a run costs this part of a step. */
const runShift = 3

/** What machines of one thread share, because one runs at a time. */
export class Workspace {
  stack = new Int32Array(4096)
  memo = new Int32Array(0)

  grow(): void {
    if (this.stack.length >= stackEntriesMax * entrySize) throw new Runaway('its stack grew too large')
    const larger = new Int32Array(this.stack.length * 2)
    larger.set(this.stack)
    this.stack = larger
  }

  /** Lets go of what an unusual text needed. */
  trim(): void {
    if (this.stack.length > 1 << 16) this.stack = new Int32Array(4096)
    if (this.memo.length > 1 << 16) this.memo = new Int32Array(0)
  }
}

export class Machine {
  /** Of the last match. */
  index = -1
  end = -1
  readonly slots: Int32Array
  steps = 0
  private readonly registers: Int32Array
  /** By loop: places, from and to, after which what follows is known to fail; the last run of its bytes. */
  private readonly failedFrom: Int32Array
  private readonly failedTo: Int32Array
  private readonly runFrom: Int32Array
  private readonly runTo: Int32Array
  private text = ''
  private stepsMax = 0
  private top = 0
  private startedAt = 0
  private nonEmpty = false
  private behindEnd = 0
  private memoOn = false
  private memoOff = false
  private readonly work: Workspace
  readonly program: Program

  constructor(program: Program, work: Workspace) {
    this.program = program
    this.work = work
    this.slots = new Int32Array(program.slots)
    this.registers = new Int32Array(program.registers)
    const loops = program.loops.length
    this.failedFrom = new Int32Array(loops)
    this.failedTo = new Int32Array(loops)
    this.runFrom = new Int32Array(loops)
    this.runTo = new Int32Array(loops)
  }

  /** Looks for the first match from a place on. Throws Runaway when that takes more than `stepsMax` steps. */
  search(text: string, from: number, anchor: Anchor | undefined, stepsMax: number): boolean {
    this.begin(text, stepsMax)
    const { first } = this.program
    const { length } = text
    for (let start = from; start <= length; start++) {
      if (first) {
        const before = start
        while (start < length && first[text.charCodeAt(start)] !== 1) start++
        if (start === length) return false
        this.steps += (start - before) >> runShift
      }
      if (anchor && start > 0) {
        if (anchor === 'start') return false
        if (text.charCodeAt(start - 1) !== 10) {
          const line = text.indexOf('\n', start)
          if (line < 0) return false
          start = line
          continue
        }
      }
      if (this.tryAt(start)) return true
    }
    return false
  }

  /** The match at this very place, which must not be empty. */
  matchNonEmpty(text: string, at: number, stepsMax: number): boolean {
    this.begin(text, stepsMax)
    this.nonEmpty = true
    return this.tryAt(at)
  }

  private begin(text: string, stepsMax: number): void {
    this.text = text
    this.stepsMax = stepsMax
    this.steps = 0
    this.top = 0
    this.nonEmpty = false
    this.memoOn = false
    this.memoOff = false
    this.failedFrom.fill(-1)
    this.failedTo.fill(-2)
    this.runFrom.fill(-1)
    this.runTo.fill(-2)
    this.slots.fill(-1)
  }

  private tryAt(start: number): boolean {
    this.startedAt = start
    this.registers.fill(-1)
    const end = this.run(0, start)
    if (end < 0) return false
    this.index = start
    this.end = end
    this.top = 0
    return true
  }

  /** @returns where the match ends, -1 = none; then the stack is as it was before */
  private run(pc: number, pos: number): number {
    const { code, sets, loops, memos } = this.program
    const { text, slots, registers } = this
    const length = text.length
    const base = this.top
    for (;;) {
      if (++this.steps > this.stepsMax) throw new Runaway('it backtracks too long')
      const operand = code[pc + 1]!
      switch (code[pc]) {
        case Op.char:
          if (pos < length && text.charCodeAt(pos) === operand) {
            pos++
            pc += opSize
            continue
          }
          break
        case Op.set:
          if (pos < length && sets[operand]![text.charCodeAt(pos)] === 1) {
            pos++
            pc += opSize
            continue
          }
          break
        case Op.run: {
          const after = this.enterRun(loops[operand]!, operand, pos)
          if (after < 0) break
          pos = after
          pc += opSize
          continue
        }
        case Op.split:
          this.push(way, operand, pos, 0)
          pc += opSize
          continue
        case Op.jump:
          pc = operand
          continue
        case Op.memo:
          if (this.mayPass(operand, memos[operand]!, pos)) {
            pc += opSize
            continue
          }
          break
        case Op.save:
          this.push(restoreSlot, operand, slots[operand]!, 0)
          slots[operand] = pos
          pc += opSize
          continue
        case Op.clear:
          this.push(restoreSlot, operand, slots[operand]!, 0)
          this.push(restoreSlot, operand + 1, slots[operand + 1]!, 0)
          slots[operand] = -1
          slots[operand + 1] = -1
          pc += opSize
          continue
        case Op.enter:
          this.push(restoreRegister, operand, registers[operand]!, 0)
          registers[operand] = pos
          pc += opSize
          continue
        case Op.moved:
          if (registers[operand] !== pos) {
            pc += opSize
            continue
          }
          break
        case Op.assert:
          if (this.holds(operand, pos)) {
            pc += opSize
            continue
          }
          break
        case Op.look: {
          const found = this.inside(pc + opSize, pos) >= 0
          if (found === (code[pc + 2] === 0)) {
            pc = operand
            continue
          }
          break
        }
        case Op.atomic: {
          const after = this.inside(pc + opSize, pos)
          if (after >= 0) {
            pos = after
            pc = operand
            continue
          }
          break
        }
        case Op.behind:
          if (this.behind(code[pc + 2]!, pc + opSize, pos)) {
            pc = operand
            continue
          }
          break
        case Op.backref: {
          const after = this.again(operand, code[pc + 2] === 1, pos)
          if (after >= 0) {
            pos = after
            pc += opSize
            continue
          }
          break
        }
        case Op.end:
          return pos
        case Op.endBehind:
          if (pos === this.behindEnd) return pos
          break
        case Op.match:
          if (!this.nonEmpty || pos !== this.startedAt) return pos
          break
      }
      // Failed: the last thing that can be done otherwise.
      for (;;) {
        if (this.top === base) return -1
        const { stack } = this.work
        this.top -= entrySize
        const at = this.top
        const entry = stack[at]!
        const kind = entry & ((1 << kindBits) - 1)
        if (kind === way) {
          pc = stack[at + 1]!
          pos = stack[at + 2]!
          break
        }
        if (kind === restoreSlot) slots[stack[at + 1]!] = stack[at + 2]!
        else if (kind === restoreRegister) registers[stack[at + 1]!] = stack[at + 2]!
        else if (kind === failed) this.remember(stack[at + 1]!, stack[at + 2]!)
        else {
          const after = this.nextOfRun(
            entry >> kindBits,
            kind,
            stack[at + 1]!,
            stack[at + 2]!,
            stack[at + 3]!,
          )
          if (after < 0) continue
          pos = after
          pc = this.program.after[entry >> kindBits]!
          break
        }
      }
    }
  }

  private push(entry: number, a: number, b: number, c: number): void {
    if (this.top + entrySize > this.work.stack.length) this.work.grow()
    const { stack } = this.work
    const at = this.top
    stack[at] = entry
    stack[at + 1] = a
    stack[at + 2] = b
    stack[at + 3] = c
    this.top = at + entrySize
  }

  /** A part that is matched for itself; ways left over inside are forgotten. */
  private inside(pc: number, pos: number): number {
    const { top } = this
    const end = this.run(pc, pos)
    // Slots that were set inside are brought back by the entries that stand before it; a failure has undone its own.
    this.top = top
    return end
  }

  private behind(number: number, pc: number, pos: number): boolean {
    const { min, max, negative } = this.program.behinds[number]!
    const before = this.behindEnd
    let found = false
    for (let width = min; width <= max && width <= pos && !found; width++) {
      this.behindEnd = pos
      found = this.inside(pc, pos - width) >= 0
    }
    this.behindEnd = before
    return found !== negative
  }

  /** @returns where the text of a group ends when it stands here again, -1 = it does not; a group that is not set is empty */
  private again(slot: number, fold: boolean, pos: number): number {
    const from = this.slots[slot]!
    const to = this.slots[slot + 1]!
    if (to < 0 || from < 0) return pos
    const { text } = this
    if (pos + to - from > text.length) return -1
    for (let offset = 0; offset < to - from; offset++) {
      this.steps++
      const wanted = text.charCodeAt(from + offset)
      const code = text.charCodeAt(pos + offset)
      if (code !== wanted && !(fold && otherCase(wanted) === code)) return -1
    }
    return pos + to - from
  }

  // ---- loops over single bytes

  /** @returns where the first try of the loop ends, -1 = none */
  private enterRun(loop: RunLoop, number: number, pos: number): number {
    const low = pos + loop.min
    const high = Math.min(this.runEnd(loop, number, pos), pos + loop.max)
    if (high < low) return -1
    if (loop.mode === 'possessive') return high
    const greedy = loop.mode === 'greedy'
    return this.nextOfRun(number, greedy ? shorter : longer, low, high, greedy ? high : low)
  }

  /** Where the bytes of a loop end. The run looked at last is known, from its first place on and for places before it. */
  private runEnd({ set }: RunLoop, number: number, pos: number): number {
    const from = this.runFrom[number]!
    const to = this.runTo[number]!
    if (pos >= from && pos <= to) return to
    const { text } = this
    const { length } = text
    let end = pos
    while (end < length && end !== from && set[text.charCodeAt(end)] === 1) end++
    this.steps += (end - pos) >> runShift
    if (end === from) end = to
    this.runFrom[number] = pos
    this.runTo[number] = end
    return end
  }

  /** The next end of a run, from `at` on, after which what follows can begin; the others stay on the stack. */
  private nextOfRun(number: number, kind: number, low: number, high: number, at: number): number {
    const { remembers, registers, next } = this.program.loops[number]!
    const { text } = this
    const known = remembers && this.haveMoved(registers, low)
    const from = known ? this.failedFrom[number]! : -1
    const to = known ? this.failedTo[number]! : -2
    const step = kind === shorter ? -1 : 1
    let looked = 0
    let end = at
    for (; end >= low && end <= high; end += step) {
      looked++
      if (end >= from && end <= to) end = kind === shorter ? from : to
      else if (!next || (end < text.length && next[text.charCodeAt(end)] === 1)) {
        this.push(kind | (number << kindBits), low, high, end + step)
        this.steps += looked >> runShift
        return end
      }
    }
    this.steps += looked >> runShift
    if (known) this.rememberRun(number, low, high)
    return -1
  }

  private rememberRun(number: number, low: number, high: number): void {
    const from = this.failedFrom[number]!
    const to = this.failedTo[number]!
    const joins = low <= to + 1 && high >= from - 1
    this.failedFrom[number] = joins ? Math.min(from, low) : low
    this.failedTo[number] = joins ? Math.max(to, high) : high
  }

  // ---- what failed before

  private haveMoved(registers: readonly number[], pos: number): boolean {
    for (const register of registers) if (this.registers[register] === pos) return false
    return true
  }

  private mayPass(place: number, registers: readonly number[], pos: number): boolean {
    if (!this.memoOn) {
      if (this.steps < memoAfterSteps || this.memoOff) return true
      this.startMemo()
      if (this.memoOff) return true
    }
    if (!this.haveMoved(registers, pos)) return true
    const bit = place * (this.text.length + 1) + pos
    if ((this.work.memo[bit >> 5]! & (1 << (bit & 31))) !== 0) return false
    this.push(failed, place, pos, 0)
    return true
  }

  private startMemo(): void {
    const bits = this.program.memos.length * (this.text.length + 1)
    this.memoOff = bits > memoBitsMax
    if (this.memoOff) return
    this.memoOn = true
    const words = (bits >> 5) + 1
    if (this.work.memo.length < words) this.work.memo = new Int32Array(words)
    else this.work.memo.fill(0, 0, words)
  }

  private remember(place: number, pos: number): void {
    const bit = place * (this.text.length + 1) + pos
    this.work.memo[bit >> 5]! |= 1 << (bit & 31)
  }

  private holds(kind: number, pos: number): boolean {
    const { text } = this
    const { length } = text
    const word = (at: number) => (at >= 0 && at < length ? wordSet[text.charCodeAt(at)] === 1 : false)
    switch (kind) {
      case Assert.start:
        return pos === 0
      case Assert.lineStart:
        return pos === 0 || (text.charCodeAt(pos - 1) === 10 && pos < length)
      case Assert.end:
        return pos === length
      case Assert.endOrLf:
        return pos === length || (pos === length - 1 && text.charCodeAt(pos) === 10)
      case Assert.lineEnd:
        return pos === length || text.charCodeAt(pos) === 10
      case Assert.word:
        return word(pos - 1) !== word(pos)
      default:
        return word(pos - 1) === word(pos)
    }
  }
}
