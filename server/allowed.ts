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

export function allowedNetworks(words: readonly string[]): BlockList {
  const list = new BlockList()
  for (const word of words) {
    const [address = '', length] = word.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (length === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(length), family)
  }
  return list
}

export function isAllowed(address: string, allowed: BlockList): boolean {
  return isIP(address) !== 0 && allowed.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
