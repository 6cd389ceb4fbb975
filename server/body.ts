// A message as it comes in, piece by piece. In: bytes from a socket. Out: all of them in a SharedArrayBuffer, which scan workers read without
// a copy. Every byte is copied once on its way from the socket, at once: a large message collected first and copied at its end would
// hold the main thread for tens of milliseconds. What a client tells about the length is believed only in steps of what has come.

/** So much memory is taken for any told length: nearly all mail fits. */
const trustedBytes = 256 * 1024
/** Then memory for so many times what has come. */
const growth = 4

export class Body {
  length = 0
  private bytes: Uint8Array = new Uint8Array(0)

  /** @param told what the client says the length will be; undefined = it does not say. */
  constructor(private readonly told?: number) {}

  add(piece: Uint8Array): void {
    const needed = this.length + piece.length
    if (needed > this.bytes.length) this.grow(needed)
    this.bytes.set(piece, this.length)
    this.length = needed
  }

  /** All bytes; none are added any more. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  private grow(needed: number): void {
    this.bytes = sharedCopy(this.bytes.subarray(0, this.length), this.sizeFor(needed))
  }

  private sizeFor(needed: number): number {
    if (this.told === undefined) return 2 * needed
    const step = Math.max(needed, this.length * growth, trustedBytes)
    // The last step may be a larger one: better than to copy everything once more for little.
    return this.told <= 2 * step ? Math.max(this.told, needed) : step
  }
}

function sharedCopy(bytes: Uint8Array, size: number): Uint8Array<SharedArrayBuffer> {
  const copy = new Uint8Array(new SharedArrayBuffer(size))
  copy.set(bytes)
  return copy
}
