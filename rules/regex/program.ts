// A pattern's tree as instructions for the machine that runs hostile patterns (machine.ts). The meaning is that of the RegExp which
// print.ts makes of the same tree, JavaScript's rules for loops and groups included, so that either may answer.
import { addAll, type ByteSet, bytesOf, emptySet, type Node } from './ast.js'
import type { Parsed } from './parse.js'
import { canBeEmpty, maxWidth, minWidth } from './width.js'

/** Operation numbers; each instruction has four slots: operation and three operands. */
export const Op = {
  /** code */
  char: 0,
  /** number of a set */
  set: 1,
  /** number of a loop over single bytes */
  run: 2,
  /** other way, tried when the one that follows fails */
  split: 3,
  jump: 4,
  /** number of the place */
  memo: 5,
  /** slot that takes the position */
  save: 6,
  /** first slot of a group: both are emptied */
  clear: 7,
  /** register that takes the position */
  enter: 8,
  /** register: fails where nothing was matched since */
  moved: 9,
  assert: 10,
  /** instruction after it, 1 = negative */
  look: 11,
  /** instruction after it, number of the look-behind */
  behind: 12,
  /** instruction after it */
  atomic: 13,
  /** slot of the group, 1 = cases are the same */
  backref: 14,
  /** end of a look-ahead or an atomic group */
  end: 15,
  /** end of a look-behind */
  endBehind: 16,
  match: 17,
} as const
export const opSize = 4

/** Numbers of assertions as operands. */
export const Assert = { start: 0, lineStart: 1, end: 2, endOrLf: 3, lineEnd: 4, word: 5, notWord: 6 } as const

/** A loop over bytes of one set, run without an instruction per byte. */
export interface RunLoop {
  readonly set: ByteSet
  readonly min: number
  readonly max: number
  readonly mode: 'greedy' | 'lazy' | 'possessive'
  /** What failed after it once fails again: no back reference, no look-behind around it. */
  readonly remembers: boolean
  /** Registers that must have moved on for that. */
  readonly registers: readonly number[]
  /** Bytes with which what follows begins; undefined = anything. */
  next: ByteSet | undefined
}

export interface Program {
  readonly code: Int32Array
  readonly sets: readonly ByteSet[]
  readonly loops: readonly RunLoop[]
  /** By loop: the instruction after it. */
  readonly after: readonly number[]
  readonly behinds: readonly { readonly min: number; readonly max: number; readonly negative: boolean }[]
  /** Registers that must have moved on for a place to be remembered, by place. */
  readonly memos: readonly (readonly number[])[]
  readonly registers: number
  /** Two slots per group that is kept. */
  readonly slots: number
  /** Perl's number of a kept group -> its first slot. */
  readonly slotOf: ReadonlyMap<number, number>
  /** Bytes with which a match begins; undefined = anything. */
  readonly first: ByteSet | undefined
}

/** Instructions of one program: loops over groups are written out. */
const instructionsMax = 40_000

class TooLarge extends Error {}

/** Undefined when the pattern cannot be run so: too large when written out, or groups inside a look-behind. */
export function compileProgram(parsed: Parsed): Program | undefined {
  try {
    return new Compiler(parsed).program()
  } catch (error) {
    if (error instanceof TooLarge) return undefined
    throw error
  }
}

class Compiler {
  private readonly code: number[] = []
  private readonly sets: ByteSet[] = []
  private readonly loops: RunLoop[] = []
  private readonly nexts: number[] = []
  private readonly behinds: Program['behinds'][number][] = []
  private readonly memos: (readonly number[])[] = []
  private readonly slotOf = new Map<number, number>()
  private registers = 0
  /** Registers of the loops around that have to move on. */
  private around: readonly number[] = []
  private inBehind = false
  private readonly refers: boolean

  constructor(private readonly parsed: Parsed) {
    this.refers = parsed.referenced.size > 0
  }

