// FromNameSpoof: a display name that shows another mail address than the one the message comes from.

import { numberDirective } from '../../rules/engine/directive.js'
import { setting } from '../../rules/engine/settings.js'
import type { Directive, Eval, EvalContext, Plugin } from '../../rules/engine/types.js'
import { allToAddresses } from './addresses.js'
import { globPattern } from './addresslists.js'
import { derived, entriesOf, type Growing, grow, nothing } from './growing.js'
import { once } from './once.js'
import { countChars, header, lower, words } from './text.js'

interface Change {
  readonly owner: string
  readonly address: string
  readonly remove: boolean
}

const ownersDirective: Directive = {
  name: 'fns_add_addrlist',
  aliases: ['fns_remove_addrlist'],
  scope: 'user',
  initial: nothing<Change>(),
  read(line, value, context) {
    const named = /^\((.+?)\)[\t-\r ]+(.+)$/s.exec(line.value)
    if (!named) {
      context.problem('missing-value', `${line.written} wants (OWNER) address ...`)
      return value
    }
    const owner = lower(named[1]!)
    const remove = line.written === 'fns_remove_addrlist'
    return grow(
      value as Growing<Change>,
      words(lower(named[2]!)).map((address) => ({ owner, address, remove })),
    )
  },
}

function wordSet(name: string, fold: (word: string) => string): Directive {
  return {
    name,
    scope: 'user',
    initial: new Set<string>(),
    read(line, value, context) {
      const all = words(line.value).map(fold)
      if (all.length === 0) context.problem('missing-value', `${line.written} wants a value`)
      return new Set([...(value as ReadonlySet<string>), ...all])
    },
  }
}

/** Owners with the patterns of their addresses. */
const ownersOf = derived((changes: Growing<Change>) => {
  const owners = new Map<string, Set<string>>()
  for (const { owner, address, remove } of entriesOf(changes)) {
    const addresses = owners.get(owner) ?? new Set()
    owners.set(owner, addresses)
    if (remove) addresses.delete(address)
    else addresses.add(address)
  }
  return [...owners].map(([owner, addresses]) => ({
    owner,
    patterns: [...addresses].map((address) => new RegExp(`^${globPattern(address)}$`)),
  }))
})

interface Address {
  readonly address: string
  readonly domain: string
  readonly owner: string
}

interface Comparison {
  /** The name holds an address. */
  readonly name: Address | undefined
  /** Undefined when the name holds too much else, or nothing is to be compared. */
  readonly from: Address | undefined
}

const nothingToCompare: Comparison = { name: undefined, from: undefined }

/** Only so much of a name is searched: the pattern is quadratic. */
const nameBytesMax = 1000

const namedAddress = /\b([\w.!#$%&'*+/=?^_`{|}~-]+@\w[\w-]*\.\w[\w.-]+(?![\w.-]))\b/i

function describe(context: EvalContext, address: string): Address | undefined {
  const { domains } = context.scan.views
  const domain = domains.registered(address.slice(address.lastIndexOf('@') + 1))
  if (domain === undefined) return undefined
  const owners = ownersOf(setting<Growing<Change>>(context.settings, 'fns_add_addrlist'))
  const ownerOf = (one: string) =>
    owners.find(({ patterns }) => patterns.some((pattern) => pattern.test(one)))?.owner
  const trimmed = `${address.slice(0, address.indexOf('@'))}@${domain}`
  return { address, domain, owner: ownerOf(address) ?? ownerOf(trimmed) ?? domain.split('.')[0]! }
}

const isPlain = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 48 && code <= 57)

/** How much the name holds besides the address; other characters than letters and digits count twice. */
function surplus(name: string, address: string): number {
  const odd = (text: string) => text.length - countChars(text, isPlain)
  return name.length - address.length + odd(name) - odd(address)
}

const compare = once((scan, context: EvalContext): Comparison => {
  const { settings } = context
  const ignored = setting<ReadonlySet<string>>(settings, 'fns_ignore_headers')
  if ([...ignored].some((name) => header(scan, name) !== '')) return nothingToCompare
  const from = describe(context, lower(header(scan, 'From:addr')))
  const text = lower(header(scan, 'From:name'))
  const found = from && text.includes('@') ? namedAddress.exec(text.slice(0, nameBytesMax))?.[1] : undefined
  const name = found === undefined ? undefined : describe(context, found)
  if (!from || !name) return nothingToCompare
  if (surplus(text, name.address) > setting<number>(settings, 'fns_extrachars'))
    return { name, from: undefined }
  if (name.address !== from.address || name.owner !== from.owner) setTags(context, name, from)
  return { name, from }
})

function setTags(context: EvalContext, name: Address, from: Address): void {
  for (const [tag, { address, domain, owner }] of [
    ['FNSFNAME', name],
    ['FNSFADDR', from],
  ] as const) {
    context.tag(`${tag}ADDR`, address)
    context.tag(`${tag}DOMAIN`, domain)
    context.tag(`${tag}OWNER`, owner)
  }
}

/** Judges once it is known whether a domain that an admin excuses has signed. */
function judged(
  judge: (comparison: Comparison, context: EvalContext, level: string | undefined) => boolean,
): Eval {
  return (context, level?) => {
    const excused = setting<ReadonlySet<string>>(context.settings, 'fns_ignore_dkim')
    if (excused.size === 0 || !context.scan.net.dns.enabled)
      return judge(compare(context.scan, context), context, level)
    return context.whenTag('DKIMDOMAIN').then((domains) => {
      const signed = typeof domains === 'string' ? words(domains) : (domains ?? [])
      if (signed.some((domain) => excused.has(lower(domain)))) return false
      return judge(compare(context.scan, context), context, level)
    })
  }
}

const different =
  (key: keyof Address) =>
  ({ name, from }: Comparison): boolean =>
    name !== undefined && from !== undefined && name[key] !== from[key]

const addressDiffers = different('address')
const ownerDiffers = different('owner')
const domainDiffers = different('domain')

export const fromNameSpoof: Plugin = {
  name: 'FromNameSpoof',
  directives: [
    ownersDirective,
    numberDirective('fns_extrachars', 50),
    wordSet('fns_ignore_dkim', lower),
    wordSet('fns_ignore_headers', (word) => word),
    numberDirective('fns_check', 1),
  ],
  evals: {
    check_fromname_spoof: judged((comparison, { settings }, level) => {
      const wanted = /^[012]$/.test(level ?? '') ? Number(level) : setting<number>(settings, 'fns_check')
      const further = [() => true, ownerDiffers, domainDiffers][wanted]
      return addressDiffers(comparison) && (further?.(comparison) ?? false)
    }),
    check_fromname_different: judged(addressDiffers),
    check_fromname_domain_differ: judged(domainDiffers),
    check_fromname_owners_differ: judged(ownerDiffers),
    check_fromname_contains_email: judged(({ name }) => name !== undefined),
    check_fromname_equals_to: judged(
      ({ name, from }, { scan }) => from !== undefined && allToAddresses(scan).includes(name!.address),
    ),
    check_fromname_equals_replyto: judged(
      ({ name, from }, { scan }) =>
        from !== undefined && name!.address === lower(header(scan, 'Reply-To:addr')),
    ),
  },
}
