// Entities as HTML::Parser 3.81 decodes them: the names of HTML 4 and `apos`, case-sensitive; those of Latin-1 also without semicolon and as the
// beginning of a longer word, the others only with one; numbers by their code point (fixtures/oracle/micro-html, groups ent, entcs).

import { codeAt } from '../../message/bytes.js'

export interface Decoded {
  readonly text: string
  /** True as soon as the source was, or a character outside Latin-1 came in. */
  readonly wide: boolean
}

const latinNames =
  'quot=22 amp=26 apos=27 lt=3c gt=3e nbsp=a0 iexcl=a1 cent=a2 pound=a3 curren=a4 yen=a5 brvbar=a6 ' +
  'sect=a7 uml=a8 copy=a9 ordf=aa laquo=ab not=ac shy=ad reg=ae macr=af deg=b0 plusmn=b1 sup2=b2 ' +
  'sup3=b3 acute=b4 micro=b5 para=b6 middot=b7 cedil=b8 sup1=b9 ordm=ba raquo=bb frac14=bc frac12=bd ' +
  'frac34=be iquest=bf Agrave=c0 Aacute=c1 Acirc=c2 Atilde=c3 Auml=c4 Aring=c5 AElig=c6 Ccedil=c7 ' +
  'Egrave=c8 Eacute=c9 Ecirc=ca Euml=cb Igrave=cc Iacute=cd Icirc=ce Iuml=cf ETH=d0 Ntilde=d1 ' +
  'Ograve=d2 Oacute=d3 Ocirc=d4 Otilde=d5 Ouml=d6 times=d7 Oslash=d8 Ugrave=d9 Uacute=da Ucirc=db ' +
  'Uuml=dc Yacute=dd THORN=de szlig=df agrave=e0 aacute=e1 acirc=e2 atilde=e3 auml=e4 aring=e5 ' +
  'aelig=e6 ccedil=e7 egrave=e8 eacute=e9 ecirc=ea euml=eb igrave=ec iacute=ed icirc=ee iuml=ef eth=f0 ' +
  'ntilde=f1 ograve=f2 oacute=f3 ocirc=f4 otilde=f5 ouml=f6 divide=f7 oslash=f8 ugrave=f9 uacute=fa ' +
  'ucirc=fb uuml=fc yacute=fd thorn=fe yuml=ff'

const otherNames =
  'OElig=152 oelig=153 Scaron=160 scaron=161 Yuml=178 fnof=192 circ=2c6 tilde=2dc Alpha=391 Beta=392 ' +
  'Gamma=393 Delta=394 Epsilon=395 Zeta=396 Eta=397 Theta=398 Iota=399 Kappa=39a Lambda=39b Mu=39c ' +
  'Nu=39d Xi=39e Omicron=39f Pi=3a0 Rho=3a1 Sigma=3a3 Tau=3a4 Upsilon=3a5 Phi=3a6 Chi=3a7 Psi=3a8 ' +
  'Omega=3a9 alpha=3b1 beta=3b2 gamma=3b3 delta=3b4 epsilon=3b5 zeta=3b6 eta=3b7 theta=3b8 iota=3b9 ' +
  'kappa=3ba lambda=3bb mu=3bc nu=3bd xi=3be omicron=3bf pi=3c0 rho=3c1 sigmaf=3c2 sigma=3c3 tau=3c4 ' +
  'upsilon=3c5 phi=3c6 chi=3c7 psi=3c8 omega=3c9 thetasym=3d1 upsih=3d2 piv=3d6 ensp=2002 emsp=2003 ' +
  'thinsp=2009 zwnj=200c zwj=200d lrm=200e rlm=200f ndash=2013 mdash=2014 lsquo=2018 rsquo=2019 ' +
  'sbquo=201a ldquo=201c rdquo=201d bdquo=201e dagger=2020 Dagger=2021 bull=2022 hellip=2026 ' +
  'permil=2030 prime=2032 Prime=2033 lsaquo=2039 rsaquo=203a oline=203e frasl=2044 euro=20ac ' +
  'image=2111 weierp=2118 real=211c trade=2122 alefsym=2135 larr=2190 uarr=2191 rarr=2192 darr=2193 ' +
  'harr=2194 crarr=21b5 lArr=21d0 uArr=21d1 rArr=21d2 dArr=21d3 hArr=21d4 forall=2200 part=2202 ' +
  'exist=2203 empty=2205 nabla=2207 isin=2208 notin=2209 ni=220b prod=220f sum=2211 minus=2212 ' +
  'lowast=2217 radic=221a prop=221d infin=221e ang=2220 and=2227 or=2228 cap=2229 cup=222a int=222b ' +
  'there4=2234 sim=223c cong=2245 asymp=2248 ne=2260 equiv=2261 le=2264 ge=2265 sub=2282 sup=2283 ' +
  'nsub=2284 sube=2286 supe=2287 oplus=2295 otimes=2297 perp=22a5 sdot=22c5 lceil=2308 rceil=2309 ' +
  'lfloor=230a rfloor=230b lang=2329 rang=232a loz=25ca spades=2660 clubs=2663 hearts=2665 diams=2666'

