// BodyEval: measures of the rendered and raw text: length, blank lines, columns of letters, how far the plain and the html version of
// one text differ, the vocabulary of stock tips, length of the signature.
import { isUtf8 } from 'node:buffer'
import type { Plugin } from '../../rules/engine/types.js'
import type { ByteString, Part } from '../types.js'
import { bytePattern } from '../views/pattern.js'
import { bodyLetters } from './letters.js'
import { once } from './once.js'
import { partsOf } from './parts.js'
import { isSpace, lower } from './text.js'

interface Difference {
  /** Largest share of html words missing in the text, percent. */
  readonly percent: number
  readonly htmlWords: number
  readonly textWords: number
}

/**
 * Words with at least one letter or digit. SpamAssassin counts characters here, not bytes, where the part was decoded, so letters of
 * other scripts make words and its spaces part them.
 */
function countWords(text: ByteString, into: Map<string, number>): void {
  const wide = asCharacters(text)
  if (wide === undefined) {
    countByteWords(text, into)
    return
  }
  for (const word of wide.split(/\s+/u))
    if (isWordChar(word.charCodeAt(0)) || wideWordChar.test(word)) into.set(word, (into.get(word) ?? 0) + 1)
}

const wideWordChar = /[\p{L}\p{M}\p{N}_\p{Pc}]/u

function countByteWords(text: ByteString, into: Map<string, number>): void {
  let start = 0
  let isWord = false
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 32
    if (!isSpace(code)) {
      isWord ||= isWordChar(code)
      continue
    }
    if (isWord) {
      const word = text.slice(start, at)
      into.set(word, (into.get(word) ?? 0) + 1)
    }
    start = at + 1
    isWord = false
  }
}

/** ASCII letter, digit or underscore. */
const isWordChar = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95

