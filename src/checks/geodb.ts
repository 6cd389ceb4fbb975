// Country, continent, provider and network number of an address, from local MaxMind databases (.mmdb): what ASN, RelayCountry and
// URILocalBL ask. Where none is installed they are off. Files are found as SpamAssassin's GeoDB finds them: named by geodb_options, else
// by their usual names in geodb_search_path. A file that changed is read again.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Response } from 'mmdb-lib'
import { invalidValue, missingValue } from '../../rules/engine/directive.js'
import { setting } from '../../rules/engine/settings.js'
import type { Directive, Plan, Settings } from '../../rules/engine/types.js'
import { requirePackage } from '../commonjs.js'
import { isPrivate } from '../views/ip.js'
import { lower, words } from './text.js'

type Kind = 'city' | 'country' | 'isp' | 'asn'
type Paths = Readonly<Partial<Record<Kind, string>>>

const usualNames: Readonly<Record<Kind, readonly string[]>> = {
  city: ['GeoIP2-City.mmdb', 'GeoLite2-City.mmdb', 'dbip-city.mmdb', 'dbip-city-lite.mmdb'],
  country: ['GeoIP2-Country.mmdb', 'GeoLite2-Country.mmdb', 'dbip-country.mmdb', 'dbip-country-lite.mmdb'],
  isp: ['GeoIP2-ISP.mmdb', 'GeoLite2-ISP.mmdb'],
  asn: ['GeoIP2-ASN.mmdb', 'GeoLite2-ASN.mmdb'],
}

const usualFolders = ['/usr/local/share/GeoIP', '/usr/share/GeoIP', '/var/lib/GeoIP', '/opt/share/GeoIP']

/** The one kind of database that is read here, under its names. */
const readable = new Set(['maxmind::db::reader', 'geoip2::database::reader', 'geoip2'])
const unreadable = new Set([
  'geo::ip',
  'geoip',
  'ip::country::db_file',
  'db_file',
  'ip::country::fast',
  'fast',
])

const moduleDirective: Directive = {
  name: 'geodb_module',
  aliases: ['country_db_type'],
  scope: 'admin',
  initial: '',
  read(line, value, context) {
    if (missingValue(line, context)) return value
    const module = lower(line.value)
    const old = line.written === 'country_db_type'
    if (readable.has(module) || (old && module.includes('geoip2'))) return ''
    if (unreadable.has(module) || (old && /geo|fast/.test(module))) {
      context.problem('unsupported', `${line.written} ${line.value}: only MaxMind databases (.mmdb) are read`)
      return line.value
    }
    invalidValue(line, context)
    return value
  },
}

const optionsDirective: Directive = {
  name: 'geodb_options',
  scope: 'admin',
  initial: {} satisfies Paths,
  read(line, value, context) {
    let paths = value as Paths
    for (const word of words(line.value)) {
      const [, name = '', path] = /^([^:]*)(?::(.*))?$/s.exec(word) ?? []
      const kind = lower(name)
      if (kind === 'reset') paths = {}
      else if (kind in usualNames) paths = withPath(paths, kind as Kind, path)
      else invalidValue(line, context)
    }
    return paths
  },
}

/** Without a path the kind is searched for as if it had never been named. */
function withPath(paths: Paths, kind: Kind, path: string | undefined): Paths {
  const { [kind]: _, ...others } = paths
  return path ? { ...others, [kind]: path } : others
}

const searchPathDirective: Directive = {
  name: 'geodb_search_path',
  scope: 'admin',
  initial: undefined,
  read(line, value, context) {
    if (missingValue(line, context)) return value
    return line.value === 'reset' ? [] : [...((value as string[] | undefined) ?? []), ...words(line.value)]
  },
}

export const geoDirectives: readonly Directive[] = [moduleDirective, optionsDirective, searchPathDirective]

/** Answers about one address. Every member is undefined when its database is absent. */
export interface GeoDb {
  /** Two letters; `XX` = not known, `**` = an address of a private network. */
  readonly country: ((ip: string) => string) | undefined
  readonly continent: ((ip: string) => string) | undefined
  readonly isp: ((ip: string) => string | undefined) | undefined
  readonly asn: ((ip: string) => { readonly number: number; readonly owner: string } | undefined) | undefined
}

