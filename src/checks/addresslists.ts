// The lists of addresses an admin or a user keeps (welcomelist_from, blocklist_to, enlist_addrlist ...). One setting holds them all,
// because words such as unwelcomelist_auth take from two lists and an eval may name any list. An entry is a glob of `*` and `?` over
// the whole address, in lower case; a `rcvd` entry carries the relay it must come from.

import { setting } from '../../rules/engine/settings.js'
import type { Directive, DirectiveContext, DirectiveLine, Settings } from '../../rules/engine/types.js'
import { Remembered } from '../message/remembered.js'
import type { RelayView } from '../types.js'
import { containsIp, parseNetwork } from '../views/networks.js'
import { derived, entriesOf, type Growing, grow, nothing } from './growing.js'
import { escapeRegex, lower, words } from './text.js'

interface Change {
  readonly list: string
  readonly address: string
  readonly remove?: true
  /** Domain or bracketed network of the relay, for the *_rcvd lists. */
  readonly relay?: string
}

type Changes = Growing<Change>

/** Words that fill a list: old spelling -> name of the list. */
const spellings: Readonly<Record<string, string>> = {
  whitelist_from: 'welcomelist_from',
  blacklist_from: 'blocklist_from',
  whitelist_to: 'welcomelist_to',
  blacklist_to: 'blocklist_to',
  whitelist_auth: 'welcomelist_auth',
  def_whitelist_auth: 'def_welcomelist_auth',
  whitelist_allows_relays: 'welcomelist_allows_relays',
  whitelist_from_rcvd: 'welcomelist_from_rcvd',
  def_whitelist_from_rcvd: 'def_welcomelist_from_rcvd',
}

const plainLists = [
  'welcomelist_from',
  'blocklist_from',
  'welcomelist_to',
  'blocklist_to',
  'more_spam_to',
  'all_spam_to',
  'welcomelist_auth',
  'def_welcomelist_auth',
  'welcomelist_allows_relays',
]
const relayLists = ['welcomelist_from_rcvd', 'def_welcomelist_from_rcvd']

/** Words that take away, and from which lists. */
const removals: Readonly<Record<string, readonly string[]>> = {
  unwelcomelist_from: ['welcomelist_from'],
  unwhitelist_from: ['welcomelist_from'],
  unblocklist_from: ['blocklist_from'],
  unblacklist_from: ['blocklist_from'],
  unwelcomelist_auth: ['welcomelist_auth', 'def_welcomelist_auth'],
  unwhitelist_auth: ['welcomelist_auth', 'def_welcomelist_auth'],
  unwelcomelist_from_rcvd: relayLists,
  unwhitelist_from_rcvd: relayLists,
}

function readLine(line: DirectiveLine, context: DirectiveContext): readonly Change[] {
  const word = line.written.replace(/-/g, '_')
  if (word === 'enlist_addrlist') {
    const named = /^\((.+?)\)[\t-\r ]+(.+)$/s.exec(line.value)
    if (named) return words(lower(named[2]!)).map((address) => ({ list: named[1]!, address }))
    context.problem('missing-value', `${word} wants (LISTNAME) address ...`)
    return []
  }
  const entries = words(lower(line.value))
  if (entries.length === 0) {
    context.problem('missing-value', `${word} wants an address`)
    return []
  }
  const taken = removals[word]
  if (taken) {
    return entries.flatMap((address) => taken.map((list) => ({ list, address, remove: true as const })))
  }
  const list = spellings[word] ?? word
  if (!relayLists.includes(list)) return entries.map((address) => ({ list, address }))
  if (entries.length === 2) return [{ list, address: entries[0]!, relay: entries[1]! }]
  context.problem('invalid-value', `${word} wants an address and the name or [network] of its relay`)
  return []
}

/** Every word for address lists; its value is the sequence of changes. */
export const addressListDirective: Directive = {
  name: 'address_lists',
  aliases: [
    ...plainLists,
    ...relayLists,
    ...Object.keys(spellings),
    ...Object.keys(removals),
    'enlist_addrlist',
  ],
  scope: 'user',
  initial: nothing<Change>(),
  read(line, value, context) {
    const changes = readLine(line, context)
    return changes.length ? grow(value as Changes, changes) : value
  },
}

/** `*` any text, `?` one character; everything else is literal. */
export function globPattern(glob: string): string {
  return glob
    .split(/(\*+|\?)/)
    .map((piece) => (piece.startsWith('*') ? '.*' : piece === '?' ? '.' : escapeRegex(piece)))
    .join('')
}

/** Addresses of one generation. */
const verdictsMax = 1024

/** All lists ready for questions: whole addresses by look-up, globs by what they end in and then by pattern. */
interface Lists {
  /** Those that have an entry. */
  readonly names: ReadonlySet<string>
  /** Names of the lists that an address is in: many mails have the same addresses. */
  readonly holding: Remembered<readonly string[]>
  /** By name: entries that name a relay and whose address fits. */
  readonly relayed: ReadonlyMap<string, Remembered<readonly RelayEntry[]>>
}

interface ListedGlob {
  readonly list: string
  readonly pattern: RegExp
}

interface RelayEntry {
  readonly pattern: RegExp
  readonly relays: readonly string[]
}

/** Globs by the text behind their last wildcard, text -> what has it. Lists have thousands of globs. */
interface EndIndex<T> {
  readonly ends: ReadonlyMap<string, readonly T[]>
  /** Lengths of the texts that begin with neither @ nor a dot: nearly all do. */
  readonly otherLengths: ReadonlySet<number>
}

