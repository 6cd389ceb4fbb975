// Memory of requests under way: the common budget of all of them.

/** So much of every request is not charged to the budget: the size of nearly all mail. */
const requestFreeBytes = 256 * 1024

/**
 * Bytes held by all requests together: stops a crowd of large slow uploads, or of small bodies that inflate to large ones, from
 * filling the memory. The first bytes of each request are free, so that ordinary mail passes while large mail has to wait.
 */
export class ByteBudget {
  private used = 0

  constructor(
    private readonly bytesMax: number,
    private readonly freeBytes = requestFreeBytes,
  ) {}

  /** The account of one request. */
  open(): Holding {
    let total = 0
    let charged = 0
    const settle = (next: number) => {
      const due = Math.max(0, next - this.freeBytes)
      if (due > charged && this.used + due - charged > this.bytesMax) return false
      this.used += due - charged
      charged = due
      total = next
      return true
    }
    return {
      take: (bytes) => settle(total + bytes),
      give: (bytes) => void settle(Math.max(0, total - bytes)),
      release: () => void settle(0),
    }
  }

  get bytesUsed(): number {
    return this.used
  }
}

/** What one request holds of the budget. */
export interface Holding {
  /** False when the budget is spent: the request is to be refused. */
  take(bytes: number): boolean
  /** Gives back a part. */
  give(bytes: number): void
  /** To be called when the reply is out; may be called again. */
  release(): void
}
