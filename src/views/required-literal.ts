// A text that every match of a regex contains. Comes in: a RegExp. Goes out: its longest plain run outside of groups, lower case, or ''.
// Lets a caller leave out a costly pattern by one `includes`.

export function requiredLiteral(pattern: RegExp): string {
  const { source } = pattern
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
      char = source[++at]!
      plain = !/[A-Za-z0-9]/.test(char)
    }
    if (!plain || depth > 0 || '*?{'.includes(source[at + 1] ?? '.')) keep()
    else run += char
  }
  keep()
  return best.toLowerCase()
}

function endOfClass(source: string, open: number): number {
  let at = open + 1
  while (at < source.length && source[at] !== ']') at += source[at] === '\\' ? 2 : 1
  return at
}
