// Lower case of a byte string: A to Z only, bytes above 127 are no letters. The hot path of header names and hosts, which are ASCII nearly always.
import { asciiLower, has8bit } from '../message/bytes.js'

export function lower(text: string): string {
  const lowered = text.toLowerCase()
  return lowered === text || !has8bit(text) ? lowered : asciiLower(text)
}
