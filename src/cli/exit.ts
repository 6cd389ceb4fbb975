// Exit codes (sysexits) and the one way in which a command ends with an error: one line that says what to do.

export const exits = {
  ok: 0,
  failed: 1,
  usage: 64,
  unavailable: 69,
  internal: 70,
  temporary: 75,
  noPermission: 77,
  config: 78,
} as const

/** Thrown by commands; the entry prints `message` as one line and exits with `status`. */
export class CliError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
    this.name = 'CliError'
  }
}
