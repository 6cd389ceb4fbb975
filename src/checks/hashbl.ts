// Lists of hashes (SpamAssassin's HashBL): mail addresses, URIs, pieces of the body, tags or attachments, hashed and asked for in a
// zone. Options stand in one argument, 'sha1/max=10/shuffle'. Where there are more than `max` values SpamAssassin draws lots; here the
// first ones are asked, so that a rescan asks the same.
import { createHash } from 'node:crypto'
import { stringDirective } from '../../rules/engine/directive.js'
import type { Directive, Eval, EvalContext, EvalResult, Plugin } from '../../rules/engine/types.js'
import type { ByteString } from '../types.js'
import { isFqdn } from '../views/hosts.js'
import { isIpAddress, isIpv4Address, reverseIp } from '../views/ip.js'
import { allFromAddresses } from './addresses.js'
import { askList } from './dnslists.js'
import { allMatches, evalRegex, matches } from './evalregex.js'
import { skippedDomains } from './listhosts.js'
import { tagValues } from './nettags.js'
import { header, headerAll, lower } from './text.js'

type Options = ReadonlyMap<string, string>

function parseOptions(text: string | undefined, standard: string): Options {
  const pairs = lower(text || standard)
    .split('/')
    .map((word) => word.trim().split('='))
  return new Map(pairs.map(([name = '', value = '1']) => [name, value]))
}

const base32 = 'abcdefghijklmnopqrstuvwxyz234567'

function toBase32(bytes: Buffer): string {
  let bits = ''
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  return (`${bits}0000`.match(/.{5}/g) ?? []).map((five) => base32[Number.parseInt(five, 2)]).join('')
}

function hashOf(options: Options, value: ByteString): string {
  const bytes = Buffer.from(value, 'latin1')
  if (options.has('sha256')) return toBase32(createHash('sha256').update(bytes).digest())
  if (options.has('sha1')) return createHash('sha1').update(bytes).digest('hex')
  if (options.has('md5')) return createHash('md5').update(bytes).digest('hex')
  return value
}

function wordsOf(context: EvalContext, name: string): ReadonlySet<string> {
  return (context.settings.values.get(name) as ReadonlySet<string> | undefined) ?? new Set()
}

interface Value {
  readonly text: ByteString
  /** Attachments come already hashed. */
  readonly hash?: string
}

/** Asks for the first `max` values; a hit is an answer in 127/8, or one that fits the subtest. */
async function askValues(
  context: EvalContext,
  list: string,
  options: Options,
  values: readonly Value[],
  subtest: string | undefined,
): Promise<EvalResult> {
  const ignored = wordsOf(context, 'hashbl_ignore')
  const type = /\/TXT$/i.test(list) ? 'TXT' : 'A'
  const zone = list.replace(/\/(?:A|TXT)$/i, '').replace(/\.+$/, '')
  const pattern = subtest ? evalRegex(subtest) : /^127\./
  if (pattern === undefined) return false
  const max = Number(options.get('max') ?? 10) || 10
  const unique = new Map(values.map((value) => [value.hash ?? value.text, value]))
  const hits = await Promise.all(
    [...unique.values()].slice(0, max).map(async ({ text, hash }) => {
      const asked = hash ?? hashOf(options, text)
      if ((hash === undefined && ignored.has(lower(text))) || ignored.has(lower(asked))) return undefined
      const records = await askList(context, asked, zone, type)
      const isHit = records.some(
        (record) => matches(pattern, record.text) && (!record.isRefusal || Boolean(subtest?.includes('255'))),
      )
      return isHit ? text : undefined
    }),
  )
  const found = hits.filter((hit) => hit !== undefined)
  for (const text of found) context.detail(text.replaceAll('@', '[at]'))
  return found.length > 0
}

/** Mail addresses in a text, in order. Found from their '@' outwards, so that text without any costs one search. */
function addressesIn(context: EvalContext, text: ByteString): readonly ByteString[] {
  const custom = context.settings.values.get('hashbl_email_regex') as string | undefined
  if (custom) {
    const pattern = evalRegex(custom.replaceAll('_TLDS_', '[a-z]{2,}'))
    return pattern ? [...allMatches(pattern, text)].map((match) => match[1] ?? match[0]) : []
  }
  const found: string[] = []
  const right = /(?:[a-z0-9](?:[a-z0-9-]{0,59}[a-z0-9])?\.){1,4}[a-z0-9-]{2,24}/iy
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const left = /[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i.exec(
      text.slice(Math.max(0, at - 64), at),
    )
    right.lastIndex = at + 1
    const host = left ? right.exec(text)?.[0] : undefined
    const valid = host === undefined ? undefined : validHost(context, host)
    if (left && valid) found.push(`${left[0]}@${valid}`)
  }
  return found
}

/** Drops labels after the last one that is a top-level domain: 'example.com.Thanks'. */
function validHost(context: EvalContext, host: string): string | undefined {
  const labels = host.split('.')
  while (labels.length > 1 && !context.scan.views.domains.isTld(labels.at(-1)!)) labels.pop()
  return labels.length > 1 ? labels.join('.') : undefined
}

