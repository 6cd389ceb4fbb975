// The way to a service that runs in another thread, as its client has it. A service has a thread of its own, or shares one with others
// and has a port there: its client need not know.
import type { MessagePort, Worker } from 'node:worker_threads'

export interface ThreadPort {
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void
  /** Once: who listens gets everything. */
  onMessage(listener: (message: unknown) => void): void
  /** Told when the thread is gone, with the reason. */
  onEnd(listener: (error: Error) => void): void
  /** Nothing comes any more. Ends a thread that serves nobody else. */
  close(): Promise<void>
}

/** A service that has the thread for itself. */
export function portOfThread(worker: Worker): ThreadPort {
  return {
    post: (message, transfer) => worker.postMessage(message, transfer ?? []),
    onMessage: (listener) => void worker.on('message', listener),
    onEnd: (listener) => whenEnded(worker, listener),
    close: async () => void (await worker.terminate()),
  }
}

/** A service that answers at `port` in a thread that serves others as well. */
export function portInThread(worker: Worker, port: MessagePort): ThreadPort {
  return {
    post: (message, transfer) => port.postMessage(message, transfer ?? []),
    onMessage(listener) {
      port.on('message', listener)
      // The thread itself keeps the process alive.
      port.unref()
    },
    onEnd: (listener) => whenEnded(worker, listener),
    close: async () => port.close(),
  }
}

function whenEnded(worker: Worker, listener: (error: Error) => void): void {
  worker.on('error', (error) => listener(error instanceof Error ? error : new Error(String(error))))
  worker.on('exit', () => listener(new Error('the thread has ended')))
}

/** An answer as a service posts it: what it gave back, or what went wrong. */
export interface Answer {
  readonly call: number
  readonly value?: unknown
  readonly error?: string
}

/** Calls of a service under way: each has a number, the answer bears it. Whoever asks a service that has ended does not wait for ever. */
export class Calls<Command> {
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  private last = 0
  /** Why there are no answers any more. */
  ended: Error | undefined

  constructor(private readonly port: ThreadPort) {}

  ask<T>(command: Command, transfer?: readonly ArrayBuffer[]): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(this.ended)
      const call = ++this.last
      this.waiting.set(call, { resolve: resolve as (value: unknown) => void, reject })
      this.port.post({ call, command }, transfer)
    })
  }

  answer({ call, value, error }: Answer): void {
    const asked = this.waiting.get(call)
    this.waiting.delete(call)
    if (error === undefined) asked?.resolve(value)
    else asked?.reject(new Error(error))
  }

  end(error: Error): void {
    if (this.ended) return
    this.ended = error
    for (const asked of this.waiting.values()) asked.reject(error)
    this.waiting.clear()
  }
}
