// The last errors, newest first, for the controller's /errors.
import type { ErrorRow } from './controller/index.js'

/** Rows kept; rspamd keeps as many lines in its ring. */
const rowsMax = 100

export interface ErrorRing {
  add(module: string, message: string): void
  rows(): readonly ErrorRow[]
}

export function createErrorRing(): ErrorRing {
  const rows: ErrorRow[] = []
  return {
    add(module, message) {
      rows.unshift({ ts: Date.now() / 1000, type: 'main', module, message })
      if (rows.length > rowsMax) rows.pop()
    },
    rows: () => rows,
  }
}
