// The X-Spam-* headers of a message: templates expanded, folded, and written in ASCII.
import type { HeaderTemplates } from '../../rules/engine/core.js'
import { setting } from '../../rules/engine/settings.js'
import type { ByteString } from '../types.js'
import { expandTags, type ReportInput } from './tags.js'
import { wrap } from './wrap.js'

/** All headers for this class of mail, each ending in LF. */
export function addedHeaders(input: ReportInput): ByteString {
  const { spam, ham } = setting<HeaderTemplates>(input.settings, 'add_header')
  return (input.verdict.isSpam ? spam : ham)
    .map(([name, template]) => `X-Spam-${name}: ${encodeHeader(headerText(name, template, input))}\n`)
    .join('')
}

const afterBlankOrComma = /((?<=[\t-\r ,]))/

function headerText(name: string, template: ByteString, input: ReportInput): ByteString {
  const text = expandTags(template, input).replace(/(?:\r?\n)+$/, '')
  if (!setting<boolean>(input.settings, 'fold_headers')) return text.replaceAll('\n', ' ')
  // Line breaks of the template's own are the only ones then, marked as continuations.
  if (text.includes('\n')) return text.replace(/[\t-\r ]*\n[\t-\r ]*/g, '\n\t')
  // '!!' stands for ': ' so that the line does not break between the name and its value.
  const line = wrap(`X-Spam-${name}!!${text}`, { prefix: '\t', width: 79, breaks: afterBlankOrComma })
  return line.replace(/^[\t-\r ]*\n/gm, '').slice(`X-Spam-${name}!!`.length)
}

/** RFC 2047, for the words of each line that need it. */
export function encodeHeader(text: ByteString): ByteString {
  return text
    .split(/(?<=\n)/)
    .map((line) => (/^[\t\x20-\x7e]*\n?$/.test(line) ? line : encodeLine(line)))
    .join('')
}

function encodeLine(line: ByteString): ByteString {
  const end = /((?:^|[ \t])[\t\x20-\x7e]*\n?)$/.exec(line)?.[1] ?? (line.endsWith('\n') ? '\n' : '')
  const rest = line.slice(0, line.length - end.length)
  const start = /^[\t\x20-\x7e]*(?:[ \t]|$)/.exec(rest)?.[0] ?? ''
  const words = rest.slice(start.length)
  if (words === '') return start + end
  const quoted = words.match(/[=?_\x00-\x1f\x7f-\xff]/g)?.length ?? 0
  const encoded =
    words.length + quoted * 2 <= (4 * (words.length + 2)) / 3
      ? `Q?${words.replace(/[=?_\x00-\x20\x7f-\xff]/g, escapeByte)}`
      : `B?${Buffer.from(words, 'latin1').toString('base64')}`
  return `${start}=?UTF-8?${encoded}?=${end}`
}

function escapeByte(char: string): string {
  return char === ' ' ? '_' : `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
