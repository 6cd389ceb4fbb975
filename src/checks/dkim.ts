// DKIM and ARC rules over the Fact: signed, valid, by whom; what the author's domain promises about signing (ADSP, RFC 5617, mostly
// the admin's adsp_override by now); and the lists of senders that a signature vouches for.
import { durationDirective, numberDirective } from '../../rules/engine/directive.js'
import type { Directive, Eval, EvalContext, Plugin } from '../../rules/engine/types.js'
import type { DkimSignature } from '../types.js'
import { hostToAscii } from '../views/hosts.js'
import { inAddressList } from './addresslists.js'
import { acceptedSigners, dkimListDirective } from './authlists.js'
import { lookUp } from './dnslists.js'
import { once } from './once.js'
import { headerAll, lower } from './text.js'

/** D discardable, A all, U unknown, N no such domain, 1 2 3 the admin's own grades. */
type Practice = 'D' | 'A' | 'U' | 'N' | '1' | '2' | '3'

const practiceWords: Readonly<Record<string, Practice>> = {
  discardable: 'D',
  all: 'A',
  unknown: 'U',
  nxdomain: 'N',
  custom_low: '1',
  custom_med: '2',
  custom_high: '3',
}

const adspOverride: Directive = {
  name: 'adsp_override',
  scope: 'user',
  initial: new Map<string, Practice>(),
  read(line, value, context) {
    const [domain, word = 'discardable'] = line.value.toLowerCase().split(/\s+/)
    const practice = practiceWords[word]
    if (!domain || practice === undefined) {
      context.problem('invalid-value', 'adsp_override wants a domain and signing practices')
      return value
    }
    const map = value as Map<string, Practice>
    return new Map(map).set(domain, practice)
  },
}

async function signaturesOf(context: EvalContext): Promise<readonly DkimSignature[]> {
  const { signatures } = await context.scan.facts.dkim()
  const valid = signatures.filter(({ result }) => result === 'pass')
  if (valid.length > 0) {
    const values = (pick: (signature: DkimSignature) => string) => [...new Set(valid.map(pick))]
    context.tag(
      'DKIMIDENTITY',
      values(({ identity }) => identity),
    )
    context.tag(
      'DKIMDOMAIN',
      values(({ domain }) => domain),
    )
    context.tag(
      'DKIMSELECTOR',
      values(({ selector }) => selector),
    )
  }
  return signatures
}

/** The domain a signature speaks for: that of i=, which is d= when it isn't written. */
function signerOf({ identity, domain }: DkimSignature): string {
  return lower(/@(\S+)$/.exec(identity)?.[1] ?? domain)
}

function isStrong(context: EvalContext, { bits }: DkimSignature): boolean {
  const least = (context.settings.values.get('dkim_minimum_key_bits') as number | undefined) ?? 1024
  return bits === undefined || bits >= least
}

/** `*.d` and `.d` accept d and all below, `d` only itself. */
function isAccepted(signer: string, accepted: readonly string[]): boolean {
  if (accepted.length === 0) return true
  return accepted.some((pattern) => {
    const base = /^\*?\.(.*)$/s.exec(pattern)?.[1]
    if (base === undefined) return signer === lower(pattern)
    return signer === lower(base) || signer.endsWith(`.${lower(base)}`)
  })
}

function authors({ scan }: EvalContext): readonly string[] {
  return headerAll(scan, 'From:addr').filter((address) => address !== '')
}

function authorDomains(context: EvalContext): readonly string[] {
  return [
    ...new Set(
      authors(context).flatMap((address) => lower(/@([^@]+?)[ \t]*$/.exec(address)?.[1] ?? '') || []),
    ),
  ]
}

const checkSigned: Eval = async (context, ...domains) => {
  const signatures = await signaturesOf(context)
  return signatures.some((signature) => isAccepted(signerOf(signature), domains))
}

/** With domains named, a weak key does not count: anybody could have broken it. */
const checkValid: Eval = async (context, ...domains) => {
  const signatures = await signaturesOf(context)
  return signatures.some(
    (signature) =>
      signature.result === 'pass' &&
      (domains.length === 0 || (isStrong(context, signature) && isAccepted(signerOf(signature), domains))),
  )
}

const checkValidAuthor: Eval = async (context, ...domains) => {
  const own = authorDomains(context)
  const signatures = await signaturesOf(context)
  return signatures.some(
    (signature) =>
      signature.result === 'pass' &&
      isStrong(context, signature) &&
      own.includes(signerOf(signature)) &&
      isAccepted(signerOf(signature), domains),
  )
}

const checkValidEnvelope: Eval = (context) => {
  const sender = headerAll(context.scan, 'EnvelopeFrom:addr')[0] ?? ''
  const domain = /@(\S+)/.exec(sender)?.[1]
  return domain === undefined ? false : checkValid(context, lower(domain))
}

/** adsp_override for a.b.c: a.b.c, then *.b.c, *.c and *. */
function overrideFor(context: EvalContext, domain: string): Practice | undefined {
  const overrides = context.settings.values.get('adsp_override') as ReadonlyMap<string, Practice> | undefined
  if (overrides === undefined) return undefined
  const labels = domain.split('.')
  const keys = [domain, ...labels.map((_, index) => ['*', ...labels.slice(index + 1)].join('.'))]
  return keys.map((key) => overrides.get(key)).find((practice) => practice !== undefined)
}

