// Lets V8 collect shared memory that nobody uses any more.

/** V8 begins to mark, beside the work, when so much (64 MB) was allocated outside its heap since the last time. */
const noticedBytes = 80 << 20
/** Once more: a collection under way has marked what is given up only now, and scans of the old ruling may await look-ups. */
const laterMs = 5000

/**
 * To be called when a thread has let go of automata. V8 does not count shared memory: their states, some 35 MB, would stay through
 * several reloads, until a collection for other reasons (stock rules: 60 to 100 MB of them).
 */
export function noticeStaleMemory(): void {
  allocate()
  setTimeout(allocate, laterMs).unref()
}

/** An array that nobody writes to takes no memory, but counts. */
function allocate(): ArrayBuffer | undefined {
  try {
    return new ArrayBuffer(noticedBytes)
  } catch {
    // Under a limit of address space (ulimit -v) there may be no room for it: the old memory stays longer, and the scans go on.
    return undefined
  }
}
