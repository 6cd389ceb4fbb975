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
    return new Account(this)
  }

  /** Charges an account that had `charged` for holding `bytes`; undefined = the budget is spent. */
  settle(charged: number, bytes: number): number | undefined {
    const due = Math.max(0, bytes - this.freeBytes)
    if (due > charged && this.used + due - charged > this.bytesMax) return undefined
    this.used += due - charged
    return due
  }

  get bytesUsed(): number {
    return this.used
  }
}

class Account implements Holding {
  private total = 0
  private charged = 0

  constructor(private readonly budget: ByteBudget) {}

  take(bytes: number): boolean {
    return this.settle(this.total + bytes)
  }

  give(bytes: number): void {
    this.settle(Math.max(0, this.total - bytes))
  }

  release(): void {
    this.settle(0)
  }

  private settle(total: number): boolean {
    const charged = this.budget.settle(this.charged, total)
    if (charged === undefined) return false
    this.charged = charged
    this.total = total
    return true
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
