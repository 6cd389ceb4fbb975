// The message with its verdict written into it: X-Spam-* headers and a marked Subject, or for spam with report_safe 1 and 2 a new message
// that carries the report and, untouched, the original. Works on the bytes of the original: what is not ours keeps every byte, line ends
// of all kinds, NUL and 8-bit included.
import { setting } from '../../rules/engine/settings.js'
import type { ByteString, Message } from '../types.js'
import { mailDate } from './date.js'
import { addedHeaders } from './headers.js'
import { renderReport, renderUnsafeReport } from './render.js'
import { expandTags, followedVersion, type ReportInput, subjectPrefix } from './tags.js'
import { trimEnd } from './wrap.js'

export interface Rewritten {
  readonly message: Uint8Array
  /** Bytes up to and including the first blank line: the answer to spamd's HEADERS. */
  readonly headersLength: number
}

export function rewriteMessage(input: ReportInput): Rewritten {
  const { message } = input.scan
  const wrapped = input.verdict.isSpam && setting<number>(input.settings, 'report_safe') > 0
  const { mbox, head, body } = cutMessage(message)
  const parts = wrapped ? wrapOriginal(input, mbox) : [mbox + markHeaders(head, input), body]
  const bytes = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  )
  return { message: bytes, headersLength: endOfHeaders(bytes) }
}

/** Header block as text, body as bytes: bodies may be large and are never looked at. */
function cutMessage({ raw, bodyOffset, mboxLine }: Message): {
  mbox: string
  head: string
  body: Uint8Array
} {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  const text = bytes.toString('latin1', 0, Math.min(bodyOffset, bytes.length))
  const mboxEnd = mboxLine === undefined ? 0 : text.indexOf('\n') + 1
  return { mbox: text.slice(0, mboxEnd), head: text.slice(mboxEnd), body: bytes.subarray(text.length) }
}

function endOfHeaders(bytes: Buffer): number {
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return at + 2
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3
  }
  return bytes.length
}

// ---------------------------------------------------------------- ham, and spam with report_safe 0

/** The fields of a header block, each with its continuation lines and line ends; the blank line that ends it apart. */
function cutFields(head: ByteString): { fields: ByteString[]; separator: ByteString } {
  const fields: ByteString[] = []
  for (const line of head.split(/(?<=\n)/)) {
    if (/^[ \t]/.test(line) && fields.length > 0) fields[fields.length - 1] += line
    else if (line !== '') fields.push(line)
  }
  const separator = /^\r?\n$/.test(fields.at(-1) ?? '') ? fields.pop()! : ''
  return { fields, separator }
}

function markHeaders(head: ByteString, input: ReportInput): ByteString {
  const { fields, separator } = cutFields(head)
  // Whatever claims to be a verdict is removed, by any name: senders forge them. X-Spam-Prev- holds what removal of markup needs.
  const own = fields.filter((field) => !/^X-Spam-(?!Prev-)/i.test(field))
  const eol = input.scan.message.lineEnd
  const returnPath = /^Return-Path:/i.test(own[0] ?? '') ? own.shift()! : ''
  const rewritten = rewriteFields(own, input)
  return returnPath + withLineEnds(addedHeaders(input), eol) + rewritten.join('') + separator
}

/** Subject, From and To as `rewrite_header` and `subjprefix` want them; spam keeps the old ones as X-Spam-Prev-*. */
function rewriteFields(fields: readonly ByteString[], input: ReportInput): ByteString[] {
  const eol = input.scan.message.lineEnd
  const tags = setting<ReadonlyMap<string, string>>(input.settings, 'rewrite_header')
  const { isSpam } = input.verdict
  const prefix = trimEnd(subjectPrefix(input).replaceAll('\n', ' '))
  if (!isSpam && prefix === '') return [...fields]
  const previous: ByteString[] = []
  const rewrite = (field: ByteString, created: boolean): ByteString => {
    const name = /^(From|Subject|To):/i.exec(field)?.[1]
    if (name === undefined) return field
    const key = name.charAt(0).toUpperCase() + name.slice(1).toLowerCase()
    const template = tags.get(key)
    if (template === undefined || (!isSpam && key !== 'Subject')) return field
    let marked = key === 'Subject' && prefix !== '' ? putBefore(field, expandTags(prefix, input)) : field
    if (isSpam) {
      previous.push(created ? `X-Spam-Prev-Subject: (nonexistent)${eol}` : `X-Spam-Prev-${field}`)
      const tag = expandTags(template, input).replaceAll('\n', ' ')
      marked = putBefore(marked, key === 'Subject' ? tag : `(${tag})`)
    }
    return marked
  }
  const marked = fields.map((field) => rewrite(field, false))
  if (tags.has('Subject') && !fields.some((field) => /^Subject[ \t]*:/i.test(field)))
    marked.push(rewrite(`Subject: ${eol}`, true))
  return [...endLastLine(marked, eol), ...previous]
}

/** `Name: tag value`; a tag that stands there already is not doubled. */
function putBefore(field: ByteString, tag: ByteString): ByteString {
  const colon = field.indexOf(':') + 1
  const value = field.slice(colon).replace(/^[ \t]*/, '')
  const bare = value.toLowerCase().startsWith(`${tag} `.toLowerCase()) ? value.slice(tag.length + 1) : value
  return `${field.slice(0, colon)} ${tag} ${bare}`
}

