// The configuration as a table: section, key, type, default and the sentence the docs print. One place for all; file.ts reads it,
// docs/operations.md is compared with it by a test.
import * as limits from '../limits.js'

/** Value types a key may have. `strings` also takes one string. */
export type KeyType = 'string' | 'strings' | 'number' | 'boolean' | { readonly oneOf: readonly string[] }

export interface Key {
  readonly type: KeyType
  readonly default: string | readonly string[] | number | boolean | null
  readonly min?: number
  readonly max?: number
  /** What a string must look like. */
  readonly form?: { readonly is: RegExp; readonly says: string }
  readonly about: string
}

function key<const T extends KeyType, const D extends Key['default']>(
  type: T,
  fallback: D,
  about: string,
  bounds: Pick<Key, 'min' | 'max' | 'form'> = {},
): {
  readonly type: T
  readonly default: D
  readonly about: string
  readonly min?: number
  readonly max?: number
  readonly form?: NonNullable<Key['form']>
} {
  return { type, default: fallback, about, ...bounds }
}

/** Section -> key -> what it is. `null` as default means "not set". */
export const schema = {
  listen: {
    scan: key(
      'strings',
      null,
      'Scan listeners, every dialect on each: host:port, [v6]:port or unix:/path. Default 127.0.0.1:783 and 127.0.0.1:11333.',
    ),
    controller: key('strings', null, 'Controller listeners: API, scan. Default 127.0.0.1:11334.'),
    socket_mode: key('string', '0666', 'Mode of unix sockets, octal.', {
      form: { is: /^0?[0-7]{3}$/, says: 'an octal mode such as 0660' },
    }),
    socket_owner: key('string', null, 'Owner of unix sockets, name or number.'),
    socket_group: key('string', null, 'Group of unix sockets, name or number.'),
    tls_key: key(
      'string',
      null,
      'PEM file with the private key; with tls_cert the scan listeners speak TLS.',
    ),
    tls_cert: key('string', null, 'PEM file with the certificate.'),
    allowed_ips: key(
      'strings',
      ['127.0.0.1', '::1'],
      'Clients of TCP scan listeners, CIDR; others are closed without a byte. Unix socket peers always pass.',
    ),
    connections_max: key('number', limits.connectionsMax, 'Connections at once over all scan listeners.', {
      min: 1,
    }),
  },
  data: {
    dir: key(
      'string',
      null,
      'Folder of all state. Default: $STATE_DIRECTORY, else /var/lib/hamd for root, else $XDG_STATE_HOME/hamd.',
    ),
  },
  rules: {
    builtin: key('boolean', true, "Load hamd's own rules."),
    paths: key(
      'strings',
      [],
      'Further .cf files or directories of .pre and .cf files, loaded in this order.',
    ),
    allow_user_rules: key('boolean', false, 'User preferences may hold rules and other privileged settings.'),
  },
  network: {
    local: key('boolean', false, "No DNS look-ups (spamd's -L)."),
    dns: key('strings', [], "Resolvers to ask, ip or ip:port; empty = the system's."),
    lookup_ms: key('number', limits.scanLookupMs, 'All look-ups of one scan end by then, milliseconds.', {
      min: 100,
      max: 300_000,
    }),
  },
  clamd: {
    address: key('string', null, 'clamd, host:port or unix:/path. Not set = off.'),
    unchecked: key(
      { oneOf: ['accept', 'tempfail', 'reject'] },
      'accept',
      'What a mail gets that clamd could not check: a verdict with CLAMAV_FAIL, a temporary failure, or reject.',
    ),
  },
  actions: {
    greylist: key('number', 4, 'Score from which rspamd clients are told to greylist.'),
    add_header: key(
      'number',
      null,
      'Score from which they are told to add a header. Default: required_score of the rules (5).',
    ),
    rewrite_subject: key(
      'number',
      null,
      'Score from which they are told to rewrite the subject. Not set = off.',
    ),
    reject: key('number', 15, 'Score from which they are told to reject.'),
  },
  spamd: {
    allow_tell: key('boolean', false, 'Learning over the spamd protocol (TELL).'),
    timeout_tcp_ms: key(
      'number',
      limits.spamdFirstLineMs,
      'First line of a spamd request must arrive within.',
      { min: 0 },
    ),
    timeout_child_ms: key(
      'number',
      limits.spamdRequestMs,
      'Headers, body and scan of a spamd request together.',
      { min: 0 },
    ),
    log_lines: key('boolean', false, "Log spamd's own lines (`spamd: result: ...`) as well."),
  },
  rspamd: {
    vocabulary: key(
      { oneOf: ['spamassassin', 'rspamd'] },
      'spamassassin',
      "Names of symbols in replies to rspamd's clients: those of the rules, or rspamd's where it has one for the same finding.",
    ),
    milter_headers: key(
      'strings',
      [],
      'Headers that milter clients are told to add: x-spamd-bar, x-spam-level, x-spam-status, x-spamd-result, x-rspamd-action, x-rspamd-server, x-rspamd-queue-id, x-spam-scan-id, spam-header.',
    ),
    rewrite_subject: key(
      'string',
      '***SPAM*** %s',
      'New subject under the action rewrite subject; %s is the old one, %d the score.',
    ),
    rewrite_message: key(
      'boolean',
      false,
      'Hand back the marked message to clients that ask with the flag body_block.',
    ),
    local_files: key(
      'boolean',
      false,
      'Clients on a unix socket may name a file to scan (headers File and Path) instead of sending it.',
    ),
    scan_id: key(
      'boolean',
      true,
      'Replies of checkv2 carry scan-id, by which the mail can be learned later.',
    ),
    error_domain: key(
      'boolean',
      false,
      "Errors carry rspamd's error_domain; Haraka takes only errors without.",
    ),
  },
  controller: {
    password: key(
      'string',
      null,
      'Hash (hamd password) that may read and scan. Not set: loopback clients in secure_ips only.',
    ),
    enable_password: key('string', null, 'Hash that may also write: learn, reset. Not set: `password` may.'),
    secure_ips: key('strings', [], 'Clients that need no password. Unix socket peers never need one.'),
  },
  users: {
    prefs: key(
      { oneOf: ['off', 'dir', 'home', 'pattern'] },
      'off',
      'Per-user preferences: none, files in prefs_dir, ~user/.spamassassin/user_prefs, or prefs_dir as a pattern.',
    ),
    prefs_dir: key(
      'string',
      null,
      'Folder with one <user>/user_prefs or <user> file per user; as a pattern %u is the user, %l and %d what stands before and behind its @.',
    ),
    rspamd_user: key(
      { oneOf: ['none', 'deliver-to', 'user'] },
      'none',
      'Header of rspamd clients that names the user of preferences and model.',
    ),
  },
  learner: {
    profile: key(
      { oneOf: ['standard', 'small'] },
      'standard',
      'Size of the model: about 80 MB, or about 16 MB.',
    ),
    spam_min: key('number', 200, 'Learned spam below which Bayes has no opinion.', { min: 0 }),
    ham_min: key('number', 200, 'Learned ham below which Bayes has no opinion.', { min: 0 }),
    autolearn: key('boolean', false, "Learn from clear verdicts by SpamAssassin's thresholds."),
    per_user: key('boolean', false, "One model per user, blended with the site's by evidence."),
    scan_days: key('number', 7, 'Days for which a scan id can be learned without the message.', {
      min: 0,
      max: 365,
    }),
  },
  history: {
    rows: key('number', 10_000, 'Scans kept for the history of the controller.', { min: 0, max: 10_000_000 }),
  },
  workers: {
    count: key('number', null, 'Scan workers; 0 = scan in the main thread. Default: number of cores.', {
      min: 0,
      max: limits.workersMax,
    }),
    queue_max: key('number', limits.scanQueueMax, 'Scans waiting for a worker before fronts push back.', {
      min: 1,
    }),
    hang_ms: key('number', limits.scanHangMs, 'A worker silent for so long is replaced.', { min: 1000 }),
  },
  limits: {
    message_size_max: key('number', limits.messageBytesMax, 'Largest message accepted, bytes.', {
      min: 1024,
      max: 1024 * 1024 * 1024,
    }),
  },
  log: {
    level: key(
      { oneOf: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] },
      'info',
      'pino level; JSON lines on stderr.',
    ),
  },
} as const satisfies Record<string, Record<string, Key>>

type Widen<T extends KeyType> = T extends 'string'
  ? string
  : T extends 'strings'
    ? readonly string[]
    : T extends 'number'
      ? number
      : T extends 'boolean'
        ? boolean
        : T extends { readonly oneOf: readonly (infer W)[] }
          ? W
          : never

type ValueOf<K> = K extends { readonly type: infer T extends KeyType; readonly default: infer D }
  ? D extends null
    ? Widen<T> | null
    : Widen<T>
  : never

/** The configuration in force: every section, every key. */
export type Config = {
  readonly [S in keyof typeof schema]: {
    readonly [K in keyof (typeof schema)[S]]: ValueOf<(typeof schema)[S][K]>
  }
}
