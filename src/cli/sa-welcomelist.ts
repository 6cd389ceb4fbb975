// spamassassin -W, -R and their kin: addresses listed by hand in the reputation store of AWL or TxRep, from a mail or from the command line.
import { join } from 'node:path'
import type { Plan } from '../../rules/engine/types.js'
import { listByHand } from '../checks/reputation.js'
import { openReputationStore } from '../checks/reputationstore.js'
import { parseMessage } from '../message/parse.js'
import { parseAddresses } from '../views/addresses.js'

export type ListedAs = 'welcome' | 'block' | 'remove'

/** What a command line asks for; undefined when it asks for none of this. */
export interface Listing {
  readonly as: ListedAs
  /** Given on the command line; undefined = the addresses of the mails. */
  readonly address: string | undefined
}

const fields = ['to', 'from', 'cc', 'reply-to', 'sender', 'errors-to', 'mail-followup-to']
const words: Readonly<Record<ListedAs, string>> = {
  welcome: 'adding address to welcomelist',
  block: 'adding address to blocklist',
  remove: 'removing address',
}

/**
 * Lists addresses and says so as SpamAssassin does; without AWL or TxRep there is no list and nothing is said.
 * @returns lines for standard output.
 */
export function applyListing(
  listing: Listing,
  mails: Iterable<Uint8Array>,
  plan: Plan,
  dataDir: string,
): string[] {
  if (!plan.plugins.includes('AWL') && !plan.plugins.includes('TxRep')) return []
  const store = openReputationStore(join(dataDir, 'reputation.sqlite'))
  try {
    const addresses =
      listing.address === undefined ? [...mails].flatMap(addressesOf) : [listing.address.trim()]
    return addresses.map((address) => {
      listByHand(store, '', address, listing.as)
      return `SpamAssassin auto-welcomelist: ${words[listing.as]}: ${address}\n`
    })
  } finally {
    store.close()
  }
}

/** Every address of a mail once: of the header fields that name people, then of the lines of the body. */
function addressesOf(raw: Uint8Array): string[] {
  const { headers, bodyOffset } = parseMessage(raw)
  const named = fields.flatMap((name) =>
    headers
      .filter((field) => field.name.toLowerCase() === name)
      .flatMap((field) => parseAddresses(field.raw).flatMap(({ address }) => address ?? [])),
  )
  const body = Buffer.from(raw.subarray(bodyOffset)).toString('latin1')
  const inBody = body.match(/[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,10}[a-z]{2,24}\b/gi) ?? []
  return [...new Set([...named, ...inBody])]
}