/** A message cut off within its header has a last field without line end; nothing may be glued to it. */
function endLastLine(fields: readonly ByteString[], eol: string): ByteString[] {
  return fields.map((field) => (field.endsWith('\n') ? field : field + eol))
}

// ---------------------------------------------------------------- spam with report_safe 1 or 2

/** Header fields that the new message takes over, as it spells them. */
const takenOver = ['From', 'To', 'Cc', 'Subject', 'Date', 'Message-Id']

function wrapOriginal(input: ReportInput, mbox: ByteString): (ByteString | Uint8Array)[] {
  const { message } = input.scan
  const original = Buffer.from(message.raw.buffer, message.raw.byteOffset, message.raw.byteLength).subarray(
    mbox.length,
  )
  const plain = /^\s*$|text\/plain/i.test(
    message.headers.findLast((h) => /^content-type$/i.test(h.name))?.raw ?? '',
  )
  const boundary = freshBoundary(original, input)
  const type = setting<number>(input.settings, 'report_safe') > 1 ? 'text/plain' : 'message/rfc822'
  const charset = setting<string>(input.settings, 'report_charset') || 'UTF-8'
  const front = [
    outerHeaders(input),
    'MIME-Version: 1.0\n',
    `Content-Type: multipart/mixed; boundary="${boundary}"\n`,
    '\nThis is a multi-part message in MIME format.\n\n',
    `--${boundary}\n`,
    `Content-Type: text/plain; charset=${charset}\n`,
    'Content-Disposition: inline\n',
    'Content-Transfer-Encoding: 8bit\n\n',
    `${renderReport(input)}${plain ? '' : renderUnsafeReport(input)}\n\n`,
    `--${boundary}\n`,
    `Content-Type: ${type}; x-spam-type=original\n`,
    'Content-Description: original message before SpamAssassin\n',
    `Content-Disposition: ${plain ? 'inline' : 'attachment'}\n`,
    'Content-Transfer-Encoding: 8bit\n\n',
  ].join('')
  const eol = message.lineEnd
  return [mbox + withLineEnds(front, eol), original, withLineEnds(`\n--${boundary}--\n\n`, eol)]
}

function outerHeaders(input: ReportInput): ByteString {
  const { message } = input.scan
  const tags = setting<ReadonlyMap<string, string>>(input.settings, 'rewrite_header')
  const tagOf = (name: string) => {
    const template = tags.get(name)
    return template === undefined ? undefined : expandTags(template, input).replaceAll('\n', ' ')
  }
  const own: ByteString[] = []
  for (const name of takenOver) {
    let value = lastValue(message, name)
    const tag = tagOf(name)
    if (tag !== undefined)
      value = name === 'Subject' ? markSubject(value ?? '\n', tag, input) : appendTag(value ?? '\n', tag)
    if (value !== undefined) own.push(`${name}: ${value}`)
  }
  const copied: ByteString[] = []
  const received: ByteString[] = []
  const seen = new Set(takenOver.map((name) => name.toLowerCase()))
  for (const name of setting<readonly string[]>(input.settings, 'report_safe_copy_headers')) {
    if (seen.has(name.toLowerCase())) continue
    seen.add(name.toLowerCase())
    const list = name.toLowerCase() === 'received' ? received : copied
    list.push(...allValues(message, name).map((value) => `${name}: ${value}`))
  }
  const stamp = `Received: from localhost by ${input.hostname}\n\twith SpamAssassin (version ${followedVersion});\n\t${mailDate(input.now ?? new Date())}\n`
  return stamp + received.join('') + own.join('') + addedHeaders(input) + copied.join('')
}

function allValues(message: Message, name: string): ByteString[] {
  return message.headers
    .filter((header) => header.name.toLowerCase() === name.toLowerCase())
    .map((header) => header.raw.replace(/^[ \t]*/, '').replace(/\n?$/, '\n'))
}

function lastValue(message: Message, name: string): ByteString | undefined {
  return allValues(message, name).at(-1)
}

function markSubject(value: ByteString, tag: ByteString, input: ReportInput): ByteString {
  const whole = expandTags(subjectPrefix(input), input).replaceAll('\n', ' ') + value
  return whole.startsWith(`${tag} `) ? whole : `${tag} ${whole}`
}

/** From and To take the tag as a comment at their end, so that the address stays the first thing in the field. */
function appendTag(value: ByteString, tag: ByteString): ByteString {
  const bare = value.replace(/\n$/, '')
  return bare.endsWith(`\t(${tag})`) ? value : `${bare}\t(${tag})\n`
}

/** A boundary that no line of the original can close: the sender sees the form, but neither clock nor dice. */
function freshBoundary(original: Buffer, input: ReportInput): string {
  const random = input.random ?? Math.random
  const hex = (value: number) => Math.floor(value).toString(16).toUpperCase().padStart(8, '0')
  let boundary = `----------=_${hex((input.now ?? new Date()).getTime() / 1000)}.${hex(random() * 2 ** 32)}`
  while (original.includes(boundary)) boundary += `/${hex(random() * 2 ** 32)}`
  return boundary
}

function withLineEnds(text: ByteString, eol: '\n' | '\r\n'): ByteString {
  return eol === '\n' ? text : text.replace(/\r?\n/g, eol)
}
