// Memory of buffers goes back at once, by handing it to nobody. V8 frees it when it collects garbage: a thread that is idle does not, and one
// that works does when its young generation is full, which takes thousands of small objects with several KB each outside of the heap.
import { MessageChannel } from 'node:worker_threads'

export function free(buffers: readonly ArrayBuffer[]): void {
  const { port1, port2 } = new MessageChannel()
  port2.close()
  port1.postMessage(undefined, buffers)
  port1.close()
}

/** Freed so many at a time: each time costs some ten microseconds. */
const spentMax = 64

/** Buffers that were read and that nobody reads again. */
export class Spent {
  private buffers: ArrayBuffer[] = []

  add({ buffer, length }: Uint8Array): void {
    // A view of memory that others have a part of stays.
    if (buffer.byteLength !== length || !(buffer instanceof ArrayBuffer)) return
    if (this.buffers.push(buffer) === spentMax) this.free()
  }

  free(): void {
    free(this.buffers)
    this.buffers = []
  }
}
