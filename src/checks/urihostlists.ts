// Lists of URI hosts (enlist_uri_host and its kin) and whether a host of the message is in one. The most specific entry of a list
// decides: `!sub.example.com example.com` lists all of example.com but that one.

import { setting } from '../../rules/engine/settings.js'
import type { Directive, DirectiveLine, Settings } from '../../rules/engine/types.js'
import { Remembered } from '../message/remembered.js'
import type { Scan } from '../types.js'
import { derived, entriesOf, type Growing, grow, nothing } from './growing.js'
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

interface Lists {
  readonly isEmpty: boolean
  /** The lists that a host is in, each with the entry that says so. */
  readonly holders: Remembered<readonly { readonly list: string; readonly entry: string }[]>
}

/** Of one generation. */
const hostsMax = 1024

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
  const holders = (host: string) => {
    const names = suffixes(host)
    return [...lists].flatMap(([list, entries]) => {
      const entry = names.find((name) => entries.has(name))
      return entry !== undefined && entries.get(entry) ? { list, entry } : []
    })
  }
  return { isEmpty: lists.size === 0, holders: new Remembered(hostsMax, holders) }
})

const isMail = (uri: string): boolean => (uri.charCodeAt(0) | 32) === 109 && /^mailto:/i.test(uri)

/** Names above the host that are looked up, at most. */
const suffixesMax = 11

/** The host and the names above it, most specific first. */
function suffixes(host: string): string[] {
  const literal = /^\[(.*)\]$/.exec(host)
  if (literal) return [literal[1]!]
  if (host === '' || /^\d+\.\d+\.\d+\.\d+$/.test(host)) return host === '' ? [] : [host]
  const labels = host.split('.')
  return labels.map((_, index) => labels.slice(index).join('.')).slice(-suffixesMax)
}

/** List name -> host that is in it, with the entry when it is another name. */
export function listedHosts(scan: Scan, settings: Settings): ReadonlyMap<string, string> {
  const lists = listsOf(setting<Growing<Change>>(settings, 'uri_host_lists'))
  return scan.memo('urihosts/listed', () => {
    const found = new Map<string, string>()
    if (lists.isEmpty) return found
    const seen = new Set<string>()
    for (const { raw, hosts } of scan.views.uris.detail) {
      if (isMail(raw)) continue
      for (const host of hosts.keys()) {
        if (seen.has(host)) continue
        seen.add(host)
        for (const { list, entry } of lists.holders.get(host))
          found.set(list, entry === host ? host : `${host} (${entry})`)
      }
    }
    return found
  })
}
