// The history in its thread: runs one command after the other on the store and answers with its value or with what went wrong. A file that
// is no sound database is set aside, one that cannot be opened costs the history and nothing else in this thread.
import type { MessagePort } from 'node:worker_threads'
import { recordsOf } from '../byte-batch.js'
import { setAsideIfDamaged } from '../damaged-file.js'
import { free } from '../free.js'
import type { Answer } from '../thread-port.js'
import type { HistoryCommand, HistoryMessage, HistorySetup } from './protocol.js'
import { unpackRow } from './row.js'
import { HistoryStore } from './store.js'

export function serveHistory(port: MessagePort, { path, rowsMax }: HistorySetup): void {
  const post = (message: HistoryMessage | Answer) => port.postMessage(message)
  let store: HistoryStore
  try {
    const aside = setAsideIfDamaged(path)
    if (aside !== undefined) post({ type: 'damaged', aside })
    store = new HistoryStore(path, rowsMax)
  } catch (error) {
    post({ type: 'refused', reason: messageOf(error) })
    port.close()
    return
  }
  port.on('message', ({ call, command }: { call: number; command: HistoryCommand }) => {
    try {
      post({ call, value: run(store, command) })
    } catch (error) {
      post({ call, error: messageOf(error) })
    }
    if (command.type === 'close') port.close()
  })
}

function run(store: HistoryStore, command: HistoryCommand): unknown {
  switch (command.type) {
    case 'add':
      return addAll(store, command.rows)
    case 'rows':
      return store.rows(command.query)
    case 'throughput':
      return store.throughput(command.since, command.stepSeconds)
    case 'reset':
      return store.reset()
    case 'close':
      return store.close()
  }
}

function addAll(store: HistoryStore, batch: readonly Uint8Array<ArrayBuffer>[]): void {
  try {
    store.add(Array.from(recordsOf(batch), unpackRow))
  } finally {
    free(batch.map(({ buffer }) => buffer))
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
