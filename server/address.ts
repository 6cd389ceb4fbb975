// Listener addresses as people write them: `host:port`, `[v6]:port`, `*:port`, `unix:/path`. A wrong one is a value, so that the
// command line and the configuration can each say where it stood.

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/** The address, or the sentence that says what is wrong with it. */
export function parseAddress(text: string): ListenAddress | { readonly wrong: string } {
  if (text.startsWith('unix:')) return unixAddress(text.slice('unix:'.length))
  if (text.startsWith('/')) return unixAddress(text)
  const found = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.]+)?)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text)
  if (found === null)
    return { wrong: `'${text}' is not an address: write host:port, [v6]:port or unix:/path` }
  const port = Number(found[3])
  if (port > 65535) return { wrong: `'${text}': the port must be 0 to 65535` }
  return { kind: 'tcp', host: found[1] ?? (found[2] || '*'), port }
}

function unixAddress(path: string): ListenAddress | { readonly wrong: string } {
  if (!path.startsWith('/')) return { wrong: `unix:${path}: the path of a socket must begin with /` }
  // sun_path holds 108 bytes on Linux, the closing NUL included; longer paths would be cut in silence.
  if (Buffer.byteLength(path) > 107) return { wrong: `unix:${path}: the path is longer than 107 bytes` }
  return { kind: 'unix', path }
}

export function addressText(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}
