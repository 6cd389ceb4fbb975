// A backtracking matcher that counts its steps: the measure of how a pattern behaves on a text, without running V8's engine on an
// attack. Semantics are those of the tree; speed does not matter, the step limit does.
import { anySet, bytesOf, type Node, otherCase, wordSet } from './ast.js'

export interface Simulated {
  readonly matched: boolean
  readonly steps: number
  /** The limit was reached, or the text was too deep for our stack: `steps` is a lower bound. */
  readonly stopped: boolean
}

class StepLimit extends Error {}

type Continue = (at: number) => boolean
type Matcher = (at: number, then: Continue) => boolean

/** Searches the text from every start, as an unanchored regex does. */
export function simulate(root: Node, text: string, stepsMax: number): Simulated {
  const run = new Simulation(text, stepsMax)
  try {
    return { matched: run.search(root), steps: run.steps, stopped: false }
  } catch (error) {
    if (error instanceof StepLimit || error instanceof RangeError)
      return { matched: false, steps: run.steps, stopped: true }
    throw error
  }
}

class Simulation {
  steps = 0
  private readonly text: string
  private readonly stepsMax: number
  private readonly captured = new Map<number, readonly [number, number]>()

  constructor(text: string, stepsMax: number) {
    this.text = text
    this.stepsMax = stepsMax
  }

  search(root: Node): boolean {
    const matcher = this.compile(root)
    for (let start = 0; start <= this.text.length; start++) if (matcher(start, () => true)) return true
    return false
  }

  private step(): void {
    if (++this.steps > this.stepsMax) throw new StepLimit()
  }

  private compile(node: Node): Matcher {
    const set = bytesOf(node)
    if (set) {
      return (at, then) => {
        this.step()
        return set[this.text.charCodeAt(at)] === 1 && then(at + 1)
      }
    }
    switch (node.t) {
      case 'seq':
        return node.items
          .map((item) => this.compile(item))
          .reduceRight<Matcher>(
            (rest, item) => (at, then) => item(at, (next) => rest(next, then)),
            (at, then) => then(at),
          )
      case 'alt': {
        const items = node.items.map((item) => this.compile(item))
        return (at, then) => items.some((item) => item(at, then))
      }
      case 'repeat':
        return this.repeat(node)
      case 'capture':
        return this.capture(node.index, this.compile(node.item))
      case 'atomic':
        return this.atomic(this.compile(node.item))
      case 'look':
        return this.look(node)
      case 'backref':
        return this.backref(node.index, node.fold)
      case 'assert':
        return (at, then) => this.holds(node.kind, at) && then(at)
      default:
        return (at, then) => then(at)
    }
  }

  private repeat(node: Extract<Node, { t: 'repeat' }>): Matcher {
    const set = bytesOf(node.item)
    const matcher = set ? this.run(set, node) : this.loop(this.compile(node.item), node)
    return node.mode === 'possessive' ? this.atomic(matcher) : matcher
  }

  /** A loop over single bytes: no recursion per byte. */
  private run(set: Uint8Array, { min, max, mode }: Extract<Node, { t: 'repeat' }>): Matcher {
    return (at, then) => {
      let longest = 0
      while (longest < max && set[this.text.charCodeAt(at + longest)] === 1) {
        this.step()
        longest++
      }
      if (longest < min) return false
      for (let tried = 0; tried <= longest - min; tried++) {
        this.step()
        if (then(at + (mode === 'lazy' ? min + tried : longest - tried))) return true
      }
      return false
    }
  }

  private loop(item: Matcher, { min, max, mode }: Extract<Node, { t: 'repeat' }>): Matcher {
    const again = (at: number, count: number, then: Continue): boolean => {
      this.step()
      const more = () =>
        count < max &&
        item(at, (next) => (next === at && count >= min ? false : again(next, count + 1, then)))
      if (mode === 'lazy') return (count >= min && then(at)) || more()
      return more() || (count >= min && then(at))
    }
    return (at, then) => again(at, 0, then)
  }

  private capture(index: number, item: Matcher): Matcher {
    return (at, then) =>
      item(at, (next) => {
        const before = this.captured.get(index)
        this.captured.set(index, [at, next])
        if (then(next)) return true
        if (before) this.captured.set(index, before)
        else this.captured.delete(index)
        return false
      })
  }

  private atomic(item: Matcher): Matcher {
    return (at, then) => {
      let end = -1
      const found = item(at, (next) => {
        end = next
        return true
      })
      return found && then(end)
    }
  }

  private look(node: Extract<Node, { t: 'look' }>): Matcher {
    const item = this.compile(node.item)
    return (at, then) => {
      let found = false
      if (node.ahead) found = item(at, () => true)
      else for (let start = at; start >= 0 && !found; start--) found = item(start, (end) => end === at)
      return found !== node.negative && then(at)
    }
  }

  private backref(index: number, fold: boolean): Matcher {
    return (at, then) => {
      const range = this.captured.get(index)
      if (!range) return false
      const length = range[1] - range[0]
      for (let offset = 0; offset < length; offset++) {
        this.step()
        const wanted = this.text.charCodeAt(range[0] + offset)
        const code = this.text.charCodeAt(at + offset)
        if (code !== wanted && !(fold && otherCase(wanted) === code)) return false
      }
      return then(at + length)
    }
  }

  private holds(kind: Extract<Node, { t: 'assert' }>['kind'], at: number): boolean {
    const { text } = this
    const word = (index: number) => wordSet[text.charCodeAt(index)] === 1
    switch (kind) {
      case 'start':
        return at === 0
      case 'lineStart':
        return at === 0 || (text[at - 1] === '\n' && at < text.length)
      case 'end':
        return at === text.length
      case 'endOrLf':
        return at === text.length || (at === text.length - 1 && text[at] === '\n')
      case 'lineEnd':
        return at === text.length || text[at] === '\n'
      case 'word':
        return word(at - 1) !== word(at)
      case 'notWord':
        return word(at - 1) === word(at)
    }
  }
}

/** A byte of the set that reads well in a report: a letter, a digit, a blank, else the first. */
export function sampleByte(set: Uint8Array): number | undefined {
  for (const code of [97, 65, 48, 32, 45, 46]) if (set[code] === 1) return code
  const first = set.indexOf(1)
  return first < 0 ? undefined : first
}

/** A byte outside the set, to make a match fail. */
export function otherByte(set: Uint8Array): number | undefined {
  return sampleByte(anySet.map((_, code) => (set[code] === 1 ? 0 : 1)))
}
