// Lists of networks (trusted_networks and its kin): first match wins, `!` excludes. Comes in: words of a .cf line. Goes out: a NetSet.
// All addresses are kept as 128 bits, IPv4 as ::ffff:a.b.c.d, so that mapped forms meet their plain ones.
import { parseIp, type Words } from './ip.js'

export interface Network {
  readonly words: Words
  /** Leading bits that count, 0..128. */
  readonly prefix: number
  readonly exclude: boolean
  /** As written, for messages. */
  readonly text: string
}

/** Plain data: survives structured clone. */
export type NetSet = readonly Network[]

const short4 = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?\.?$/

/** Reads one word such as `10.0/16`, `!192.0.2.1`, `[2001:db8::]/32`; undefined when it is no network. */
export function parseNetwork(text: string): Network | undefined {
  let rest = text.trim()
  // A range a-b needs a Perl module that Debian leaves out; without it SpamAssassin drops the entry.
  if (rest.includes('-')) return undefined
  const exclude = rest.startsWith('!')
  if (exclude) rest = rest.slice(1).trim()
  const slash = rest.indexOf('/')
  let mask = slash < 0 ? undefined : rest.slice(slash + 1)
  if (slash >= 0) rest = rest.slice(0, slash)
  rest = rest.replace(/^\[([^\]]*)\]$/, '$1').replace(/%[A-Z0-9._~-]*$/i, '')
  let bits = 128
  if (/^\d+(?:\.|$)/.test(rest)) {
    const parts = short4.exec(rest)
    if (!parts || (parts[4] !== undefined && rest.endsWith('.'))) return undefined
    const given = parts.slice(1).filter((part) => part !== undefined)
    mask ??= String(given.length * 8)
    rest = [...given.map(Number), 0, 0, 0].slice(0, 4).join('.')
    bits = 32
  }
  const words = parseIp(rest)
  if (!words) return undefined
  const length = mask === undefined ? bits : maskLength(mask, bits)
  return length === undefined ? undefined : { words, prefix: 128 - bits + length, exclude, text }
}

function maskLength(mask: string, bits: number): number | undefined {
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= bits ? Number(mask) : undefined
  if (bits !== 32) return undefined
  const words = parseIp(mask)
  if (words?.[5] !== 0xffff) return undefined
  const binary = [words[6]!, words[7]!].map((value) => value.toString(2).padStart(16, '0')).join('')
  return /^1*0*$/.test(binary) ? binary.lastIndexOf('1') + 1 : undefined
}

function covers(network: Network, words: Words, prefix: number): boolean {
  if (network.prefix > prefix) return false
  for (let index = 0, bits = network.prefix; bits > 0; index++, bits -= 16) {
    const mask = bits >= 16 ? 0xffff : (0xffff << (16 - bits)) & 0xffff
    if (((network.words[index]! ^ words[index]!) & mask) !== 0) return false
  }
  return true
}

/** The first entry that covers the network decides whether it is declared; 'excluded' still counts as declared. */
function declared(set: NetSet, network: Network): Network | undefined {
  return set.find((entry) => covers(entry, network.words, network.prefix))
}

/** Appends a network unless an earlier entry covers it already (then the word has no effect, whatever its sign). */
export function addNetwork(set: NetSet, network: Network): { readonly set: NetSet; readonly added: boolean } {
  if (set.length < 200 && declared(set, network)) return { set, added: false }
  return { set: [...set, network], added: true }
}

export function containsIp(set: NetSet, ip: string): boolean {
  if (set.length === 0) return false
  const words = parseIp(ip)
  if (!words) return false
  const found = set.find((entry) => covers(entry, words, 128))
  return found !== undefined && !found.exclude
}

export function containsNetwork(set: NetSet, network: Network): boolean {
  const found = declared(set, network)
  return found !== undefined && !found.exclude
}

/** Always inside trusted and internal networks. */
export const loopback: NetSet = ['127.0.0.0/8', '::1'].map((text) => parseNetwork(text)!)