/** What the databases hold of interest here; a file may hold anything. */
interface Entry {
  readonly country?: { readonly iso_code?: unknown }
  readonly continent?: { readonly code?: unknown }
  readonly isp?: unknown
  readonly autonomous_system_number?: unknown
  readonly autonomous_system_organization?: unknown
}

type LookUp = (ip: string) => Entry

interface Loaded {
  readonly changed: number
  readonly lookUp: LookUp | undefined
}

const fileBytesMax = 1024 * 1024 * 1024
/** How long files are taken to be what they were. */
const checkAgainMs = 60_000
const loaded = new Map<string, Loaded>()

function load(path: string): LookUp | undefined {
  const status = statSync(path, { throwIfNoEntry: false })
  if (!status?.isFile() || status.size > fileBytesMax) return undefined
  const known = loaded.get(path)
  if (known?.changed === status.mtimeMs) return known.lookUp
  const lookUp = read(path)
  loaded.set(path, { changed: status.mtimeMs, lookUp })
  return lookUp
}

/** Undefined for a file that is no database. */
function read(path: string): LookUp | undefined {
  try {
    const { Reader } = requirePackage<typeof import('mmdb-lib')>('mmdb-lib')
    const reader = new Reader<Response>(readFileSync(path))
    return (ip) => {
      try {
        return (reader.get(ip) ?? {}) as Entry
      } catch {
        return {} // A damaged record, or an IPv6 address and a database of IPv4.
      }
    }
  } catch {
    return undefined
  }
}

function find(settings: Settings, kind: Kind): LookUp | undefined {
  const named = setting<Paths>(settings, 'geodb_options')[kind]
  if (named !== undefined) return load(named)
  const folders = setting<readonly string[] | undefined>(settings, 'geodb_search_path') ?? usualFolders
  for (const folder of folders)
    for (const name of usualNames[kind]) {
      const path = join(folder, name)
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) return load(path)
    }
  return undefined
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

function open(settings: Settings): GeoDb {
  const off = setting<string>(settings, 'geodb_module') !== ''
  const finder = (kind: Kind): LookUp | undefined => (off ? undefined : find(settings, kind))
  const places = finder('city') ?? finder('country')
  const providers = finder('isp')
  const networks = providers ?? finder('asn')
  return {
    country: places && ((ip) => (isPrivate(ip) ? '**' : (text(places(ip).country?.iso_code) ?? 'XX'))),
    continent: places && ((ip) => text(places(ip).continent?.code) ?? 'XX'),
    isp: providers && ((ip) => text(providers(ip).isp)),
    asn:
      networks &&
      ((ip) => {
        const entry = networks(ip)
        const number = Number(entry.autonomous_system_number)
        const owner = text(entry.autonomous_system_organization) ?? ''
        return number > 0 ? { number, owner } : undefined
      }),
  }
}

const opened = new Map<string, { readonly db: GeoDb; readonly until: number }>()

/** The databases in force. Cheap: files are looked at once a minute. */
export function geoDb(settings: Settings): GeoDb {
  const said = geoDirectives.map(({ name }) => settings.values.get(name))
  const key = JSON.stringify(said)
  const known = opened.get(key)
  if (known && Date.now() < known.until) return known.db
  const db = open(settings)
  opened.set(key, { db, until: Date.now() + checkAgainMs })
  return db
}

/** Plugins that are loaded and have no database: lint tells them. */
export function withoutDatabase({ plugins, settings }: Plan): readonly string[] {
  const { country, isp, asn } = geoDb(settings)
  const needs: Readonly<Record<string, readonly [name: string, there: boolean][]>> = {
    RelayCountry: [['country or city', country !== undefined]],
    ASN: [['ASN or ISP', asn !== undefined]],
    URILocalBL: [
      ['country or city', country !== undefined],
      ['ISP', isp !== undefined],
    ],
  }
  return plugins.flatMap((plugin) =>
    (needs[plugin] ?? [])
      .filter(([, there]) => !there)
      .map(([name]) => `${plugin} has no ${name} database (geodb_options, geodb_search_path)`),
  )
}
