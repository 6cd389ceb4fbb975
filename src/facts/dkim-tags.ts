// Tag lists (RFC 6376 3.2) of signatures and of public keys, and the keys themselves. Own reader: mailauth 4.13.3 writes tag names of
// the mail into nested objects, so that a header with `__proto__.x=1` changes every object of the process (measured).
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { ByteString } from '../types.js'

export type Tags = ReadonlyMap<string, string>

/** Undefined when it is no tag list: a piece without '=', an odd name, a name twice. */
export function parseTags(text: ByteString): Tags | undefined {
  const tags = new Map<string, string>()
  for (const piece of text.split(';')) {
    const trimmed = piece.trim()
    if (trimmed === '') continue
    const equals = trimmed.indexOf('=')
    const name = trimmed.slice(0, equals).trim()
    if (equals < 1 || !/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || tags.has(name)) return undefined
    tags.set(name, trimmed.slice(equals + 1).trim())
  }
  return tags
}

/** Value without any white space: base64 and domain values may be folded. */
export function tagWord(tags: Tags, name: string): string | undefined {
  return tags.get(name)?.replace(/\s+/g, '')
}

/** 'a:b : c' as a list, lower case. */
export function tagList(tags: Tags, name: string): readonly string[] | undefined {
  return tagWord(tags, name)
    ?.toLowerCase()
    .split(':')
    .filter((item) => item !== '')
}

export interface PublicKey {
  readonly key: KeyObject
  /** Modulus length; undefined for ed25519, which has one strength only. */
  readonly bits: number | undefined
  readonly testing: boolean
  /** t=s: the identity must be in exactly the signing domain. */
  readonly strict: boolean
  readonly hashes: readonly string[] | undefined
}

/** Text of ed25519's SubjectPublicKeyInfo before the 32 bytes (RFC 8410). */
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex')

function readKey(type: string, bytes: Buffer): KeyObject {
  if (type === 'ed25519') {
    const der = bytes.length === 32 ? Buffer.concat([ed25519Prefix, bytes]) : bytes
    return createPublicKey({ key: der, format: 'der', type: 'spki' })
  }
  try {
    return createPublicKey({ key: bytes, format: 'der', type: 'spki' })
  } catch {
    return createPublicKey({ key: bytes, format: 'der', type: 'pkcs1' })
  }
}

/** A key record (3.6.1) or the sentence that says what is wrong with it. */
export function parsePublicKey(record: ByteString): PublicKey | string {
  const tags = parseTags(record)
  if (tags === undefined) return 'key record cannot be read'
  if (tags.has('v') && tags.get('v') !== 'DKIM1') return 'unknown key version'
  const type = tags.get('k')?.toLowerCase() ?? 'rsa'
  if (type !== 'rsa' && type !== 'ed25519') return `unknown key type ${type}`
  const value = tagWord(tags, 'p')
  if (value === undefined) return 'key record without p='
  if (value === '') return 'key is revoked'
  const services = tagList(tags, 's')
  if (services !== undefined && !services.includes('*') && !services.includes('email')) {
    return 'key is not for mail'
  }
  try {
    const key = readKey(type, Buffer.from(value, 'base64'))
    if (key.asymmetricKeyType !== type) return `key is not ${type}`
    const flags = tagList(tags, 't') ?? []
    return {
      key,
      bits: key.asymmetricKeyDetails?.modulusLength,
      testing: flags.includes('y'),
      strict: flags.includes('s'),
      hashes: tagList(tags, 'h'),
    }
  } catch {
    return 'key cannot be read'
  }
}
