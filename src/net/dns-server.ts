// The address of a resolver as configurations and rules write it.
import { isIPv6 } from 'node:net'

export interface DnsServer {
  readonly host: string
  readonly port: number
}

/** 'ip', 'ip:port', '[v6]:port' or bare v6. */
export function parseServer(text: string): DnsServer {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text)
  const plain = isIPv6(text) ? undefined : /^([^:]+):(\d+)$/.exec(text)
  const found = bracketed ?? plain
  return { host: found?.[1] ?? text, port: Number(found?.[2] ?? 53) }
}
