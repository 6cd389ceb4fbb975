// FreeMail: addresses of providers where anybody gets one at once. Who writes from one and wants the answer at another is rarely honest.

import { numberDirective } from '../../rules/engine/directive.js'
import { setting } from '../../rules/engine/settings.js'
import type { Directive, EvalContext, Plugin, Settings } from '../../rules/engine/types.js'
import { Remembered } from '../message/remembered.js'
import type { ByteString, Domains, Scan } from '../types.js'
import { allFromAddresses } from './addresses.js'
import { inAddressList } from './addresslists.js'
import { findEmails } from './bodyemails.js'
import { evalRegex, matches } from './evalregex.js'
import { derived, entriesOf, type Growing, grow, nothing } from './growing.js'
import { once } from './once.js'
import { headerAll, lower, lowerAll, words } from './text.js'

function wordList(name: string, fits: RegExp, alias?: string): Directive {
  return {
    name,
    ...(alias ? { aliases: [alias] } : {}),
    scope: 'user',
    initial: nothing<string>(),
    read(line, value, context) {
      const all = words(lower(line.value))
      for (const word of all) {
        if (!fits.test(word)) context.problem('invalid-value', `invalid ${line.written}: ${word}`)
      }
      return grow(
        value as Growing<string>,
        all.filter((word) => fits.test(word)),
      )
    },
  }
}

interface DomainList {
  readonly exact: ReadonlySet<string>
  /** Of the part after the last @, for entries with `*` or `?`. */
  readonly globs: RegExp | undefined
}

const domainsOf = derived((list: Growing<string>): DomainList => {
  const all = [...entriesOf(list)]
  const globs = all.filter((domain) => /[*?]/.test(domain))
  const source = globs.map((glob) => glob.replace(/\./g, '\\.').replace(/\?/g, '.').replace(/\*/g, '[^.]*'))
  return {
    exact: new Set(all.filter((domain) => !/[*?]/.test(domain))),
    globs: globs.length ? new RegExp(`@(?:${[...new Set(source)].join('|')})$`) : undefined,
  }
})

const exceptionsOf = derived((list: Growing<string>): ReadonlySet<string> => new Set(entriesOf(list)))

/** Local parts that belong to roles and machines. */
const rolePattern = new RegExp(
  '^(?:(?:abuse|support|sales|info|helpdesk|contact|kontakt|(?:post|host|domain)master|' +
    'request-[a-f0-9]{16}|bounced?-|' +
    '[a-f0-9]{8}(?:\\.[a-f0-9]{8}|-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}))@|undisclosed[^\\n]*@)',
  'i',
)

/** Two `=` inside the local part, each between other characters: an address wrapped in another. Indices, because `.+=.+=.+` is cubic. */
function isWrapped(address: string): boolean {
  const first = address.indexOf('=', 1)
  const last = address.lastIndexOf('=', address.lastIndexOf('@') - 2)
  return first >= 1 && last >= first + 2
}

function isRoleAddress(address: string): boolean {
  return rolePattern.test(address) || isWrapped(address)
}

/** Envelope senders of lists and bounces; the character range in the middle is SpamAssassin's. */
const bulkPattern = new RegExp(
  '(?:^(?:post|host|domain)master|^double-bounce|^(?:sentto|owner|return|(?:gr)?bounced?)-[^\\n]+|' +
    '-(?:request|bounces?|admin|owner)|\\b(?:do[._-t]?)?no[._-t]?repl(?:y|ies))@',
  'i',
)

/** Also a `=` in the local part: a return path that names the recipient. */
function isBulkSender(address: string): boolean {
  const equals = address.indexOf('=', 1)
  return bulkPattern.test(address) || (equals >= 1 && address.lastIndexOf('@') >= equals + 2)
}

const isAvailable = derived(
  (settings: Settings): boolean => setting<Growing<string>>(settings, 'freemail_domains').blocks.length > 0,
)

function isFreemail(settings: Settings, address: string): boolean {
  return address !== '' && freemailsOf(settings).get(address)
}

/** Addresses come again, and several rules ask of the same. */
const freemailsOf = derived(
  (settings: Settings) => new Remembered(512, (address) => judgeFreemail(settings, address)),
)

function judgeFreemail(settings: Settings, address: string): boolean {
  const domain = address.slice(address.lastIndexOf('@') + 1)
  const { exact, globs } = domainsOf(setting<Growing<string>>(settings, 'freemail_domains'))
  // Most addresses are of no such domain: nothing else need be asked of them.
  if (!exact.has(domain) && !globs?.test(address)) return false
  const exceptions = exceptionsOf(setting<Growing<string>>(settings, 'freemail_welcomelist'))
  if (exceptions.has(address) || exceptions.has(domain) || isRoleAddress(address)) return false
  return !['welcomelist_auth', 'def_welcomelist_auth'].some(
    (list) => setting<number>(settings, `freemail_import_${list}`) && inAddressList(settings, list, address),
  )
}

