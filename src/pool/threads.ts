// The threads of scan workers. A start makes them before anything else: each loads its code while the main thread reads rules and opens the
// learner, and is then told what to scan by (worker.ts).
import { Worker } from 'node:worker_threads'

/** Garbage of a scan or two; with V8's own choice each worker keeps 48 MB for it. */
const youngMb = 16

export function startThread(): Worker {
  return new Worker(new URL('./worker.js', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: youngMb },
  })
}

export class ScanThreads {
  private readonly ahead: Worker[]

  /** @param count threads started at once; further ones are started when they are asked for. */
  constructor(count: number) {
    this.ahead = Array.from({ length: count }, startThread)
  }

  /** A thread that waits for its setup. */
  take(): Worker {
    return this.ahead.pop() ?? startThread()
  }

  /** Ends those that nobody took: a start that failed. */
  close(): void {
    for (const thread of this.ahead.splice(0)) void thread.terminate()
  }
}
