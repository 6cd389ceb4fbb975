// DMARC (RFC 7489): author domain, SPF and DKIM outcomes in, result and the policy to apply out. Own code because mailauth 4.13.3 never
// enforces strict alignment (measured). What could not be looked up is temperror: neither pass nor fail.
import { createHash } from 'node:crypto'
import type { DkimOutcome, DmarcOutcome, Dns, SpfOutcome } from '../types.js'
import { publicSuffixes } from '../views/publicsuffix.js'
import { parseTags, type Tags } from './dkim-tags.js'

type Policy = NonNullable<DmarcOutcome['policy']>

/** Organizational domain (3.2). Private suffixes count: two customers of one hoster are not one organization. */
export function organizationalDomain(host: string): string {
  return publicSuffixes().getDomain(host, { allowPrivateDomains: true, validateHostname: false }) ?? host
}

interface DmarcRecord {
  readonly tags: Tags
  /** Found at the organizational domain, not at the author domain: `sp` applies. */
  readonly isInherited: boolean
}

type RecordAnswer = DmarcRecord | 'none' | 'temperror' | 'permerror'

async function fetchAt(domain: string, dns: Dns, deadline: number): Promise<readonly string[] | 'temperror'> {
  const answer = await dns.query(`_dmarc.${domain}`, 'TXT', deadline)
  if (answer.status === 'failed') return 'temperror'
  if (answer.status !== 'found') return []
  return answer.records.filter((text) => /^v\s*=\s*DMARC1\s*(?:;|$)/.test(text))
}

async function fetchRecord(domain: string, dns: Dns, deadline: number): Promise<RecordAnswer> {
  const organization = organizationalDomain(domain)
  for (const place of new Set([domain, organization])) {
    const records = await fetchAt(place, dns, deadline)
    if (records === 'temperror') return 'temperror'
    // 6.6.3: several records are treated as none.
    if (records.length > 1) return 'none'
    if (records.length === 1) {
      const tags = parseTags(records[0]!)
      return tags === undefined ? 'permerror' : { tags, isInherited: place !== domain }
    }
  }
  return 'none'
}

function readPolicy(text: string | undefined): Policy | undefined {
  const lower = text?.toLowerCase()
  return lower === 'none' || lower === 'quarantine' || lower === 'reject' ? lower : undefined
}

/** The policy as published: 6.6.3 lets a record without a usable p= but with an rua= count as p=none. */
function publishedPolicy({ tags, isInherited }: DmarcRecord): Policy | undefined {
  const own = readPolicy(tags.get('p')) ?? (tags.has('rua') ? 'none' : undefined)
  return isInherited ? (readPolicy(tags.get('sp')) ?? own) : own
}

/** pct= (6.6.4): outside the sample the next weaker policy applies. The draw is a hash, so that one mail always draws the same. */
function samplePolicy(policy: Policy, tags: Tags, seed: string): Policy {
  const percent = Number(tags.get('pct') ?? '100')
  if (!(percent >= 0 && percent < 100)) return policy
  const draw = createHash('sha256').update(seed).digest().readUInt32BE(0) % 100
  if (draw < percent) return policy
  return policy === 'reject' ? 'quarantine' : 'none'
}

function isAligned(authenticated: string, author: string, mode: string | undefined): boolean {
  const name = authenticated.toLowerCase()
  if (name === '') return false
  if (mode?.toLowerCase() === 's') return name === author
  return organizationalDomain(name) === organizationalDomain(author)
}

export interface DmarcInput {
  /** Domains of the From addresses, lower case, without doubles. */
  readonly authors: readonly string[]
  /** SPF of the envelope sender, or of HELO when that is the null sender. */
  readonly spf: SpfOutcome | undefined
  readonly dkim: DkimOutcome
  /** Decides the draw of pct=. */
  readonly seed: string
}

function nothing(result: DmarcOutcome['result'], domain: string, comment: string): DmarcOutcome {
  return { result, policy: undefined, domain, spfAligned: false, dkimAligned: false, comment }
}

async function checkAuthor(
  author: string,
  input: DmarcInput,
  dns: Dns,
  deadline: number,
): Promise<DmarcOutcome> {
  const record = await fetchRecord(author, dns, deadline)
  if (record === 'none') return nothing('none', author, 'no policy')
  if (record === 'temperror') return nothing('temperror', author, 'policy could not be looked up')
  if (record === 'permerror') return nothing('permerror', author, 'policy record cannot be read')
  const published = publishedPolicy(record)
  if (published === undefined) return nothing('permerror', author, 'policy record without a policy')
  const { tags } = record
  const signatures = input.dkim.signatures.filter((signature) =>
    isAligned(signature.domain, author, tags.get('adkim')),
  )
  const isSpfInDomain = input.spf !== undefined && isAligned(input.spf.domain, author, tags.get('aspf'))
  const spfAligned = isSpfInDomain && input.spf?.result === 'pass'
  const dkimAligned = signatures.some((signature) => signature.result === 'pass')
  const base = { domain: author, spfAligned, dkimAligned }
  if (spfAligned || dkimAligned) return { ...base, result: 'pass', policy: published, comment: '' }
  const isOpen =
    (isSpfInDomain && input.spf?.result === 'temperror') ||
    signatures.some((signature) => signature.result === 'temperror')
  if (isOpen)
    return { ...base, result: 'temperror', policy: published, comment: 'SPF or DKIM could not be checked' }
  const policy = samplePolicy(published, tags, input.seed)
  const comment = policy === published ? '' : `outside the sample of pct=${tags.get('pct')}`
  return { ...base, result: 'fail', policy, comment }
}

/** Authors of one From that are judged; mail with more is no honest mail. */
const authorsMax = 4

const severity = ['pass', 'none', 'permerror', 'temperror', 'fail'] as const
const strictness = [undefined, 'none', 'quarantine', 'reject'] as const

/** With several author domains the worst outcome counts: a second From must not shield the first. */
export async function checkDmarc(input: DmarcInput, dns: Dns, deadline: number): Promise<DmarcOutcome> {
  if (input.authors.length === 0) return nothing('none', '', 'no author domain')
  if (input.authors.length > authorsMax)
    return nothing('permerror', input.authors[0]!, 'too many author domains')
  const outcomes = await Promise.all(input.authors.map((author) => checkAuthor(author, input, dns, deadline)))
  const rank = (outcome: DmarcOutcome) =>
    severity.indexOf(outcome.result) * strictness.length + strictness.indexOf(outcome.policy)
  return outcomes.reduce((worst, outcome) => (rank(outcome) > rank(worst) ? outcome : worst))
}
