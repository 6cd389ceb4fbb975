// WLBLEval: senders, recipients and URI hosts against the lists of an admin or a user, and the one check that needs no list: whether
// the envelope sender's domain is that of the relay that brought the mail.
import type { Eval, EvalContext, Plugin, Settings } from '../../rules/engine/types.js'
import type { ByteString, Relay, Scan } from '../types.js'
import { allFromAddresses, allToAddresses } from './addresses.js'
import { hasAddresses, inAddressList, inRelayList, listsHolding } from './addresslists.js'
import { domainOf } from './domains.js'
import { once } from './once.js'
import { header, lower } from './text.js'
import { hasHosts, listedHosts } from './urihostlists.js'

/** Names of the lists that any of the senders is in. */
const listsOfSenders = once((scan, settings: Settings) => listsOfAny(settings, allFromAddresses(scan)))

const listsOfRecipients = once((scan, settings: Settings) => listsOfAny(settings, allToAddresses(scan)))

/** Nearly all addresses are in none. */
function listsOfAny(settings: Settings, addresses: readonly string[]): readonly string[] {
  let found: readonly string[] = []
  for (const address of addresses) {
    const lists = listsHolding(settings, address)
    if (lists.length > 0) found = found.length === 0 ? lists : [...found, ...lists]
  }
  return found
}

function isSenderIn({ scan, settings }: EvalContext, list: string): boolean {
  return hasAddresses(settings, list) && listsOfSenders(scan, settings).includes(list)
}

function isRecipientIn({ scan, settings }: EvalContext, list: string): boolean {
  return hasAddresses(settings, list) && listsOfRecipients(scan, settings).includes(list)
}

const senderIn =
  (list: string): Eval =>
  (context) =>
    isSenderIn(context, list)

const recipientIn =
  (list: string): Eval =>
  (context) =>
    isRecipientIn(context, list)

type Standing = 'listed' | 'forged' | 'absent'

/** Where the senders stand in a list that also names relays; 'forged' when an address fits and its relay does not. */
function standing(scan: Scan, settings: Settings, relayList: string, plainList?: string): Standing {
  const hasPlain = plainList !== undefined && hasAddresses(settings, plainList)
  if (!hasPlain && !hasAddresses(settings, relayList)) return 'absent'
  let result: Standing = 'absent'
  for (const address of allFromAddresses(scan)) {
    if (hasPlain && inAddressList(settings, plainList, address)) return 'listed'
    const one = inRelayList(settings, relayList, address, scan.views.relays)
    if (one === 'listed') return 'listed'
    if (one === 'forged') result = 'forged'
  }
  return result
}

const ownStanding = once((scan, settings: Settings) =>
  standing(scan, settings, 'welcomelist_from_rcvd', 'welcomelist_from'),
)
const defaultStanding = once((scan, settings: Settings) =>
  standing(scan, settings, 'def_welcomelist_from_rcvd'),
)

function isHostIn(context: EvalContext, list: string): boolean {
  const { scan, settings } = context
  const host = hasHosts(settings, list) ? listedHosts(scan, settings).get(list) : undefined
  if (host === undefined) return false
  context.detail(`URI: ${host}`)
  return true
}

const hostIn =
  (list: string): Eval =>
  (context) =>
    isHostIn(context, list)

/** What stands behind the last @, if it has a dot with something on both sides. */
function dottedDomain(address: ByteString): ByteString | undefined {
  const at = address.lastIndexOf('@')
  const dot = at < 0 ? -1 : address.indexOf('.', at + 2)
  return dot > 0 && dot < address.length - 1 ? address.slice(at + 1) : undefined
}

const senderMatchesRelay: Eval = ({ scan: { views } }) => {
  const sender = dottedDomain(views.headers.get('EnvelopeFrom:addr') ?? '')
  if (sender === undefined) return false
  const { trusted, untrusted } = views.relays
  const domain = domainOf(views.domains, lower(sender))
  const isOfSender = ({ rdns }: Relay) => rdns !== '' && domainOf(views.domains, lower(rdns)) === domain
  return untrusted.length > 0 ? isOfSender(untrusted[0]!) : trusted.some(isOfSender)
}

const fromInWelcomelist: Eval = ({ scan, settings }) => ownStanding(scan, settings) === 'listed'
const forgedInWelcomelist: Eval = ({ scan, settings }) =>
  ownStanding(scan, settings) === 'forged' && defaultStanding(scan, settings) === 'absent'
const fromInDefault: Eval = ({ scan, settings }) => defaultStanding(scan, settings) === 'listed'
const forgedInDefault: Eval = ({ scan, settings }) =>
  defaultStanding(scan, settings) === 'forged' && ownStanding(scan, settings) === 'absent'

export const wlblEval: Plugin = {
  name: 'WLBLEval',
  evals: {
    check_from_in_blocklist: senderIn('blocklist_from'),
    check_from_in_blacklist: senderIn('blocklist_from'),
    check_to_in_blocklist: recipientIn('blocklist_to'),
    check_to_in_blacklist: recipientIn('blocklist_to'),
    check_to_in_welcomelist: recipientIn('welcomelist_to'),
    check_to_in_whitelist: recipientIn('welcomelist_to'),
    check_to_in_more_spam: recipientIn('more_spam_to'),
    check_to_in_all_spam: recipientIn('all_spam_to'),
    check_from_in_list: (context, list = '') => isSenderIn(context, list),
    check_to_in_list: (context, list = '') => isRecipientIn(context, list),
    check_replyto_in_list({ scan, settings }, list = '') {
      if (!hasAddresses(settings, list)) return false
      const address = header(scan, 'Reply-To:addr')
      return address !== '' && inAddressList(settings, list, address)
    },
    check_from_in_welcomelist: fromInWelcomelist,
    check_from_in_whitelist: fromInWelcomelist,
    check_forged_in_welcomelist: forgedInWelcomelist,
    check_forged_in_whitelist: forgedInWelcomelist,
    check_from_in_default_welcomelist: fromInDefault,
    check_from_in_default_whitelist: fromInDefault,
    check_forged_in_default_welcomelist: forgedInDefault,
    check_forged_in_default_whitelist: forgedInDefault,
    check_mailfrom_matches_rcvd: senderMatchesRelay,
    check_uri_host_listed: (context, list = '') => isHostIn(context, list),
    check_uri_host_in_blocklist: hostIn('BLOCK'),
    check_uri_host_in_blacklist: hostIn('BLOCK'),
    check_uri_host_in_welcomelist: hostIn('WELCOME'),
    check_uri_host_in_whitelist: hostIn('WELCOME'),
  },
}
