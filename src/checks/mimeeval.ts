// MIMEEval: how the message is put together: encodings used and misused, charsets, alternatives that don't match, odd structure.
// One walk over the tree collects every counter; the evals only compare.
import type { Plugin, Settings } from '../../rules/engine/types.js'
import { Remembered } from '../message/remembered.js'
import type { ByteString, Part, Scan } from '../types.js'
import { capsProneCharset } from './headereval.js'
import { bodyLetters, lettersOf } from './letters.js'
import { isCharsetOk, okLocales } from './locales.js'
import { once } from './once.js'
import { declaredType, isLeaf, partHeader, partsOf } from './parts.js'
import { countChars, header, isSpace, linesOf, longestLine, lower, words } from './text.js'

/** Counters by the names that check_for_mime asks for; flags are 0 or 1. */
interface Counters {
  mime_base64_count: number
  mime_base64_encoded_text: number
  mime_bad_iso_charset: number
  mime_body_html_count: number
  mime_body_text_count: number
  mime_faraway_charset: number
  mime_missing_boundary: number
  mime_multipart_alternative: number
  mime_multipart_ratio: number
  /** Parts in quoted-printable; the number of encoded bytes once any such text was read. */
  mime_qp_count: number
  mime_qp_bytes: number
  mime_qp_long_line: number
  mime_qp_ratio: number
  mime_ascii_text_illegal: number
  mime_text_unicode_ratio: number
  mime_attachment: number
}

interface Walk {
  readonly counters: Counters
  readonly charsets: readonly string[]
}

const plainAscii =
  /us-ascii|ansi_x3\.4-1968|iso-ir-6|ansi_x3\.4-1986|iso_646\.irv:1991|ascii|iso646-us|us|ibm367|cp367|csascii/

/** What the evals ask of a charset's name, in lower case: most mails name one of a few. */
interface CharsetFacts {
  readonly words: readonly string[]
  readonly isPlainAscii: boolean
  readonly isBadIso: boolean
}

const charsetFacts = new Remembered<CharsetFacts>(128, (charset) => ({
  words: /[a-z]/.test(charset) ? words(charset) : [],
  isPlainAscii: charset === '' || plainAscii.test(charset),
  isBadIso:
    /iso-[^\t-\r ]+-[^\t-\r ]+\b/.test(charset) && !/iso-(?:8859-\d{1,2}|2022-(?:jp|kr))\b/.test(charset),
}))

/** A line may be so long, its end included (RFC 5322 2.1.1). */
const qpLineMax = 79

class Walker {
  readonly counters: Counters = {
    mime_base64_count: 0,
    mime_base64_encoded_text: 0,
    mime_bad_iso_charset: 0,
    mime_body_html_count: 0,
    mime_body_text_count: 0,
    mime_faraway_charset: 0,
    mime_missing_boundary: 0,
    mime_multipart_alternative: 0,
    mime_multipart_ratio: 1,
    mime_qp_count: 0,
    mime_qp_bytes: 0,
    mime_qp_long_line: 0,
    mime_qp_ratio: 0,
    mime_ascii_text_illegal: 0,
    mime_text_unicode_ratio: 0,
    mime_attachment: 0,
  }
  readonly charsets: string[] = []
  private qpBytes = 0
  private qpNeedless = 0
  private plainChars = 0
  private unicodeEntities = 0
  /** Bytes of the latest plain and html parts, for the ratio between alternatives. */
  private textBytes: number | undefined
  private htmlBytes: number | undefined

  constructor(private readonly locales: readonly string[] | undefined) {}

  walk(scan: Scan): Walk {
    for (const part of scan.message.parts) this.part(part)
    const { counters } = this
    if (this.qpBytes) {
      counters.mime_qp_ratio = this.qpNeedless / this.qpBytes
      counters.mime_qp_count = this.qpNeedless
      counters.mime_qp_bytes = this.qpBytes
    }
    if (this.plainChars) counters.mime_text_unicode_ratio = this.unicodeEntities / this.plainChars
    if (counters.mime_multipart_alternative && this.textBytes !== undefined && this.htmlBytes) {
      counters.mime_multipart_ratio = this.textBytes / this.htmlBytes
    }
    for (const open of scan.message.boundaryState.values()) if (open !== 0) counters.mime_missing_boundary = 1
    return { counters, charsets: this.charsets }
  }

