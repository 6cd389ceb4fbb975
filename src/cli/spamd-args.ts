// SpamAssassin's spamd command line, read into what hamd's server needs. Pure: argv in, values or the words of a usage error out. Options
// that only make sense for a family of forked children are accepted and noted, so that no old init script stops a mail server.

export interface SpamdListener {
  /** host:port, [v6]:port or unix:/path. */
  readonly address: string
  readonly tls: boolean
}

export type SpamdLogTarget =
  | { readonly kind: 'syslog'; readonly facility: string }
  | { readonly kind: 'stderr' }
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly path: string }

/** What a spamd command line asks for. Absent = it does not say. */
export interface SpamdArgs {
  readonly listen: readonly SpamdListener[]
  readonly socket: { readonly mode?: number; readonly owner?: string; readonly group?: string }
  readonly tls: {
    readonly key?: string
    readonly cert?: string
    /** File or folder of authorities that client certificates must come from (--ssl-verify). */
    readonly ca?: string
    readonly verify: boolean
  }
  readonly allowedIps: readonly string[]
  readonly allowTell: boolean
  readonly local: boolean
  /** --timeout-tcp and --timeout-child; 0 = none. */
  readonly firstLineMs?: number
  readonly requestMs?: number
  /** --max-children: as many scans at once. */
  readonly workers?: number
  readonly daemonize: boolean
  readonly pidFile?: string
  /** Account and group to run as once the sockets are bound. */
  readonly user?: string
  readonly group?: string
  /** Where per-user preferences come from; `pattern` holds %u, %l, %d, %x and %%. */
  readonly prefs:
    | { readonly kind: 'off' }
    | { readonly kind: 'home'; readonly create: boolean }
    | { readonly kind: 'pattern'; readonly pattern: string; readonly create: boolean }
  /** Folder of the distributed rules, and of the site's own. */
  readonly configPath?: string
  readonly sitePath?: string
  readonly preLines: string
  readonly cfLines: string
  readonly log: SpamdLogTarget
  /** Areas of --debug; '' = not asked for. */
  readonly debug: string
  /** Options without meaning here, one sentence each, for the log at debug level. */
  readonly notes: readonly string[]
}

export type SpamdCommand =
  | { readonly kind: 'serve'; readonly args: SpamdArgs }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  /** Exit 64 with this sentence. */
  | { readonly kind: 'usage-error'; readonly text: string }

/** What follows an option: nothing, nothing but --no- turns it off, a word, perhaps a word, a number. */
type Takes = 'nothing' | 'flag' | 'word' | 'optional' | 'number'

interface Option {
  /** Long names and single letters. */
  readonly names: readonly string[]
  readonly takes: Takes
  /** Why it changes nothing here. */
  readonly idle?: string
}

const oneProcess = 'one process with threads serves all clients'
const noSql = 'preferences are read from files'

