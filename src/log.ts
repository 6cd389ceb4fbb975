// The one door to pino: JSON lines on stderr.
import { destination, type Logger, pino } from 'pino'

export type Log = Logger

/** @param level pino level, or 'silent'. Lines are written synchronously: a crash must not lose the line that explains it. */
/** The same rows to somebody who writes them in a form of their own, one JSON text each. */
export function createLogTo(level: string, write: (row: string) => void): Log {
  return pino({ level, base: null }, { write })
}

export function createLog(level: string): Log {
  return pino({ level, base: { pid: process.pid } }, destination({ fd: 2, sync: true }))
}