async function publishedPractice(context: EvalContext, domain: string): Promise<Practice> {
  const ascii = hostToAscii(domain, 'punycode')
  const answer = await lookUp(context, 'adsp', `_adsp._domainkey.${ascii}`, 'TXT')
  if (answer.status === 'found') {
    const word = /^\s*dkim\s*=\s*(\w+)/i.exec(answer.records[0] ?? '')?.[1]?.toLowerCase()
    return word === 'all' || word === 'discardable' ? practiceWords[word]! : 'U'
  }
  if (answer.status === 'failed') return 'U'
  const exists = await lookUp(context, 'adsp', ascii, 'MX')
  return exists.status === 'nxdomain' ? 'N' : 'U'
}

/** Practices of the author domains that have no valid signature of their own; a key that could not be fetched counts as valid. */
const practicesOf = once(async (scan, context: EvalContext): Promise<readonly Practice[]> => {
  if (!scan.net.dns.enabled) return []
  const signatures = await signaturesOf(context)
  const open = authorDomains(context).filter((domain) => {
    const own = signatures.filter((signature) => signerOf(signature) === domain)
    const isSettled = own.some(
      (signature) =>
        signature.result === 'temperror' || (signature.result === 'pass' && isStrong(context, signature)),
    )
    return !isSettled && /.\.[a-z-]{2,}$/.test(domain)
  })
  return Promise.all(
    open.map(async (domain) => overrideFor(context, domain) ?? (await publishedPractice(context, domain))),
  )
})

const checkAdsp: Eval = async (context, wanted = '', ...domains) => {
  const practices = await practicesOf(context.scan, context)
  const letters = wanted === '*' ? 'NAD123' : wanted
  if (!practices.some((practice) => letters.includes(practice))) return false
  return domains.length === 0 || authorDomains(context).some((domain) => isAccepted(domain, domains))
}

/** Signing domains that a list accepts for this author. */
function acceptedFor(
  context: EvalContext,
  fromDkim: string,
  auth: string,
  author: string,
): readonly string[] {
  const named = acceptedSigners(context.settings, 'dkim_lists', fromDkim, author)
  return inAddressList(context.settings, auth, author) ? [...named, ''] : named
}

/** '' = the author's domain itself; `*.d` and `.d` = below d; an address stands for its domain. */
function isListedSigner(signer: string, entry: string, author: string): boolean {
  if (entry === '') return signer === lower(/@([^@]+)$/.exec(author)?.[1] ?? '')
  const domain = entry.slice(entry.lastIndexOf('@') + 1)
  const below = /^\*?\.(.*)$/s.exec(domain)?.[1]
  return below === undefined ? signer === domain : signer.endsWith(`.${below}`)
}

function listEval(fromDkim: string, auth: string): Eval {
  return async (context) => {
    const accepted = authors(context).map((author) => ({
      author,
      entries: acceptedFor(context, fromDkim, auth, author),
    }))
    if (accepted.every(({ entries }) => entries.length === 0)) return false
    const signatures = await signaturesOf(context)
    return signatures.some(
      (signature) =>
        signature.result === 'pass' &&
        isStrong(context, signature) &&
        accepted.some(({ author, entries }) =>
          entries.some((entry) => isListedSigner(signerOf(signature), entry, author)),
        ),
    )
  }
}

const welcome = listEval('welcomelist_from_dkim', 'welcomelist_auth')
const defaultWelcome = listEval('def_welcomelist_from_dkim', 'def_welcomelist_auth')

export const dkim: Plugin = {
  name: 'DKIM',
  directives: [
    dkimListDirective,
    adspOverride,
    numberDirective('dkim_minimum_key_bits', 1024),
    durationDirective('dkim_timeout', 5, { scope: 'admin' }),
  ],
  evals: {
    check_dkim_signed: checkSigned,
    check_dkim_valid: checkValid,
    check_dkim_verified: checkValid,
    check_dkim_valid_author_sig: checkValidAuthor,
    check_dkim_valid_envelopefrom: checkValidEnvelope,
    check_dkim_testing: async (context) => {
      const signatures = await signaturesOf(context)
      return signatures.some(({ result, testing }) => result === 'pass' && testing)
    },
    // SpamAssassin's answer when the message was cut on its way to it; here nobody cuts messages.
    check_dkim_dependable: (context) => context.scan.net.dns.enabled,
    check_dkim_adsp: checkAdsp,
    check_dkim_signall: (context) => checkAdsp(context, 'A'),
    check_dkim_signsome: () => false,
    check_arc_signed: async ({ scan }) => (await scan.facts.dkim()).arc !== undefined,
    check_arc_valid: async ({ scan }) => (await scan.facts.dkim()).arc?.result === 'pass',
    check_for_dkim_welcomelist_from: welcome,
    check_for_dkim_whitelist_from: welcome,
    check_for_def_dkim_welcomelist_from: defaultWelcome,
    check_for_def_dkim_whitelist_from: defaultWelcome,
  },
}
