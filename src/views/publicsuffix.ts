// The one door to tldts, the public suffix list: loaded at the first question, since with the lists of SpamAssassin's rules nobody asks.
import { requirePackage } from '../commonjs.js'

type Tldts = typeof import('tldts')

let loaded: Tldts | undefined

export function publicSuffixes(): Tldts {
  loaded ??= requirePackage<Tldts>('tldts')
  return loaded
}
