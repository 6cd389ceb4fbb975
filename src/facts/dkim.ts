// DKIM signatures of a message (RFC 6376, RFC 8463) and its newest ARC set: message and resolver in, one outcome per signature out.
// A key that can't be fetched is temperror, an altered body is fail; nothing is ever 'pass' by default.
// Own code on node:crypto: mailauth 4.13.3 lets a header change Object.prototype, hashes the body once for every l= a mail brings,
// prints to stdout, calls an altered body neutral, and costs 200 ms at its import.
import { createHash, verify } from 'node:crypto'
import { dkimSignaturesMax } from '../limits.js'
import type { AuthResult, ByteString, DkimSignature, Dns, Message } from '../types.js'
import {
  type Canonical,
  canonicalBody,
  canonicalField,
  type Field,
  pickSigned,
  readBody,
  readFields,
  withoutSignature,
} from './dkim-canonical.js'
import { type PublicKey, parsePublicKey, parseTags, type Tags, tagList, tagWord } from './dkim-tags.js'

/** What all signatures of one message share: each body form is built and hashed once. */
export interface Signed {
  readonly fields: readonly Field[]
  bodyHash(form: Canonical, hash: 'sha1' | 'sha256', length: number | undefined): string
}

export function readSigned(message: Message): Signed {
  const bodies = new Map<Canonical, Buffer>()
  const hashes = new Map<string, string>()
  return {
    fields: readFields(message),
    bodyHash(form, hash, length) {
      const known = bodies.get(form)
      const body = known ?? Buffer.from(canonicalBody(readBody(message), form), 'latin1')
      if (known === undefined) bodies.set(form, body)
      const end = Math.min(length ?? body.length, body.length)
      const key = `${form} ${hash} ${end}`
      const done = hashes.get(key) ?? createHash(hash).update(body.subarray(0, end)).digest('base64')
      hashes.set(key, done)
      return done
    },
  }
}

export type KeyOutcome = PublicKey | { readonly failure: AuthResult; readonly comment: string }

/** The key of a selector, or why there is none. */
export async function fetchKey(
  dns: Dns,
  selector: string,
  domain: string,
  deadline: number,
): Promise<KeyOutcome> {
  const answer = await dns.query(`${selector}._domainkey.${domain}`, 'TXT', deadline)
  if (answer.status === 'failed')
    return { failure: 'temperror', comment: `no answer for the key (${answer.reason})` }
  if (answer.status !== 'found') return { failure: 'permerror', comment: 'no key' }
  const keys = answer.records.map(parsePublicKey)
  const usable = keys.find((key) => typeof key !== 'string')
  if (usable !== undefined) return usable as PublicKey
  return { failure: 'permerror', comment: String(keys[0]) }
}

export interface SignatureTags {
  readonly domain: string
  readonly selector: string
  readonly algorithm: string
  readonly hash: 'sha1' | 'sha256'
  readonly headerForm: Canonical
  readonly bodyForm: Canonical
  readonly bodyHash: string
  readonly signature: Buffer
  readonly names: readonly string[]
  readonly length: number | undefined
  readonly expires: number | undefined
}

function isForm(text: string): text is Canonical {
  return text === 'simple' || text === 'relaxed'
}

/** The tags that a DKIM-Signature and an ARC-Message-Signature have in common, or what is wrong with them. */
export function readSignature(tags: Tags): SignatureTags | string {
  const algorithm = tagWord(tags, 'a')?.toLowerCase() ?? ''
  if (!['rsa-sha256', 'rsa-sha1', 'ed25519-sha256'].includes(algorithm))
    return `unsupported algorithm ${algorithm}`
  const forms = (tagWord(tags, 'c') ?? 'simple/simple').toLowerCase().split('/')
  const [headerForm = 'simple', bodyForm = 'simple'] = forms
  if (!isForm(headerForm) || !isForm(bodyForm)) return 'unsupported canonicalization'
  const domain = tagWord(tags, 'd')?.toLowerCase()
  const selector = tagWord(tags, 's')
  const bodyHash = tagWord(tags, 'bh')
  const signature = tagWord(tags, 'b')
  const names = tagList(tags, 'h')
  if (!domain || !selector || !bodyHash || !signature || !names) return 'a required tag is missing'
  const length = tagWord(tags, 'l')
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return 'l= is no number'
  const expires = tagWord(tags, 'x')
  return {
    domain,
    selector,
    algorithm,
    hash: algorithm === 'rsa-sha1' ? 'sha1' : 'sha256',
    headerForm,
    bodyForm,
    bodyHash,
    signature: Buffer.from(signature, 'base64'),
    names,
    length: length === undefined ? undefined : Number(length),
    expires: expires !== undefined && /^\d{1,15}$/.test(expires) ? Number(expires) : undefined,
  }
}

