// The thread of everything that SQLite keeps for a server: learner and history. Together, because each thread has a heap and a Node of its
// own, some 10 MB, and neither has much to do. Each has its own file and its own port, and fails for itself.
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { LearnerStart } from '../bayes/protocol.js'
import type { HistorySetup } from './history/protocol.js'
import { portInThread, type ThreadPort } from './thread-port.js'

/** What the thread is told: what to serve, and where. */
export type StoreOpening =
  | { readonly store: 'learner'; readonly port: MessagePort; readonly setup: LearnerStart }
  | { readonly store: 'history'; readonly port: MessagePort; readonly setup: HistorySetup }

export interface StoresThread {
  learner(setup: LearnerStart): ThreadPort
  history(setup: HistorySetup): ThreadPort
  /** After its stores: what they were told is done then. */
  close(): Promise<void>
}

export function startStores(): StoresThread {
  const worker = new Worker(new URL('./stores-thread.js', import.meta.url))
  const open = (opening: (port: MessagePort) => StoreOpening): ThreadPort => {
    const { port1, port2 } = new MessageChannel()
    worker.postMessage(opening(port2), [port2])
    return portInThread(worker, port1)
  }
  return {
    learner: (setup) => open((port) => ({ store: 'learner', port, setup })),
    history: (setup) => open((port) => ({ store: 'history', port, setup })),
    close: async () => void (await worker.terminate()),
  }
}
