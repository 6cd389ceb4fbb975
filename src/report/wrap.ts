// Line wrapping as SpamAssassin does it for descriptions, previews and folded headers. Its oddities show in every report (a blank that no
// longer fits opens the next line), so they are kept: parsers and users compare (fixtures/oracle/micro-rules, groups describe, template).

export interface WrapOptions {
  /** Put before every line but the first. */
  readonly prefix: string
  /** Stands before the first line. */
  readonly first?: string
  readonly width: number
  /** Lines may grow beyond the width by their last word. */
  readonly overflow?: boolean
  /** Where to break; what it matches stays. Must have one capturing group, which is how split() keeps it. */
  readonly breaks?: RegExp
}

/** White space of ASCII alone: JavaScript's \s also takes the byte 0xA0, which stands inside many UTF-8 characters. */
const atSpace = /([\t-\r ])/

export function trimStart(text: string): string {
  return text.replace(/^[\t-\r ]+/, '')
}

export function trimEnd(text: string): string {
  return text.replace(/[\t-\r ]+$/, '')
}

/** The lines of the wrapped text, joined by LF. */
export function wrap(
  text: string,
  { prefix, first = '', width, overflow = false, breaks }: WrapOptions,
): string {
  const pieces = text.split(breaks ?? atSpace)
  while (pieces.length > 1 && pieces.at(-1) === '') pieces.pop()
  if (first !== '') pieces.unshift(first)
  const lines: string[] = []
  let line = pieces[0] ?? ''
  let joined = false
  for (let next = 1; next < pieces.length; ) {
    const piece = pieces[next]!
    const length = columns(line) + (joined && !overflow ? columns(piece) : 0)
    // A prefix wider than the line must still take a word, or there would be no end.
    if (length <= width || (!joined && lines.length > 0)) {
      line += piece
      joined = true
      next++
    } else {
      lines.push(trimEnd(line))
      line = prefix
      joined = false
    }
  }
  lines.push(line)
  return lines.join('\n')
}

/** A tab counts as eight. */
function columns(text: string): number {
  let tabs = 0
  for (let at = text.indexOf('\t'); at >= 0; at = text.indexOf('\t', at + 1)) tabs++
  return text.length + tabs * 7
}
