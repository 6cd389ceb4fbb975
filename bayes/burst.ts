// What was learned since the weights were last rebuilt, as far as it tells whether they should be again.
import type { MailClass } from '../src/types.js'

/** A burst is one-sided when more than this share of its learnings is of one class. */
const oneSidedShare = 0.9
const oneSidedMin = 20
/** A burst is large when it is more than this share of all that is counted. */
const largeShare = 0.1
const largeMin = 100

export class Burst {
  private spam = 0
  private ham = 0

  add(what: MailClass): void {
    this[what]++
  }

  clear(): void {
    this.spam = 0
    this.ham = 0
  }

  get isOneSided(): boolean {
    const n = this.spam + this.ham
    return n >= oneSidedMin && Math.max(this.spam, this.ham) > oneSidedShare * n
  }

  /** @param counted mails of the site that count */
  isLarge(counted: number): boolean {
    const n = this.spam + this.ham
    return n >= largeMin && n > largeShare * counted
  }
}
