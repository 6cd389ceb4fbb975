// Lets V8 collect shared memory that nobody uses any more.

/** V8 begins to mark, beside the work, when so much (64 MB) was allocated outside its heap since the last time. */
const noticedBytes = 80 << 20

/**
 * To be called when a thread has let go of automata. V8 does not count shared memory: their states, some 35 MB, would stay through
 * several reloads, until a collection for other reasons (stock rules: 60 to 100 MB of them). An array that nobody writes to takes no
 * memory, but counts.
 */
export function noticeStaleMemory(): void {
  new ArrayBuffer(noticedBytes)
}