const tableOf = (names: string): Map<string, number> =>
  new Map(names.split(' ').map((entry) => [entry.split('=')[0]!, Number.parseInt(entry.split('=')[1]!, 16)]))

const latin = tableOf(latinNames)
const other = tableOf(otherNames)
const longestName = 8

const AMPERSAND = 38
const SEMICOLON = 59
const replacement = 0xfffd

/** `prefixes`: a known name at the start of an unknown one counts (text, not attributes). */
export function decodeEntities(source: string, sourceIsWide: boolean, prefixes: boolean): Decoded {
  let at = source.indexOf('&')
  if (at < 0) return { text: source, wide: sourceIsWide }
  const pieces: string[] = []
  let copied = 0
  let wide = sourceIsWide
  /** Upper half of a surrogate pair written as two numbers; already put out as a replacement character. */
  let high = 0
  for (; at >= 0; at = source.indexOf('&', at)) {
    const found =
      codeAt(source, at + 1) === 35 ? readNumber(source, at + 2) : readName(source, at + 1, prefixes)
    let code = found.code
    at = found.end
    if (code < 0) {
      if (found.isName) high = 0
      continue
    }
    pieces.push(source.slice(copied, found.start))
    if (codeAt(source, at) === SEMICOLON) at++
    copied = at
    if (found.isName) {
      high = 0
      if (code > 255) wide = true
    } else if (code > 255 || wide) {
      wide = true
      if ((code & 0xfffffc00) === 0xdc00) {
        if (high === 0) {
          code = replacement
        } else {
          // The text between is empty: the replacement character is the last but one piece.
          pieces.splice(-2, 1)
          code = ((high - 0xd800) << 10) + (code - 0xdc00) + 0x10000
          high = 0
        }
      } else if ((code & 0xfffffc00) === 0xd800) {
        high = code
        code = replacement
      } else {
        high = 0
        if ((code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe) code = replacement
      }
    }
    if (codeAt(source, at) !== AMPERSAND) high = 0
    pieces.push(String.fromCodePoint(code))
  }
  pieces.push(source.slice(copied))
  return { text: pieces.join(''), wide }
}

interface Reference {
  /** Offset of the '&'. */
  readonly start: number
  /** Offset behind what was read. */
  readonly end: number
  /** -1: stays as typed. */
  readonly code: number
  readonly isName: boolean
}

function readNumber(source: string, from: number): Reference {
  const isHex = (codeAt(source, from) | 32) === 120
  const digits = isHex ? from + 1 : from
  let at = digits
  let code = 0
  for (;;) {
    const digit = digitValue(codeAt(source, at), isHex)
    if (digit < 0) break
    code = code * (isHex ? 16 : 10) + digit
    if (code > 0x10ffff) return { start: from - 2, end: at, code: -1, isName: false }
    at++
  }
  const refused = code === 0 || code === 0xfffe || code === 0xffff
  return { start: from - 2, end: at, code: refused ? -1 : code, isName: false }
}

function digitValue(code: number, hex: boolean): number {
  if (code >= 48 && code <= 57) return code - 48
  // HTML::Parser looks hex digits up in a C string and so takes a NUL for a zero.
  if (hex && code === 0) return 0
  const letter = code | 32
  return hex && letter >= 97 && letter <= 102 ? letter - 87 : -1
}

function readName(source: string, from: number, prefixes: boolean): Reference {
  let end = from
  while (isWordChar(codeAt(source, end))) end++
  const length = end - from
  if (length <= longestName) {
    const name = source.slice(from, end)
    const code = latin.get(name) ?? (codeAt(source, end) === SEMICOLON ? other.get(name) : undefined)
    if (code !== undefined) return { start: from - 1, end, code, isName: true }
  }
  for (let short = Math.min(length - 1, longestName); prefixes && short > 0; short--) {
    const code = latin.get(source.slice(from, from + short))
    if (code !== undefined) return { start: from - 1, end: from + short, code, isName: true }
  }
  return { start: from - 1, end, code: -1, isName: true }
}

const isWordChar = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95
