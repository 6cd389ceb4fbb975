// Bytes to a Message (SpamAssassin 4.0.1's view of a mail; fixtures/oracle/micro-mime). Never throws on mail: what is odd becomes a defect.
// One pass over a byte string; mailsplit and mailparser are not used here because they cannot be made to agree with SpamAssassin on broken
// mail, which is the kind that matters, and streams cost more than all of the parsing (0.03 ms a message of the corpus).

import { mimeDepthMax, mimePartsTotalMax } from '../limits.js'
import type { ByteString, Defect, Header, Message } from '../types.js'
import { shortenBlankRuns } from './blank-lines.js'
import { parseContentType } from './content-type.js'
import { readHeaderSection } from './header.js'
import { readSeparator } from './mbox.js'
import { splitMultipart } from './multipart.js'
import { MimePart } from './part.js'

interface Section {
  readonly headers: readonly Header[]
  readonly mboxLine: ByteString | undefined
  readonly lineEnd: '\n' | '\r\n'
  readonly pristineHeaders: ByteString
  /** Header and body. */
  readonly pristine: ByteString
  readonly bodyOffset: number
  readonly body: ByteString
  readonly missingSeparator: boolean
  readonly truncated: boolean
}

/** A node whose body is still to be taken apart. */
interface Pending {
  readonly part: MimePart
  readonly boundary: ByteString | undefined
  readonly body: ByteString
  /** Levels that may still be opened below it. */
  readonly depth: number
}

export function parseMessage(raw: Uint8Array): Message {
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1')
  const section = readSection(text)
  const tree = new TreeBuilder(section)
  const defects = tree.defects
  if (section.truncated) defects.push({ kind: 'truncated_header' })
  if (section.missingSeparator) defects.push({ kind: 'missing_head_body_separator' })
  return {
    raw,
    headers: section.headers,
    mboxLine: section.mboxLine,
    lineEnd: section.lineEnd,
    bodyOffset: section.bodyOffset,
    root: tree.root,
    parts: preorder(tree.root),
    defects,
    boundaryState: tree.boundaryState,
    pristine: section.pristine,
    pristineHeaders: section.pristineHeaders,
  }
}

/** Splits off the header and prepares the body: line feeds only, long runs of blank lines shortened. */
function readSection(given: ByteString): Section {
  const text = given === '' ? '\n' : given
  const separator = readSeparator(text)
  const lineEnd = decideLineEnd(text, separator.next)
  const header = readHeaderSection(text, separator.next, lineEnd === '\r\n')
  const isUntouched = header.pristine.length + header.body.length === text.length - separator.next
  return {
    headers: header.headers,
    mboxLine: separator.mboxLine,
    lineEnd,
    pristineHeaders: header.pristine,
    // Mostly a slice, which costs nothing; only repaired line ends need a copy.
    pristine: isUntouched ? text.slice(separator.next) : header.pristine + header.body,
    bodyOffset: header.bodyOffset,
    body: shortenBlankRuns(lineEnd === '\r\n' ? header.body.replaceAll('\r\n', '\n') : header.body),
    missingSeparator: header.missingSeparator,
    truncated: header.truncated,
  }
}

/** The first or the last line decides for the whole mail. */
function decideLineEnd(text: ByteString, start: number): '\n' | '\r\n' {
  const first = text.indexOf('\n', start)
  const crlf = text.endsWith('\r\n') || (first > start && text.charCodeAt(first - 1) === 13)
  return crlf && text.length > start ? '\r\n' : '\n'
}

/** Builds the tree breadth first, the order in which SpamAssassin counts boundaries. */
class TreeBuilder {
  readonly root: MimePart
  readonly boundaryState = new Map<ByteString, number>()
  readonly defects: Defect[] = []
  private readonly queue: Pending[] = []
  private made = 1

  constructor(section: Section) {
    this.root = this.addSection(section, '', mimeDepthMax)
    for (let next = 0; next < this.queue.length; next++) this.take(this.queue[next]!)
  }

