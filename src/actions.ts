// rspamd's actions in the order of their severity: what the .cf word hamd_action may name, and what verdict.ts compares by.
import type { Action } from './types.js'

/** Mildest first. */
export const actionsBySeverity: readonly Action[] = [
  'no action',
  'greylist',
  'add header',
  'rewrite subject',
  'soft reject',
  'quarantine',
  'discard',
  'reject',
]
