// Sender reputation: AWL and TxRep pull a message's score towards what its sender scored before. Both need the score of everything
// else, so their evals only say "asked", and the scan calls adjustByReputation() once the rules have run.
import { createHash } from 'node:crypto'
import { setting } from '../../rules/engine/settings.js'
import type { RuleRun, Settings } from '../../rules/engine/types.js'
import type { Hit, Relay, Reputation, ReputationStore, Scan } from '../types.js'
import { parseIp } from '../views/ip.js'
import { allToAddresses } from './addresses.js'
import { once } from './once.js'
import { header, lower } from './text.js'

export type ReputationRule = 'AWL' | 'TXREP'

/** One hit as the adjustment sees it. */
export interface PointsOfHit {
  readonly score: number
  readonly tflags: readonly string[]
}

/** The rules that asked for an adjustment in this scan, and under which name. */
export const askedReputation = once(() => new Map<ReputationRule, string>())

/** Hits to add. `hits` are all that scored; the store learns the score at the same time. */
export async function adjustByReputation(
  scan: Scan,
  settings: Settings,
  hits: readonly PointsOfHit[],
  tags: RuleRun['tags'],
): Promise<readonly Hit[]> {
  const store = scan.reputation
  const asked = askedReputation(scan)
  if (!store || asked.size === 0) return []
  const found: Hit[] = []
  const add = (symbol: string | undefined, delta: number | undefined): void => {
    const rounded = Math.round((delta ?? 0) * 1000) / 1000
    if (symbol !== undefined && rounded !== 0) {
      found.push({ symbol, count: 1, details: [], ownScore: rounded, area: `${symbol}: ` })
    }
  }
  const signer = tagText(tags.get('DKIMDOMAIN'))
  try {
    if (asked.has('AWL')) add(asked.get('AWL'), awl(scan, settings, store, hits, signer))
    if (asked.has('TXREP')) add(asked.get('TXREP'), await txRep(scan, settings, store, hits, signer))
  } catch (error) {
    scan.note({
      check: 'reputation',
      kind: 'unavailable',
      text: `reputation store: ${(error as Error).message}`,
    })
  }
  return found
}

function tagText(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value ?? []).join(' ')
}

/** Points without the rules that must not teach. */
function pointsOf(hits: readonly PointsOfHit[]): number {
  const sum = hits.reduce(
    (total, { score, tflags }) => (tflags.includes('noautolearn') ? total : total + score),
    0,
  )
  return Math.round(sum * 1000) / 1000
}

const owner = (scan: Scan): string => scan.request.user ?? ''

/** Network of an address, so that neighbours share a reputation. */
export function networkKey(ip: string, bits4: number, bits6: number): string {
  const words = parseIp(ip)
  if (!words) return 'none'
  const isV4 = words[5] === 0xffff && words.slice(0, 5).every((word) => word === 0)
  const bits = isV4 ? 96 + bits4 : bits6
  const masked = words.map((word, index) => {
    const kept = Math.min(Math.max(bits - index * 16, 0), 16)
    return word & ((0xffff << (16 - kept)) & 0xffff)
  })
  if (!isV4) return `${masked.map((word) => word.toString(16).padStart(4, '0')).join(':')}/${bits6}`
  const octets = masked.slice(6).flatMap((word) => [word >> 8, word & 0xff])
  return octets.join('.').replace(bits4 === 32 ? /$^/ : /(?:\.0){1,3}$/, '')
}