const none: readonly string[] = []

/** Those that are freemail addresses: nearly always none. */
function freemailsAmong(settings: Settings, addresses: readonly string[]): readonly string[] {
  for (const address of addresses)
    if (isFreemail(settings, address)) return addresses.filter((one) => isFreemail(settings, one))
  return none
}

const fromAddresses = once((scan) => lowerAll(headerAll(scan, 'From:addr')))
const replyToAddresses = once((scan) => lowerAll(headerAll(scan, 'Reply-To:addr')))
const freeFrom = once((scan, settings: Settings) => freemailsAmong(settings, fromAddresses(scan)))
const freeReplyTo = once((scan, settings: Settings) => freemailsAmong(settings, replyToAddresses(scan)))
/** Of whatever claims to be the sender. */
const freeSenders = once((scan, settings: Settings) =>
  freemailsAmong(settings, lowerAll(allFromAddresses(scan))),
)

/** Of a header field. */
function freemailsIn(scan: Scan, settings: Settings, name: string): readonly string[] {
  if (name === 'From') return freeFrom(scan, settings)
  if (name === 'Reply-To') return freeReplyTo(scan, settings)
  const addresses = headerAll(scan, requestOf(name))
  return addresses.length === 0 ? none : freemailsAmong(settings, lowerAll(addresses))
}

/** Names come from rules only, so their number is bounded by the rules. */
const addressRequests = new Map<string, string>()

/** The request for the addresses of a header. */
function requestOf(name: string): string {
  let request = addressRequests.get(name)
  if (request === undefined) {
    request = `${name}:addr`
    addressRequests.set(name, request)
  }
  return request
}

/** Links whose address part makes a mail address appear. */
const linkWithAt = /<?https?:\/\/[^\t-\r ]{0,255}(?:@|%40)[^\t-\r ]{0,255}/gi
/** What follows the sender's line of a quoted message: `>` or the next word with a colon. */
const quotedSender = /^(?:>|[\t-\r ]{1,10}(?!(?:fa(?:x|csi)|tel|phone|e?-?mail))[a-z]{2,11}:)/i
/** The longest text that quotedSender may need to look at. */
const quotedSenderBytes = 24

const linkedAddressesMax = 20
const addressesMax = 40

/** Addresses the text offers, quoted senders left out; and the body without what was left out, for the rules that come later. */
interface BodyReading {
  readonly addresses: ReadonlySet<string>
  readonly body: readonly ByteString[]
}

const readBody = once((scan): BodyReading => {
  const { uris, domains, bodyForRules } = scan.views
  const found = new Set<string>()
  const body = [...bodyForRules]
  for (const { types, raw } of uris.detail) {
    if (!types.has('a') || types.has('parsed') || !/^mailto:/i.test(raw)) continue
    const [first] = findEmails(raw.slice('mailto:'.length), domains)
    if (first?.start === 0) found.add(lower(first.email))
    if (found.size >= linkedAddressesMax) break
  }
  for (let index = 0; index < body.length; index++) {
    const line = body[index]!
    if (!line.includes('@') && !line.includes('%40')) continue
    const { emails, rest } = readLine(line.replace(linkWithAt, ' '), domains)
    body[index] = rest
    for (const email of emails) {
      found.add(lower(email))
      if (found.size >= addressesMax) return { addresses: found, body }
    }
  }
  return { addresses: found, body }
})

/** The addresses of a line, and the line with quoted senders, brackets included, turned into a blank each. */
function readLine(line: ByteString, domains: Domains): { emails: ByteString[]; rest: ByteString } {
  const emails: ByteString[] = []
  let rest = ''
  let kept = 0
  for (const { email, start, end } of findEmails(line, domains)) {
    const mark = quotedSender.exec(line.slice(end, end + quotedSenderBytes))
    const linked = lower(line.slice(Math.max(start - 7, 0), start)) === 'mailto:'
    // Behind `mailto:` only what follows the first dot counts as an address of its own.
    const dot = linked ? email.slice(0, email.indexOf('@')).indexOf('.') : -1
    if (!mark || (linked && dot < 0)) {
      emails.push(email)
      continue
    }
    const from = linked ? start + dot + 1 : line[start - 1] === '<' && start > kept ? start - 1 : start
    rest += `${line.slice(kept, from)} `
    kept = end + mark[0].length
  }
  return { emails, rest: rest + line.slice(kept) }
}

/**
 * SpamAssassin's FreeMail works on the very lines that later rules are matched against, so what it leaves out - links with `@` in
 * them, quoted senders such as `<a@b.example>` or `a@b.example wrote:` - is gone for the body rules, body evals and the preview that
 * follow. The recorded hits of 49 of 6,046 corpus messages show it; they agree with the uncut text when the plugin gets a copy.
 */
