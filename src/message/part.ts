// One node of the MIME tree. Built by the parser, then only read; the transfer encoding is undone at the first question, so attachments that
// nobody looks at cost nothing.

import { headerValueBytesMax } from '../limits.js'
import type { ByteString, Header, Part } from '../types.js'
import { asciiLower, trimBlanks } from './bytes.js'
import type { ContentType } from './content-type.js'
import { keyOf, valueUpTo } from './field.js'
import { decodeBase64, decodeQuotedPrintable } from './transfer.js'

export class MimePart implements Part {
  type = 'text/plain'
  charset = ''
  name = ''
  encoding = ''
  disposition = ''
  boundary?: ByteString
  readonly children: MimePart[] = []
  rawBody: ByteString = ''
  isLeaf = true
  #decoded: ByteString | undefined

  constructor(
    readonly path: string,
    readonly headers: readonly Header[],
  ) {}

  get effectiveType(): string {
    return this.name !== '' && /\.s?html?$/i.test(this.name) ? 'text/html' : this.type
  }

  decoded(): ByteString {
    this.#decoded ??= this.#decode()
    return this.#decoded
  }

  #decode(): ByteString {
    if (this.encoding === 'quoted-printable')
      return decodeQuotedPrintable(this.rawBody).replaceAll('\r\n', '\n')
    if (this.encoding === 'base64') {
      const bytes = decodeBase64(this.rawBody)
      return /^(?:text|message)\b/.test(this.type) ? bytes.replaceAll('\r\n', '\n') : bytes
    }
    return this.rawBody
  }

  /**
   * Decoded value of the last field of that name (lower case), undefined without one. Values are read by searching; the limit keeps that
   * linear on absurd ones.
   */
  value(name: string): ByteString | undefined {
    for (let at = this.headers.length - 1; at >= 0; at--) {
      const header = this.headers[at]!
      if (header.name.length === name.length && keyOf(header) === name)
        return valueUpTo(header, headerValueBytesMax)
    }
    return undefined
  }

  /** Takes over what a leaf knows of itself. */
  describe(contentType: ContentType): void {
    const disposition = this.value('content-disposition') ?? ''
    this.charset = contentType.charset ?? ''
    this.name = /name=[ \t\n\r\f\v]*"?([^";]+)/i.exec(disposition)?.[1] ?? nameOf(contentType)
    this.disposition = asciiLower(trimBlanks(/^[^;]*/.exec(disposition)?.[0] ?? ''))
    this.readEncoding()
  }

  readEncoding(): void {
    this.encoding = asciiLower(this.value('content-transfer-encoding') ?? '')
  }
}

const nameOf = ({ name }: ContentType): ByteString => (name && name !== '0' ? name : '')
