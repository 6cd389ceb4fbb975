// One header field as it was found. Its value is decoded at the first question and kept: the parser, header requests, evals and mimeheader
// rules all ask for the same few fields.

import type { ByteString, Header } from '../types.js'
import { asciiLower } from './bytes.js'
import { decodeHeaderValue } from './encoded-words.js'

export class Field implements Header {
  #key: string | undefined
  #value: ByteString | undefined

  constructor(
    readonly name: ByteString,
    readonly raw: ByteString,
    readonly offset: number,
  ) {}

  /** Name in lower case. */
  get key(): string {
    return (this.#key ??= asciiLower(this.name))
  }

  /** Decoded, unfolded, no line end. */
  get value(): ByteString {
    return (this.#value ??= decodeHeaderValue(this.raw, this.name))
  }
}

/** Name in lower case, whoever made the header. */
export function keyOf(header: Header): string {
  return header instanceof Field ? header.key : asciiLower(header.name)
}

/** Decoded value, whoever made the header. */
export function fieldValue(header: Header): ByteString {
  return header instanceof Field ? header.value : decodeHeaderValue(header.raw, header.name)
}

/** The same of the first bytes only: what is read by searching must stay linear on absurd values. */
export function valueUpTo(header: Header, bytesMax: number): ByteString {
  if (header.raw.length <= bytesMax) return fieldValue(header)
  return decodeHeaderValue(header.raw.slice(0, bytesMax), header.name)
}
