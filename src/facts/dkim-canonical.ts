// Canonical forms of RFC 6376 3.4: the bytes that were signed. Texts are byte strings with CRLF line ends. Every step is linear in its
// input: the plain way to cut blanks before a line end (`[ \t]+\r\n`) takes minutes on a megabyte of blanks.
import type { ByteString, Message } from '../types.js'

export type Canonical = 'simple' | 'relaxed'

export interface Field {
  /** Lower case, blanks removed. */
  readonly name: string
  /** The field as it stands, with CRLF inside, without the last one. */
  readonly text: ByteString
  /** Everything after the colon. */
  readonly value: ByteString
}

function withCrlf(text: ByteString, lineEnd: Message['lineEnd']): ByteString {
  return lineEnd === '\n' ? text.replaceAll('\n', '\r\n') : text
}

/** The header fields in order. Not Message.headers: those are cut at the lengths that rules see, and a signature covers all bytes. */
export function readFields(message: Message): readonly Field[] {
  const bytes = Buffer.from(message.raw.buffer, message.raw.byteOffset, message.raw.byteLength)
  const start = message.headers[0]?.offset ?? 0
  const block = withCrlf(bytes.toString('latin1', start, message.bodyOffset), message.lineEnd)
  const fields: Field[] = []
  for (const text of block.split(/\r\n(?![ \t])/)) {
    const colon = text.indexOf(':')
    if (colon < 1) continue
    fields.push({
      name: text
        .slice(0, colon)
        .replace(/[ \t]+$/, '')
        .toLowerCase(),
      text,
      value: text.slice(colon + 1),
    })
  }
  return fields
}

export function readBody(message: Message): ByteString {
  const bytes = Buffer.from(message.raw.buffer, message.raw.byteOffset, message.raw.byteLength)
  return withCrlf(bytes.toString('latin1', message.bodyOffset), message.lineEnd)
}

export function canonicalField(field: Field, form: Canonical): ByteString {
  if (form === 'simple') return field.text
  const value = field.value.replaceAll('\r\n', '').replace(/[ \t]+/g, ' ')
  // Not trim(): to it the byte 0xA0 is a blank too.
  return `${field.name}:${value.replace(/^ | $/g, '')}`
}

/** The body, ending in exactly one line end; an empty one is '' when relaxed and one line end when simple (3.4.3, 3.4.4). */
export function canonicalBody(body: ByteString, form: Canonical): ByteString {
  const text = form === 'simple' ? body : body.replace(/[ \t]+/g, ' ').replaceAll(' \r\n', '\r\n')
  let end = text.length
  if (form === 'relaxed' && text.endsWith(' ')) end -= 1
  while (end >= 2 && text[end - 1] === '\n' && text[end - 2] === '\r') end -= 2
  if (end === 0) return form === 'simple' ? '\r\n' : ''
  return `${text.slice(0, end)}\r\n`
}

/** The field with the value of its b= tag taken out, as it was when it was signed. */
export function withoutSignature(field: Field): Field {
  const value = field.value.replace(/(^|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*/, '$1$2')
  return { ...field, value, text: field.text.slice(0, field.text.length - field.value.length) + value }
}

/** Fields named by an h= list, each name taken from the bottom up; a name that isn't there (any more) adds nothing (5.4.2). */
export function pickSigned(fields: readonly Field[], names: readonly string[]): readonly Field[] {
  const byName = new Map<string, Field[]>()
  for (const field of fields) {
    const list = byName.get(field.name)
    if (list === undefined) byName.set(field.name, [field])
    else list.push(field)
  }
  return names.flatMap((name) => byName.get(name)?.pop() ?? [])
}
