// Takes a multipart body apart at its boundary lines (SpamAssassin 4.0.1, Message.pm; fixtures/oracle/micro-mime, groups bnd, delim, nest).
// Lines are only looked at where they can matter: in part headers and where "--" starts a line.

import { bodyLineBytesMax, headerValueBytesMax, mimePartsMax } from '../limits.js'
import type { ByteString, Header } from '../types.js'
import { isBlank } from './bytes.js'
import { parseContentType } from './content-type.js'
import { Field, valueUpTo } from './field.js'
import { startsField, startsStrictField } from './header.js'

export interface PiecesOfMultipart {
  readonly pieces: readonly { readonly headers: readonly Header[]; readonly body: ByteString }[]
  /** A delimiter was seen, a closing one as well. */
  readonly opened: boolean
  readonly closed: boolean
  readonly missingMimeHeaders: boolean
  readonly missingMimeSeparator: boolean
  readonly epilogue: boolean
  /** There were more than mimePartsMax parts. */
  readonly limited: boolean
}

export function splitMultipart(text: ByteString, boundary: ByteString): PiecesOfMultipart {
  return new Splitter(text, '--' + boundary, boundary).run()
}

class Splitter {
  private readonly pieces: { headers: Header[]; body: ByteString }[] = []
  private missingMimeHeaders = false
  private missingMimeSeparator = false
  /** The part's own header names this very boundary: its closing delimiter belongs to it, not to us. */
  private nested = false
  /** The very last line is a closing delimiter that belonged to a nested part: it counts as ours all the same. */
  private closedByNested = false

  constructor(
    private readonly text: ByteString,
    private readonly delimiter: ByteString,
    private readonly boundary: ByteString,
  ) {}

  run(): PiecesOfMultipart {
    const { text } = this
    const start = this.skipPreamble()
    let at = start < 0 ? 0 : start
    let closed = false
    let epilogue = false
    while (at < text.length) {
      const end = this.takePart(at)
      at = end.next
      if (end.closing) {
        closed = true
        epilogue = /[^ \t\n\r\f\v.]/.test(text.slice(at))
        break
      }
      if (end.delimiter) this.checkMimeHeader(at)
      if (this.pieces.length === mimePartsMax) break
    }
    return {
      pieces: this.pieces,
      opened: start >= 0,
      closed,
      missingMimeHeaders: this.missingMimeHeaders,
      missingMimeSeparator: this.missingMimeSeparator,
      epilogue,
      limited: this.pieces.length === mimePartsMax && !closed,
    }
  }

  /** Offset after the first opening delimiter, -1 if there is none: then the whole text is one part. */
  private skipPreamble(): number {
    for (let at = this.nextDelimiter(0); at >= 0; at = this.nextDelimiter(at + 1)) {
      const line = this.readDelimiter(at)
      if (line === undefined || line.closing) continue
      this.checkMimeHeader(line.next)
      return line.next
    }
    return -1
  }

  /** Offset of the next line that begins with the delimiter's text, -1 if there is none. */
  private nextDelimiter(from: number): number {
    if (from === 0 && this.text.startsWith(this.delimiter)) return 0
    const found = this.text.indexOf('\n' + this.delimiter, from === 0 ? 0 : from - 1)
    return found < 0 ? -1 : found + 1
  }

  /** Reads the line at an offset found by nextDelimiter; undefined when something else than blanks follows. */
  private readDelimiter(at: number): { readonly closing: boolean; readonly next: number } | undefined {
    const { text } = this
    let end = at + this.delimiter.length
    const closing = text.charCodeAt(end) === 45 && text.charCodeAt(end + 1) === 45
    if (closing) end += 2
    while (end < text.length && isBlank(text.charCodeAt(end))) {
      if (text.charCodeAt(end) === 10) return { closing, next: end + 1 }
      end++
    }
    return end === text.length ? { closing, next: end } : undefined
  }

  private checkMimeHeader(at: number): void {
    if (at >= this.text.length) return
    if (!startsStrictField(this.text, at, this.lineEnd(at))) this.missingMimeHeaders = true
  }

  private lineEnd(at: number): number {
    const feed = this.text.indexOf('\n', at)
    return feed < 0 ? this.text.length : feed + 1
  }

