// A list that a directive fills line by line. Every line gives a new value (a Plan may be shared and overlaid with a user's
// preferences), so it grows in blocks: copying one block per line keeps 50,000 lines of an admin's list linear in practice.

export interface Growing<T> {
  readonly blocks: readonly (readonly T[])[]
}

/** Entries of one block. */
const blockSize = 256

export function nothing<T>(): Growing<T> {
  return { blocks: [] }
}

export function grow<T>(list: Growing<T>, entries: readonly T[]): Growing<T> {
  const last = list.blocks.at(-1)
  if (!last || last.length >= blockSize) return { blocks: [...list.blocks, entries] }
  return { blocks: [...list.blocks.slice(0, -1), [...last, ...entries]] }
}

export function* entriesOf<T>(list: Growing<T>): Generator<T> {
  for (const block of list.blocks) yield* block
}

/** Derives something costly from a directive's value once for each value, not once for each message. */
export function derived<V extends object, D>(make: (value: V) => D): (value: V) => D {
  const known = new WeakMap<V, D>()
  // Without preferences of users every message asks of the same value.
  let latest: V | undefined
  let latestResult: D | undefined
  return (value) => {
    if (value === latest) return latestResult as D
    let result = known.get(value)
    if (result === undefined) {
      result = make(value)
      known.set(value, result)
    }
    latest = value
    latestResult = result
    return result
  }
}
