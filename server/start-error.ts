// What ends a start.

/** A start that cannot go on; `status` is the exit code. */
export class StartError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
    this.name = 'StartError'
  }
}
