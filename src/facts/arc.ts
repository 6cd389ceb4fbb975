// The ARC chain of a message (RFC 8617): signed message and resolver in, one result out. The chain passes when it is whole, when the
// newest message signature holds and every seal holds; a key that can't be fetched is temperror, not fail.
import { arcSetsMax } from '../limits.js'
import type { AuthResult, Dns } from '../types.js'
import { fetchKey, isGoodSignature, judgeSignature, readSignature, type Signed } from './dkim.js'
import { canonicalField, type Field, withoutSignature } from './dkim-canonical.js'
import { parseTags, type Tags, tagWord } from './dkim-tags.js'

interface TaggedField {
  readonly field: Field
  readonly tags: Tags
}

interface ArcSet {
  readonly results: Field
  readonly signature: TaggedField
  readonly seal: TaggedField
}

export interface ArcOutcome {
  readonly result: AuthResult
  /** Number of the newest set. */
  readonly instance: number
  readonly comment: string
}

function tagged(field: Field): TaggedField | undefined {
  const tags = parseTags(field.value)
  return tags && { field, tags }
}

/** The instance of an ARC-Authentication-Results field; its rest is no tag list. */
function resultsInstance(field: Field): string | undefined {
  return /^[\s]*i[\s]*=[\s]*(\d{1,3})[\s]*;/.exec(field.value)?.[1]
}

/** All sets in order 1, 2, 3 ..., or what is wrong with the chain. */
function readChain(fields: readonly Field[]): readonly ArcSet[] | string {
  const pick = (name: string) => fields.filter((field) => field.name === name)
  const results = pick('arc-authentication-results')
  const signatures = pick('arc-message-signature').map(tagged)
  const seals = pick('arc-seal').map(tagged)
  const count = seals.length
  if (count > arcSetsMax) return 'too many sets'
  if (results.length !== count || signatures.length !== count) return 'sets are not complete'
  const sets: ArcSet[] = []
  for (let instance = 1; instance <= count; instance++) {
    const isThis = (item: TaggedField | undefined) =>
      item !== undefined && tagWord(item.tags, 'i') === String(instance)
    const result = results.find((field) => resultsInstance(field) === String(instance))
    const signature = signatures.find(isThis)
    const seal = seals.find(isThis)
    if (!result || !signature || !seal) return `set ${instance} is not complete`
    const verdict = tagWord(seal.tags, 'cv')?.toLowerCase()
    if (verdict !== (instance === 1 ? 'none' : 'pass')) return `seal ${instance} says cv=${verdict ?? ''}`
    sets.push({ results: result, signature, seal })
  }
  return sets
}

async function judgeSeal(
  sets: readonly ArcSet[],
  dns: Dns,
  deadline: number,
): Promise<Omit<ArcOutcome, 'instance'>> {
  const { seal } = sets[sets.length - 1]!
  const domain = tagWord(seal.tags, 'd')
  const selector = tagWord(seal.tags, 's')
  const algorithm = tagWord(seal.tags, 'a')?.toLowerCase()
  if (!domain || !selector || (algorithm !== 'rsa-sha256' && algorithm !== 'ed25519-sha256')) {
    return { result: 'fail', comment: `seal ${sets.length} lacks a tag` }
  }
  const key = await fetchKey(dns, selector, domain, deadline)
  if ('failure' in key)
    return { result: key.failure === 'temperror' ? 'temperror' : 'fail', comment: key.comment }
  const lines = sets.flatMap((set) => [
    canonicalField(set.results, 'relaxed'),
    canonicalField(set.signature.field, 'relaxed'),
    set.seal === seal
      ? canonicalField(withoutSignature(seal.field), 'relaxed')
      : canonicalField(set.seal.field, 'relaxed'),
  ])
  const signature = Buffer.from(tagWord(seal.tags, 'b') ?? '', 'base64')
  return isGoodSignature(lines.join('\r\n'), signature, 'sha256', key)
    ? { result: 'pass', comment: '' }
    : { result: 'fail', comment: `seal ${sets.length} does not match` }
}

/** Undefined when the message carries no ARC set. */
export async function verifyArc(signed: Signed, dns: Dns, deadline: number): Promise<ArcOutcome | undefined> {
  if (!signed.fields.some((field) => field.name.startsWith('arc-'))) return undefined
  const sets = readChain(signed.fields)
  if (typeof sets === 'string') return { result: 'fail', instance: 0, comment: sets }
  const newest = sets[sets.length - 1]
  if (newest === undefined) return undefined
  const instance = sets.length
  const tags = readSignature(newest.signature.tags)
  if (typeof tags === 'string') return { result: 'fail', instance, comment: tags }
  if (tags.names.includes('arc-seal')) return { result: 'fail', instance, comment: 'seal is signed by h=' }
  const judged = await Promise.all([
    judgeSignature(signed, newest.signature.field, tags, dns, deadline),
    ...sets.map((_, index) => judgeSeal(sets.slice(0, index + 1), dns, deadline)),
  ])
  const bad = judged.find((one) => one.result !== 'pass')
  if (bad === undefined) return { result: 'pass', instance, comment: '' }
  return { result: bad.result === 'temperror' ? 'temperror' : 'fail', instance, comment: bad.comment }
}