function cutBodyAsFreeMailDoes(scan: Scan): ReadonlySet<string> {
  const { addresses, body } = readBody(scan)
  const uncut = scan.views.bodyForRules
  // Where nothing is cut the lines stay the same ones: what was worked out for them holds.
  if (body.some((line, index) => line !== uncut[index])) scan.views.changeBodyForRules(body)
  return addresses
}

/** Freemail addresses of the text; undefined when there are so many that it looks like a directory. */
const bodyFreemails = once((scan, settings: Settings): readonly string[] | undefined => {
  const addresses = cutBodyAsFreeMailDoes(scan)
  const freemails = [...addresses].filter((address) => isFreemail(settings, address))
  const reaches = (count: number, name: string): boolean => {
    const max = setting<number>(settings, name)
    return max > 0 && count >= max
  }
  const tooMany =
    reaches(addresses.size, 'freemail_max_body_emails') ||
    reaches(freemails.length, 'freemail_max_body_freemails')
  return tooMany && setting<number>(settings, 'freemail_skip_when_over_max') ? undefined : freemails
})

function report(context: EvalContext, text: ByteString): true {
  if (setting<number>(context.settings, 'freemail_add_describe_email'))
    context.detail(text.replace(/@/g, '(at)'))
  return true
}

/** Reports the first of these freemail addresses that fits the pattern, if there is a pattern. */
function firstFitting(
  context: EvalContext,
  freemails: readonly string[],
  source: string | undefined,
): boolean {
  if (freemails.length === 0) return false
  const pattern = source === undefined ? undefined : evalRegex(source)
  if (source !== undefined && !pattern) return false
  const found = freemails.find((address) => !pattern || matches(pattern, address))
  return found === undefined ? false : report(context, found)
}

const fromBulkSender = once((scan, settings: Settings): boolean => {
  if (!setting<number>(settings, 'freemail_skip_bulk_envfrom')) return false
  const sender = headerAll(scan, 'EnvelopeFrom')[0]
  return sender !== undefined && isBulkSender(sender)
})

function checkReplyTo(context: EvalContext, what = 'replyto'): boolean {
  const { scan, settings } = context
  if (!isAvailable(settings) || (what !== 'replyto' && what !== 'reply')) return false
  const fromIsFree = freeFrom(scan, settings).length > 0
  const replyToIsFree = freeReplyTo(scan, settings).length > 0
  if ((!fromIsFree && !replyToIsFree) || fromBulkSender(scan, settings)) return false
  const from = fromAddresses(scan)
  const replyTo = replyToAddresses(scan)
  if (fromIsFree && replyToIsFree && !from.some((address) => replyTo.includes(address))) {
    return report(context, `${from.join(',')} -> ${replyTo.join(',')}`)
  }
  if (what === 'replyto' ? !replyToIsFree : (replyTo.length > 0 && !replyToIsFree) || !fromIsFree)
    return false
  const answers = what === 'replyto' || replyToIsFree ? replyTo : from
  for (const body of bodyFreemails(scan, settings) ?? []) {
    const other = answers.find((address) => address !== body)
    if (other !== undefined) return report(context, `${other}, ${body}`)
  }
  return false
}

export const freeMail: Plugin = {
  name: 'FreeMail',
  directives: [
    wordList('freemail_domains', /^[a-z0-9.*?-]+$/),
    wordList('freemail_welcomelist', /\w[.@]\w/, 'freemail_whitelist'),
    numberDirective('freemail_max_body_emails', 5),
    numberDirective('freemail_max_body_freemails', 3),
    numberDirective('freemail_skip_when_over_max', 1),
    numberDirective('freemail_skip_bulk_envfrom', 1),
    numberDirective('freemail_add_describe_email', 1),
    numberDirective('freemail_import_welcomelist_auth', 0, { aliases: ['freemail_import_whitelist_auth'] }),
    numberDirective('freemail_import_def_welcomelist_auth', 0, {
      aliases: ['freemail_import_def_whitelist_auth'],
    }),
  ],
  evals: {
    check_freemail_header(context, name?, source?) {
      if (name === undefined || !isAvailable(context.settings)) return false
      return firstFitting(context, freemailsIn(context.scan, context.settings, name), source)
    },
    check_freemail_body(context, source?) {
      if (!isAvailable(context.settings)) return false
      const found = bodyFreemails(context.scan, context.settings)
      if (!found?.length) return false
      return source === undefined ? report(context, found.join(', ')) : firstFitting(context, found, source)
    },
    check_freemail_from(context, source?) {
      if (!isAvailable(context.settings)) return false
      return firstFitting(context, freeSenders(context.scan, context.settings), source)
    },
    check_freemail_replyto: checkReplyTo,
  },
}