const options: readonly Option[] = [
  { names: ['allow-tell', 'l'], takes: 'nothing' },
  { names: ['allowed-ips', 'A'], takes: 'word' },
  { names: ['configpath', 'C'], takes: 'word' },
  { names: ['create-prefs', 'c'], takes: 'flag', idle: "a user without a file has the site's settings" },
  { names: ['daemonize', 'd'], takes: 'flag' },
  { names: ['debug', 'D'], takes: 'optional' },
  { names: ['default-user', 'U'], takes: 'word', idle: 'no change of user per message' },
  { names: ['groupname', 'g'], takes: 'word' },
  { names: ['helper-home-dir', 'H'], takes: 'optional', idle: 'no helper programs are run' },
  { names: ['help', 'h'], takes: 'nothing' },
  { names: ['4', 'ipv4only', 'ipv4-only', 'ipv4'], takes: 'nothing' },
  { names: ['6'], takes: 'nothing' },
  { names: ['ldap-config'], takes: 'flag', idle: noSql },
  { names: ['listen', 'listen-ip', 'ip-address', 'i'], takes: 'optional' },
  { names: ['local', 'L'], takes: 'flag' },
  { names: ['round-robin'], takes: 'flag', idle: oneProcess },
  { names: ['min-children'], takes: 'number', idle: oneProcess },
  { names: ['max-children', 'm'], takes: 'number' },
  { names: ['min-spare'], takes: 'number', idle: oneProcess },
  { names: ['max-spare'], takes: 'number', idle: oneProcess },
  { names: ['max-conn-per-child'], takes: 'number', idle: oneProcess },
  { names: ['nouser-config', 'x'], takes: 'nothing' },
  { names: ['paranoid', 'P'], takes: 'flag', idle: 'no change of user per message' },
  { names: ['pidfile', 'r'], takes: 'word' },
  { names: ['port', 'p'], takes: 'word' },
  { names: ['setuid-with-sql', 'Q'], takes: 'nothing', idle: noSql },
  { names: ['sql-config', 'q'], takes: 'flag', idle: noSql },
  { names: ['setuid-with-ldap'], takes: 'nothing', idle: noSql },
  { names: ['server-cert'], takes: 'word' },
  { names: ['server-key'], takes: 'word' },
  { names: ['siteconfigpath'], takes: 'word' },
  { names: ['pre'], takes: 'word' },
  { names: ['cf'], takes: 'word' },
  { names: ['socketgroup'], takes: 'word' },
  { names: ['socketmode'], takes: 'word' },
  { names: ['socketowner'], takes: 'word' },
  { names: ['socketpath'], takes: 'word' },
  { names: ['ssl'], takes: 'nothing' },
  { names: ['ssl-verify'], takes: 'nothing' },
  { names: ['ssl-ca-file'], takes: 'word' },
  { names: ['ssl-ca-path'], takes: 'word' },
  { names: ['ssl-port'], takes: 'word' },
  { names: ['syslog-socket'], takes: 'word' },
  { names: ['syslog', 's'], takes: 'word' },
  { names: ['log-timestamp-fmt'], takes: 'optional', idle: 'lines carry the time of the log they go to' },
  { names: ['timeout-tcp', 'T'], takes: 'number' },
  { names: ['timeout-child', 't'], takes: 'number' },
  { names: ['timing'], takes: 'nothing', idle: 'the time of each stage is in the metrics' },
  { names: ['user-config'], takes: 'nothing' },
  { names: ['username', 'u'], takes: 'word' },
  { names: ['version', 'V'], takes: 'nothing' },
  { names: ['virtual-config-dir'], takes: 'word' },
  { names: ['vpopmail', 'v'], takes: 'flag', idle: noSql },
  { names: ['stop-at-threshold', 'S'], takes: 'nothing', idle: 'removed from spamd long ago' },
]

const byName = new Map(options.flatMap((option) => option.names.map((name) => [name, option] as const)))

/** One option as given: its first name, its word ('' when it has none), and whether `--no-` stood before it. */
interface Given {
  readonly name: string
  readonly value: string
  readonly off: boolean
}

export function parseSpamdArgs(argv: readonly string[]): SpamdCommand {
  const given = readOptions(argv)
  if (typeof given === 'string') return { kind: 'usage-error', text: given }
  if (given.some(({ name }) => name === 'help')) return { kind: 'help' }
  if (given.some(({ name }) => name === 'version')) return { kind: 'version' }
  const args = interpret(given)
  return typeof args === 'string' ? { kind: 'usage-error', text: args } : { kind: 'serve', args }
}

// ---------------------------------------------------------------- words into options

/** As Getopt::Long with bundling reads them: -m5, -dr FILE, --port=1, --port 1, unambiguous beginnings of long names. */
function readOptions(argv: readonly string[]): Given[] | string {
  const given: Given[] = []
  const words = [...argv]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') break
    const wrong = word.startsWith('--')
      ? readLong(word.slice(2), words, given)
      : /^-./.test(word)
        ? readLetters(word.slice(1), words, given)
        : undefined
    if (wrong !== undefined) return wrong
  }
  return given
}

function readLong(text: string, words: string[], given: Given[]): string | undefined {
  const cut = text.indexOf('=')
  const name = cut < 0 ? text : text.slice(0, cut)
  const found = findLong(name)
  if (typeof found === 'string') return found
  return take(found.option, found.off, cut < 0 ? undefined : text.slice(cut + 1), `--${name}`, words, given)
}

function findLong(name: string): { option: Option; off: boolean } | string {
  const exact = byName.get(name)
  if (exact !== undefined && name.length > 1) return { option: exact, off: false }
  for (const start of ['no-', 'no']) {
    const option = name.startsWith(start) ? byName.get(name.slice(start.length)) : undefined
    if (option?.takes === 'flag' && name.length > start.length + 1) return { option, off: true }
  }
  const candidates = new Set(
    [...byName].filter(([long]) => long.length > 1 && long.startsWith(name)).map(([, o]) => o),
  )
  if (name !== '' && candidates.size === 1) return { option: [...candidates][0]!, off: false }
  return candidates.size > 1 ? `option --${name} is ambiguous` : `unknown option: --${name}`
}