  program(): Program {
    this.node(this.parsed.root)
    this.emit(Op.match)
    const code = Int32Array.from(this.code)
    for (const [number, at] of this.nexts.entries()) this.loops[number]!.next = this.firstOf(at)
    return {
      code,
      sets: this.sets,
      loops: this.loops,
      after: this.nexts,
      behinds: this.behinds,
      memos: this.memos,
      registers: this.registers,
      slots: 2 * this.slotOf.size,
      slotOf: this.slotOf,
      first: this.firstOf(0),
    }
  }

  private emit(op: number, a = 0, b = 0, c = 0): number {
    if (this.code.length >= instructionsMax * opSize) throw new TooLarge()
    return this.code.push(op, a, b, c) - opSize
  }

  private get here(): number {
    return this.code.length
  }

  /** Fills in the first operand of an instruction: the place that comes next. */
  private land(instruction: number): void {
    this.code[instruction + 1] = this.here
  }

  private node(node: Node): void {
    switch (node.t) {
      case 'char':
        if (node.fold) this.emit(Op.set, this.setNumber(bytesOf(node)!))
        else this.emit(Op.char, node.code)
        break
      case 'set':
        this.emit(Op.set, this.setNumber(node.set))
        break
      case 'seq':
        for (const item of node.items) this.node(item)
        break
      case 'alt':
        this.choice(node.items.map((item) => () => this.node(item)))
        break
      case 'repeat':
        if (node.mode === 'possessive' && !bytesOf(node.item))
          this.closed(Op.atomic, 0, node, () => this.repeat({ ...node, mode: 'greedy' }))
        else this.repeat(node)
        break
      case 'assert':
        this.emit(Op.assert, Assert[node.kind])
        break
      case 'capture':
        this.capture(node)
        break
      case 'atomic':
        this.closed(Op.atomic, 0, node.item, () => this.node(node.item))
        break
      case 'look':
        if (node.ahead) this.closed(Op.look, node.negative ? 1 : 0, node.item, () => this.node(node.item))
        else this.behind(node)
        break
      case 'backref':
        this.emit(Op.backref, this.slot(node.index), node.fold ? 1 : 0)
        break
    }
  }

  private setNumber(set: ByteSet): number {
    const known = this.sets.indexOf(set)
    return known >= 0 ? known : this.sets.push(set) - 1
  }

  private slot(group: number): number {
    let slot = this.slotOf.get(group)
    if (slot === undefined) {
      slot = 2 * this.slotOf.size
      this.slotOf.set(group, slot)
    }
    return slot
  }

  /** A place where ways meet: what failed from here once fails again. */
  private memo(): void {
    if (this.refers || this.inBehind) return
    this.emit(Op.memo, this.memos.push(this.around) - 1)
  }

  private choice(branches: readonly (() => void)[]): void {
    const ends: number[] = []
    for (const [at, branch] of branches.entries()) {
      const last = at === branches.length - 1
      const split = last ? -1 : this.emit(Op.split)
      branch()
      if (last) continue
      ends.push(this.emit(Op.jump))
      this.land(split)
    }
    for (const end of ends) this.land(end)
    this.memo()
  }

  private isKept(node: Extract<Node, { t: 'capture' }>): boolean {
    return node.name !== undefined || this.parsed.referenced.has(node.index)
  }

  private capture(node: Extract<Node, { t: 'capture' }>): void {
    if (!this.isKept(node)) {
      this.node(node.item)
      return
    }
    if (this.inBehind) throw new TooLarge()
    const slot = this.slot(node.index)
    this.emit(Op.save, slot)
    this.node(node.item)
    this.emit(Op.save, slot + 1)
  }

  /** Kept groups in a node, as their slots. */
  private slotsIn(node: Node): readonly number[] {
    const below = 'items' in node ? node.items : 'item' in node ? [node.item] : []
    const slots = below.flatMap((item) => this.slotsIn(item))
    return node.t === 'capture' && this.isKept(node) ? [...slots, this.slot(node.index)] : slots
  }

