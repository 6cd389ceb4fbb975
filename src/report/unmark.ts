// Takes SpamAssassin's (and our) markup out of a message again: the original out of a report_safe wrapper, else the X-Spam-* headers and
// what they replaced. For `spamassassin -d` and before learning from mail that was marked on its way.

/** A header of every marked message, whatever else the templates add. */
const marker = /^X-Spam-Checker-Version[ \t]*:/im

/** The message as it was; the same bytes when it carries no markup. */
export function removeMarkup(raw: Uint8Array): Uint8Array {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  const text = bytes.toString('latin1')
  const mboxEnd = text.startsWith('From ') ? text.indexOf('\n') + 1 : 0
  const end = endOfHead(text, mboxEnd)
  const head = text.slice(mboxEnd, end)
  const inner = innerOriginal(text, head, end)
  if (inner !== undefined)
    return Buffer.concat([bytes.subarray(0, mboxEnd), bytes.subarray(inner.start, inner.end)])
  if (!/^X-Spam-/im.test(head)) return raw
  return Buffer.concat([
    bytes.subarray(0, mboxEnd),
    Buffer.from(unmarkHead(head), 'latin1'),
    bytes.subarray(end),
  ])
}

/** What is to be learned: the message as it came in, before anybody marked it. */
export function withoutMarkup(raw: Uint8Array): Uint8Array {
  return isMarkedUp(raw) ? removeMarkup(raw) : raw
}

/** The message went through SpamAssassin or hamd before. */
export function isMarkedUp(raw: Uint8Array): boolean {
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1', 0, 64 * 1024)
  return marker.test(text.slice(0, endOfHead(text, 0)))
}

/** Offset behind the blank line that ends the header. */
function endOfHead(text: string, start: number): number {
  const found = /\n\r?\n/.exec(text.slice(start))
  if (/^\r?\n/.test(text.slice(start, start + 2))) return start + (text[start] === '\r' ? 2 : 1)
  return found === null ? text.length : start + found.index + found[0].length
}

/** Where the attached original stands, if this is a wrapper. */
function innerOriginal(
  text: string,
  head: string,
  bodyStart: number,
): { start: number; end: number } | undefined {
  const unfolded = head.replace(/\r?\n[ \t]+/g, ' ')
  const boundary = /^Content-Type:\s*multipart\/mixed;\s+boundary\s*=\s*["']?(.+?)["']?(?:;|\r?$)/im.exec(
    unfolded,
  )?.[1]
  if (boundary === undefined) return undefined
  const opening = `--${boundary}`
  for (let at = text.indexOf(opening, bodyStart); at >= 0; at = text.indexOf(opening, at + 1)) {
    const lineEnd = text.indexOf('\n', at)
    if (lineEnd < 0) return undefined
    if (text[at - 1] !== '\n' || text.slice(at, lineEnd).replace(/\r$/, '') !== opening) continue
    const start = endOfHead(text, lineEnd + 1)
    if (!isOriginal(text.slice(lineEnd + 1, start))) continue
    return { start, end: endOfOriginal(text, start, opening) }
  }
  return undefined
}

function isOriginal(partHead: string): boolean {
  const type = /^Content-Type:[ \t]+(.+?)\s*$/im.exec(partHead)?.[1] ?? ''
  const description = /^Content-Description:[ \t]+(.+?)\s*$/im.exec(partHead)?.[1] ?? ''
  return (
    /^(?:message\/rfc822|text\/plain);\s+x-spam-type=original/.test(type) ||
    (type === 'message/rfc822' && description === 'original message before SpamAssassin')
  )
}

/** Before the closing boundary and the one line end that the wrapper put between. */
function endOfOriginal(text: string, start: number, opening: string): number {
  for (let at = text.indexOf(opening, start); at >= 0; at = text.indexOf(opening, at + 1)) {
    if (text[at - 1] !== '\n') continue
    const added = text[at - 2] === '\r' ? 2 : 1
    const before = text.slice(Math.max(start, at - added - 1), at - added)
    // Where the original had no line end of its own, the one before the boundary has to serve for it.
    return before === '\n' ? at - added : at
  }
  return text.length
}

function unmarkHead(head: string): string {
  const fields: string[] = []
  for (const line of head.split(/(?<=\n)/)) {
    if (/^[ \t]/.test(line) && fields.length > 0) fields[fields.length - 1] += line
    else if (line !== '') fields.push(line)
  }
  const previous = fields.filter((field) => /^X-Spam-Prev-[^:\s]+:/i.test(field))
  let kept = fields.filter((field) => !/^X-Spam-/i.test(field))
  for (const field of previous) {
    const restored = field.slice('X-Spam-Prev-'.length)
    const name = restored.slice(0, restored.indexOf(':') + 1).toLowerCase()
    const at = kept.findIndex((other) => other.toLowerCase().startsWith(name))
    const missing = /^Subject:\s*\(nonexistent\)\s*$/i.test(restored)
    if (missing) kept = kept.filter((_, index) => index !== at)
    else if (at >= 0) kept[at] = restored
    else kept.splice(/^\s*$/.test(kept.at(-1) ?? 'x') ? -1 : kept.length, 0, restored)
  }
  return kept.join('')
}
