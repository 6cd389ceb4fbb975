// The list of clients that may connect (spamd's --allowed-ips): addresses and CIDR networks of both families.
import { BlockList, isIP } from 'node:net'

/** Says which of the words is neither an address nor a network. */
export function wrongNetwork(words: readonly string[]): string | undefined {
  return words.find((word) => {
    const [address = '', length] = word.split('/')
    const version = isIP(address)
    if (version === 0) return true
    return length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128))
  })
}

/** Answers that are kept: a mail server asks a thousand times a minute. */
const knownMax = 1000

/** Says whether an address may connect. */
export function allowedNetworks(words: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const word of words) {
    const [address = '', length] = word.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (length === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(length), family)
  }
  const known = new Map<string, boolean>()
  return (address) => {
    const before = known.get(address)
    if (before !== undefined) return before
    const version = isIP(address)
    const answer = version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4')
    if (known.size >= knownMax) known.clear()
    known.set(address, answer)
    return answer
  }
}
