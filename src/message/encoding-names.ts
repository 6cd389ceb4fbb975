// Which charset a declared name means to Perl's Encode 3.19. Unknown to it means undecoded to SpamAssassin, so no name may be understood
// that Encode does not understand (`win-1251`: fixtures/oracle/micro-mime csx-045).

/** Pattern to canonical name; the first that fits counts. `$1` and so on stand for groups. */
const aliases: readonly (readonly [RegExp, string])[] = [
  [/^(?:.*[^\w])?utf-8$/, 'utf-8-strict'],
  [/cp65001/, 'utf-8-strict'],
  [/cp65000/, 'utf-7'],
  [/^(?:unicode-1-1-)?utf-?7$/, 'utf-7'],
  [/\bhk(?:scs)?[-_]?big5$/, 'big5-hkscs'],
  [/\bbig5-?hk(?:scs)?$/, 'big5-hkscs'],
  [/\btca[-_]?big5$/, 'big5-eten'],
  [/\bbig5-?et(?:en)?$/, 'big5-eten'],
  [/\bbig-?5$/, 'big5-eten'],
  [/\bks_c_5601-1987$/, 'cp949'],
  [/(?:x-)?windows-949$/, 'cp949'],
  [/(?:x-)?uhc$/, 'cp949'],
  [/\bkr.*euc$/, 'euc-kr'],
  [/\beuc.*kr$/, 'euc-kr'],
  [/\bwindows-31j$/, 'cp932'],
  [/\bsjis$/, 'shiftjis'],
  [/\bshift.*jis$/, 'shiftjis'],
  [/\bujis$/, 'euc-jp'],
  [/\bjp.*euc$/, 'euc-jp'],
  [/\beuc.*jp$/, 'euc-jp'],
  [/\bjis$/, 'iso-2022-jp'],
  [/\bgb[-_ ]?2312(?!-?raw)/, 'euc-cn'],
  [/^gbk$/, 'cp936'],
  [/\bcn.*euc$/, 'euc-cn'],
  [/\beuc.*cn$/, 'euc-cn'],
  [/\bkoi8[\s_-]*([ru])$/, 'koi8-$1'],
  [/^macintosh$/, 'macroman'],
  [/^(?:x[_-])?mac[_-](.*)$/, 'mac$1'],
  [/\b(?:cp|ibm|ms|windows)[-_ ]?(\d{2,4})$/, 'cp$1'],
  [/\btis-?620\b/, 'iso-8859-11'],
  [/^thai$/, 'iso-8859-11'],
  [/^hebrew$/, 'iso-8859-8'],
  [/^greek$/, 'iso-8859-7'],
  [/^arabic$/, 'iso-8859-6'],
  [/^cyrillic$/, 'iso-8859-5'],
  [/\bwinlatin1$/, 'cp1252'],
  [/\bwinlatin2$/, 'cp1250'],
  [/\bwincyrillic$/, 'cp1251'],
  [/\b(?:iso[-_]?)?latin[-_]?(\d+)$/, 'latin$1'],
  [/^(.+)@euro$/, '$1'],
  [/\bansi[-_]?x3\.4[-_]?1968$/, 'ascii'],
  [/\biso8859(\d+)$/, 'iso-8859-$1'],
  [/\biso[-_]?(\d+)[-_](\d+)$/, 'iso-$1-$2'],
  [/\b(?:iso[-_]?)?646(?:[-_]?us)?$/, 'ascii'],
  [/^us-?ascii$/, 'ascii'],
  [/^utf-?(16|32)$/, 'utf-$1'],
  [/^utf-?(16|32)-?([bl]e)$/, 'utf-$1$2'],
  [/^iso-10646-1$/, 'ucs-2be'],
  [/^ucs-?4-?([bl]e|)$/, 'utf-32$1'],
  [/^ucs-?2-?le$/, 'ucs-2le'],
  [/^ucs-?2-?(?:be)?$/, 'ucs-2be'],
]

/** Numbers of `latinN`. */
const latinParts = [0, 1, 2, 3, 4, 9, 10, 13, 14, 15, 16]

const known: ReadonlySet<string> = new Set(
  (
    'ascii utf-8-strict utf-7 utf-32 utf-32be utf-32le ucs-2be ucs-2le koi8-r koi8-u viscii hp-roman8 hz iso-2022-jp ' +
    'iso-2022-kr euc-jp shiftjis cp932 euc-kr cp949 euc-cn cp936 big5-eten big5-hkscs cp950 macroman maccroatian ' +
    'maccyrillic macgreek macturkish maccenteuro ' +
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16].map((part) => `iso-8859-${part} `).join('') +
    '437 737 775 850 852 855 856 857 858 860 861 862 863 864 865 866 869 874 1250 1251 1252 1253 1254 1255 1256 1257 1258'
      .split(' ')
      .map((page) => `cp${page} `)
      .join('')
  )
    .trim()
    .split(/ +/),
)
const nameCharsMax = 64

/** Canonical name in lower case, undefined when Encode has no such charset. */
export function encodingName(declared: string): string | undefined {
  let name = declared.toLowerCase().replace(/\s+/g, '')
  // An alias may lead to another one: `iso_8859-2`, `tis_620`, `x-mac-roman`.
  for (let round = 0; round < 4; round++) {
    if (name === '' || name.length > nameCharsMax) return undefined
    if (known.has(name)) return name
    const next = resolveOnce(name)
    if (next === undefined || next === name) return undefined
    name = next
  }
  return known.has(name) ? name : undefined
}

function resolveOnce(name: string): string | undefined {
  const latin = /^latin(\d+)$/.exec(name)
  if (latin !== null) {
    const part = latinParts[Number(latin[1])]
    return part === undefined ? undefined : `iso-8859-${part}`
  }
  // An underscore stands for a hyphen.
  const spaced = /^([^_]+)_+([^_]*)$/.exec(name)
  if (spaced !== null) {
    const hyphened = `${spaced[1]}-${spaced[2]}`
    if (encodingName(hyphened) !== undefined) return hyphened
  }
  for (const [pattern, target] of aliases) {
    const found = pattern.exec(name)
    if (found !== null) return target.replace(/\$(\d)/g, (_all, group) => found[Number(group)] ?? '')
  }
  return undefined
}
