// Decides which patterns share an automaton. Joining patterns saves passes over the text but multiplies states when several of them can
// be half matched at the same time; that is so for patterns with loops over many bytes ("sticky"), the more so the more such loops.
// Stock body rules, states after 2,500 messages and their size, cold walk of one message:
//   60 plain ones; 6 sticky ones; giants alone           56,000, 17.6 MB, 0.20 ms, one group has a third of the states
//   120; sticky ones with 20 loops together; giants join  62,000, 21.1 MB, 0.16 ms
//   240; 20 loops; giants join                            65,000, 24.8 MB, 0.16 ms
//   120; 28 loops; giants join                            78,000, 25.8 MB, 0.16 ms
import type { PatternNfa } from './nfa.js'

const plainPerGroup = 120
const stickyPerGroup = 12
/** Sticky positions of a group. */
const loopsPerGroup = 20
/** A pattern with so many positions is joined with its neighbours of that kind only, up to so many together. */
const giantPositions = 4000
const giantsPositions = 40_000

/** Lists of pattern numbers. `sources` gives the order: neighbours with equal beginnings share states. */
export function planGroups(patterns: readonly PatternNfa[], sources: readonly string[]): number[][] {
  const keys = sources.map((source) =>
    source.replace(/^(?:\(\?[a-z]+\))+/, '').replace(/^(?:\\b|\(\?:|\(|\^)+/, ''),
  )
  const order = [...patterns.keys()].sort((a, b) =>
    keys[a]! < keys[b]! ? -1 : keys[a]! > keys[b]! ? 1 : a - b,
  )
  const positions = (index: number) => patterns[index]!.positions.length
  const sticky = (index: number) => patterns[index]!.sticky
  const giants = order.filter((index) => positions(index) > giantPositions)
  const rest = order.filter((index) => positions(index) <= giantPositions)
  return [
    ...filled(giants, positions, giantsPositions),
    ...chunks(
      rest.filter((index) => sticky(index) === 0),
      plainPerGroup,
    ),
    ...filled(
      rest.filter((index) => sticky(index) > 0),
      sticky,
      loopsPerGroup,
      stickyPerGroup,
    ),
  ]
}

/** Neighbours together until their weights or their number would be too large. */
function filled(
  list: readonly number[],
  weight: (index: number) => number,
  weightMax: number,
  countMax = Infinity,
): number[][] {
  const groups: number[][] = []
  let room = 0
  for (const index of list) {
    const group = groups.at(-1)
    room -= weight(index)
    if (group && room >= 0 && group.length < countMax) group.push(index)
    else {
      groups.push([index])
      room = weightMax - weight(index)
    }
  }
  return groups
}

function chunks(list: readonly number[], size: number): number[][] {
  const count = Math.ceil(list.length / size)
  return Array.from({ length: count }, (_, part) =>
    list.slice((part * list.length) / count, ((part + 1) * list.length) / count),
  )
}