function indexByEnd<T>(entries: readonly (readonly [glob: string, value: T])[]): EndIndex<T> {
  const ends = new Map<string, T[]>()
  const otherLengths = new Set<number>()
  for (const [glob, value] of entries) {
    const end = glob.slice(Math.max(glob.lastIndexOf('*'), glob.lastIndexOf('?')) + 1)
    if (end[0] !== '@' && end[0] !== '.') otherLengths.add(end.length)
    const same = ends.get(end)
    if (same) same.push(value)
    else ends.set(end, [value])
  }
  return { ends, otherLengths }
}

/** Those whose glob may fit, in any order. A line end behind the address does not count. */
function mayFit<T>(index: EndIndex<T>, address: string): readonly T[] {
  const { ends, otherLengths } = index
  if (ends.size === 0) return []
  const found: T[] = []
  const texts = address.endsWith('\n') ? [address, address.slice(0, -1)] : [address]
  for (const text of texts) {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === 64 || code === 46) found.push(...(ends.get(text.slice(at)) ?? []))
    }
    for (const length of otherLengths)
      if (length <= text.length && !isMarked(text, length))
        found.push(...(ends.get(text.slice(text.length - length)) ?? []))
  }
  return found
}

/** The last characters begin with @ or a dot: looked up already. */
function isMarked(text: string, length: number): boolean {
  const code = text.charCodeAt(text.length - length)
  return length > 0 && (code === 64 || code === 46)
}

const listsOf = derived((changes: Changes): Lists => {
  const raw = new Map<string, Map<string, string[]>>()
  for (const change of entriesOf(changes)) {
    const list = raw.get(change.list) ?? new Map<string, string[]>()
    raw.set(change.list, list)
    if (change.remove) list.delete(change.address)
    else {
      const relays = list.get(change.address) ?? []
      list.set(change.address, change.relay === undefined ? relays : [...relays, change.relay])
    }
  }
  const globs: [string, ListedGlob][] = []
  const exact = new Map<string, string[]>()
  for (const [list, entries] of raw) {
    for (const address of entries.keys()) {
      exact.set(address, [...(exact.get(address) ?? []), list])
      if (/[*?\0\\(]/.test(address)) globs.push([globOf(address), { list, pattern: wholePattern(address) }])
    }
  }
  const byEnd = indexByEnd(globs)
  const holding = (address: string) => {
    const found = new Set(exact.get(address))
    for (const { list, pattern } of mayFit(byEnd, address))
      if (!found.has(list) && pattern.test(address)) found.add(list)
    return found.size === 0 ? none : [...found]
  }
  return {
    names: new Set([...raw].flatMap(([name, entries]) => (entries.size > 0 ? name : []))),
    holding: new Remembered(verdictsMax, holding),
    relayed: new Map([...raw].map(([name, entries]) => [name, relayEntries(entries)])),
  }
})

const none: readonly string[] = []

/** Three characters become `_`, as in SpamAssassin. */
const globOf = (address: string): string => address.replace(/[\0\\(]/g, '_')

const wholePattern = (address: string): RegExp => new RegExp(`^${globPattern(globOf(address))}\\n?$`)

function relayEntries(entries: ReadonlyMap<string, readonly string[]>): Remembered<readonly RelayEntry[]> {
  const byEnd = indexByEnd(
    [...entries]
      .filter(([, relays]) => relays.length > 0)
      .map(([address, relays]) => [globOf(address), { pattern: wholePattern(address), relays }]),
  )
  return new Remembered(verdictsMax, (address) =>
    mayFit(byEnd, address).filter(({ pattern }) => pattern.test(address)),
  )
}

const allLists = derived((settings: Settings) => listsOf(setting<Changes>(settings, 'address_lists')))

/** The list has an entry: most lists that rules ask about are empty, and nothing need be worked out for those. */
export function hasAddresses(settings: Settings, name: string): boolean {
  return allLists(settings).names.has(name)
}

/** Names of the lists that the address is in. */
export function listsHolding(settings: Settings, address: string): readonly string[] {
  return allLists(settings).holding.get(lower(address))
}

export function inAddressList(settings: Settings, name: string, address: string): boolean {
  return listsHolding(settings, address).includes(name)
}

/**
 * Outcome for a list whose entries name the relay too: 'listed', 'forged' when only the address fits and welcomelist_allows_relays
 * does not excuse it, 'absent'.
 */
export function inRelayList(
  settings: Settings,
  name: string,
  address: string,
  { trusted, untrusted }: RelayView,
): 'listed' | 'forged' | 'absent' {
  const wanted = lower(address)
  const fitting = allLists(settings).relayed.get(name)?.get(wanted) ?? []
  const relays = untrusted.length ? untrusted.slice(0, 1) : trusted
  if (fitting.length === 0 || relays.length === 0) return 'absent'
  for (const entry of fitting) {
    for (const domain of entry.relays) {
      if (relays.some((relay) => relayFits(domain, relay.ip, lower(relay.rdns)))) return 'listed'
    }
  }
  return inAddressList(settings, 'welcomelist_allows_relays', wanted) ? 'absent' : 'forged'
}

/** `domain` is a name that the reverse name ends in, or `[address]`, `[1.2.3]` (a classful net), `[net/bits]`, `[net]/bits`. */
function relayFits(domain: string, ip: string, rdns: string): boolean {
  const bracketed = /^\[(.*)\](\/\d{1,3})?$/s.exec(domain)
  if (!bracketed) return rdns === domain || rdns.endsWith(`.${domain}`)
  const network = bracketed[1]! + (bracketed[2] ?? '')
  if (ip === '') return false
  if (/^\d+\.\d+\.\d+\.\d+$/.test(network)) return network === ip
  if (/^[\d.]+$/.test(network)) return ip.startsWith(`${network.replace(/\.*$/, '')}.`)
  const range = parseNetwork(network)
  return range !== undefined && containsIp([range], ip)
}
