// WLBLEval: senders, recipients and URI hosts against the lists of an admin or a user, and the one check that needs no list: whether
// the envelope sender's domain is that of the relay that brought the mail.
import type { Eval, EvalContext, Plugin, Settings } from '../../rules/engine/types.js'
import { allFromAddresses, allToAddresses } from './addresses.js'
import { inAddressList, inRelayList, listsHolding } from './addresslists.js'
import { domainOf } from './domains.js'
import { header, lower } from './text.js'
import { listedHosts } from './urihostlists.js'

/** Names of the lists that any of the senders is in. */
function listsOfSenders({ scan, settings }: EvalContext): ReadonlySet<string> {
  return scan.memo('wlbleval/senders', () => listsOfAny(settings, allFromAddresses(scan)))
}

function listsOfRecipients({ scan, settings }: EvalContext): ReadonlySet<string> {
  return scan.memo('wlbleval/recipients', () => listsOfAny(settings, allToAddresses(scan)))
}

function listsOfAny(settings: Settings, addresses: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>()
  for (const address of addresses) for (const list of listsHolding(settings, address)) found.add(list)
  return found
}

const senderIn =
  (list: string): Eval =>
  (context) =>
    listsOfSenders(context).has(list)

const recipientIn =
  (list: string): Eval =>
  (context) =>
    listsOfRecipients(context).has(list)

type Standing = 'listed' | 'forged' | 'absent'

/** Where the senders stand in a list that also names relays; 'forged' when an address fits and its relay does not. */
function standing({ scan, settings }: EvalContext, relayList: string, plainList?: string): Standing {
  return scan.memo(`wlbleval/${relayList}`, () => {
    let result: Standing = 'absent'
    for (const address of allFromAddresses(scan)) {
      if (plainList && inAddressList(settings, plainList, address)) return 'listed'
      const one = inRelayList(settings, relayList, address, scan.views.relays)
      if (one === 'listed') return 'listed'
      if (one === 'forged') result = 'forged'
    }
    return result
  })
}

const ownStanding = (context: EvalContext): Standing =>
  standing(context, 'welcomelist_from_rcvd', 'welcomelist_from')
const defaultStanding = (context: EvalContext): Standing => standing(context, 'def_welcomelist_from_rcvd')

const hostIn =
  (list: string): Eval =>
  (context) => {
    const host = listedHosts(context.scan, context.settings).get(list)
    if (host === undefined) return false
    context.detail(`URI: ${host}`)
    return true
  }

const senderMatchesRelay: Eval = ({ scan }) => {
  const sender = /@([^@]+\.[^@]+)$/.exec(header(scan, 'EnvelopeFrom:addr'))
  if (!sender) return false
  const { trusted, untrusted } = scan.views.relays
  const domain = domainOf(scan.views.domains, lower(sender[1]!))
  return (untrusted.length ? untrusted.slice(0, 1) : trusted).some(
    ({ rdns }) => rdns !== '' && domainOf(scan.views.domains, lower(rdns)) === domain,
  )
}

const fromInWelcomelist: Eval = (context) => ownStanding(context) === 'listed'
const forgedInWelcomelist: Eval = (context) =>
  ownStanding(context) === 'forged' && defaultStanding(context) === 'absent'
const fromInDefault: Eval = (context) => defaultStanding(context) === 'listed'
const forgedInDefault: Eval = (context) =>
  defaultStanding(context) === 'forged' && ownStanding(context) === 'absent'

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
    check_from_in_list: (context, list = '') => listsOfSenders(context).has(list),
    check_to_in_list: (context, list = '') => listsOfRecipients(context).has(list),
    check_replyto_in_list({ scan, settings }, list = '') {
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
    check_uri_host_listed: (context, list = '') => hostIn(list)(context),
    check_uri_host_in_blocklist: hostIn('BLOCK'),
    check_uri_host_in_blacklist: hostIn('BLOCK'),
    check_uri_host_in_welcomelist: hostIn('WELCOME'),
    check_uri_host_in_whitelist: hostIn('WELCOME'),
  },
}
