// Lists of senders that count only with proof: welcomelist_from_spf (SPF must pass) and welcomelist_from_dkim (a signature must hold,
// by the author's domain or by the named one), their def_ forms and the words that take entries away.
import type { Directive, DirectiveLine, Settings } from '../../rules/engine/types.js'
import { globPattern } from './addresslists.js'
import { derived, entriesOf, type Growing, grow, nothing } from './growing.js'
import { lower } from './text.js'

interface Change {
  readonly list: string
  readonly address: string
  /** Signing domain; '' = the author's own. Only lists by DKIM have it. */
  readonly domain: string
  readonly remove: boolean
}

type Changes = Growing<Change>

const spfWords: Readonly<Record<string, readonly string[]>> = {
  welcomelist_from_spf: ['welcomelist_from_spf'],
  def_welcomelist_from_spf: ['def_welcomelist_from_spf'],
  unwelcomelist_from_spf: ['welcomelist_from_spf', 'def_welcomelist_from_spf'],
}

const dkimWords: Readonly<Record<string, readonly string[]>> = {
  welcomelist_from_dkim: ['welcomelist_from_dkim'],
  def_welcomelist_from_dkim: ['def_welcomelist_from_dkim'],
  unwelcomelist_from_dkim: ['welcomelist_from_dkim', 'def_welcomelist_from_dkim'],
}

function oldSpelling(word: string): string {
  return word.replace('welcomelist', 'whitelist')
}

function readLine(line: DirectiveLine, lists: readonly string[], isDkim: boolean): readonly Change[] {
  const remove = line.written.startsWith('un')
  const items = line.value.split(/\s+/).filter((item) => item !== '')
  const entries = isDkim
    ? [{ address: items[0] ?? '', domain: lower(items[1] ?? '') }]
    : items.map((address) => ({ address, domain: '' }))
  return lists.flatMap((list) =>
    entries
      .filter(({ address }) => address !== '')
      .map(({ address, domain }) => ({ list, address: lower(address), domain, remove })),
  )
}

function listDirective(
  name: string,
  words: Readonly<Record<string, readonly string[]>>,
  isDkim: boolean,
): Directive {
  return {
    name,
    aliases: Object.keys(words).flatMap((word) => [word, oldSpelling(word)]),
    scope: 'user',
    initial: nothing<Change>(),
    read(line, value, context) {
      const lists = words[line.written.replace('whitelist', 'welcomelist')] ?? []
      const changes = readLine(line, lists, isDkim)
      if (changes.length === 0) context.problem('missing-value', `${line.written} needs an address`)
      return changes.length === 0 ? value : grow(value as Changes, changes)
    },
  }
}

export const spfListDirective = listDirective('spf_lists', spfWords, false)
export const dkimListDirective = listDirective('dkim_lists', dkimWords, true)

interface Entry {
  readonly pattern: RegExp
  readonly domain: string
}

const listsOf = derived((changes: Changes): ReadonlyMap<string, readonly Entry[]> => {
  const raw = new Map<string, Map<string, Change>>()
  for (const change of entriesOf(changes)) {
    const list = raw.get(change.list) ?? new Map<string, Change>()
    raw.set(change.list, list)
    const key = `${change.address} ${change.domain}`
    if (change.remove) list.delete(key)
    else list.set(key, change)
  }
  const toEntry = ({ address, domain }: Change) => ({
    pattern: new RegExp(`^${globPattern(address)}$`),
    domain,
  })
  return new Map([...raw].map(([name, list]) => [name, [...list.values()].map(toEntry)]))
})

/** Domains that may have signed for this address ('' = its own); empty when it is not listed. */
export function acceptedSigners(
  settings: Settings,
  setting: 'spf_lists' | 'dkim_lists',
  list: string,
  address: string,
): readonly string[] {
  const changes = settings.values.get(setting) as Changes | undefined
  const entries = (changes && listsOf(changes).get(list)) ?? []
  return entries.filter(({ pattern }) => pattern.test(lower(address))).map(({ domain }) => domain)
}