function keyOf(identity: string, network: string, signer: string): string {
  const address = lower(identity).replace(/[\0;'"!|]/g, '_')
  return `${address}|ip=${network}${signer === '' ? '' : `|signedby=${signer}`}`
}

/** Mean of former scores against this one: half the way, by default. */
function awl(
  scan: Scan,
  settings: Settings,
  store: ReputationStore,
  hits: readonly PointsOfHit[],
  signer: string,
): number | undefined {
  const from = lower(header(scan, 'From:addr'))
  if (from.trim() === '' || hits.some(({ tflags }) => tflags.includes('noawl'))) return undefined
  const number = (name: string) => setting<number>(settings, name)
  const { trusted, untrusted } = scan.views.relays
  const origin = [...trusted, ...untrusted].findLast((relay) => !relay.private && relay.ip !== '')?.ip
  const bits = [number('auto_welcomelist_ipv4_mask_len'), number('auto_welcomelist_ipv6_mask_len')] as const
  const signed = setting<boolean>(settings, 'auto_welcomelist_distinguish_signed') ? signer : ''
  const key = keyOf(from, origin === undefined ? 'none' : networkKey(origin, ...bits), signed)
  const points = pointsOf(hits)
  let known = store.get(owner(scan), key)
  const bare = keyOf(from, 'none', '')
  // An address listed by hand has no network yet: the first one that comes takes it over.
  if (known.count === 0 && origin !== undefined && store.get(owner(scan), bare).count > 0) {
    known = store.get(owner(scan), bare)
    store.remove(owner(scan), bare)
    store.add(owner(scan), key, known.total)
  }
  store.add(owner(scan), key, points)
  if (known.count === 0) return undefined
  return (known.total / known.count - points) * number('auto_welcomelist_factor')
}

/** Points of a sender whom somebody has listed by hand, on the welcome or on the block side. */
const listedPoints = 100

/** Forgets what is known of an address listed by hand, and starts it anew with points of its own; 'remove' only forgets. */
export function listByHand(
  store: ReputationStore,
  user: string,
  address: string,
  as: 'welcome' | 'block' | 'remove',
): void {
  const key = keyOf(address, 'none', '')
  store.remove(user, key)
  if (as !== 'remove') store.add(user, key, as === 'welcome' ? -listedPoints : listedPoints)
}

interface Identity {
  readonly weight: number
  readonly key: string
}

/** How far the known scores and this one, taken together, are from this one. */
function distance({ count, total }: Reputation, points: number): number {
  const away = (total + points) / (1 + count) - points
  // A message that is worse (or better) than a bad (good) sender's mean must not be forgiven (praised) for it.
  const reversed = (total > 0 && points > 0 && away < 0) || (total < 0 && points < 0 && away > 0)
  return reversed ? total / (1 + count) : away
}

async function txRep(
  scan: Scan,
  settings: Settings,
  store: ReputationStore,
  hits: readonly PointsOfHit[],
  signer: string,
): Promise<number | undefined> {
  const number = (name: string) => setting<number>(settings, name)
  const from = lower(header(scan, 'From:addr') || header(scan, 'EnvelopeFrom:addr'))
  if (from.trim() === '') return undefined
  const points = pointsOf(hits)
  const factor = number('txrep_factor')
  const message = `msgid ${messageId(scan)}`
  if (setting<boolean>(settings, 'txrep_track_messages')) {
    const before = store.get(owner(scan), message)
    if (before.count > 0) return (points + factor * (before.total / before.count)) / (1 + factor) - points
  }
  rewardRecipients(scan, settings, store)
  let sum = 0
  let weights = 0
  for (const { weight, key } of await identities(scan, settings, from, signer, points)) {
    const known = store.get(owner(scan), key)
    sum += weight * distance(known, points)
    weights += weight
    // SpamAssassin 4.0.1 has txrep_dilution_factor but never applies it: every message weighs the same.
    store.add(owner(scan), key, points)
  }
  const delta = weights === 0 ? 0 : (factor * sum) / weights
  if (setting<boolean>(settings, 'txrep_track_messages')) store.add(owner(scan), message, points + delta)
  return delta
}

/** Tells a rescan from a new message. */
function messageId(scan: Scan): string {
  return createHash('sha1').update(scan.message.pristine, 'latin1').digest('hex')
}

/** Whom our own users write to is welcome to answer. */
function rewardRecipients(scan: Scan, settings: Settings, store: ReputationStore): void {
  const bonus = setting<number>(settings, 'txrep_welcomelist_out')
  const { internal, external } = scan.views.relays
  if (bonus === 0 || internal.length === 0 || external.length > 0) return
  for (const address of allToAddresses(scan)) {
    const key = keyOf(address, 'none', '')
    store.remove(owner(scan), key)
    store.add(owner(scan), key, -bonus)
  }
}

/** Below this score trust does not matter for where a message came from. */
const lowScore = 2

function originOf(scan: Scan, points: number): string | undefined {
  const { trusted, untrusted } = scan.views.relays
  let origin: string | undefined
  for (const [index, relay] of [...trusted, ...untrusted].entries()) {
    const left = trusted.length - 1 - index
    if (relay.ip === '') continue
    if ((left >= -1 || points < lowScore) && !relay.private) origin = relay.ip
    if (left >= 0 && origin === undefined && relay.private) origin = '127.0.0.1'
  }
  return origin
}

function heloOf(relays: readonly Relay[], domain: string, from: string): string | undefined {
  return relays.findLast(
    ({ helo, ip }) =>
      helo !== '' && helo !== ip && helo !== `[${ip}]` && lower(helo) !== domain && lower(helo) !== from,
  )?.helo
}

async function identities(
  scan: Scan,
  settings: Settings,
  from: string,
  dkimDomain: string,
  points: number,
): Promise<readonly Identity[]> {
  const number = (name: string) => setting<number>(settings, name)
  const origin = originOf(scan, points)
  const { trusted, untrusted } = scan.views.relays
  const ownDomain = from.replace(/^.+@/, '')
  let signer = setting<boolean>(settings, 'auto_welcomelist_distinguish_signed') ? dkimDomain : ''
  const domain = signer === '' ? ownDomain : signer
  if (signer === '' && setting<boolean>(settings, 'txrep_spf') && scan.net.dns.enabled) {
    const { mfrom } = await scan.facts.spf()
    if (mfrom?.result === 'pass') signer = `spf-${mfrom.domain}`
  }
  const bits = [number('txrep_ipv4_mask_len'), number('txrep_ipv6_mask_len')] as const
  // Who signs is the same person from every network.
  const network = signer === '' && origin !== undefined ? networkKey(origin, ...bits) : 'none'
  const list: Identity[] = [
    { weight: number('txrep_weight_email_ip'), key: keyOf(from, network, signer) },
    { weight: number('txrep_weight_domain'), key: keyOf(domain, network, signer) },
  ]
  const helo = heloOf([...trusted, ...untrusted], ownDomain, from)
  if (helo !== undefined) list.push({ weight: number('txrep_weight_helo'), key: keyOf(helo, 'none', 'HELO') })
  if (origin !== undefined) {
    if (signer === '') list.push({ weight: number('txrep_weight_email'), key: keyOf(from, 'none', '') })
    list.push({ weight: number('txrep_weight_ip'), key: keyOf(origin, 'none', '') })
  }
  return list.filter(({ weight }) => weight > 0)
}
