// The history as the main thread has it: rows go in without waiting, in batches of one transaction; questions are promises. The SQLite work
// happens in another thread (service.ts). A file that cannot be opened or a thread that dies costs the history, never a scan.
import { ByteBatch } from '../byte-batch.js'
import { type Answer, Calls, type ThreadPort } from '../thread-port.js'
import type { HistoryCommand, HistoryMessage, HistorySetup } from './protocol.js'
import type { History } from './types.js'

export type * from './types.js'

/** A batch is written after so long, or when it is full. */
const batchMs = 1000
/** Rows waiting for the thread; above it new rows are dropped and counted. */
const waitingRowsMax = 20_000

export interface HistoryOptions extends HistorySetup {
  /** Told once per failure of the store. */
  readonly onError?: (message: string) => void
}

/** Opens the history where `thread` says. */
export function openHistory(options: HistoryOptions, thread: (setup: HistorySetup) => ThreadPort): History {
  const { path, rowsMax, onError } = options
  const port = thread({ path, rowsMax })
  const calls = new Calls<HistoryCommand>(port)
  const batch = new ByteBatch()
  let timer: NodeJS.Timeout | undefined
  let inFlight = 0
  let dropped = 0

  const fail = (error: Error) => {
    if (calls.ended) return
    calls.end(error)
    onError?.(error.message)
  }
  port.onEnd(fail)
  port.onMessage((posted) => {
    const message = posted as HistoryMessage | Answer
    if ('call' in message) calls.answer(message)
    else if (message.type === 'refused') fail(new Error(message.reason))
    else onError?.(`the database was damaged; it is kept as ${message.aside} and begins anew`)
  })

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const { records } = batch
    if (records === 0) return
    const rows = batch.take()
    inFlight += records
    calls
      .ask(
        { type: 'add', rows },
        rows.map(({ buffer }) => buffer),
      )
      .catch((error: Error) => {
        dropped += records
        if (!calls.ended) onError?.(error.message)
      })
      .finally(() => {
        inFlight -= records
      })
  }

  /** Questions see everything that was added before them. */
  async function read<T>(command: HistoryCommand): Promise<T> {
    flush()
    return calls.ask<T>(command)
  }

  return {
    add(row) {
      if (calls.ended || batch.records + inFlight >= waitingRowsMax) {
        dropped += 1
        return
      }
      batch.add(row)
      if (batch.isFull) flush()
      else timer ??= setTimeout(flush, batchMs).unref()
    },
    rows: (query) => read({ type: 'rows', query }),
    throughput: (since, stepSeconds) => read({ type: 'throughput', since, stepSeconds }),
    reset: () => read({ type: 'reset' }),
    get dropped() {
      return dropped
    },
    async close() {
      if (calls.ended) return
      await read({ type: 'close' }).catch(() => {})
      calls.end(new Error('the history is closed'))
      await port.close()
    },
  }
}
