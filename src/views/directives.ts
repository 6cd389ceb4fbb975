// The words of the .cf language that shape views: networks, registry boundaries, URI redirectors, scan sizes. Comes in: lines. Goes out: values as
// plain data, and the settings objects that views take.
import {
  boolDirective,
  invalidValue,
  missingValue,
  numberDirective,
  stringDirective,
} from '../../rules/engine/directive.js'
import { readPattern } from '../../rules/engine/pattern.js'
import { setting } from '../../rules/engine/settings.js'
import type { Directive, DirectiveContext, DirectiveLine, Settings } from '../../rules/engine/types.js'
import { parsePerl } from '../../rules/regex/parse.js'
import { printRegExp } from '../../rules/regex/print.js'
import type { ByteString } from '../types.js'
import type { DomainLists } from './domains.js'
import { hostToAscii } from './hosts.js'
import { addNetwork, containsNetwork, loopback, type NetSet, parseNetwork } from './networks.js'
import type { NetworkSettings } from './relays.js'
import type { TextOptions } from './text/index.js'
import type { Redirector, UriSettings } from './uris.js'

interface NetworkList {
  readonly set: NetSet
  /** Some line named this list, even if nothing of it could be used. */
  readonly configured: boolean
}

/** `trusted_networks a b !c` adds, `clear_trusted_networks` forgets. */
function networkDirective(name: string, start: NetSet): Directive {
  const initial: NetworkList = { set: start, configured: false }
  return {
    name,
    aliases: [`clear_${name}`],
    scope: 'user',
    initial,
    read(line, value, context) {
      if (line.written.startsWith('clear')) return clears(line, context) ? initial : value
      if (missingValue(line, context)) return value
      let { set } = value as NetworkList
      for (const word of line.value.split(/\s+/)) {
        const network = parseNetwork(word)
        if (!network) {
          context.problem('bad-network', `illegal network '${word}' in ${name}`, 'warning')
          continue
        }
        const outcome = addNetwork(set, network)
        if (!outcome.added) {
          context.problem('network-declared', `${word} has no effect: an earlier entry covers it`, 'warning')
        }
        set = outcome.set
      }
      return { set, configured: true }
    },
  }
}

/** A clear_ word takes no value. */
function clears(line: DirectiveLine, context: DirectiveContext): boolean {
  if (line.value === '') return true
  invalidValue(line, context)
  return false
}

interface BoundaryLists {
  readonly tlds: ReadonlySet<string>
  readonly two: ReadonlySet<string>
  readonly three: ReadonlySet<string>
}

const noBoundaries: BoundaryLists = { tlds: new Set(), two: new Set(), three: new Set() }

/** util_rb_tld, util_rb_2tld, util_rb_3tld and clear_util_rb share one value: the last one empties all three. */
const boundaries: Directive = {
  name: 'util_rb_tld',
  aliases: ['util_rb_2tld', 'util_rb_3tld', 'clear_util_rb'],
  scope: 'admin',
  initial: noBoundaries,
  read(line, value, context) {
    if (line.written === 'clear_util_rb') return clears(line, context) ? noBoundaries : value
    if (missingValue(line, context)) return value
    const labels = line.written === 'util_rb_tld' ? 1 : line.written === 'util_rb_2tld' ? 2 : 3
    const words = line.value.split(/\s+/)
    if (!words.every((word) => word.split('.').length === labels && !/^\.|\.\.|\.$/.test(word))) {
      invalidValue(line, context)
      return value
    }
    const lists =
      value === noBoundaries
        ? { tlds: new Set(), two: new Set(), three: new Set() }
        : (value as BoundaryLists)
    const set = (labels === 1 ? lists.tlds : labels === 2 ? lists.two : lists.three) as Set<string>
    for (const word of words) set.add(hostToAscii(word, 'punycode'))
    return lists
  },
}

const originatingHeaders: Directive = {
  name: 'originating_ip_headers',
  aliases: ['clear_originating_ip_headers'],
  scope: 'user',
  initial: [],
  read(line, value, context) {
    if (line.written.startsWith('clear')) return clears(line, context) ? [] : value
    if (missingValue(line, context)) return value
    const names = [...(value as readonly string[])]
    for (const name of line.value.split(/\s+/)) {
      if (!names.some((known) => known.toLowerCase() === name.toLowerCase())) names.push(name)
    }
    return names
  },
}