  /** A part that is matched for itself and not entered again. */
  private closed(op: number, operand: number, node: Node, inner: () => void): void {
    const { around } = this
    this.around = []
    // Emptied outside, so that backtracking past the part brings back what they were.
    for (const slot of this.slotsIn(node)) this.emit(Op.clear, slot)
    const start = this.emit(op, 0, operand)
    inner()
    this.emit(Op.end)
    this.land(start)
    this.around = around
  }

  private behind({ item, negative }: Extract<Node, { t: 'look' }>): void {
    const { inBehind } = this
    this.inBehind = true
    this.behinds.push({ min: minWidth(item), max: maxWidth(item), negative })
    const start = this.emit(Op.behind, 0, this.behinds.length - 1)
    this.node(item)
    this.emit(Op.endBehind)
    this.land(start)
    this.inBehind = inBehind
  }

  private repeat(node: Extract<Node, { t: 'repeat' }>): void {
    const { item, min, max, mode } = node
    const set = bytesOf(item)
    if (set) {
      this.runLoop(set, node)
      return
    }
    const pass = () => {
      for (const slot of this.slotsIn(item)) this.emit(Op.clear, slot)
      this.node(item)
    }
    // An optional part that can be empty is printed as a choice, because Perl takes it where JavaScript does not.
    if (min === 0 && max === 1 && canBeEmpty(item)) {
      this.choice(mode === 'lazy' ? [() => {}, pass] : [pass, () => {}])
      return
    }
    for (let count = 0; count < min; count++) pass()
    if (max === Infinity) this.star(item, mode === 'lazy', pass)
    else this.optional(max - min, item, mode === 'lazy', pass)
  }

  private runLoop(set: ByteSet, { min, max, mode }: Extract<Node, { t: 'repeat' }>): void {
    const remembers = !this.refers && !this.inBehind
    this.emit(Op.run, this.loops.length)
    this.loops.push({ set, min, max, mode, remembers, registers: this.around, next: undefined })
    this.nexts.push(this.here)
    this.memo()
  }

  /** One pass that must match something, if it could be empty. */
  private pass(item: Node, body: () => void): void {
    if (!canBeEmpty(item)) {
      body()
      return
    }
    const register = this.registers++
    const { around } = this
    this.around = [...around, register]
    this.emit(Op.enter, register)
    body()
    this.emit(Op.moved, register)
    this.around = around
  }

  private star(item: Node, lazy: boolean, body: () => void): void {
    const head = this.here
    this.memo()
    if (lazy) {
      const into = this.emit(Op.split)
      const out = this.emit(Op.jump)
      this.land(into)
      this.pass(item, body)
      this.emit(Op.jump, head)
      this.land(out)
    } else {
      const out = this.emit(Op.split)
      this.pass(item, body)
      this.emit(Op.jump, head)
      this.land(out)
    }
  }

  private optional(count: number, item: Node, lazy: boolean, body: () => void): void {
    const outs: number[] = []
    for (let turn = 0; turn < count; turn++) {
      const split = this.emit(Op.split)
      if (lazy) {
        outs.push(this.emit(Op.jump))
        this.land(split)
      } else outs.push(split)
      this.pass(item, body)
    }
    for (const out of outs) this.land(out)
    if (count > 0) this.memo()
  }

  /** Bytes that can come next at an instruction; undefined when a match can end, or anything can follow. */
  private firstOf(start: number): ByteSet | undefined {
    const set = emptySet()
    const seen = new Set<number>()
    const open = [start]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue
      seen.add(at)
      const operand = this.code[at + 1]!
      switch (this.code[at]) {
        case Op.char:
          set[operand] = 1
          break
        case Op.set:
          addAll(set, this.sets[operand]!)
          break
        case Op.run: {
          const loop = this.loops[operand]!
          addAll(set, loop.set)
          if (loop.min === 0) open.push(at + opSize)
          break
        }
        case Op.split:
          open.push(operand, at + opSize)
          break
        case Op.jump:
        case Op.look:
        case Op.behind:
          open.push(operand)
          break
        case Op.backref:
        case Op.end:
        case Op.endBehind:
        case Op.match:
          return undefined
        default:
          open.push(at + opSize)
      }
    }
    return set
  }
}
