// Records of bytes that wait for another thread: copied one behind the other into large pieces, which are handed over as they are and freed
// as soon as they are read. Kept as objects until they go, thousands of small ones would outlive V8's young generation and be scattered
// over the heap of malloc, which gives nothing back; pieces of this size come from the system and go back to it (MALLOC_MMAP_THRESHOLD_).

const pieceBytes = 256 * 1024
/** So much is handed over at once: more would only wait. */
const batchBytes = 2 * pieceBytes
/** Before each record stands its length. */
const lengthBytes = 4

export class ByteBatch {
  private pieces: Uint8Array[] = []
  private piece = Buffer.alloc(0)
  private used = 0
  /** Records since the last take, and their bytes. */
  records = 0
  private bytes = 0

  /** One record, of these parts. */
  add(...parts: readonly Uint8Array[]): void {
    let length = 0
    for (const part of parts) length += part.length
    if (this.used + lengthBytes + length > this.piece.length) {
      this.closePiece()
      this.piece = Buffer.from(new ArrayBuffer(Math.max(pieceBytes, lengthBytes + length)))
    }
    this.used = this.piece.writeUInt32LE(length, this.used)
    for (const part of parts) {
      this.piece.set(part, this.used)
      this.used += part.length
    }
    this.records++
    this.bytes += length
  }

  /** It need not wait for more. */
  get isFull(): boolean {
    return this.bytes >= batchBytes
  }

  /** What was added since the last call, to be transferred. */
  take(): Uint8Array<ArrayBuffer>[] {
    this.closePiece()
    const { pieces } = this
    this.pieces = []
    this.records = 0
    this.bytes = 0
    return pieces as Uint8Array<ArrayBuffer>[]
  }

  private closePiece(): void {
    if (this.used > 0) this.pieces.push(this.piece.subarray(0, this.used))
    this.piece = Buffer.alloc(0)
    this.used = 0
  }
}

/** The records of a batch, as views of its pieces. */
export function* recordsOf(pieces: readonly Uint8Array[]): Generator<Buffer> {
  for (const { buffer, byteOffset, length } of pieces) {
    const piece = Buffer.from(buffer, byteOffset, length)
    for (let at = 0; at < length; ) {
      const from = at + lengthBytes
      at = from + piece.readUInt32LE(at)
      yield piece.subarray(from, at)
    }
  }
}