  /** The node of a whole message, the top one or one inside message/rfc822. */
  private addSection(section: Section, path: string, depth: number): MimePart {
    const part = new MimePart(path, section.headers)
    const { type, boundary } = parseContentType(part.value('content-type'))
    part.type = type
    const body = type.startsWith('multipart/') ? withLeadingBlank(section.body, boundary) : section.body
    this.queue.push({ part, boundary, body, depth })
    return part
  }

  private take({ part, boundary, body, depth }: Pending): void {
    if (part.type.startsWith('multipart/') && boundary !== undefined && depth > 0) {
      this.takeMultipart(part, boundary, body, depth - 1)
      return
    }
    this.takeLeaf(part, boundary, body)
    if (part.type === 'message/rfc822' || part.type === 'message/global') this.openMessage(part, depth)
  }

  private takeMultipart(part: MimePart, boundary: ByteString, body: ByteString, depth: number): void {
    part.isLeaf = false
    part.readEncoding()
    const split = splitMultipart(body, boundary)
    if (split.opened) this.boundaryState.set(boundary, 1)
    if (split.missingMimeHeaders) this.flag('missing_mime_headers')
    if (split.missingMimeSeparator) this.flag('missing_mime_head_body_separator')
    for (const { headers, body } of split.pieces) {
      if (this.made >= mimePartsTotalMax) {
        this.flag('mimepart_limit_exceeded')
        break
      }
      this.made++
      const path = (part.path === '' ? '' : part.path + '.') + (part.children.length + 1)
      const child = new MimePart(path, headers)
      const contentType = parseContentType(child.value('content-type'))
      child.type =
        contentType.missing && part.type === 'multipart/digest' ? 'message/rfc822' : contentType.type
      part.children.push(child)
      const own = contentType.boundary
      this.queue.push({ part: child, boundary: own && own !== '0' ? own : boundary, body, depth })
    }
    if (split.closed) this.boundaryState.set(boundary, (this.boundaryState.get(boundary) ?? 0) - 1)
    if (split.epilogue) this.flag('mime_epilogue_exists')
    if (split.limited) this.flag('mimepart_limit_exceeded')
  }

  private takeLeaf(part: MimePart, boundary: ByteString | undefined, body: ByteString): void {
    const contentType = parseContentType(part.value('content-type'))
    if (!contentType.missing)
      part.type =
        contentType.type.startsWith('multipart/') && boundary === undefined ? 'text/plain' : contentType.type
    if (part.type.startsWith('multipart/')) this.flag('nesting_too_deep')
    part.describe(contentType)
    if (boundary !== undefined) part.boundary = boundary
    part.rawBody = body
  }

  private openMessage(part: MimePart, depth: number): void {
    if (depth <= 0 || this.made >= mimePartsTotalMax) return
    const inner = part.decoded()
    if (inner === '') return
    this.made++
    part.isLeaf = false
    part.children.push(
      this.addSection(readSection(inner), (part.path === '' ? '' : part.path + '.') + '1', depth - 1),
    )
    part.rawBody = ''
  }

  private flag(kind: string): void {
    if (!this.defects.some((defect) => defect.kind === kind)) this.defects.push({ kind })
  }
}

/** Keeps header-like lines at the top of a multipart body from being read as the header of a part. */
function withLeadingBlank(body: ByteString, boundary: ByteString | undefined): ByteString {
  const feed = body.indexOf('\n')
  if (feed < 0 || feed + 1 >= body.length || !/[^ \t\n\r\f\v]/.test(body.slice(0, feed))) return body
  if (boundary !== undefined && body.startsWith('--' + boundary)) return body
  return '\n' + body
}

function preorder(root: MimePart): MimePart[] {
  const parts: MimePart[] = []
  const visit = (part: MimePart): void => {
    parts.push(part)
    for (const child of part.children) visit(child)
  }
  visit(root)
  return parts
}
