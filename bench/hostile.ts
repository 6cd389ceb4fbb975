// 30 patterns that a careless author might write and that backtrack without end, each with a line made for it: one that the automata let
// pass, so that the pattern itself has to be run on it, and that it does not match.

export interface Hostile {
  readonly name: string
  readonly pattern: string
  readonly line: string
}

const bytes = 1900
const fill = (text: string) => text.repeat(Math.floor(bytes / text.length))

/** [pattern, line]. Automata know no back reference, no look-around and no counted loop beyond 12: there they let more pass. */
const pairs: readonly (readonly [string, string])[] = [
  // Exponential, with a back reference.
  ['(?:(a+)+)+\\1!', `${fill('a')}?!`],
  ['(a|aa)+\\1;', `${fill('a')}?;`],
  ['(\\w+\\s?)+\\1:', `${fill('word ')}?:`],
  ['((?:ab?)+)+\\1\\1=', `${fill('ab')}?=`],
  ['(x+x+)+\\1y', `${fill('x')}?y`],
  ['(\\d+|\\d\\d)+-\\1==', `${fill('12')}-?==`],
  ['([a-z]+)*\\1@\\1', `${fill('ab')}?@`],
  ['(?:(.+),)+\\1\\1%', `${fill('ab,')}?%`],
  ['(a*)*\\1\\+', `${fill('a')}?+`],
  ['(["\'])(?:[^"\']+|\\w+)*\\1x', `"${fill('a')}?x`],
  // Exponential, with look-arounds.
  ['(?:\\w+\\s?)+(?!:)[:;]$', `${fill('word ')}a:`],
  ['(?:a+)+(?=b)c', `${fill('a')}c`],
  ['(?:a|a)*(?<!a)!', `${fill('a')}!`],
  ['(?=(?:a+)+b)a+!', `${fill('a')}!`],
  ['(?:(?:x+)+y?)*(?!z)z', `${fill('x')}z`],
  ['(?!(?:\\w+\\s*)*;)(?:\\w+\\s*)+(?=,)!', `${fill('word ')}!`],
  ['(?:[ab]+(?=[ab!]))+(?<=!)!', `${fill('ab')}!`],
  ['(?>a+)(?:b+)+(?=c)d', `a${fill('b')}d`],
  // Counted loops one in another.
  ['(?:a{0,30}){0,30}!', `${fill('a')}!`],
  ['(?:a{1,40}){1,40}b{20}', `${fill('a')}${'b'.repeat(15)}`],
  ['(?:(?:ab?){1,20}){1,20}!', `${fill('ab')}!`],
  ['(?:.{1,50},){20,60};', `${'ab,'.repeat(15)}${'a'.repeat(1500)},;`],
  ['(?:\\w{1,30}\\s?){1,40}:{15}', `${fill('word ')}${':'.repeat(14)}`],
  ['(?:a?){40}a{40}c{13}!', `${'a'.repeat(60)}${'c'.repeat(12)}!`],
  // Polynomial.
  ['\\s*\\s*\\s*(?=x)y', `${fill(' ')}y`],
  ['[a-z]+[a-z]+[a-z]+(?<!z)(?=@)!', `${fill('ab')}!`],
  ['.*.*.*=(?!.)\\S', `${fill('a')}=a`],
  ['(?:.*,){4}(?=\\d)!', `${fill('a,')}!`],
  ['<[^>]*<[^>]*<[^>]*(?=;)>', `${fill('<')}>`],
  ['(\\w+)\\s*\\w+\\s*\\w+\\s*\\1\\1!', `${fill('a')}?!`],
]

/** Each begins with a word of its own: a mail attacks one rule. */
export const hostile: readonly Hostile[] = pairs.map(([pattern, line], number) => ({
  name: `EVIL_${number}`,
  pattern: `\\bevil${number}x${pattern}`,
  line: `evil${number}x${line}`,
}))

export function hostileRules(): string {
  return hostile.map(({ name, pattern }) => `body ${name} m{${pattern}}\nscore ${name} 1\n`).join('')
}

export function attackMail({ line }: Hostile): Buffer {
  return Buffer.from(`From: a@example.org\nSubject: x\n\n${line}\n`, 'latin1')
}