  private part(part: Part): void {
    const { type, charset: declared } = declaredType(part)
    if (type === 'multipart/alternative') this.counters.mime_multipart_alternative = 1
    const encoding = lower(partHeader(part, 'content-transfer-encoding'))
    const disposition = lower(partHeader(part, 'content-disposition'))
    const charset = declared === undefined ? undefined : lower(declared)
    this.header(type, encoding, disposition, charset ?? '')
    if (!isLeaf(part)) return
    const attached = disposition.includes('attachment')
    if (!attached) {
      const counted =
        this.counters.mime_multipart_alternative && (type === 'text/plain' || type === 'text/html')
          ? part.rawBody.length
          : 0
      if (type === 'text/html') this.htmlBytes = counted
      else if (type === 'text/plain') this.textBytes = counted
    }
    if (encoding === 'quoted-printable') this.quotedPrintable(part.rawBody)
    if (type !== 'text/plain') return
    if (charset === undefined || charset === 'us-ascii') {
      if (/[\0\r\x80-\xff]/.test(part.rawBody)) {
        this.counters.mime_ascii_text_illegal += linesOf(part.rawBody).filter((line) =>
          /[\0\r\x80-\xff]/.test(line),
        ).length
      }
    }
    if (encoding === '' || encoding === '7bit' || encoding === '8bit') this.entities(part.rawBody)
  }

  private header(type: string, encoding: string, disposition: string, charset: string): void {
    const { counters } = this
    if (type === 'text/html') counters.mime_body_html_count++
    else if (type.startsWith('text')) counters.mime_body_text_count++
    const base64 = encoding.includes('base64')
    if (base64) counters.mime_base64_count++
    else if (encoding.includes('quoted-printable')) counters.mime_qp_count++
    if (disposition.includes('attachment')) counters.mime_attachment++
    const { words, isPlainAscii, isBadIso } = charsetFacts.get(charset)
    if (base64 && type.startsWith('text') && isPlainAscii) {
      if (!/^(?:attachment|inline)/.test(disposition)) counters.mime_base64_encoded_text = 1
    }
    if (isBadIso) counters.mime_bad_iso_charset = 1
    if (words.length === 0) return
    this.charsets.push(...words)
    if (this.locales && !isCharsetOk(charset, this.locales)) counters.mime_faraway_charset = 1
  }

  private quotedPrintable(text: ByteString): void {
    let sign = text.indexOf('=')
    for (let start = 0, end = 0; start < text.length; start = end) {
      const feed = text.indexOf('\n', start)
      end = feed < 0 ? text.length : feed + 1
      let needless = 0
      for (; sign >= 0 && sign < end; sign = text.indexOf('=', sign + 1))
        if (sign + 2 < end && isNeedless(text.charCodeAt(sign + 1), text.charCodeAt(sign + 2))) needless++
      // Lines of SpamAssassin's own old reports.
      if (text.startsWith('SPAM: ', start)) continue
      if (end - start > qpLineMax) this.counters.mime_qp_long_line = 1
      this.qpBytes += end - start
      if (needless > 0) this.qpNeedless += needless - trailingBlanks(text.slice(start, end))
    }
  }

  private entities(text: ByteString): void {
    const found = text.includes('&#x') ? (text.match(/&#x[0-9A-F]{4};/g)?.length ?? 0) : 0
    this.unicodeEntities += found
    this.plainChars += text.length - found * '&#x0000;'.length
  }
}

/** What needed no encoding, in capital hex digits: 09, tab, and what may stand as it is, 20 to 7E without 3D, the equals sign. */
function isNeedless(high: number, low: number): boolean {
  if (high === 48) return low === 57
  const isHex = (low >= 48 && low <= 57) || (low >= 65 && low <= 70)
  if (!isHex || high < 50 || high > 55) return false
  if (high === 51) return low !== 68
  return high !== 55 || low !== 70
}

/** Encoded tabs and spaces at the end of a line, which must be encoded there. */
function trailingBlanks(line: ByteString): number {
  let end = line.length
  while (end > 0 && isSpace(line.charCodeAt(end - 1))) end--
  let count = 0
  for (; end >= 3; end -= 3, count++) {
    const code = line.slice(end - 3, end)
    if (code !== '=20' && code !== '=09') break
  }
  return count
}

/** Everything the evals compare, by SpamAssassin's names for it. */
export function mimeFacts(scan: Scan, settings: Settings): Readonly<Record<string, number>> {
  return {
    ...walked(scan, settings).counters,
    uppercase: uppercase(scan, settings),
    base64_length: base64LineMax(scan, settings),
  }
}

const walked = once((scan, settings: Settings): Walk => new Walker(okLocales(settings)).walk(scan))

function counter(scan: Scan, settings: Settings, name: string): number | undefined {
  const { counters } = walked(scan, settings)
  return counters[name as keyof Counters]
}

const declaresHtml = (scan: Scan): boolean => /^text\/html/i.test(header(scan, 'Content-Type'))

function charsetOf(contentType: ByteString): string | undefined {
  if (!/charset=/i.test(contentType)) return undefined
  return (
    /charset="([^"]+)"/i.exec(contentType)?.[1] ??
    /charset='([^']+)'/i.exec(contentType)?.[1] ??
    /charset=([^\t-\r ]+)/i.exec(contentType)?.[1]
  )
}

const capsProne = new RegExp(`^${capsProneCharset}$`, 'i')