export function isGoodSignature(
  data: ByteString,
  signature: Buffer,
  hash: 'sha1' | 'sha256',
  { key }: PublicKey,
): boolean {
  const bytes = Buffer.from(data, 'latin1')
  try {
    if (key.asymmetricKeyType === 'ed25519') {
      return verify(null, createHash('sha256').update(bytes).digest(), key, signature)
    }
    return verify(hash, bytes, key, signature)
  } catch {
    return false
  }
}

/** The header part of what was signed: the picked fields, then the signature field itself without its b=. */
export function signedHeader(signed: Signed, own: Field, tags: SignatureTags): ByteString {
  const picked = pickSigned(
    signed.fields.filter((field) => field !== own),
    tags.names,
  )
  const lines = picked.map((field) => `${canonicalField(field, tags.headerForm)}\r\n`)
  return lines.join('') + canonicalField(withoutSignature(own), tags.headerForm)
}

type Judged = Pick<DkimSignature, 'result' | 'comment'> & { readonly key?: PublicKey }

/** Body hash, key, signature, in the order that costs least. */
export async function judgeSignature(
  signed: Signed,
  own: Field,
  tags: SignatureTags,
  dns: Dns,
  deadline: number,
): Promise<Judged> {
  const found = await fetchKey(dns, tags.selector, tags.domain, deadline)
  if ('failure' in found) return { result: found.failure, comment: found.comment }
  if (signed.bodyHash(tags.bodyForm, tags.hash, tags.length) !== tags.bodyHash) {
    return { result: 'fail', comment: 'body hash does not match', key: found }
  }
  if (found.hashes !== undefined && !found.hashes.includes(tags.hash)) {
    return { result: 'permerror', comment: `key does not allow ${tags.hash}`, key: found }
  }
  const isGood =
    tags.algorithm.startsWith(found.key.asymmetricKeyType ?? '?') &&
    isGoodSignature(signedHeader(signed, own, tags), tags.signature, tags.hash, found)
  return isGood
    ? { result: 'pass', comment: '', key: found }
    : { result: 'fail', comment: 'signature does not match', key: found }
}

function isInDomain(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}

async function verifyField(
  signed: Signed,
  own: Field,
  raw: Tags,
  dns: Dns,
  deadline: number,
  nowSeconds: number,
): Promise<DkimSignature> {
  const domain = tagWord(raw, 'd')?.toLowerCase() ?? ''
  const identity = tagWord(raw, 'i') || `@${domain}`
  const base = {
    domain,
    selector: tagWord(raw, 's') ?? '',
    identity,
    algorithm: tagWord(raw, 'a') ?? '',
    testing: false,
  }
  const reject = (comment: string): DkimSignature => ({ ...base, result: 'permerror', comment })
  if (own.name !== 'dkim-signature') return reject('DomainKeys signatures are not verified any more')
  if (tagWord(raw, 'v') !== '1') return reject('unknown version')
  const tags = readSignature(raw)
  if (typeof tags === 'string') return reject(tags)
  const identityHost = identity.slice(identity.lastIndexOf('@') + 1).toLowerCase()
  if (!isInDomain(identityHost, domain)) return reject('i= is not within d=')
  if (!tags.names.includes('from')) return reject('From is not signed')
  const query = tagWord(raw, 'q')
  if (query !== undefined && !query.split(':').includes('dns/txt')) return reject('unknown query method')
  if (tags.expires !== undefined && tags.expires < nowSeconds) {
    return { ...base, result: 'fail', comment: 'signature is expired' }
  }
  const { key, ...judged } = await judgeSignature(signed, own, tags, dns, deadline)
  if (key?.strict === true && identityHost !== domain)
    return reject('key wants i= and d= to be the same domain')
  const bits = key?.bits === undefined ? {} : { bits: key.bits }
  return { ...base, ...bits, ...judged, testing: key?.testing ?? false }
}

export async function verifyDkim(
  signed: Signed,
  dns: Dns,
  deadline: number,
  now: number,
): Promise<{ readonly signatures: readonly DkimSignature[]; readonly skipped: number }> {
  // What is no tag list is no signature: SpamAssassin does not count it as one either.
  const found = signed.fields
    .filter(({ name }) => name === 'dkim-signature' || name === 'domainkey-signature')
    .flatMap((field) => {
      const tags = parseTags(field.value)
      return tags === undefined ? [] : { field, tags }
    })
  const judged = found
    .slice(0, dkimSignaturesMax)
    .map(({ field, tags }) => verifyField(signed, field, tags, dns, deadline, Math.floor(now / 1000)))
  return { signatures: await Promise.all(judged), skipped: Math.max(0, found.length - dkimSignaturesMax) }
}
