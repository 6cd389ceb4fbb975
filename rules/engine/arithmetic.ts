// The expressions of all metas as instructions in one array, and the loop that runs them. As trees of closures they lay all over the
// memory: a meta then cost 1 us, most of it waiting, and a message runs 50.
import type { BinaryOp, Expression } from './expression.js'

const Op = {
  end: 0,
  /** rule: pushes its value */
  value: 1,
  /** place in `numbers` */
  number: 2,
  not: 3,
  negate: 4,
  /** target: leaves a 0 and goes there, else takes the value away */
  and: 5,
  /** target: leaves a value that is not 0 and goes there, else takes it away */
  or: 6,
  /** target: takes the value away and goes there when it is 0 */
  ifZero: 7,
  /** target */
  jump: 8,
  /** rule, target: pushes 0 and goes there when the rule has not hit */
  need: 9,
  /** rule, target: pushes 0 and goes there when it has */
  miss: 10,
  /** rule, target: pushes its value and goes there when it has hit */
  any: 11,
  xor: 12,
  equal: 13,
  unequal: 14,
  less: 15,
  lessOrEqual: 16,
  greater: 17,
  greaterOrEqual: 18,
  plus: 19,
  minus: 20,
  times: 21,
  divided: 22,
} as const

const binaryOps: Readonly<Record<Exclude<BinaryOp, '&&' | '||'>, number>> = {
  '^': Op.xor,
  '==': Op.equal,
  '!=': Op.unequal,
  '<': Op.less,
  '<=': Op.lessOrEqual,
  '>': Op.greater,
  '>=': Op.greaterOrEqual,
  '+': Op.plus,
  '-': Op.minus,
  '*': Op.times,
  '/': Op.divided,
}

/** Where the value of a name stands; undefined = it is always 0. */
export type Slot = (name: string) => number | undefined

export class Assembler {
  private readonly code: number[] = []
  private readonly numbers: number[] = []
  private depth = 0
  private deepest = 0
  private readonly local: boolean

  /** @param local value of `local_tests_only` */
  constructor(local: boolean) {
    this.local = local
  }

  /** @returns where the expression's instructions start */
  add(tree: Expression, slot: Slot): number {
    const start = this.code.length
    this.depth = 0
    this.emit(tree, slot)
    this.code.push(Op.end)
    return start
  }

  finish(): Arithmetic {
    return new Arithmetic(Int32Array.from(this.code), Float64Array.from(this.numbers), this.deepest)
  }

  private push(...instruction: number[]): void {
    this.code.push(...instruction)
    this.depth++
    this.deepest = Math.max(this.deepest, this.depth)
  }

  private emit(tree: Expression, slot: Slot): void {
    switch (tree.t) {
      case 'number':
        this.pushNumber(tree.value)
        break
      case 'call':
        this.pushNumber(0)
        break
      case 'name': {
        const rule = this.ruleOf(tree, slot)
        if (rule !== undefined) this.push(Op.value, rule)
        else this.pushNumber(tree.name === 'local_tests_only' && this.local ? 1 : 0)
        break
      }
      case 'unary':
        this.emit(tree.item, slot)
        this.code.push(tree.op === '!' ? Op.not : Op.negate)
        break
      case 'choice':
        this.emitChoice(tree, slot)
        break
      case 'binary':
        if (tree.op === '&&') this.emitAnd(tree, slot)
        else if (tree.op === '||') this.emitOr(tree, slot)
        else {
          this.emit(tree.left, slot)
          this.emit(tree.right, slot)
          this.code.push(binaryOps[tree.op])
          this.depth--
        }
    }
  }

  private pushNumber(value: number): void {
    this.push(Op.number, this.numbers.push(value) - 1)
  }

  private ruleOf(tree: Expression, slot: Slot): number | undefined {
    return tree.t === 'name' && tree.name !== 'local_tests_only' ? slot(tree.name) : undefined
  }

  private emitChoice(tree: Extract<Expression, { t: 'choice' }>, slot: Slot): void {
    this.emit(tree.when, slot)
    const toNo = this.leave(Op.ifZero)
    this.emit(tree.yes, slot)
    const toEnd = this.leave(Op.jump)
    this.land(toNo)
    this.emit(tree.no, slot)
    this.land(toEnd)
  }

