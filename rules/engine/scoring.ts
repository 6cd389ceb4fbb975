// The lines that say something about a rule without defining it: score, describe, tflags, priority, shortcircuit, replace_rules.
import type { RuleBook, Scores } from './book.js'

/** 'done', or why the line is refused. */
export type LineOutcome = 'done' | 'missing' | 'invalid'

/** One value for all four sets, or four; `(n)` adds to what was set before. */
export function readScore(value: string, book: RuleBook): LineOutcome {
  const [rule, ...texts] = value.split(/\s+/)
  if (rule === undefined || rule === '' || (texts.length !== 1 && texts.length !== 4)) return 'missing'
  let relative = false
  const numbers: number[] = []
  for (const text of texts) {
    const bracketed = /^\((-?\d+(?:\.\d+)?)\)$/.exec(text)?.[1]
    if (bracketed !== undefined) relative = true
    const digits = bracketed ?? text
    if (!/^-?\d+(?:\.\d+)?$/.test(digits)) return 'invalid'
    numbers.push(Number(digits))
  }
  const before = book.scores.get(rule)
  if (relative && !before) return 'invalid'
  const base = relative ? before! : [0, 0, 0, 0]
  const scores = [0, 1, 2, 3].map((set) => (base[set] ?? 0) + (numbers[set] ?? numbers[0]!))
  book.scores.set(rule, scores as unknown as Scores)
  return 'done'
}

export function readDescribe(value: string, book: RuleBook): LineOutcome {
  const found = /^(\S+)\s+(.+)$/s.exec(value)
  if (!found) return 'missing'
  book.descriptions.set(found[1]!, found[2]!)
  return 'done'
}

export function readTflags(value: string, book: RuleBook): LineOutcome {
  const found = /^(\S+)\s+(.+)$/s.exec(value)
  if (!found) return 'missing'
  book.tflags.set(found[1]!, found[2]!)
  return 'done'
}

export function readPriority(value: string, book: RuleBook): LineOutcome {
  const found = /^(\S+)\s+(.+)$/s.exec(value)
  if (!found) return 'missing'
  if (!/^[_A-Za-z][_A-Za-z0-9]{0,127}$/.test(found[1]!) || !/^-?\d+$/.test(found[2]!)) return 'invalid'
  book.priorities.set(found[1]!, Number(found[2]))
  return 'done'
}

/** `shortcircuit RULE ham|spam` is short for an early priority and flags. */
export function readShortcircuit(value: string, book: RuleBook): LineOutcome {
  if (value === '') return 'missing'
  const found = /^(\w+)\s+(\w+)$/.exec(value)
  if (!found) return 'invalid'
  const [, rule, type] = found as unknown as [string, string, string]
  if (type === 'ham' || type === 'spam') {
    book.shortcircuit.set(rule, type)
    if (!book.priorities.get(rule)) book.priorities.set(rule, -200)
    book.addTflags(rule, type === 'ham' ? 'nice noautolearn' : 'noautolearn')
  } else if (type === 'on' || type === 'off') book.shortcircuit.set(rule, type)
  else return 'invalid'
  return 'done'
}

/** Key of the line -> its reader. */
export const ruleLineReaders: ReadonlyMap<string, (value: string, book: RuleBook) => LineOutcome> = new Map([
  ['score', readScore],
  ['describe', readDescribe],
  ['tflags', readTflags],
  ['priority', readPriority],
])