const redirectors: Directive = {
  name: 'redirector_pattern',
  scope: 'privileged',
  initial: [],
  read(line, value, context) {
    if (missingValue(line, context)) return value
    const outcome = readPattern(line.value)
    if (!outcome.ok) {
      invalidValue(line, context)
      return value
    }
    const { source, flags } = outcome.pattern
    const printed = printRegExp(parsePerl(nameFirstGroup(source), flags))
    const redirector: Redirector = {
      pattern: new RegExp(printed.source, printed.flags),
      group: printed.names.get('target') ?? 0,
    }
    return [...(value as readonly Redirector[]), redirector]
  },
}

/** Group 1 is the target; the printer of regexes keeps only groups that have a name. */
function nameFirstGroup(source: string): string {
  let inClass = false
  for (let at = 0; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (inClass) inClass = source[at] !== ']'
    else if (source[at] === '[') inClass = true
    else if (source[at] === '(' && source[at + 1] !== '?') {
      return `${source.slice(0, at)}(?<target>${source.slice(at + 1)}`
    }
  }
  return source
}

export const viewDirectives: readonly Directive[] = [
  networkDirective('trusted_networks', loopback),
  networkDirective('internal_networks', loopback),
  networkDirective('msa_networks', []),
  originatingHeaders,
  stringDirective('envelope_sender_header', undefined),
  boolDirective('always_trust_envelope_sender', false),
  boundaries,
  redirectors,
  boolDirective('normalize_charset', true),
  boolDirective('parse_dkim_uris', true),
  numberDirective('body_part_scan_size', 50_000, { scope: 'admin' }),
  numberDirective('rawbody_part_scan_size', 500_000, { scope: 'admin' }),
]

/** Worked out once for settings that many messages share. */
function perSettings<T>(make: (settings: Settings) => T): (settings: Settings) => T {
  const known = new WeakMap<Settings, T>()
  return (settings) => {
    let made = known.get(settings)
    if (made === undefined) {
      made = make(settings)
      known.set(settings, made)
    }
    return made
  }
}

/** Networks as the walk over the relays takes them. Entries of the lesser lists outside the greater one are dropped (SpamAssassin's lint). */
export const networkSettings = perSettings((settings): NetworkSettings => {
  const trusted = setting<NetworkList>(settings, 'trusted_networks')
  const internal = setting<NetworkList>(settings, 'internal_networks')
  const msa = setting<NetworkList>(settings, 'msa_networks')
  const greater = trusted.configured ? trusted : internal.configured ? internal : undefined
  const within = (list: NetworkList): NetSet =>
    !greater || list === greater || !list.configured
      ? list.set
      : list.set.filter((network) => network.exclude || containsNetwork(greater.set, network))
  return {
    trusted: trusted.set,
    internal: within(internal),
    msa: within(msa),
    trustedConfigured: trusted.configured,
    internalConfigured: internal.configured,
    originatingHeaders: setting(settings, 'originating_ip_headers'),
    envelopeSenderHeader: setting(settings, 'envelope_sender_header'),
  }
})

export const uriSettings = perSettings(
  (settings): UriSettings => ({
    redirectors: setting(settings, 'redirector_pattern'),
    dkimUris: setting(settings, 'parse_dkim_uris'),
    idn: 'punycode',
  }),
)

const textSettings = perSettings((settings) => ({
  normalizeCharset: setting<boolean>(settings, 'normalize_charset'),
  bodyPartCharsMax: setting<number>(settings, 'body_part_scan_size'),
  rawbodyPartBytesMax: setting<number>(settings, 'rawbody_part_scan_size'),
}))

/** @param subject value of the header request `Subject`. */
export function textOptions(settings: Settings, subject: ByteString | undefined): TextOptions {
  const { normalizeCharset, bodyPartCharsMax, rawbodyPartBytesMax } = textSettings(settings)
  const given = subject?.endsWith('\n') ? subject.slice(0, -1) : subject
  return { subject: given, normalizeCharset, bodyPartCharsMax, rawbodyPartBytesMax }
}

/** Undefined when the rules bring no list of top-level domains. */
export function domainLists(settings: Settings): DomainLists | undefined {
  const lists = setting<BoundaryLists>(settings, 'util_rb_tld')
  return lists.tlds.size === 0 ? undefined : lists
}
