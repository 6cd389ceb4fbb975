// Reads a Content-Type value the way SpamAssassin does (4.0.1, Util.pm; fixtures/oracle/micro-mime, groups bnd, type, name): by searching, not
// by grammar, because mail programs that show spam do the same. The value is a decoded header value without line ends.

import type { ByteString } from '../types.js'
import { asciiLower } from './bytes.js'
import { Remembered } from './remembered.js'

export interface ContentType {
  /** Lower case; text/* other than html, calendar and x-vcard is text/plain. */
  readonly type: string
  /** Single quotes belong to it; undefined when none was found. */
  readonly boundary: ByteString | undefined
  /** As written; undefined when none is declared. */
  readonly charset: ByteString | undefined
  readonly name: ByteString | undefined
  /** No usable Content-Type: the type is the default. */
  readonly missing: boolean
}

const defaultType: ContentType = {
  type: 'text/plain',
  boundary: undefined,
  charset: 'us-ascii',
  name: undefined,
  missing: true,
}

export function parseContentType(value: ByteString | undefined): ContentType {
  // '0' is as good as nothing to Perl.
  return value === undefined || value === '' || value === '0' ? defaultType : contentTypes.get(value)
}

/** Each is asked for several times a message, and many messages have the same. */
const contentTypes = new Remembered(512, readContentType)

function readContentType(value: ByteString): ContentType {
  const boundary =
    /\bboundary[ \t\n\r\f\v]*=[ \t\n\r\f\v]*("[^"]+|[^ \t\n\r\f\v";]+(?=[ \t\n\r\f\v;]|$))/i.exec(value)
  const charset = parameter(value, /\bcharset[ \t\n\r\f\v]*=[ \t\n\r\f\v]*/i)
  let name = parameter(value, /\b(?:file)?name[ \t\n\r\f\v]*=[ \t\n\r\f\v]*/i)
  if (!name && /\b(?:file)?name\*0[ \t\n\r\f\v]*=/i.test(value)) name = continuedName(value)
  const { type, missing } = mimeType(value)
  return { type, boundary: boundary?.[1]?.replaceAll('"', ''), charset, name, missing }
}

/** Text after the given start up to a semicolon or the end, without one quote on each side. */
function parameter(value: ByteString, start: RegExp): ByteString | undefined {
  const found = start.exec(value)
  return found ? parameterAt(value, found.index + found[0].length) : undefined
}

function parameterAt(value: ByteString, at: number): ByteString {
  const start = isQuote(value.charCodeAt(at)) ? at + 1 : at
  const semicolon = value.indexOf(';', start)
  const end = semicolon < 0 ? value.length : semicolon
  return value.slice(start, end > start && isQuote(value.charCodeAt(end - 1)) ? end - 1 : end)
}

const isQuote = (code: number): boolean => code === 34 || code === 39

/** RFC 2231 continuations of a name, in the order of their numbers; only the plain form without charset. */
function continuedName(value: ByteString): ByteString {
  const pieces: ByteString[] = []
  const start = /\b(?:file)?name\*(\d{1,4})[ \t\n\r\f\v]*=[ \t\n\r\f\v]*/gi
  for (let found = start.exec(value); found !== null; found = start.exec(value)) {
    pieces[Number(found[1])] = parameterAt(value, start.lastIndex)
    const semicolon = value.indexOf(';', start.lastIndex)
    if (semicolon < 0) break
    start.lastIndex = semicolon
  }
  return pieces.join('')
}

function mimeType(value: ByteString): { readonly type: string; readonly missing: boolean } {
  const semicolon = value.indexOf(';')
  const head = (semicolon < 0 ? value : value.slice(0, semicolon)).replace(/^[ \t\n\r\f\v]+/, '')
  // type, slash, subtype; what follows a blank or a second slash is dropped.
  const word = asciiLower(/^[^/]+(?:\/[^/ \t\n\r\f\v]*)?/.exec(head)?.[0] ?? head)
  const missing = word === '' || word === '0'
  if (missing || (/^text\b/.test(word) && !/^text\/(?:x-vcard|calendar|html)$/.test(word)))
    return { type: 'text/plain', missing }
  return { type: word.replace(/[\0-\x20\x7f-\xff"(),:;<=>?@[\\\]]+/g, ''), missing }
}
