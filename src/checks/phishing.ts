// Phishing: links that are in a feed of known phishing pages. Feeds are files an admin downloads: OpenPhish (one address a line),
// PhishTank and PhishStats (CSV). A feed that is absent is empty.
import { readFileSync, statSync } from 'node:fs'
import { boolDirective, numberDirective, stringDirective } from '../../rules/engine/directive.js'
import { setting } from '../../rules/engine/settings.js'
import type { EvalContext, Plugin } from '../../rules/engine/types.js'

interface Feed {
  readonly name: string
  readonly directive: string
  /** Address of a line, undefined to leave it out. */
  address(line: string, minScore: number): string | undefined
  /** The first line names the columns. */
  readonly titled: boolean
}

const columns = (line: string): string[] => line.split(',').map((column) => column.replace(/"/g, ''))

const feeds: readonly Feed[] = [
  { name: 'OpenPhish', directive: 'phishing_openphish_feed', titled: false, address: (line) => line },
  {
    name: 'PhishTank',
    directive: 'phishing_phishtank_feed',
    titled: true,
    address: (line) => columns(line)[1],
  },
  {
    name: 'PhishStats',
    directive: 'phishing_phishstats_feed',
    titled: true,
    address(line, minScore) {
      const [, score, address] = columns(line)
      return Number(score) > minScore ? address : undefined
    },
  },
]

/** Largest feed file read. */
const feedBytesMax = 256 * 1024 * 1024

interface LoadedFeed {
  /** Size and time of the file: a feed is read again when it was renewed. */
  readonly stamp: string
  readonly addresses: ReadonlySet<string>
}

const loaded = new Map<string, LoadedFeed>()

function load(feed: Feed, path: string, minScore: number, bare: boolean): ReadonlySet<string> {
  const status = statSync(path, { throwIfNoEntry: false })
  if (!status?.isFile() || status.size > feedBytesMax) return new Set()
  const key = `${feed.name} ${minScore} ${bare} ${path}`
  const stamp = `${status.size} ${status.mtimeMs}`
  const known = loaded.get(key)
  if (known?.stamp === stamp) return known.addresses
  const lines = readFileSync(path, 'latin1')
    .split(/\r?\n/)
    .slice(feed.titled ? 1 : 0)
  const addresses = new Set<string>()
  for (const line of lines) {
    if (line === '' || /^\s*#/.test(line)) continue
    const address = feed.address(line, minScore)
    if (address) addresses.add(bare ? withoutParameters(address) : address)
  }
  loaded.set(key, { stamp, addresses })
  return addresses
}

const withoutParameters = (uri: string): string => uri.replace(/\?.*$/s, '')

/** Links shorter than this many slashes would match whole sites once parameters are gone. */
const slashesMin = 4

function listed(context: EvalContext): string | undefined {
  const { scan, settings } = context
  const bare = setting<boolean>(settings, 'phishing_uri_noparam')
  const minScore = setting<number>(settings, 'phishing_phishstats_minscore')
  const lists = feeds.flatMap((feed) => {
    const path = setting<string | undefined>(settings, feed.directive)
    return path === undefined ? [] : [{ name: feed.name, addresses: load(feed, path, minScore, bare) }]
  })
  if (!lists.some((list) => list.addresses.size > 0)) return undefined
  for (const { raw, types, cleaned } of scan.views.uris.detail) {
    if (/^mailto:/i.test(raw) || !(types.has('a') || types.has('parsed'))) continue
    for (const uri of cleaned) {
      const wanted = bare ? withoutParameters(uri) : uri
      if (bare && wanted.split('/').length - 1 < slashesMin) continue
      const list = lists.find(({ addresses }) => addresses.has(wanted))
      const host = /^\w+:\/\/(?:[^@/]*@)?([^/:?#]+)/.exec(uri)?.[1]
      if (list && host !== undefined) return `${list.name} (${scan.views.domains.registered(host) ?? host})`
    }
  }
  return undefined
}

export const phishing: Plugin = {
  name: 'Phishing',
  directives: [
    ...feeds.map(({ directive }) => stringDirective(directive, undefined, { scope: 'admin' })),
    boolDirective('phishing_uri_noparam', false, { scope: 'admin' }),
    numberDirective('phishing_phishstats_minscore', 6, { scope: 'admin' }),
  ],
  evals: {
    check_phishing(context) {
      const found = listed(context)
      if (found === undefined) return false
      context.detail(found)
      return true
    },
  },
}