function readLetters(letters: string, words: string[], given: Given[]): string | undefined {
  for (let at = 0; at < letters.length; at++) {
    const option = byName.get(letters[at]!)
    if (option === undefined) return `unknown option: -${letters[at]}`
    if (option.takes === 'nothing' || option.takes === 'flag') {
      given.push({ name: option.names[0]!, value: '', off: false })
      continue
    }
    const rest = letters.slice(at + 1).replace(/^=/, '')
    return take(option, false, rest === '' ? undefined : rest, `-${letters[at]}`, words, given)
  }
  return undefined
}

function take(
  option: Option,
  off: boolean,
  attached: string | undefined,
  shown: string,
  words: string[],
  given: Given[],
): string | undefined {
  const name = option.names[0]!
  const push = (value: string) => void given.push({ name, value, off })
  if (option.takes === 'nothing' || option.takes === 'flag') {
    if (attached !== undefined) return `option ${shown} takes no value`
    push('')
    return undefined
  }
  let value = attached
  const next = words[0]
  if (value === undefined && next !== undefined && !(option.takes === 'optional' && /^-./.test(next)))
    value = words.shift()
  if (value === undefined && option.takes !== 'optional') return `option ${shown} needs a value`
  if (option.takes === 'number' && !/^\d+$/.test(value ?? ''))
    return `option ${shown} needs a whole number, not '${value}'`
  push(value ?? '')
  return undefined
}

// ---------------------------------------------------------------- options into values

function interpret(given: readonly Given[]): SpamdArgs | string {
  const last = (name: string) => given.findLast((one) => one.name === name)
  const word = (name: string) => last(name)?.value
  const on = (name: string) => last(name) !== undefined && !last(name)!.off
  const all = (name: string) => given.filter((one) => one.name === name).map(({ value }) => value)
  const seconds = (name: string) => (word(name) === undefined ? undefined : Number(word(name)) * 1000)

  const family = given.findLast(({ name }) => name === '4' || name === '6')?.name
  const listen = listenersOf(all('listen'), {
    port: word('port'),
    sslPort: word('ssl-port'),
    ssl: on('ssl'),
    socketPath: word('socketpath'),
    family,
  })
  if (typeof listen === 'string') return listen
  const mode = word('socketmode')
  if (mode !== undefined && !/^0?[0-7]{3}$/.test(mode))
    return `--socketmode needs an octal mode such as 0660, not '${mode}'`
  const tls = listen.some((one) => one.tls)
  if (tls && (word('server-key') === undefined || word('server-cert') === undefined))
    return '--ssl needs --server-key FILE and --server-cert FILE'
  const pattern = word('virtual-config-dir')
  const userConfig = given.findLast(({ name }) => name === 'nouser-config' || name === 'user-config')?.name
  const create = on('create-prefs')
  const allowed = all('allowed-ips')
    .flatMap((list) => list.split(','))
    .filter((one) => one !== '')

  return {
    listen,
    socket: {
      ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
      ...given1('owner', word('socketowner')),
      ...given1('group', word('socketgroup')),
    },
    tls: {
      ...given1('key', word('server-key')),
      ...given1('cert', word('server-cert')),
      ...given1('ca', word('ssl-ca-file') ?? word('ssl-ca-path')),
      verify: on('ssl-verify'),
    },
    allowedIps: allowed.length > 0 ? allowed : ['127.0.0.1', '::1'],
    allowTell: on('allow-tell'),
    local: on('local'),
    ...given1('firstLineMs', seconds('timeout-tcp')),
    ...given1('requestMs', seconds('timeout-child')),
    ...given1('workers', word('max-children') === undefined ? undefined : Number(word('max-children'))),
    daemonize: on('daemonize'),
    ...given1('pidFile', word('pidfile')),
    ...given1('user', word('username')),
    ...given1('group', word('groupname')),
    prefs:
      pattern !== undefined
        ? { kind: 'pattern', pattern, create }
        : userConfig === 'nouser-config'
          ? { kind: 'off' }
          : { kind: 'home', create },
    ...given1('configPath', word('configpath')),
    ...given1('sitePath', word('siteconfigpath')),
    preLines: lines(all('pre')),
    cfLines: lines(all('cf')),
    log: logTarget(word('syslog'), word('syslog-socket')),
    debug: last('debug') === undefined ? '' : word('debug') || 'all',
    notes: notesOf(given),
  }
}

