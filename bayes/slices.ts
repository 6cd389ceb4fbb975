// Long work in slices: a generator that yields where something else may be done. Commands run it through, a thread that serves others too
// goes back to its events after each slice.

/** Runs it to its end. */
export function runThrough<T>(steps: Generator<void, T>): T {
  let step = steps.next()
  while (!step.done) step = steps.next()
  return step.value
}

export async function runInSlices<T>(steps: Generator<void, T>): Promise<T> {
  let step = steps.next()
  while (!step.done) {
    await new Promise((resolve) => setImmediate(resolve))
    step = steps.next()
  }
  return step.value
}
