// The `rawbody` text: decoded parts with their markup, cut into chunks (SpamAssassin 4.0.1, Message.pm; fixtures/oracle/micro-html, group long).

import { bodyLineBytesMax } from '../../limits.js'
import type { ByteString, Part } from '../../types.js'
import { cutAfter } from './body.js'

/** Adds the chunks of one leaf, none if it is not text. Parts never share a chunk. */
export function pushRawChunks(
  chunks: ByteString[],
  part: Part,
  effectiveType: string,
  bytesMax: number,
): void {
  if (!isText(effectiveType) || part.type === 'text/calendar') return
  const bytes = part.decoded()
  const isCut = bytesMax > 0 && bytes.length > bytesMax
  const text = isCut ? bytes.slice(0, cutAfter(bytes, bytesMax, ['\n', '>', ' '])) : bytes
  let start = 0
  if (text.length > bodyLineBytesMax) {
    while (text.length - start > 2 * bodyLineBytesMax) {
      const end = chunkEnd(text, start)
      chunks.push(text.slice(start, end))
      start = end
    }
    if (start === text.length) return
  }
  chunks.push(text.slice(start))
}

const isText = (type: string): boolean => type.startsWith('text/') || /^(?:text|message)\b/.test(type)

/** Behind the first line feed, else `>`, else space between 2,048 and 4,096 bytes; else after 2,049. */
function chunkEnd(text: ByteString, start: number): number {
  const from = start + bodyLineBytesMax
  const window = text.slice(from, start + 2 * bodyLineBytesMax)
  for (const char of ['\n', '>', ' ']) {
    const found = window.indexOf(char)
    if (found >= 0) return from + found + 1
  }
  return from + 1
}
