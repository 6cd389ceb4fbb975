// The errors that cross rooms. A code is stable, appears in docs/operations.md, and a test compares both lists.

export const errorCodes = {
  'scan-failed': 'A stage of the scan threw: the front answers its temporary failure.',
  overloaded: 'The scan queue is full: the front pushes back in its own way.',
  'shutting-down': 'The server is going down and takes no new work.',
  'too-large': 'The message is larger than message_size_max.',
  'bad-request': 'The client broke its protocol.',
  'learning-refused': 'The learner cannot take the message now; the text says why.',
} as const

export type ErrorCode = keyof typeof errorCodes

/** Thrown by the core to a front; `code` decides the wire answer, `message` is for people. */
export class CoreError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = 'CoreError'
  }
}
