// Takes off what mailbox formats put before a message: the mbox `From ` line, or the status line of the mbx format.

import type { ByteString } from '../types.js'
import { isBlank } from './bytes.js'

const mbxSeparator =
  /^[ \t\n\r\f\v\d]\d-[a-zA-Z]{3}-\d{4}[ \t\n\r\f\v]\d{2}:\d{2}:\d{2}[^\n]*,\d+;[\da-f]{12}-\w{8}\r?$/

export interface Separator {
  /** Without line end; undefined without one. */
  readonly mboxLine: ByteString | undefined
  /** Offset where the message proper starts. */
  readonly next: number
}

export function readSeparator(text: ByteString): Separator {
  const feed = text.indexOf('\n')
  const next = feed < 0 ? text.length : feed + 1
  if (text.startsWith('From') && isBlank(text.charCodeAt(4))) {
    const line = text.slice(0, next)
    // `From :` is the obsolete spelling of the header field, as long as one blank stands before the colon.
    if (/^From[ \t\n\r\f\v]+(?!:)/.test(line)) return { mboxLine: line.replace(/\r?\n$/, ''), next }
  }
  const line = text.slice(0, Math.min(feed < 0 ? text.length : feed, lineBytesMax))
  return mbxSeparator.test(line)
    ? { mboxLine: line.replace(/\r$/, ''), next }
    : { mboxLine: undefined, next: 0 }
}

/** An mbx line is shorter; a longer first line need not be searched. */
const lineBytesMax = 1024
