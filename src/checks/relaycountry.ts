// RelayCountry: the countries a mail came through, as pseudo headers X-Relay-Countries* that rules may match and tags _RELAYCOUNTRY*_.
import type { Plugin, PluginContext } from '../../rules/engine/types.js'
import type { Relay } from '../types.js'
import { geoDb } from './geodb.js'

function prepare({ scan, settings, tag }: PluginContext): void {
  const { country } = geoDb(settings)
  if (!country) return
  const { untrusted, external, trusted, internal } = scan.views.relays
  const firstAuth = trusted.findIndex(({ auth }) => auth !== '')
  const sides: readonly (readonly [header: string, tag: string, relays: readonly Relay[]])[] = [
    ['X-Relay-Countries', 'RELAYCOUNTRY', untrusted],
    ['X-Relay-Countries-External', 'RELAYCOUNTRYEXT', external],
    ['X-Relay-Countries-Auth', 'RELAYCOUNTRYAUTH', firstAuth < 0 ? [] : trusted.slice(firstAuth)],
    ['X-Relay-Countries-All', 'RELAYCOUNTRYALL', [...internal, ...external]],
  ]
  for (const [header, name, relays] of sides) {
    const countries = relays.map(({ ip }) => country(ip))
    scan.views.headers.put(header, countries.join(' '))
    tag(name, countries.length === 1 ? countries[0]! : countries)
  }
}

export const relayCountry: Plugin = { name: 'RelayCountry', prepare }
