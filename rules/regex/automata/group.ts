// Decides which patterns share an automaton. Joining patterns saves passes over the text but multiplies states when several of them can
// be half matched at the same time; that is so for patterns with loops over many bytes ("sticky"). Sizes, stock body rules after 1,200
// messages: 60 x 10 and loops over 60 bytes 8.3 million entries, 443,000 builds; 60 x 6 and loops over 20 bytes 4.4 million, 301,000.
import type { PatternNfa } from './nfa.js'

const plainPerGroup = 60
const stickyPerGroup = 6
/** A pattern with so many positions stays alone. */
const giantPositions = 4000

/** Lists of pattern numbers. `sources` gives the order: neighbours with equal beginnings share states. */
export function planGroups(patterns: readonly PatternNfa[], sources: readonly string[]): number[][] {
  const keys = sources.map((source) =>
    source.replace(/^(?:\(\?[a-z]+\))+/, '').replace(/^(?:\\b|\(\?:|\(|\^)+/, ''),
  )
  const order = [...patterns.keys()].sort((a, b) =>
    keys[a]! < keys[b]! ? -1 : keys[a]! > keys[b]! ? 1 : a - b,
  )
  const giants = order.filter((index) => patterns[index]!.positions.length > giantPositions)
  const rest = order.filter((index) => patterns[index]!.positions.length <= giantPositions)
  return [
    ...giants.map((index) => [index]),
    ...chunks(
      rest.filter((index) => patterns[index]!.sticky === 0),
      plainPerGroup,
    ),
    ...chunks(
      rest.filter((index) => patterns[index]!.sticky > 0),
      stickyPerGroup,
    ),
  ]
}

function chunks(list: readonly number[], size: number): number[][] {
  const count = Math.ceil(list.length / size)
  return Array.from({ length: count }, (_, part) =>
    list.slice((part * list.length) / count, ((part + 1) * list.length) / count),
  )
}
