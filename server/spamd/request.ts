// What a spamd client says before its message: the first line and the request headers, as SpamAssassin's spamd reads them
// (spamd-protocol.md 1.1 to 1.3). Text in, values or the words of the refusal out; bytes are read in reader.ts.

export type Verb =
  | 'CHECK'
  | 'SYMBOLS'
  | 'REPORT'
  | 'REPORT_IFSPAM'
  | 'PROCESS'
  | 'HEADERS'
  | 'TELL'
  | 'SKIP'
  | 'PING'

export interface RequestLine {
  readonly verb: Verb
  /** By the leading number of the word: '1.10' is 1.1, 'abc' is 0. No version is ever refused. */
  readonly version: number
}

/** The order in which spamd looks: a line that holds two verbs is the first of these kinds. */
const verbPatterns = [
  /(PROCESS|CHECK|SYMBOLS|REPORT|HEADERS|REPORT_IFSPAM) SPAMC\/(.*)/,
  /(TELL) SPAMC\/(.*)/,
  /(SKIP|PING) SPAMC\/(.*)/,
]

/** Undefined = not a request. Unanchored and case-sensitive as in spamd: 'XXPING SPAMC/1.2' works, 'ping SPAMC/1.2' does not. */
export function parseRequestLine(line: string): RequestLine | undefined {
  for (const pattern of verbPatterns) {
    const found = pattern.exec(line)
    if (found === null) continue
    const version = Number.parseFloat(found[2]!)
    return { verb: found[1] as Verb, version: Number.isNaN(version) ? 0 : version }
  }
  return undefined
}

/** Where a TELL wants something done. */
export interface Places {
  readonly local: boolean
  readonly remote: boolean
}

export interface RequestHeaders {
  /** Content-length as text of digits; '' where the value was empty, which spamd accepts and then counts as 0. */
  length?: string
  /** Length from another spelling of the name: spamd ignores it, so it may only end the wait for a client that stays open. */
  lengthHint?: number
  /** UTF-8 decoded; '' is a client that names nobody. */
  user?: string
  zlib?: boolean
  messageClass?: string
  set?: Places
  remove?: Places
}

/** Takes one header line, without its line end, into `headers`; gives the words of the refusal if the line is wrong. */
export function addHeader(headers: RequestHeaders, line: string): string | undefined {
  const colon = line.indexOf(':')
  if (colon < 0) return "(header not in 'Name: value' format)"
  const name = line.slice(0, colon)
  const value = line.slice(colon + 1).replace(/^\s+/, '')
  switch (name) {
    case 'Content-length':
      if (!/^\d*$/.test(value)) return '(Content-Length contains non-numeric bytes)'
      headers.length = value
      return undefined
    case 'User':
      if (!/^[\x20-\xff]*$/.test(value)) return '(User header contains control chars)'
      headers.user = Buffer.from(value, 'latin1').toString('utf8')
      return undefined
    case 'Compress':
      if (!/zlib/i.test(value)) return `(compression type not supported: ${value})`
      headers.zlib = true
      return undefined
    case 'Message-class':
      headers.messageClass = value
      return undefined
    case 'Set':
      headers.set = places(value)
      return undefined
    case 'Remove':
      headers.remove = places(value)
      return undefined
    default:
      // Home-made clients write Content-Length or Content-lenght and some never half-close: spamd leaves them hanging.
      if (/^content-len(?:gth|ght)$/i.test(name) && /^\d{1,15}$/.test(value))
        headers.lengthHint = Number(value)
      return undefined
  }
}

function places(value: string): Places {
  return { local: /local/i.test(value), remote: /remote/i.test(value) }
}
