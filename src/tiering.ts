// How much a function runs before V8 optimises it. A flag of the whole process, which counts for functions that first run after it was set.
// V8's own is 67,584. Node's later than 20 count invocations instead, and would print an error for it.
import { setFlagsFromString } from 'node:v8'

function setBudget(budget: number): void {
  if (process.versions.v8.startsWith('11.')) setFlagsFromString(`--interrupt-budget=${budget}`)
}

/**
 * For what runs long: the two thousandth scan costs what else the six thousandth does (stock rules, messages 2,000 to 6,000: 2.0 ms of CPU
 * instead of 2.7; 12,000 gains no more).
 */
export function optimiseSoon(): void {
  setBudget(30_000)
}

/**
 * For the start of a server: what is soon optimised there reads rules, or has seen two messages and is optimised again for the next ones.
 * A third less CPU time until `ready`, another third less for the first 200 messages; from the thousandth on it is the same.
 */
export function optimiseLate(): void {
  setBudget(250_000)
}
