// Host names: whether one is well formed, and its ASCII form. Comes in: byte strings (UTF-8 octets) of headers and URIs.
import { domainToASCII } from 'node:url'
import { has8bit } from '../message/bytes.js'
import type { ByteString } from '../types.js'
import { lower } from './lower.js'

const label = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/

/** A host name of at least two labels, none over 63 bytes, underscores only from the third label on. Says nothing about its TLD. */
export function isFqdn(host: string): boolean {
  const name = host.endsWith('.') ? lower(host).replace(/\.+$/, '') : lower(host)
  if (name.length > 253) return false
  const labels = name.split('.')
  if (labels.length < 2) return false
  return labels.every(
    (part, index) =>
      part.length >= 1 &&
      part.length <= 63 &&
      label.test(part) &&
      (index < labels.length - 2 || !part.includes('_')),
  )
}

/** Whether hosts with letters beyond ASCII become `xn--` names, as SpamAssassin does when LibIDN is installed. */
export type IdnMode = 'punycode' | 'off'

const plain = /^[a-zA-Z0-9_.:[\]-]*$/
/** Dots of other scripts as UTF-8 octets: U+2024 U+3002 U+FF0E U+FF61 U+FE52. */
const otherDots = /\xe2\x80\xa4|\xe3\x80\x82|\xef\xbc\x8e|\xef\xbd\xa1|\xef\xb9\x92/g
const latinHost = /^[a-zA-Z0-9\xc0-\xd6\xd8-\xde\xe0-\xf6\xf8-\xfe_.-]*$/

/** Lower case; with punycode for what is not ASCII. What cannot be converted stays as it is. */
export function hostToAscii(host: ByteString, mode: IdnMode): ByteString {
  if (plain.test(host) || mode === 'off' || !has8bit(host)) return lower(host)
  const text = utf8Text(host.replace(otherDots, '.')) ?? (latinHost.test(host) ? host : undefined)
  return text === undefined ? lower(host) : text.split('.').map(labelToAscii).join('.')
}

/** One label. A TLD is lent to it, because a number alone would be read as an address. */
function labelToAscii(label: string): string {
  if (!/[^\0-\x7f]/.test(label) || label.includes('%')) return octets(lower(label))
  const converted = domainToASCII(`${label}.x`)
  return converted === '' ? octets(lower(label)) : converted.slice(0, -2)
}

function octets(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function utf8Text(bytes: ByteString): string | undefined {
  try {
    return strictUtf8.decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return undefined
  }
}
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })
