// A text that every match of a regex contains. Comes in: a RegExp. Goes out: its longest plain run outside of groups, or ''. Lets a caller
// leave out a costly pattern by one `includes`.

/** In lower case, for patterns that look at no case and texts in lower case. */
export function requiredLiteral(pattern: RegExp): string {
  return requiredText(pattern).toLowerCase()
}

/** As written. */
export function requiredText({ source }: RegExp): string {
  let best = ''
  let run = ''
  let depth = 0
  const keep = (): void => {
    if (run.length > best.length) best = run
    run = ''
  }
  for (let at = 0; at < source.length; at++) {
    let char = source[at]!
    let plain = !'.^$|()[]{}*+?\\'.includes(char)
    if (char === '|' && depth === 0) return ''
    if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === '[') at = endOfClass(source, at)
    else if (char === '{') at = source.indexOf('}', at)
    else if (char === '\\') {
      escapes.lastIndex = at
      const [whole, hex] = escapes.exec(source)!
      char = hex === undefined ? whole[1]! : String.fromCharCode(Number.parseInt(hex, 16))
      plain = hex !== undefined || !/[A-Za-z0-9]/.test(char)
      at += whole.length - 1
    }
    if (!plain || depth > 0 || '*?{'.includes(source[at + 1] ?? '.')) keep()
    else run += char
  }
  keep()
  return best
}

/** An escape with all that belongs to it. */
const escapes = /\\(?:x([0-9A-Fa-f]{2})|u[0-9A-Fa-f]{4}|c[A-Za-z]|k<\w+>|\d+|[\s\S])/y

function endOfClass(source: string, open: number): number {
  let at = open + 1
  while (at < source.length && source[at] !== ']') at += source[at] === '\\' ? 2 : 1
  return at
}
