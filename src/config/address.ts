// Addresses as users write them: host:port, [v6]:port, unix:/path.

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** Parses an address; undefined when it is none. A bare port or a bare host is refused: both guess wrong too often. */
export function parseAddress(text: string): Address | undefined {
  if (text.startsWith('unix:')) return text.length > 5 ? { kind: 'unix', path: text.slice(5) } : undefined
  if (text.startsWith('/')) return { kind: 'unix', path: text }
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  if (!match) return undefined
  const port = Number(match[3])
  return port > 65_535 ? undefined : { kind: 'tcp', host: (match[1] ?? match[2])!, port }
}

export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}