  /**
   * 0, or the value of the last item. The others are asked in whatever order is quickest, bare names first, because asking changes
   * nothing.
   */
  private emitAnd(tree: Expression, slot: Slot): void {
    const items = chainOf(tree, '&&')
    const last = items.at(-1)!
    const toEnd: number[] = []
    const others: Expression[] = []
    const unset: number[] = []
    for (const item of items) {
      const negated = item.t === 'unary' && item.op === '!'
      const rule = this.ruleOf(negated ? item.item : item, slot)
      if (rule === undefined) {
        if (item !== last) others.push(item)
      } else if (negated) unset.push(rule)
      else toEnd.push(this.ask(Op.need, rule))
    }
    for (const rule of unset) toEnd.push(this.ask(Op.miss, rule))
    for (const item of others) {
      this.emit(item, slot)
      toEnd.push(this.leave(Op.and))
    }
    this.emit(last, slot)
    for (const at of toEnd) this.land(at)
  }

  /** The first item that is not 0, or the last one. */
  private emitOr(tree: Expression, slot: Slot): void {
    const items = chainOf(tree, '||')
    const toEnd: number[] = []
    for (const item of items.slice(0, -1)) {
      const rule = this.ruleOf(item, slot)
      if (rule !== undefined) toEnd.push(this.ask(Op.any, rule))
      else {
        this.emit(item, slot)
        toEnd.push(this.leave(Op.or))
      }
    }
    this.emit(items.at(-1)!, slot)
    for (const at of toEnd) this.land(at)
  }

  /** A question to a rule whose target comes later. */
  private ask(op: number, rule: number): number {
    return this.code.push(op, rule, 0) - 1
  }

  /** An instruction that takes a value away, or leaves with it; its target comes later. */
  private leave(op: number): number {
    this.depth--
    return this.code.push(op, 0) - 1
  }

  private land(target: number): void {
    this.code[target] = this.code.length
  }
}

/** Items of a chain of one operator, the leftmost first. */
function chainOf(tree: Expression, op: '&&' | '||'): Expression[] {
  const items: Expression[] = []
  let left = tree
  for (; left.t === 'binary' && left.op === op; left = left.left) items.push(left.right)
  items.push(left)
  return items.reverse()
}

export class Arithmetic {
  private readonly stack: Float64Array

  constructor(
    private readonly code: Int32Array,
    private readonly numbers: Float64Array,
    depth: number,
  ) {
    this.stack = new Float64Array(depth + 1)
  }

  /** Value of the expression that starts there, given the values of the rules. */
  run(start: number, values: Float64Array): number {
    const code = this.code
    const numbers = this.numbers
    const stack = this.stack
    let at = start
    /** Of the topmost value. */
    let top = -1
    for (;;) {
      const operand = code[at + 1]!
      switch (code[at]) {
        case Op.value:
          stack[++top] = values[operand]!
          at += 2
          break
        case Op.need:
        case Op.miss:
          if ((values[operand] === 0) === (code[at] === Op.need)) {
            stack[++top] = 0
            at = code[at + 2]!
          } else at += 3
          break
        case Op.any:
          if (values[operand] !== 0) {
            stack[++top] = values[operand]!
            at = code[at + 2]!
          } else at += 3
          break
        case Op.and:
          if (stack[top] === 0) at = operand
          else {
            top--
            at += 2
          }
          break
        case Op.or:
          if (stack[top] !== 0) at = operand
          else {
            top--
            at += 2
          }
          break
        case Op.number:
          stack[++top] = numbers[operand]!
          at += 2
          break
        case Op.not:
          stack[top] = stack[top] === 0 ? 1 : 0
          at++
          break
        case Op.negate:
          stack[top] = -stack[top]!
          at++
          break
        case Op.ifZero:
          at = stack[top--] === 0 ? operand : at + 2
          break
        case Op.jump:
          at = operand
          break
        case Op.end:
          return stack[0]!
        default: {
          const right = stack[top--]!
          stack[top] = combine(code[at]!, stack[top]!, right)
          at++
        }
      }
    }
  }
}

function combine(op: number, left: number, right: number): number {
  switch (op) {
    case Op.xor:
      return left ^ right
    case Op.equal:
      return left === right ? 1 : 0
    case Op.unequal:
      return left !== right ? 1 : 0
    case Op.less:
      return left < right ? 1 : 0
    case Op.lessOrEqual:
      return left <= right ? 1 : 0
    case Op.greater:
      return left > right ? 1 : 0
    case Op.greaterOrEqual:
      return left >= right ? 1 : 0
    case Op.plus:
      return left + right
    case Op.minus:
      return left - right
    case Op.times:
      return left * right
    default:
      return right === 0 ? 0 : left / right
  }
}