function bodyText(context: EvalContext, options: Options): ByteString {
  const { views } = context.scan
  const links = views.uris.detail
    .filter(({ types, raw }) => types.has('a') && !types.has('parsed') && /^mailto:/i.test(raw))
    .map(({ raw }) => `${raw.slice(7)}\n`)
  let body = views.text.body.join('')
  if (options.has('nouri')) body = body.replace(/<?https?:\/\/\S{0,255}(?:@|%40)\S{0,255}/gi, ' ')
  return links.join('') + body
}

function quotedAddresses(text: ByteString): ByteString {
  return text.replace(/<[^<>\s]{1,64}@[^<>\s]{1,255}>/g, ' ')
}

/** Addresses of the places that `from` names: headers, ALL, ALLFROM, body. */
function emailsFrom(context: EvalContext, from: string, options: Options): readonly ByteString[] {
  return from.split('/').flatMap((name) => {
    const place = name.trim()
    if (place === 'ALLFROM') return allFromAddresses(context.scan)
    if (place === 'ALL') return addressesIn(context, header(context.scan, 'ALL'))
    if (place !== 'body') return addressesIn(context, headerAll(context.scan, place).join('\n'))
    const text = bodyText(context, options)
    return addressesIn(context, options.has('noquote') ? quotedAddresses(text) : text)
  })
}

/** Role accounts and addresses that programs make: on every list by somebody's mistake, and nobody's fault. */
const welcomeEmails =
  /^(?:abuse|support|sales|info|helpdesk|contact|kontakt|postmaster|hostmaster|domainmaster|undisclosed[^@]*|request-[a-f0-9]{16}|bounced?-[^@]*|[a-f0-9]{8}(?:\.[a-f0-9]{8}|-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})|[^@=]+=[^@=]+=[^@]+)@/i

function isWelcomeEmail(context: EvalContext, email: string): boolean {
  const custom = context.settings.values.get('hashbl_email_welcomelist') as string | undefined
  const pattern = custom ? evalRegex(custom) : welcomeEmails
  if (pattern !== undefined && matches(pattern, email)) return true
  const own = ['X-Original-To', 'Apparently-To', 'Delivered-To', 'Envelope-To']
  return own.some((name) =>
    headerAll(context.scan, `${name}:addr`).some((address) => lower(address) === lower(email)),
  )
}

function emailValue(context: EvalContext, email: string, options: Options): string {
  const at = email.lastIndexOf('@')
  let user = email.slice(0, at)
  const host = email.slice(at + 1)
  if (options.has('nodot')) user = user.replaceAll('.', '')
  if (options.has('notag')) user = user.replace(/\+.*$/, '')
  const domain = context.scan.views.domains.registered(host) ?? host
  const value = options.has('domain')
    ? domain
    : options.has('host')
      ? host
      : options.has('user')
        ? user
        : `${user}@${host}`
  return options.has('case') ? value : lower(value)
}

const checkEmails: Eval = async (context, list, optionText, from, subtest, acl) => {
  if (!list || !context.scan.net.dns.enabled) return false
  const options = parseOptions(optionText, 'sha1/notag/noquote/max=10/shuffle')
  const aliases = context.settings.values.get('hashbl_email_domain_alias') as
    | ReadonlyMap<string, string>
    | undefined
  const allowed = acl && acl !== 'all' ? wordsOf(context, `hashbl_acl_${lower(acl)}`) : undefined
  const skipped = skippedDomains(context)
  const emails = emailsFrom(context, from || 'ALLFROM/Reply-To/body', options)
    .map((email) => {
      const at = email.lastIndexOf('@')
      const alias = aliases?.get(lower(email.slice(at + 1)))
      return alias === undefined ? email : `${email.slice(0, at)}@${alias}`
    })
    .filter((email) => {
      const host = lower(email.slice(email.lastIndexOf('@') + 1))
      if (allowed !== undefined && !allowed.has(host)) return false
      const domain = context.scan.views.domains.registered(host) ?? host
      if (acl === undefined && (skipped.has(host) || skipped.has(domain))) return false
      return !isWelcomeEmail(context, email)
    })
  const values = emails.map((email) => ({ text: emailValue(context, email, options) }))
  return askValues(context, list, options, values, subtest)
}

const checkUris: Eval = async (context, list, optionText, subtest) => {
  if (!list || !context.scan.net.dns.enabled) return false
  const options = parseOptions(optionText, 'sha1/max=10/shuffle')
  const skipped = skippedDomains(context)
  const values = context.scan.views.uris.detail
    .filter(({ raw, hosts, types }) => {
      if (/^mailto:/i.test(raw) || hosts.size === 0 || !(types.has('a') || types.has('parsed'))) return false
      return ![...hosts].some(([host, domain]) => skipped.has(lower(host)) || skipped.has(lower(domain)))
    })
    .flatMap(({ cleaned }) => cleaned.map((uri) => ({ text: options.has('case') ? uri : lower(uri) })))
  return askValues(context, list, options, values, subtest)
}

