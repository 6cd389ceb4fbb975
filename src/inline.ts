// Scans in the thread that asks: small machines (`--workers 0`), commands and tests. The same straight line as in a worker, no watchdog.
import type { CoreOptions, Runner } from './core.js'
import { CoreError } from './errors.js'
import { createScanClassifier } from './opinion.js'
import type { Ruling } from './pool/pool.js'
import { warmUp } from './pool/warmup.js'
import { createScanner, type Scanner } from './scanner.js'

export async function createInlineRunner(ruling: Ruling, options: CoreOptions): Promise<Runner> {
  const make = (given: Ruling, before?: Scanner): Scanner => {
    const { net, dataDir, history = false, learner } = options
    const classifier = learner && createScanClassifier(learner.shared)
    return createScanner({ ...given, net, dataDir, history, classifier }, before)
  }
  let scanner = make(ruling)
  await warmUp(scanner.context)
  let inFlight = 0
  let idle: (() => void) | undefined
  let closing = false
  return {
    // Those whose look-ups are awaited: all of them wait for this one thread.
    get waiting() {
      return inFlight
    },
    get inFlight() {
      return inFlight
    },
    workersReady: 1,
    suspendedRules: [],
    async scan(request) {
      if (closing) throw new CoreError('shutting-down', 'hamd is shutting down')
      if (inFlight >= options.queueMax)
        throw new CoreError('overloaded', `${inFlight} messages are under way already`)
      inFlight++
      try {
        return await scanner.scan(request)
      } catch (error) {
        throw new CoreError('scan-failed', error instanceof Error ? error.message : String(error), {
          cause: error,
        })
      } finally {
        inFlight--
        if (inFlight === 0) idle?.()
      }
    },
    async reload(next) {
      const fresh = make(next, scanner)
      await warmUp(fresh.context)
      scanner.retire()
      scanner = fresh
    },
    async close() {
      closing = true
      if (inFlight > 0) await new Promise<void>((resolve) => (idle = resolve))
    },
  }
}
