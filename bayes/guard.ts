// Changes of ledger and memory as one: all of it is kept or nothing. When the store fails, memory follows the ledger again and whoever asked
// gets the reason. Knows why learning is refused, and what an admin should be told.
import { isDamage, type Ledger } from './store/ledger.js'

const notesMax = 50

export class Guard {
  /** What an admin should know: damage, refusals, held sources. */
  readonly notes: string[] = []
  /** Why learning is refused at the moment, if it is. */
  refusal: string | undefined

  /** @param reload puts everything in memory as the ledger has it. */
  constructor(
    private readonly ledger: Ledger,
    private readonly reload: () => void,
  ) {}

  /** Runs a change as one transaction, or as a part of the one that is under way. */
  change<T>(work: () => T, failed: (reason: string) => T): T {
    try {
      return this.ledger.db.inTransaction ? work() : this.ledger.transaction(work)
    } catch (error) {
      const reason = messageOf(error)
      this.say(`learning failed: ${reason}`)
      if (isDamage(error)) this.refusal = `the learner's database is damaged: ${reason}`
      else this.reload()
      return failed(reason)
    }
  }

  say(note: string): void {
    if (this.notes.at(-1) !== note) this.notes.push(note)
    if (this.notes.length > notesMax) this.notes.shift()
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
