// clamd with counters around it, for /metrics: how often it answered, found something, or did not answer.
import type { Gauge } from '../src/metrics.js'
import type { Clamd } from '../src/types.js'

export interface CountedClamd extends Clamd {
  readonly outcomes: Readonly<Record<'clean' | 'infected' | 'failed', number>>
  /** Whether the last answer was one. */
  readonly isUp: boolean
}

export function countClamd(clamd: Clamd): CountedClamd {
  const outcomes = { clean: 0, infected: 0, failed: 0 }
  let isUp = true
  return {
    outcomes,
    get isUp() {
      return isUp
    },
    async scan(raw, deadline) {
      const outcome = await clamd.scan(raw, deadline)
      outcomes[outcome.status]++
      isUp = outcome.status !== 'failed'
      return outcome
    },
  }
}

export function clamdGauges(clamd: CountedClamd | undefined): Gauge[] {
  if (!clamd) return []
  const help = 'Messages handed to clamd by outcome'
  return [
    { name: 'clamd_up', help: 'The last answer of clamd was one', value: clamd.isUp ? 1 : 0 },
    ...Object.entries(clamd.outcomes).map(([outcome, value]) => ({
      name: 'clamd_scans',
      help,
      value,
      counter: true,
      labels: { outcome },
    })),
  ]
}