/** A property that is there only with a value. */
function given1<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V })
}

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('')

function notesOf(given: readonly Given[]): string[] {
  const names = new Set(given.map(({ name }) => name))
  return [...names].flatMap((name) => {
    const { idle } = byName.get(name)!
    if (idle === undefined) return []
    return [`spamd option ${name.length === 1 ? '-' : '--'}${name} has no effect: ${idle}`]
  })
}

interface ListenWords {
  readonly port: string | undefined
  readonly sslPort: string | undefined
  readonly ssl: boolean
  readonly socketPath: string | undefined
  readonly family: string | undefined
}

/** -i [ssl:]addr[:port] or /path, any number of them; without one the loopback addresses, or the socket alone. */
function listenersOf(specs: readonly string[], words: ListenWords): SpamdListener[] | string {
  const found: SpamdListener[] = []
  const { socketPath } = words
  if (socketPath !== undefined) found.push({ address: `unix:${socketPath}`, tls: false })
  const all = specs.length === 0 && socketPath === undefined ? ['localhost'] : specs
  for (const spec of all) {
    // A bare -i means every address.
    const given = spec === '' ? '*' : spec
    const marked = /^ssl:/i.test(given)
    const rest = marked ? given.slice('ssl:'.length) : given
    if (rest.startsWith('/')) {
      found.push({ address: `unix:${rest}`, tls: marked || words.ssl })
      continue
    }
    const cut = /^(?:\[([^\]]*)\]|([^:]*)|([0-9A-Fa-f:.]+))(?::(\d+))?$/.exec(rest)
    if (cut === null) return `'${spec}' is not an address to listen on`
    const host = cut[1] ?? cut[2] ?? cut[3] ?? ''
    const tls = marked || words.ssl
    const port = cut[4] ?? (tls ? (words.sslPort ?? words.port) : words.port) ?? '783'
    if (!/^\d+$/.test(port) || Number(port) > 65535) return `'${port}' is not a port`
    for (const one of hostsOf(host, words.family)) found.push({ address: withPort(one, port), tls })
    if (!tls && words.sslPort !== undefined)
      for (const one of hostsOf(host, words.family))
        found.push({ address: withPort(one, words.sslPort), tls: true })
  }
  return found
}

function hostsOf(host: string, family: string | undefined): string[] {
  if (host === '' || host === '*') return [family === '4' ? '0.0.0.0' : family === '6' ? '::' : '*']
  if (host.toLowerCase() !== 'localhost') return [host]
  return [family === '4' ? '127.0.0.1' : family === '6' ? '::1' : 'localhost']
}

function withPort(host: string, port: string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** -s: a syslog facility, 'stderr', 'null', 'file', or anything with other characters: the path of a log file. */
function logTarget(target: string | undefined, socket: string | undefined): SpamdLogTarget {
  const words = target ?? 'mail'
  if (/[^a-z0-9]/.test(words)) return { kind: 'file', path: words }
  if (words === 'file' || socket?.toLowerCase() === 'file') return { kind: 'file', path: 'spamd.log' }
  if (words === 'stderr' || socket?.toLowerCase() === 'none') return { kind: 'stderr' }
  return words === 'null' ? { kind: 'none' } : { kind: 'syslog', facility: words }
}

export const spamdHelp = `Usage: hamd spamd [options]

  -i [ssl:][ADDR][:PORT]  listen there (default localhost:783); repeatable, a path is a unix socket
  -p PORT                 port, if -i does not say
  --socketpath PATH       unix socket, with --socketmode, --socketowner, --socketgroup
  --ssl --server-key FILE --server-cert FILE [--ssl-port PORT] [--ssl-verify --ssl-ca-file FILE]
  -A LIST                 addresses and networks that may connect (default 127.0.0.1,::1)
  -l, --allow-tell        learning over the protocol
  -L                      no look-ups
  -m N                    scans at once
  -T SECONDS, -t SECONDS  for the first line; for a whole request (0 = no limit)
  -u USER, -g GROUP       run as
  -x                      no user preferences; -c creates them; --virtual-config-dir PATTERN
  -C DIR, --siteconfigpath DIR, --cf LINE, --pre LINE
  -d, -r FILE             into the background; file for the process id
  -s FACILITY|stderr|null|FILE   where log lines go
  -D [AREAS], -V, -h

Example: hamd spamd -d -r /run/spamd.pid -m 5 -u debian-spamd
`
