// AccessDB: the access map of sendmail. hamd reads the text file the map is made from (`/etc/mail/access`), not the Berkeley DB made of
// it: a path that ends in .db stands for the text beside it.
import { readFileSync, statSync } from 'node:fs'
import type { Plugin } from '../../rules/engine/types.js'
import type { Scan } from '../types.js'
import { allFromAddresses } from './addresses.js'
import { lower } from './text.js'

interface AccessMap {
  readonly stamp: string
  readonly entries: ReadonlyMap<string, string>
}

const accessBytesMax = 64 * 1024 * 1024
const loaded = new Map<string, AccessMap>()
const noEntries: ReadonlyMap<string, string> = new Map()

function readMap(path: string): ReadonlyMap<string, string> {
  const source = path.replace(/\.db$/, '')
  const status = statSync(source, { throwIfNoEntry: false })
  if (!status?.isFile() || status.size > accessBytesMax) return noEntries
  const stamp = `${status.size} ${status.mtimeMs}`
  const known = loaded.get(source)
  if (known?.stamp === stamp) return known.entries
  const entries = new Map<string, string>()
  for (const line of readFileSync(source, 'latin1').split('\n')) {
    const entry = /^([^#\s]\S*)\s+(\S.*?)\s*$/.exec(line)
    if (entry) entries.set(lower(entry[1]!), entry[2]!)
  }
  loaded.set(source, { stamp, entries })
  return entries
}

/** The name, then what is left after each of its first labels. */
function* suffixes(name: string): Generator<string> {
  for (let rest = name; rest !== ''; rest = rest.includes('.') ? rest.slice(rest.indexOf('.') + 1) : '')
    yield rest
}

function* keys(scan: Scan): Generator<string> {
  for (const address of allFromAddresses(scan)) {
    const at = address.indexOf('@')
    const user = at < 0 ? address : address.slice(0, at)
    yield address
    if (user !== '') yield `${user}@`
    if (at >= 0) yield* suffixes(address.slice(at + 1))
  }
  const relay = scan.views.relays.untrusted[0]
  if (!relay) return
  if (!relay.noReverseDns) yield* suffixes(relay.rdns)
  for (
    let ip = relay.ip.replace(/[^\d.]/g, '');
    ip !== '';
    ip = ip.includes('.') ? ip.slice(0, ip.lastIndexOf('.')) : ''
  )
    yield ip
}

export const accessDb: Plugin = {
  name: 'AccessDB',
  evals: {
    check_access_database({ scan }, path = '') {
      const entries = readMap(path)
      if (entries.size === 0) return false
      let refused = false
      for (const key of keys(scan)) {
        const entry = entries.get(`from:${lower(key)}`) ?? entries.get(lower(key))
        const word = entry === undefined ? undefined : entry.split(/\W/, 1)[0]!.toUpperCase()
        if (word === undefined) continue
        if (word === 'OK' || word === 'SKIP') return false
        if (/^(?:REJECT|ERROR|DISCARD|\d+)$/.test(word)) refused = true
      }
      return refused
    },
  },
}
