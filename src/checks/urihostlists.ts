// Lists of URI hosts (enlist_uri_host and its kin) and whether a host of the message is in one. The most specific entry of a list
// decides: `!sub.example.com example.com` lists all of example.com but that one.

import { setting } from '../../rules/engine/settings.js'
import type { Directive, DirectiveLine, Settings } from '../../rules/engine/types.js'
import { derived, entriesOf, type Growing, grow, nothing } from './growing.js'
import { once } from './once.js'
import { lower, words } from './text.js'

interface Change {
  /** '' = all lists known so far. */
  readonly list: string
  readonly host: string
  readonly kind: 'listed' | 'excluded' | 'removed'
}

const shorthand: Readonly<Record<string, string>> = {
  blocklist_uri_host: 'BLOCK',
  blacklist_uri_host: 'BLOCK',
  welcomelist_uri_host: 'WELCOME',
  whitelist_uri_host: 'WELCOME',
}

function readLine(line: DirectiveLine): readonly Change[] | undefined {
  const removing = line.written === 'delist_uri_host'
  const named = /^(?:\((.+?)\)[\t-\r ]+)?(.+)$/s.exec(line.value)
  const list = shorthand[line.written] ?? named?.[1] ?? (removing ? '' : undefined)
  if (!named || list === undefined) return undefined
  const hosts = words(lower(line.written in shorthand ? line.value : named[2]!))
  return hosts.map((word) => ({
    list,
    host: word.replace(/^!/, ''),
    kind: removing ? 'removed' : word.startsWith('!') ? 'excluded' : 'listed',
  }))
}

/** Every word for lists of hosts; its value is the sequence of changes. */
export const uriHostDirective: Directive = {
  name: 'uri_host_lists',
  aliases: ['enlist_uri_host', 'delist_uri_host', ...Object.keys(shorthand)],
  scope: 'user',
  initial: nothing<Change>(),
  read(line, value, context) {
    const changes = readLine(line)
    if (changes) return grow(value as Growing<Change>, changes)
    context.problem('missing-value', `${line.written} wants (LISTNAME) host ...`)
    return value
  },
}

interface Entry {
  readonly list: string
  /** False: excluded from the list. */
  readonly listed: boolean
}

interface Lists {
  /** Of lists that have an entry. */
  readonly names: ReadonlySet<string>
  /** Host or domain -> what lists say of it. */
  readonly entries: ReadonlyMap<string, readonly Entry[]>
}

const listsOf = derived((changes: Growing<Change>): Lists => {
  const lists = new Map<string, Map<string, boolean>>()
  for (const { list, host, kind } of entriesOf(changes)) {
    if (kind === 'removed') {
      for (const [name, hosts] of lists) if (list === '' || name === list) hosts.delete(host)
      continue
    }
    const hosts = lists.get(list) ?? new Map<string, boolean>()
    lists.set(list, hosts.set(host, kind === 'listed'))
  }
  const entries = new Map<string, Entry[]>()
  for (const [list, hosts] of lists) {
    for (const [host, listed] of hosts) entries.set(host, [...(entries.get(host) ?? []), { list, listed }])
  }
  const names = [...lists].flatMap(([name, hosts]) => (hosts.size > 0 ? name : []))
  return { names: new Set(names), entries }
})

const listsOfSettings = derived((settings: Settings) =>
  listsOf(setting<Growing<Change>>(settings, 'uri_host_lists')),
)

/** The list has an entry: some lists that rules ask about are empty. */
export function hasHosts(settings: Settings, list: string): boolean {
  return listsOfSettings(settings).names.has(list)
}

const isMail = (uri: string): boolean => (uri.charCodeAt(0) | 32) === 109 && /^mailto:/i.test(uri)

/** Names above the host that are looked up, at most. */
const suffixesMax = 11

/** List name -> host that is in it, with the entry when it is another name. */
type Found = Map<string, string>

/** Looks the host and the names above it up, most specific first: the first that a list has an entry for decides. */
function findHost({ entries }: Lists, host: string, found: Found): void {
  if (host === '') return
  const decided: string[] = []
  const code = host.charCodeAt(host.length - 1)
  if (host.startsWith('[') || (code >= 48 && code <= 57)) {
    const literal = /^\[(.*)\]$/.exec(host)
    if (literal || /^\d+\.\d+\.\d+\.\d+$/.test(host)) {
      const name = literal ? literal[1]! : host
      decide(entries.get(name), name, host, decided, found)
      return
    }
  }
  let labels = 1
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) labels++
  for (let start = 0; labels > 0; start = host.indexOf('.', start) + 1, labels--) {
    if (labels > suffixesMax) continue
    const name = host.slice(start)
    decide(entries.get(name), name, host, decided, found)
  }
}

/** @param decided lists for which a more specific name had an entry. */
function decide(
  entries: readonly Entry[] | undefined,
  name: string,
  host: string,
  decided: string[],
  found: Found,
): void {
  if (entries === undefined) return
  for (const { list, listed } of entries) {
    if (decided.includes(list)) continue
    decided.push(list)
    if (listed) found.set(list, name === host ? host : `${host} (${name})`)
  }
}

export const listedHosts = once((scan, settings: Settings): ReadonlyMap<string, string> => {
  const lists = listsOfSettings(settings)
  const found: Found = new Map()
  const seen = new Set<string>()
  for (const { raw, hosts } of scan.views.uris.detail) {
    if (isMail(raw)) continue
    for (const host of hosts.keys()) {
      if (seen.has(host)) continue
      seen.add(host)
      findHost(lists, host, found)
    }
  }
  return found
})