/** The text as characters when its bytes are UTF-8 beyond ASCII, else undefined. */
function asCharacters(text: ByteString): string | undefined {
  if (!/[\x80-\xff]/.test(text)) return undefined
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/** Stands for "no word but a picture" among the html words; no word can hold a line feed. */
const picture = '\n'

/** Types of the direct children with all that they contain, the message's own type first. */
function contentSummary(root: Part): string[] {
  const all = (part: Part): string[] => [part.type, ...part.children.flatMap(all)]
  return [root.type, ...root.children.map((child) => all(child).join(','))]
}

const noDifference: Difference = { percent: 0, htmlWords: 0, textWords: 0 }

const isAlternative = (part: Part): boolean =>
  part.type.startsWith('multipart/alternative') && /^multipart\/alternative\b/.test(part.type)

const differenceOf = once((scan): Difference => {
  const { message, views } = scan
  let difference = noDifference
  if (!message.parts.some(isAlternative)) return difference
  const summary = contentSummary(message.root).join(' ')
  // An invitation: its text lives in the calendar part.
  if (summary === 'multipart/alternative text/html text/calendar') return difference
  for (const alternative of partsOf(message.root, /^multipart\/alternative\b/)) {
    const html = new Map<string, number>()
    const text = new Map<string, number>()
    for (const part of partsOf(alternative, /^text\b/)) {
      const rendered = views.text.rendered.get(part)
      if (!rendered) continue
      if (rendered.type !== 'text/html') countWords(rendered.text, text)
      else {
        countWords(rendered.text, html)
        if (
          html.size === 0 &&
          views.text.html.some((result) => result.part === part && result.inside.has('img'))
        ) {
          html.set(picture, 1)
        }
      }
    }
    if (html.size === 0) continue
    let missing = 0
    for (const [word, count] of html) if (count > (text.get(word) ?? 0)) missing++
    const percent = (missing / html.size) * 100
    difference = {
      percent: Math.max(percent, difference.percent),
      htmlWords: html.size,
      textWords: text.size,
    }
  }
  return difference
})

/** Blank lines in the raw text, and all. */
const blankLines = once((scan) => {
  let blank = 0
  let lines = 0
  for (const chunk of scan.views.text.rawbody) {
    // Perl's split with a negative limit: text after the last line feed counts even when it is empty.
    const pieces = chunk === '' ? [] : chunk.split(/(?<=\n)(?=[\s\S])/)
    lines += pieces.length
    for (const piece of pieces) if (!/[^\t-\r ]/.test(piece)) blank++
  }
  return { blank, lines }
})

/** Highest share of spaces per line, in percent of the other characters; -1 when all lines are short. */
const verticalWords = once((scan): number => {
  let highest = -1
  for (const { line, spaces } of bodyLetters(scan)) {
    if (line.length <= 5) continue
    const others = line.length - spaces
    const percent = spaces > others || others === 0 ? 100 : Math.floor((100 * spaces) / others)
    if (percent > highest) highest = percent
  }
  return highest
})

/** Labels of the tables that stock tips print, reduced to their letters; the end of the label decides. */
const stockLabel = new RegExp(
  '(^trad(?:e|ing)date|company(?:name)?|s\\w?(?:t\\w?o\\w?c\\w?k|y\\w?m(?:\\w?b\\w?o\\w?l)?)|t(?:arget|icker)|' +
    '(?:opening|current)p(?:rice)?|p(?:rojected|osition)|expectations|weeks?high|marketperformance|' +
    '(?:year|week|month|day|price)(?:target|estimates?)|sector|r(?:ecommendation|ating))$',
)

const labelled = bytePattern('^\\s*([^:\\s][^:\\n]{2,29})\\s*:\\s*\\S', 'gm')

const stockLabels = once((scan): number => {
  const first = partsOf(scan.message.root, /^text\/plain$/)[0]
  const text = first && scan.views.text.rendered.get(first)?.text
  if (!text) return 0
  const found = new Set<string>()
  for (const [, label] of text.matchAll(labelled)) {
    const kind = stockLabel.exec(lower(label!).replace(/[^a-z]/g, ''))
    if (kind) found.add(kind[1]!)
  }
  return found.size
})

interface Signature {
  readonly bodyBytes: number
  readonly signatureBytes: number
  readonly ratio: number
}

/** No signature, or the ratio's upper end. */
const noSignatureRatio = 1_000_000

/** Where the text of the first plain part ends and the signature after the last `--` line begins. */
const signature = once((scan): Signature | undefined => {
  const part = partsOf(scan.message.root, /^text\/plain/)[0]
  if (!part) return undefined
  const text = part.decoded()
  let bodyBytes = text.length
  let signatureBytes = 0
  for (const dashes of text.matchAll(/(?:^|(?<=\n)(?=[\s\S]))-- ?\r?(?=\n|$)/g)) {
    const end = dashes.index + dashes[0].length
    if (text.length - end <= 4) continue
    bodyBytes = dashes.index
    signatureBytes = text.length - end
  }
  const ratio = signatureBytes ? bodyBytes / signatureBytes : noSignatureRatio
  return { bodyBytes, signatureBytes, ratio }
})

function between(value: number | undefined, min: string, max: string | undefined): boolean {
  return value !== undefined && value >= Number(min) && (max === undefined || value <= Number(max))
}

export const bodyEval: Plugin = {
  name: 'BodyEval',
  features: ['has_check_body_length', 'has_plaintext_body_sig_ratio'],
  evals: {
    multipart_alternative_difference({ scan }, min = '', max = '') {
      const { percent } = differenceOf(scan)
      return (Number(min) === 0 || percent > Number(min)) && (max === 'undef' || percent <= Number(max))
    },
    multipart_alternative_difference_count({ scan }, ratio = '', htmlMin = '') {
      const { htmlWords, textWords } = differenceOf(scan)
      return htmlWords > Number(htmlMin) && textWords / htmlWords > Number(ratio)
    },
    check_blank_line_ratio({ scan }, min = '', max = '', linesMin = '1') {
      const { blank, lines } = blankLines(scan)
      const ratio = lines < Math.max(Number(linesMin), 1) ? -1 : (100 * blank) / lines
      return (Number(min) === 0 || ratio > Number(min)) && ratio <= Number(max)
    },
    tvd_vertical_words({ scan }, min = '', max = '') {
      const percent = verticalWords(scan)
      // 100 as upper end includes 100.
      return percent >= Number(min) && percent < (Number(max) >= 100 ? 101 : Number(max))
    },
    check_stock_info: ({ scan }, min = '') => Number(min) === 0 || stockLabels(scan) >= Number(min),
    check_body_length({ scan }, max = '') {
      const { pristine, pristineHeaders } = scan.message
      return pristine.length - pristineHeaders.length <= Number(max)
    },
    plaintext_body_length: ({ scan }, min = '', max?) => between(signature(scan)?.bodyBytes, min, max),
    plaintext_sig_length: ({ scan }, min = '', max?) => between(signature(scan)?.signatureBytes, min, max),
    plaintext_body_sig_ratio: ({ scan }, min = '', max?) => between(signature(scan)?.ratio, min, max),
  },
}
