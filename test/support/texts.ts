// Compares parseMessage and renderText with the recorded answers of SpamAssassin, field by field.

import { createHash } from 'node:crypto'
import { decodeHeaderValue } from '../../src/message/encoded-words.js'
import { parseMessage } from '../../src/message/parse.js'
import type { ByteString, Header, HtmlResult, Message, Part, TextView } from '../../src/types.js'
import { renderText } from '../../src/views/text/index.js'

export interface MicroCase {
  readonly id: string
  readonly what: string
  readonly message: ByteString
  readonly expect: Readonly<Record<string, unknown>>
  readonly env?: readonly string[]
}

export interface Difference {
  readonly field: string
  readonly expected: unknown
  readonly actual: unknown
}

export const subjectOf = (message: Message): ByteString | undefined => headersOf(message, 'subject').at(-1)

const headersOf = ({ headers }: { readonly headers: readonly Header[] }, name: string): ByteString[] =>
  headers
    .filter((header) => header.name.toLowerCase() === name)
    .map((header) => decodeHeaderValue(header.raw, header.name))

export function textsOf(raw: Uint8Array): { readonly message: Message; readonly text: TextView } {
  const message = parseMessage(raw)
  const text = renderText(message, {
    subject: subjectOf(message),
    normalizeCharset: true,
    bodyPartCharsMax: 50_000,
    rawbodyPartBytesMax: 500_000,
  })
  return { message, text }
}

/** All fields of a micro case that parsing and rendering answer for. */
export function compareCase(given: MicroCase): Difference[] {
  const { message, text } = textsOf(Buffer.from(given.message, 'latin1'))
  const actual: Record<string, unknown> = {
    body: text.body,
    visible: text.visible,
    invisible: text.invisible,
    raw: text.rawbody,
    html: text.html.map(describeHtml),
    parts: message.parts.map((part) => describePart(part, text)),
    flags: Object.fromEntries(
      message.defects.filter(({ kind }) => kind !== 'nesting_too_deep').map(({ kind }) => [kind, 1]),
    ),
    boundary_state: Object.fromEntries(message.boundaryState),
    split: {
      body_bytes: message.pristine.length - message.pristineHeaders.length,
      header_bytes: message.pristineHeaders.length,
      line_ending: message.lineEnd === '\n' ? 'LF' : 'CRLF',
    },
    headers: describeHeaders(message),
  }
  const expected: Record<string, unknown> = {
    boundary_state: {},
    ...given.expect,
    ...relaxed(given, message),
  }
  const differences: Difference[] = []
  for (const [field, value] of Object.entries(actual))
    if (!same(value, expected[field] ?? emptyLike(value)))
      differences.push({ field, expected: expected[field], actual: value })
  return differences
}

/** What the recording holds besides the parse: `truncated_header` is also set when rules build the pseudo-header ALL. */
function relaxed({ expect }: MicroCase, message: Message): Record<string, unknown> {
  const flags = { ...(expect['flags'] as Record<string, unknown> | undefined) }
  if (message.pristineHeaders.length > 65_536) delete flags['truncated_header']
  for (const name of Object.keys(flags)) flags[name] = Number(flags[name])
  return { flags, parts: (expect['parts'] as Record<string, unknown>[]).map(relaxPart) }
}

/** The recording keeps the spelling of the encoding, and the first of several; an empty charset or encoding is as good as none. */
function relaxPart(part: Record<string, unknown>): Record<string, unknown> {
  const { cte, charset, ...rest } = part
  return {
    ...rest,
    ...(cte ? { cte: String(cte).toLowerCase() } : {}),
    ...(charset ? { charset } : {}),
  }
}

const emptyLike = (value: unknown): unknown => (Array.isArray(value) ? [] : {})

function describeHeaders(message: Message): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const name of ['Subject', 'From', 'Content-Type']) {
    const lines = headersOf(message, name.toLowerCase())
    if (lines.length > 0) values[name] = lines.map((line) => line + '\n').join('')
  }
  return values
}

function describeHtml(html: HtmlResult): Record<string, unknown> {
  const lists = { title: html.title, comment: html.comment, script: html.script, anchor: html.anchor }
  return {
    ...html.values,
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
    inside: Object.fromEntries(html.inside),
    ...(html.uriTruncated ? { uri_truncated: 1 } : {}),
  }
}

function describePart(part: Part, text: TextView): Record<string, unknown> {
  const encoding = headersOf(part, 'content-transfer-encoding')[0]?.toLowerCase() ?? ''
  const head = {
    leaf: part.isLeaf ? 1 : 0,
    path: part.path,
    type: part.type,
    ...(part.charset === '' ? {} : { charset: part.charset }),
    ...(part.name === '' ? {} : { name: part.name }),
    ...(encoding === '' ? {} : { cte: encoding }),
  }
  if (!part.isLeaf) return head
  const decoded = part.decoded()
  const rendered = text.rendered.get(part)
  return {
    ...head,
    ...(part.effectiveType === part.type ? {} : { effective_type: part.effectiveType }),
    decoded_bytes: decoded.length,
    decoded_sha1: sha1(decoded),
    ...(decoded.length > 400 ? {} : { decoded: decoded.slice(0, 400) }),
    raw_lines: part.rawBody.split('\n').length - (part.rawBody.endsWith('\n') || part.rawBody === '' ? 1 : 0),
    ...(rendered === undefined ? {} : { rendered_type: rendered.type }),
  }
}

export const sha1 = (text: ByteString): string => createHash('sha1').update(text, 'latin1').digest('hex')

/** Equal, where a missing key is as good as an empty list and numbers may differ in the tenth digit. */
function same(one: unknown, other: unknown): boolean {
  if (typeof one === 'number' && typeof other === 'number')
    return Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(one))
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, at) => same(item, other[at]))
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return one === other
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>]
  const filled = (value: unknown): boolean =>
    value !== undefined && !(Array.isArray(value) && value.length === 0)
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) =>
    filled(left[key]) || filled(right[key]) ? same(left[key], right[key]) : true,
  )
}