/** Below this many bytes of running text the share of capitals says nothing. */
const uppercaseBytesMin = 200
const twoWords = /[^\t-\r ][\t-\r ]+[^\t-\r ]/
const encodedLine = /^(?:[A-Za-z0-9+/=]{60,76} ){2}/

/** Percent of capitals among letters and digits of the running text. */
const uppercase = once((scan, settings: Settings): number => {
  const charsets = [charsetOf(header(scan, 'Content-Type')), ...walked(scan, settings).charsets]
  if (charsets.some((charset) => charset !== undefined && capsProne.test(charset))) return 0
  let length = 0
  let upper = 0
  let lowerOrDigit = 0
  for (const letters of bodyLetters(scan)) {
    const { line } = letters
    if (!twoWords.test(line) || isEncoded(line)) continue
    const text = withoutJapanese(line)
    const counted = text === line ? letters : lettersOf(text)
    length += text.length
    upper += counted.upper
    lowerOrDigit += counted.lowerOrDigit
  }
  return length < uppercaseBytesMin || upper === 0 ? 0 : (upper / (upper + lowerOrDigit)) * 100
})

/** The pattern is tried only where the first blank stands far enough from the start: words are short. */
function isEncoded(line: ByteString): boolean {
  return line.length > 121 && line.indexOf(' ') >= 60 && encodedLine.test(line)
}

/** Without what stands between ISO-2022-JP's shifts, first to last. */
function withoutJapanese(line: ByteString): ByteString {
  const start = line.indexOf('\x1b$B')
  if (start < 0) return line
  const end = line.lastIndexOf('\x1b(B')
  return end >= start + 3 ? line.slice(0, start) + line.slice(end + 3) : line
}

const base64LineMax = once((scan, settings: Settings): number => {
  if (walked(scan, settings).counters.mime_base64_count === 0) return 0
  let longest = 0
  for (const part of scan.message.parts) {
    if (!isLeaf(part) || declaredType(part).type === 'application/ics') continue
    if (lower(partHeader(part, 'content-transfer-encoding')) !== 'base64') continue
    longest = Math.max(longest, longestLine(part.rawBody))
  }
  return longest
})

const alternativeAllows = /^(?:text\/.*|multipart\/related|application\/rtf)$/i

export const mimeEval: Plugin = {
  name: 'MIMEEval',
  features: ['has_check_for_ascii_text_illegal', 'has_check_abundant_unicode_ratio', 'has_check_qp_ratio'],
  evals: {
    check_for_mime: ({ scan, settings }, name = '') => Boolean(counter(scan, settings, name)),
    check_for_mime_html: ({ scan, settings }) =>
      declaresHtml(scan) || walked(scan, settings).counters.mime_body_html_count > 0,
    check_for_mime_html_only({ scan, settings }) {
      if (declaresHtml(scan)) return true
      const { mime_body_html_count: html, mime_body_text_count: text } = walked(scan, settings).counters
      return html > 0 && text === 0
    },
    check_mime_multipart_ratio({ scan, settings }, min = '', max = '') {
      const { mime_multipart_ratio: ratio } = walked(scan, settings).counters
      return ratio >= Number(min) && ratio < Number(max)
    },
    check_msg_parse_flags: ({ scan }, flag = '') =>
      scan.message.defects.some((defect) => defect.kind === flag),
    check_for_ascii_text_illegal: ({ scan, settings }) =>
      walked(scan, settings).counters.mime_ascii_text_illegal > 0,
    check_abundant_unicode_ratio({ scan, settings }, ratio = '') {
      if (!/^\d{0,3}\.\d{1,3}$/.test(ratio)) return false
      return walked(scan, settings).counters.mime_text_unicode_ratio >= Number(ratio)
    },
    check_for_faraway_charset({ scan, settings }) {
      const locales = okLocales(settings)
      if (!locales) return false
      const charset = charsetOf(header(scan, 'Content-Type'))
      if (charset === undefined || isCharsetOk(charset, locales)) return false
      const { body } = scan.views.text
      const total = body.reduce((sum, line) => sum + line.length + 1, -1)
      const high = body.reduce((sum, line) => sum + countChars(line, (code) => code > 127), 0)
      return total - high <= high && high > 3
    },
    check_for_uppercase({ scan, settings }, min = '', max = '') {
      const percent = uppercase(scan, settings)
      return percent > Number(min) && percent <= Number(max)
    },
    check_ma_non_text: ({ scan }) =>
      partsOf(scan.message.root, /^multipart\/alternative$/).some((alternative) =>
        alternative.children.some((child) => isLeaf(child) && !alternativeAllows.test(child.type)),
      ),
    check_base64_length({ scan, settings }, min = '', max?) {
      const longest = base64LineMax(scan, settings)
      return (max === undefined || longest <= Number(max)) && longest >= Number(min)
    },
    check_qp_ratio: ({ scan, settings }, min = '') =>
      walked(scan, settings).counters.mime_qp_ratio >= Number(min),
  },
}
