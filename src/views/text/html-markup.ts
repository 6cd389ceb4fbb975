// Reads one piece of markup at a '<', as HTML::Parser 3.81 does outside its strict modes. Pure functions over offsets; what a piece means is
// decided in html-parser.ts. `incomplete` = the text ends before the piece does, `notMarkup` = the '<' is text.

import { codeAt } from '../../message/bytes.js'
import { Attributes } from './attributes.js'

export const incomplete = -1
export const notMarkup = -2

export const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13)
const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90)
export const isNameFirst = (code: number): boolean => isLetter(code) || code === 95 || code === 58
const isNameChar = (code: number): boolean =>
  isNameFirst(code) || (code >= 48 && code <= 57) || code === 46 || code === 45
const isQuote = (code: number): boolean => code === 34 || code === 39

const EXCLAMATION = 33
const DASH = 45
const EQUALS = 61
const GT = 62
const BRACKET = 91

function skipSpaces(src: string, from: number): number {
  let at = from
  while (at < src.length && isSpace(src.charCodeAt(at))) at++
  return at
}

/** Offset of the next blank or '>', or the length. */
function skipWord(src: string, from: number): number {
  let at = from
  while (at < src.length) {
    const code = src.charCodeAt(at)
    if (code === GT || isSpace(code)) break
    at++
  }
  return at
}

export interface StartTag {
  readonly end: number
  /** As written. */
  readonly name: string
  readonly attributes: Attributes
}

/** A start tag at `<letter`; undefined when it is incomplete, a quote that never closes included. */
export function readStartTag(src: string, open: number, wide: boolean): StartTag | undefined {
  let at = skipWord(src, open + 2)
  const name = src.slice(open + 1, at)
  const attributes = new Attributes(wide)
  at = skipSpaces(src, at)
  while (at < src.length && src.charCodeAt(at) !== GT) {
    const nameStart = at++
    while (at < src.length) {
      const code = src.charCodeAt(at)
      if (code === EQUALS || code === GT || isSpace(code)) break
      at++
    }
    const attribute = src.slice(nameStart, at)
    at = skipSpaces(src, at)
    if (codeAt(src, at) !== EQUALS) {
      if (at < src.length) attributes.add(attribute, undefined)
      continue
    }
    at = skipSpaces(src, at + 1)
    const first = codeAt(src, at)
    if (first === GT) {
      attributes.add(attribute, '')
    } else if (isQuote(first)) {
      const close = src.indexOf(first === 34 ? '"' : "'", at + 1)
      if (close < 0) return undefined
      attributes.add(attribute, src.slice(at + 1, close))
      at = skipSpaces(src, close + 1)
    } else {
      const valueStart = at
      at = skipWord(src, at)
      attributes.add(attribute, src.slice(valueStart, at))
      at = skipSpaces(src, at)
    }
  }
  return at < src.length ? { end: at + 1, name, attributes } : undefined
}

export interface EndTag {
  readonly end: number
  /** As written; undefined when no name follows the slash: a comment then. */
  readonly name: string | undefined
}

export function readEndTag(src: string, open: number): EndTag | undefined {
  const nameEnd = skipWord(src, open + 2)
  const close = skipUntilGt(src, nameEnd)
  if (close >= src.length) return undefined
  return { end: close + 1, name: nameEnd === open + 2 ? undefined : src.slice(open + 2, nameEnd) }
}

/** The '>' outside quotes; a quote opens only behind a space or '=' (old Internet Explorer). */
function skipUntilGt(src: string, from: number): number {
  let quote = 0
  let previous = 32
  for (let at = from; at < src.length; at++) {
    const code = src.charCodeAt(at)
    if (quote === 0 && code === GT) return at
    if (isQuote(code)) {
      if (code === quote) quote = 0
      else if (quote === 0 && (previous === 32 || previous === EQUALS)) quote = code
    }
    previous = code
  }
  return src.length
}

/** Offset behind the comment whose content starts at `from`: `--`, blanks, `>`; at the end of a document any '>'. */
export function readComment(src: string, from: number, lenient: boolean): number {
  if (lenient) {
    const close = src.indexOf('>', from)
    return close < 0 ? incomplete : close + 1
  }
  for (let dashes = src.indexOf('--', from); dashes >= 0; dashes = src.indexOf('--', dashes + 1)) {
    const at = skipSpaces(src, dashes + 2)
    if (codeAt(src, at) === GT) return at + 1
  }
  return incomplete
}

export interface Declaration {
  /** Offset behind it, undefined when it is none. */
  readonly end: number | undefined
  /** How far it was read: what is no declaration counts as a comment up to the next '>' from here. */
  readonly readTo: number
}

/** `<!DOCTYPE ...>` or `<!ENTITY ...>`; undefined when it is incomplete. */
export function readDeclaration(src: string, open: number): Declaration | undefined {
  let at = open + 2
  const failed = (): Declaration => ({ end: undefined, readTo: at })
  if (!isLetter(codeAt(src, at))) return failed()
  while (isNameChar(codeAt(src, at))) at++
  if (at >= src.length) return undefined
  if (!/^(?:doctype|entity)$/i.test(src.slice(open + 2, Math.min(at, open + 10)))) return failed()
  for (;;) {
    at = skipSpaces(src, at)
    if (at >= src.length) return undefined
    const code = src.charCodeAt(at)
    if (code === GT) return { end: at + 1, readTo: at + 1 }
    if (isQuote(code)) {
      const close = src.indexOf(code === 34 ? '"' : "'", at + 1)
      if (close < 0) return undefined
      at = close + 1
    } else if (code === DASH) {
      at++
      if (at >= src.length) return undefined
      if (src.charCodeAt(at) !== DASH) return failed()
      const close = src.indexOf('--', at + 1)
      if (close < 0) return undefined
      at = close + 2
    } else {
      at = skipWord(src, at + 1)
      if (at >= src.length) return undefined
    }
  }
}

export interface SectionStart {
  readonly end: number
  readonly keywords: readonly string[]
}

/** `<![ KEYWORDS [`, comments allowed between the words. */
export function readSectionStart(
  src: string,
  open: number,
): SectionStart | typeof incomplete | typeof notMarkup {
  const keywords: string[] = []
  let at = open + 3
  for (;;) {
    at = skipSpaces(src, at)
    while (isNameFirst(codeAt(src, at))) {
      const start = at++
      while (isNameChar(codeAt(src, at))) at++
      keywords.push(src.slice(start, at).toLowerCase())
      at = skipSpaces(src, at)
      if (at >= src.length) return incomplete
    }
    if (codeAt(src, at) !== DASH) break
    if (codeAt(src, at + 1) !== DASH) return notMarkup
    const close = src.indexOf('--', at + 2)
    if (close < 0) return incomplete
    at = close + 2
  }
  if (codeAt(src, at) !== BRACKET) return notMarkup
  return { end: at + 1, keywords: keywords.length === 0 ? ['include'] : keywords }
}

/** The rest of a document that begins like markup is dropped as a comment rather than shown. */
export function beginsMarkup(src: string, open: number): boolean {
  const next = codeAt(src, open + 1)
  return open + 1 >= src.length || isNameFirst(next) || next === 47 || next === EXCLAMATION || next === 63
}