/** Texts of the area the rule stands in. */
function areaTexts({ scan, area }: EvalContext): readonly ByteString[] {
  if (area === 'full') return [scan.views.full]
  return area === 'rawbody' ? scan.views.text.rawbody : scan.views.text.body
}

const checkBodyRe: Eval = async (context, list, optionText, source, subtest) => {
  const pattern = source ? evalRegex(source) : undefined
  if (!list || pattern === undefined || !context.scan.net.dns.enabled) return false
  const options = parseOptions(optionText, 'sha1/max=10/shuffle')
  const values = areaTexts(context).flatMap((text) =>
    [...allMatches(pattern, text)].flatMap((match) => {
      if (match[1] === undefined) return []
      const cased = options.has('case') ? match[1] : lower(match[1])
      const value = options.has('num') ? cased.replace(/[^0-9]/g, '') : cased
      return value === '' ? [] : { text: value }
    }),
  )
  return askValues(context, list, options, values, subtest)
}

/** A tag's value as the options want it: undefined when they rule it out. */
function tagValue(context: EvalContext, given: string, options: Options): string | undefined {
  const value = options.has('case') ? given : lower(given)
  const isIp = isIpAddress(value)
  if (options.has('ip') && !isIp) return undefined
  if (options.has('ipv4') && !isIpv4Address(value)) return undefined
  if (options.has('ipv6') && (!isIp || isIpv4Address(value))) return undefined
  if (isIp) return options.has('revip') ? reverseIp(value) : value
  const trim = options.has('trim')
  const isName = isFqdn(value)
  if ((options.has('fqdn') || trim) && !isName) return undefined
  const domain = isName ? context.scan.views.domains.registered(value) : undefined
  const skipped = skippedDomains(context)
  if (isName && (skipped.has(lower(value)) || (domain !== undefined && skipped.has(lower(domain)))))
    return undefined
  if ((options.has('tld') || trim) && domain === undefined) return undefined
  return trim ? domain : value
}

const checkTag: Eval = async (context, list, optionText, tag, subtest) => {
  if (!list || !tag || !context.scan.net.dns.enabled) return false
  const options = parseOptions(optionText, 'sha1/max=10/shuffle')
  const given = await tagValues(context, tag.replace(/^_(.+)_$/, '$1').toUpperCase())
  const values = given.flatMap((text) => {
    const value = tagValue(context, text, options)
    return value === undefined ? [] : { text: value }
  })
  return askValues(context, list, options, values, subtest)
}

const checkAttachments: Eval = async (context, list, optionText, subtest) => {
  if (!list || !context.scan.net.dns.enabled) return false
  const options = parseOptions(optionText, 'sha1/max=10/shuffle')
  const ignored = wordsOf(context, 'hashbl_ignore')
  const least = Number(options.get('minsize') ?? 0)
  const most = Number(options.get('maxsize') ?? Number.POSITIVE_INFINITY)
  const values = context.scan.message.parts.flatMap((part) => {
    if (part.children.length > 0 || ignored.has(part.type) || ignored.has(lower(part.name))) return []
    const body = part.decoded()
    if (body === '' || body.length < least || body.length > most) return []
    return { text: part.name || part.type, hash: hashOf(options, body) }
  })
  return askValues(context, list, options, values, subtest)
}

function setDirective(name: string): Directive {
  return {
    name,
    scope: 'user',
    initial: new Set<string>(),
    read: (line, value) =>
      new Set([...(value as ReadonlySet<string>), ...lower(line.value).split(/\s+/).filter(Boolean)]),
  }
}

/** `DOMAIN ALIAS...`: addresses at an alias count as addresses at the domain. */
const aliasDirective: Directive = {
  name: 'hashbl_email_domain_alias',
  scope: 'user',
  initial: new Map<string, string>(),
  read(line, value, context) {
    const [domain, ...aliases] = lower(line.value).split(/\s+/)
    if (!domain || aliases.length === 0 || line.value.includes('@')) {
      context.problem('invalid-value', 'hashbl_email_domain_alias wants a domain and its aliases')
      return value
    }
    return new Map([
      ...(value as ReadonlyMap<string, string>),
      ...aliases.map((alias) => [alias, domain] as const),
    ])
  },
}

export const hashBl: Plugin = {
  name: 'HashBL',
  directives: [
    setDirective('hashbl_ignore'),
    setDirective('hashbl_acl_freemail'),
    aliasDirective,
    stringDirective('hashbl_email_regex', undefined),
    stringDirective('hashbl_email_welcomelist', undefined, { aliases: ['hashbl_email_whitelist'] }),
  ],
  evals: {
    check_hashbl_emails: checkEmails,
    check_hashbl_uris: checkUris,
    check_hashbl_bodyre: checkBodyRe,
    check_hashbl_tag: checkTag,
    check_hashbl_attachments: checkAttachments,
  },
}