  /** Reads one part from its first header line on and adds it to the pieces. */
  private takePart(start: number): {
    readonly next: number
    readonly closing: boolean
    readonly delimiter: boolean
  } {
    const { text } = this
    const headers: Header[] = []
    let pending = -1
    let pendingEnd = -1
    let at = start
    while (at < text.length) {
      const next = this.lineEnd(at)
      const delimiter = this.delimiterAt(at)
      if (delimiter !== undefined) {
        // Ended within its header: the last field is lost, as SpamAssassin has it (micro-mime delim).
        this.pieces.push({ headers, body: '' })
        return { next: delimiter.next, closing: delimiter.closing, delimiter: true }
      }
      if (next === text.length) {
        this.pieces.push({ headers, body: breakLongLines(text.slice(at)) })
        return { next, closing: this.closedByNested, delimiter: false }
      }
      if (startsField(text, at, next)) {
        if (pending >= 0) headers.push(this.field(pending, pendingEnd))
        pending = at
        pendingEnd = next
      } else if (pending >= 0 && isSpaceOrTab(text.charCodeAt(at))) {
        pendingEnd = next
      } else {
        if (pending >= 0) {
          headers.push(this.field(pending, pendingEnd))
          this.noteNesting(headers)
        }
        const blank = next === at + 1 || (next === at + 2 && text.charCodeAt(at) === 13)
        if (!blank) this.missingMimeSeparator = true
        return this.takeBody(headers, blank ? next : at)
      }
      at = next
    }
    throw new Error('unreachable: the last line ends a part')
  }

  private takeBody(
    headers: Header[],
    start: number,
  ): { readonly next: number; readonly closing: boolean; readonly delimiter: boolean } {
    const { text } = this
    for (let at = this.nextDelimiterFrom(start); at >= 0; at = this.nextDelimiter(at + 1)) {
      const delimiter = this.delimiterAt(at)
      if (delimiter === undefined) continue
      // The line feed before a delimiter belongs to the delimiter.
      const end = at > start ? at - 1 : at
      this.pieces.push({ headers, body: breakLongLines(text.slice(start, end)) })
      return { next: delimiter.next, closing: delimiter.closing, delimiter: true }
    }
    this.pieces.push({ headers, body: breakLongLines(text.slice(start)) })
    return { next: text.length, closing: this.closedByNested, delimiter: false }
  }

  private nextDelimiterFrom(start: number): number {
    return this.text.startsWith(this.delimiter, start) ? start : this.nextDelimiter(start + 1)
  }

  /** The delimiter at a line start, after the nesting rule. */
  private delimiterAt(at: number): { readonly closing: boolean; readonly next: number } | undefined {
    if (!this.text.startsWith(this.delimiter, at)) return undefined
    const line = this.readDelimiter(at)
    if (line === undefined || !this.nested) return line
    if (line.closing) {
      this.nested = false
      this.closedByNested = line.next === this.text.length
    }
    return undefined
  }

  private field(start: number, end: number): Header {
    const { text } = this
    const colon = text.indexOf(':', start)
    let value = colon + 1
    while (value < end && isBlank(text.charCodeAt(value))) value++
    return new Field(text.slice(start, colon), text.slice(value, end), -1)
  }

  private noteNesting(headers: readonly Header[]): void {
    const last = headers.at(-1)
    if (last === undefined || !/^content-type$/i.test(last.name)) return
    if (parseContentType(valueUpTo(last, headerValueBytesMax)).boundary === this.boundary) this.nested = true
  }
}

const isSpaceOrTab = (code: number): boolean => code === 32 || code === 9

/** Lines over 2,048 bytes get line feeds inserted, as SpamAssassin does within multiparts. */
export function breakLongLines(text: ByteString): ByteString {
  let at = 0
  let copied = 0
  let out = ''
  while (text.length - at > bodyLineBytesMax) {
    const feed = text.slice(at, at + bodyLineBytesMax).lastIndexOf('\n')
    if (feed >= 0) {
      at += feed + 1
      continue
    }
    at += bodyLineBytesMax
    out += text.slice(copied, at) + '\n'
    copied = at
  }
  return copied === 0 ? text : out + text.slice(copied)
}
