// Resolves a reference against a base address (RFC 2396 section 5.2 in its non-strict reading), with SpamAssassin's addition for addresses
// that begin with `//www.` or `//ftp.` without a scheme (4.0.1, HTML.pm; fixtures/oracle/micro-uri, group href).

interface Parts {
  readonly scheme: string | undefined
  readonly authority: string | undefined
  readonly path: string
  readonly query: string | undefined
  readonly fragment: string | undefined
}

function parse(uri: string): Parts {
  const found = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#([^\n]*))?/.exec(uri)
  return {
    scheme: found?.[1],
    authority: found?.[2],
    path: found?.[3] ?? '',
    query: found?.[4],
    fragment: found?.[5],
  }
}

export function resolveUri(base: string, reference: string): string {
  const given = parse(reference)
  const context = parse(base)
  const scheme = given.scheme === context.scheme ? undefined : given.scheme
  const { authority, query, fragment } = given
  if (scheme !== undefined) return compose(scheme, authority, withoutDots(given.path), query, fragment)
  if (authority !== undefined)
    return compose(context.scheme, authority, withoutDots(given.path), query, fragment)
  if (given.path === '')
    return compose(context.scheme, context.authority, context.path, query ?? context.query, fragment)
  const path = withoutDots(given.path.startsWith('/') ? given.path : merge(context, given.path))
  return compose(context.scheme, context.authority, path, query, fragment)
}

function merge(base: Parts, path: string): string {
  if (base.authority !== undefined && (base.path === '' || base.path === '0')) return '/' + path
  return base.path.slice(0, base.path.lastIndexOf('/') + 1) + path
}

/** Removes `.` and `..` segments. */
function withoutDots(path: string): string {
  if (path === '0') return ''
  const segments = path.replace(/^\.\.?\//, '/').match(/\/?[^/]*/g) ?? []
  const out: string[] = []
  for (const [at, segment] of segments.entries()) {
    if (segment === '') continue
    const isLast = at >= segments.length - 2
    if (segment === '/.') {
      if (isLast) out.push('/')
    } else if (segment === '/..') {
      out.pop()
      if (isLast) out.push('/')
    } else {
      out.push(segment)
    }
  }
  return out.join('')
}

function compose(
  scheme: Parts['scheme'],
  authority: Parts['authority'],
  path: string,
  query: Parts['query'],
  fragment: Parts['fragment'],
): string {
  let out = ''
  if (scheme) out = scheme + ':'
  else if (authority !== undefined && /^www\d*\./i.test(authority)) out = 'http:'
  else if (authority !== undefined && /^ftp\d*\./i.test(authority)) out = 'ftp:'
  if (authority !== undefined) out += '//' + authority
  out += path
  if (query !== undefined) out += '?' + query
  return fragment === undefined ? out : out + '#' + fragment
}
