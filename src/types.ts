// The shapes that travel along the straight line (docs/architecture.md): bytes -> Request -> Message -> Views -> Facts -> Hit[] ->
// Verdict -> bytes. Types only, nothing here runs. Everything is readonly: a stage adds the next shape, it never edits an earlier one.

/** A string in which every char is one byte (0..255). All texts that rules see are of this kind (reference: sa-rules.md 7.2). */
export type ByteString = string

// ---------------------------------------------------------------- what a front hands in

/** What SMTP knew about the message. An absent field means "the client did not say", which is not the same as empty. */
export interface Envelope {
  /** Address of the SMTP client, v4 or v6 literal without brackets. */
  readonly ip?: string
  /** Name given in HELO/EHLO. */
  readonly helo?: string
  /** Reverse-resolved name of the SMTP client; absent when unknown. */
  readonly hostname?: string
  /** Envelope sender without angle brackets; '' is the null sender. */
  readonly mailFrom?: string
  /** Envelope recipients without angle brackets, in order. */
  readonly rcptTo: readonly string[]
  /** Account under which the SMTP client authenticated. */
  readonly authUser?: string
  /** Queue id of the MTA. */
  readonly queueId?: string
  /** Name of the MTA: authserv-id of Authentication-Results. */
  readonly mtaName?: string
  /** The SMTP session was encrypted. */
  readonly tls?: boolean
}

/** What the client wants back besides the verdict. Nothing that is not asked for is built. */
export interface Wants {
  /** Text of the `report` template (or `unsafe_report` body when the message is rewritten). */
  readonly report?: boolean
  /** The rewritten message: 'message' = whole, 'headers' = up to and including the first blank line (spamd HEADERS). */
  readonly rewritten?: 'message' | 'headers'
  /** Host names of URIs and mail addresses of the body, as rspamd lists them; 'details' = the full URLs too. */
  readonly urls?: boolean | 'details'
  /** Subtests (`__X`) in the verdict; without it metas may be evaluated lazily. */
  readonly subtests?: boolean
  /** For each hit the piece of the message that matched. */
  readonly explain?: boolean
  /** Tokens that decided the Bayes verdict. */
  readonly clues?: boolean
  /** Milliseconds of each rule (rspamd's Profile). */
  readonly profile?: boolean
}

/** One scan job as any front makes it. */
export interface Request {
  /** Unique id of this scan; appears in log, history and, by option, in the reply. */
  readonly id: string
  /** The message exactly as received. In a server the bytes live in a SharedArrayBuffer so that workers need no copy. */
  readonly raw: Uint8Array
  readonly envelope: Envelope
  /** Whose preferences and Bayes model to use (spamd `User`, rspamd `Deliver-To`/`User` by configuration). */
  readonly user?: string
  readonly wants: Wants
  /** rspamd `Settings`: overrides for this one scan. */
  readonly settings?: ScanSettings
  /** The client's own address or 'localhost' for a unix socket: tags _REMOTEHOSTADDR_/_REMOTEHOSTNAME_. */
  readonly remote?: { readonly address: string; readonly name: string }
  /** Front and command, for log, history and metrics, e.g. 'spamd', 'rspamd-http', 'rspamc', 'controller', 'cli'. */
  readonly front: string
  /** Run everything even after a shortcircuit or pre-result (rspamd `Pass: all`). */
  readonly passAll?: boolean
  /** Leave no history row and no log line (rspamd `Log: no`). */
  readonly unlogged?: boolean
}

/** Per-request overrides (rspamd's `Settings` header, rspamd-protocol.md 6.1), already checked by the front. */
export interface ScanSettings {
  /** Only symbols of this list run; empty or absent = all. */
  readonly symbolsEnabled?: readonly string[]
  readonly symbolsDisabled?: readonly string[]
  readonly groupsEnabled?: readonly string[]
  readonly groupsDisabled?: readonly string[]
  /** symbol -> score. */
  readonly scores?: Readonly<Record<string, number>>
  /** action -> threshold; null leaves it as it is. */
  readonly actions?: Readonly<Record<string, number | null>>
  readonly requiredScore?: number
  /** Extra symbols to insert. */
  readonly symbols?: readonly string[]
}

// ---------------------------------------------------------------- Message

/** Something odd in the mail. Never an error: a rule may hit on it. */
export interface Defect {
  /** e.g. SpamAssassin's parse flags 'missing_mime_headers', 'truncated_header', 'missing_head_body_separator',
   * 'missing_mime_head_body_separator', 'mime_epilogue_exists', 'mimepart_limit_exceeded'; and 'nesting_too_deep'. */
  readonly kind: string
  readonly text?: string
}

/** One header field. */
export interface Header {
  /** Name as spelled in the message. */
  readonly name: ByteString
  /** Everything after the colon with folding kept, CRLF turned to LF when the message is a CRLF one; ends in LF. */
  readonly raw: ByteString
  /** Byte offset of the field in Message.raw. */
  readonly offset: number
}

/** A node of the MIME tree. */
export interface Part {
  /** '' for the message, '1.2' = second child of the first. */
  readonly path: string
  readonly headers: readonly Header[]
  /** Lower-case type/subtype as SpamAssassin reads it, e.g. 'text/plain'. */
  readonly type: string
  /** Declared charset, '' if none. */
  readonly charset: string
  /** File name, '' if none. */
  readonly name: string
  /** Value of Content-Transfer-Encoding as written, lower case. */
  readonly encoding: string
  /** Value of the Content-Disposition word, lower case, '' if none. */
  readonly disposition: string
  readonly boundary?: ByteString
  readonly children: readonly Part[]
  /** Undecoded body of a leaf ('' for a multipart). */
  readonly rawBody: ByteString
  /** Body after the transfer encoding is undone; charset untouched. Computed once. */
  decoded(): ByteString
  /** 'text/html' where a file name or type makes SpamAssassin render it so; else `type`. */
  readonly effectiveType: string
  /** Has no children of its own; a multipart in which no part was found has none either and is no leaf. */
  readonly isLeaf: boolean
}

export interface Message {
  /** The bytes as received. */
  readonly raw: Uint8Array
  /** Fields of the top-level header in order, mbox line excluded. */
  readonly headers: readonly Header[]
  /** Leading mbox `From ` line, without line end, if there was one. */
  readonly mboxLine?: ByteString | undefined
  /** Line ending decided for the whole mail. */
  readonly lineEnd: '\n' | '\r\n'
  /** Byte offset in `raw` where the body starts. */
  readonly bodyOffset: number
  readonly root: Part
  /** Parts in preorder, root included. */
  readonly parts: readonly Part[]
  readonly defects: readonly Defect[]
  /** boundary -> opened minus closed (mime_missing_boundary is any not 0). */
  readonly boundaryState: ReadonlyMap<ByteString, number>
  /** Pristine text that `full` rules and ALL:raw see: without mbox line, line ends as received (header lines of a CRLF mail all with CRLF). */
  readonly pristine: ByteString
  readonly pristineHeaders: ByteString
}

// ---------------------------------------------------------------- Views

/** A link or resource found in HTML, before cleaning. */
export interface HtmlLink {
  /** Value of the attribute, entities decoded. */
  readonly uri: ByteString
  /** SpamAssassin's type words: 'a', 'img', 'form', 'parsed' ... */
  readonly type: string
  /** Text of the anchor, for `a`. */
  anchor?: ByteString
}

/** One address of an html part. */
export interface HtmlUri {
  /** Tags it was seen on: 'a', 'img', 'form' ...; empty when it only carries anchor texts. */
  readonly types: ReadonlySet<string>
  /** Text of each <a> that was written with this address, in order. */
  readonly anchor: readonly ByteString[]
}

/** What the HTML evals read of one html part (names: micro-text.md). undefined = SpamAssassin has no such value. */
export interface HtmlResult {
  readonly values: Readonly<Record<string, number | undefined>>
  /** tag -> opened minus closed, never below 0. */
  readonly inside: ReadonlyMap<string, number>
  /** All tags seen. */
  readonly tags: ReadonlySet<string>
  readonly title: readonly ByteString[]
  readonly comment: readonly ByteString[]
  readonly script: readonly ByteString[]
  readonly anchor: readonly ByteString[]
  readonly links: readonly HtmlLink[]
  /** SpamAssassin's `uri_detail` of the part: address (links resolved against <base>; anchors as typed) -> what it was seen as. */
  readonly uriDetail: ReadonlyMap<ByteString, HtmlUri>
  /** An address was cut at 8,192. */
  readonly uriTruncated: boolean
  readonly charsets: readonly string[]
  readonly part: Part
}

/** The rendered texts. */
export interface TextView {
  /** Lines `body` rules see; element 0 is the Subject. */
  readonly body: readonly ByteString[]
  readonly visible: readonly ByteString[]
  readonly invisible: readonly ByteString[]
  /** Chunks `rawbody` rules see. */
  readonly rawbody: readonly ByteString[]
  /** Per html part, in order; evals use the last one, URIs all. */
  readonly html: readonly HtmlResult[]
  /** Rendered text per part (for MIME evals), keyed by part. */
  readonly rendered: ReadonlyMap<
    Part,
    { readonly text: ByteString; readonly type: string; readonly charset: string }
  >
}

/** One distinct raw URI with all that SpamAssassin derives from it. */
export interface Uri {
  readonly raw: ByteString
  /** 'parsed', 'a', 'img', 'unlinked', 'schemeless', 'domainkeys' ... */
  readonly types: ReadonlySet<string>
  /** raw and cleaned variants. */
  readonly cleaned: readonly ByteString[]
  /** host -> registered domain. */
  readonly hosts: ReadonlyMap<string, string>
  readonly domains: ReadonlySet<string>
  readonly anchor: readonly ByteString[]
}

export interface UriView {
  /** What `uri` rules see, sorted by bytes. */
  readonly list: readonly ByteString[]
  readonly detail: readonly Uri[]
  /** A URI was cut at 8,192 bytes. */
  readonly truncated: boolean
}

/** One Received hop. */
export interface Relay {
  readonly ip: string
  readonly rdns: string
  readonly helo: string
  readonly by: string
  readonly ident: string
  readonly envfrom: string
  readonly id: string
  readonly auth: string
  readonly internal: boolean
  readonly trusted: boolean
  readonly msa: boolean
  /** The address is private. */
  readonly private: boolean
  /** The MTA is known to look up and found no name. */
  readonly noReverseDns: boolean
  readonly rdnsNotInHeaders: boolean
}

export interface RelayView {
  readonly trusted: readonly Relay[]
  readonly untrusted: readonly Relay[]
  readonly internal: readonly Relay[]
  readonly external: readonly Relay[]
  /** X-Spam-Relays-* strings. */
  readonly trustedText: ByteString
  readonly untrustedText: ByteString
  readonly internalText: ByteString
  readonly externalText: ByteString
  readonly unparseable: number
  /**
   * Index of the last trusted/internal Received header, -1 = none; ignored headers count. -2 = not even the SMTP session, which has no
   * Received header yet (views/relays.ts).
   */
  readonly lastTrustedIndex: number
  readonly lastInternalIndex: number
  /** Undefined = not known; '' = null sender. */
  readonly envelopeFrom: ByteString | undefined
}

/** A header request taken apart (views/headers.ts, headerRequest): who asks the same of every message spares the look-up of its text. */
export interface HeaderRequest {
  /** The text before the first colon. */
  readonly name: string
}

/** Header values as rules ask for them: `Subject`, `From:addr`, `ALL`, `X-Spam-Relays-External` ... */
export interface HeaderView {
  /** Value of a header request (sa-rules.md 3.1), undefined when nothing is found. Cached per request string. */
  get(request: string): ByteString | undefined
  /** One value per occurrence or address, for the requests that have several. */
  getAll(request: string | HeaderRequest): readonly ByteString[]
  /** True = nothing is there for requests of this place (views/headers.ts, placeOfRequest); a quick question for most of them. */
  lacks?(place: number): boolean
  /** Adds a pseudo header that a plugin made (X-Relay-Countries); a field of that name in the message wins. */
  put(name: string, value: ByteString): void
}

/** Derived texts, each computed at its first use and once. */
export interface Views {
  readonly headers: HeaderView
  readonly text: TextView
  /**
   * The lines that body rules and body evals see now: text.body until a check takes something out of it for the rules after it, as
   * SpamAssassin's FreeMail does (checks/freemail.ts). The one thing here that changes during a scan.
   */
  readonly bodyForRules: readonly ByteString[]
  changeBodyForRules(lines: readonly ByteString[]): void
  readonly uris: UriView
  /** Links that a plugin found in attachments, before any rule runs (Plugin.prepare). */
  addUris(uris: readonly ByteString[]): void
  readonly relays: RelayView
  /** Text of `full` rules. */
  readonly full: ByteString
  readonly domains: Domains
}

/** Registry boundaries: util_rb_* lists when the rules bring them, else the public suffix list. */
export interface Domains {
  isTld(label: string): boolean
  /** Registered domain of a host name ('a.b.example.co.uk' -> 'example.co.uk'), undefined when there is none. */
  registered(host: string): string | undefined
}

// ---------------------------------------------------------------- the world outside

/** Why evidence is missing. Shown in reports, replies, log and metrics. */
export interface Note {
  /** Check, list or part of hamd that says so, e.g. 'dnsbl zen.example', 'clamd', 'bayes', 'rule FOO'. */
  readonly check: string
  readonly kind: 'timeout' | 'unavailable' | 'crashed' | 'skipped' | 'blocked' | 'limited' | 'degraded'
  readonly text: string
}

export type DnsType = 'A' | 'AAAA' | 'TXT' | 'MX' | 'PTR' | 'NS' | 'CNAME' | 'SOA'

/** Outcome of one look-up. Silence proves nothing: 'failed' is not 'empty'. */
export type DnsAnswer =
  /** MX records as 'priority host', TXT strings joined per record. */
  | {
      readonly status: 'found'
      readonly records: readonly string[]
      readonly ttlSeconds: number
      /** TXT whose records are made of several strings: the strings of each record. */
      readonly strings?: readonly (readonly string[])[]
    }
  | {
      readonly status: 'nxdomain' | 'nodata'
      /** Primary name server of the SOA that came along (check_rbl_ns_from asks for it). */
      readonly soaServer?: string
    }
  | {
      readonly status: 'failed'
      /** 'blocked': the zone refuses us and is left alone for a while (Dns.block). */
      readonly reason: 'timeout' | 'servfail' | 'refused' | 'unreachable' | 'disabled' | 'limited' | 'blocked'
    }

/** The process-wide resolver: one cache, one in-flight table, one cap (src/net/dns.ts); workers hold a proxy of it. */
export interface Dns {
  /** False with --local: every query answers failed/disabled. */
  readonly enabled: boolean
  /** Never rejects. `deadline` is a Date.now() instant. */
  query(name: string, type: DnsType, deadline: number): Promise<DnsAnswer>
  /** Leaves a zone alone for a while: names at or below it answer failed/blocked (dns_block_rule). */
  block?(zone: string, seconds: number): void
}

export type VirusOutcome =
  | { readonly status: 'clean' }
  | { readonly status: 'infected'; readonly viruses: readonly string[] }
  | { readonly status: 'failed'; readonly reason: string }

/** clamd behind one address (src/net/clamd.ts). */
export interface Clamd {
  /** Never rejects; everything that is not a clear answer of clamd is 'failed'. */
  scan(raw: Uint8Array, deadline: number): Promise<VirusOutcome>
}

export interface Net {
  readonly dns: Dns
  /** Absent = no clamd configured. */
  readonly clamd?: Clamd
}

export type AuthResult =
  | 'pass'
  | 'fail'
  | 'softfail'
  | 'neutral'
  | 'none'
  | 'temperror'
  | 'permerror'
  | 'policy'

export interface SpfOutcome {
  readonly result: AuthResult
  readonly domain: string
  readonly scope: 'mfrom' | 'helo'
  readonly comment: string
}

export interface DkimSignature {
  readonly result: AuthResult
  readonly domain: string
  readonly selector: string
  readonly identity: string
  readonly algorithm: string
  readonly bits?: number
  readonly testing: boolean
  readonly comment: string
}

export interface DkimOutcome {
  readonly signatures: readonly DkimSignature[]
  readonly arc: { readonly result: AuthResult; readonly instance: number } | undefined
}

export interface DmarcOutcome {
  readonly result: 'pass' | 'fail' | 'none' | 'temperror' | 'permerror'
  readonly policy: 'none' | 'quarantine' | 'reject' | undefined
  readonly domain: string
  readonly spfAligned: boolean
  readonly dkimAligned: boolean
  readonly comment: string
}

/** Views that need the network or the store. Each is asked at most once a scan, whoever asks; all share the scan's deadline. */
export interface Facts {
  spf(): Promise<{ readonly mfrom: SpfOutcome | undefined; readonly helo: SpfOutcome | undefined }>
  dkim(): Promise<DkimOutcome>
  dmarc(): Promise<DmarcOutcome>
  virus(): Promise<VirusOutcome | { readonly status: 'off' }>
  bayes(): Classification
}

/** A token that decided. */
export interface Clue {
  readonly token: string
  /** Probability of spam given this token, 0..1. */
  readonly probability: number
  readonly spam: number
  readonly ham: number
  /** Seconds since the epoch of the last learning that touched it, if known. */
  readonly seen?: number
}

/** The learner's opinion. `probability` undefined = no opinion, and `reason` says why. */
export interface Classification {
  readonly probability: number | undefined
  /** Combined log-odds; what is calibrated into `probability`. */
  readonly logOdds?: number
  readonly spamLearned: number
  readonly hamLearned: number
  readonly reason?: string
  readonly clues: readonly Clue[]
  /** Number of tokens of the message, and how many were known. */
  readonly tokens?: number
  readonly tokensKnown?: number
}

// ---------------------------------------------------------------- Scan and Verdict

/** What earlier messages of one identity scored together. */
export interface Reputation {
  readonly count: number
  readonly total: number
}

/** Scores of senders over time (AWL, TxRep). Keys are opaque; `owner` keeps users apart, '' = everybody. */
export interface ReputationStore {
  /** Count 0 when nothing is known. */
  get(owner: string, key: string): Reputation
  /** Counts one more message. */
  add(owner: string, key: string, score: number): void
  remove(owner: string, key: string): void
}

/** All that a check or an eval of a .cf rule may ask for. */
export interface Scan {
  readonly request: Request
  readonly message: Message
  readonly views: Views
  readonly facts: Facts
  readonly net: Net
  /** Absent = sender reputation is off. */
  readonly reputation?: ReputationStore
  /** Date.now() instant by which every look-up of this scan must have ended. */
  readonly deadline: number
  /** Adds a note to the verdict. */
  note(note: Note): void
  /** What several evals share, each at its place (checks/once.ts). */
  readonly kept: unknown[]
}

/** One rule that fired. */
export interface Hit {
  readonly symbol: string
  /** Value of the rule: hit count of `tflags multiple`, result of an eval or meta; 1 otherwise. */
  readonly count: number
  /** What the eval said about it: list and code, virus name, matched text ... */
  readonly details: readonly string[]
  /** Score given by the eval itself instead of the configured one. */
  readonly ownScore?: number
  /** Report prefix: 'BODY: ', 'URI: ' ... */
  readonly area: string
  /** Piece of the message that matched, where asked for. */
  readonly evidence?: { readonly text: ByteString; readonly where: string }
  /** Given by the eval itself instead of the configured one. */
  readonly description?: string
  readonly tookMs?: number
}

export interface ScoredHit extends Hit {
  readonly score: number
  readonly description: string
  /** How often the rule's score is in `score` (`tflags multiple`), when more than once. SpamAssassin then names the rule so often. */
  readonly times?: number
}

export type Action =
  | 'no action'
  | 'greylist'
  | 'add header'
  | 'rewrite subject'
  | 'soft reject'
  | 'reject'
  | 'quarantine'
  | 'discard'

/** The whole outcome. Frozen; fronts only format it. */
export interface Verdict {
  readonly hits: readonly ScoredHit[]
  /** `__NAME` -> count. */
  readonly subtests: Readonly<Record<string, number>>
  readonly score: number
  readonly requiredScore: number
  readonly isSpam: boolean
  readonly action: Action
  /** action -> threshold in force, rspamd's vocabulary. */
  readonly thresholds: Readonly<Record<string, number>>
  /** Admin's word for the SMTP reply, e.g. from a rule or the virus check (rspamd messages.smtp_message). */
  readonly messages: Readonly<Record<string, string>>
  readonly notes: readonly Note[]
  /** A scanner that must answer did not, and the admin's policy is not 'accept': fronts without actions answer a temporary failure. */
  readonly unchecked?: { readonly policy: 'tempfail' | 'reject'; readonly reason: string }
  readonly bayes?: Classification
  readonly autolearn: 'no' | 'ham' | 'spam' | 'disabled' | 'failed' | 'unavailable'
  readonly skipped: boolean
  readonly tookMs: number
  /** Milliseconds by stage: parse, views, rules, facts, bayes ... */
  readonly stagesMs: Readonly<Record<string, number>>
}

/** What a scan hands back to the front. */
export interface Scanned {
  readonly verdict: Verdict
  /** Text of the report template, LF line ends, UTF-8 octets. */
  readonly report?: ByteString
  /** The rewritten message or its header block (Wants.rewritten). */
  readonly rewritten?: Uint8Array
  /** Host names and addresses as rspamd lists them. */
  readonly urls?: readonly string[]
  readonly emails?: readonly string[]
  /** Full URLs with host and registered domain (rspamd ext_urls). */
  readonly urlDetails?: readonly {
    readonly url: string
    readonly tld?: string
    readonly host?: string
    readonly flags: readonly string[]
  }[]
  /** Without angle brackets; undefined if the message has none. */
  readonly messageId?: string
  readonly resentMessageId?: string
  /** Decoded Subject, and Subject with the rewrite tag, for 'rewrite subject'. */
  readonly subject?: ByteString
  /** First address of the From header, and all of To and Cc: for the history. */
  readonly mimeFrom?: string
  readonly mimeRcpt?: readonly string[]
  readonly lineEnd: '\n' | '\r\n'
  readonly sizeBytes: number
}

// ---------------------------------------------------------------- learning

export type MailClass = 'spam' | 'ham'

export interface LearnRequest {
  readonly raw: Uint8Array
  readonly class: MailClass | 'forget'
  readonly user?: string
  /** Who said so, for the ledger: front, address or login name. */
  readonly source: string
  readonly scanId?: string
}

/** A learning by the id of a scan, without its message. */
export interface LearnScanRequest {
  /** Request.id of a scan of the last days. */
  readonly scanId: string
  readonly class: MailClass | 'forget'
  /** Restricts it to scans of this user. */
  readonly user?: string
  readonly source: string
}

export type LearnOutcome =
  | { readonly status: 'learned' | 'relearned' | 'forgotten'; readonly id: string }
  /** Nothing to do: already learned so, or never learned. */
  | { readonly status: 'known' | 'unknown'; readonly id: string }
  /** Not done, with the reason: too few tokens, store read-only, held for review ... */
  | { readonly status: 'refused' | 'failed'; readonly reason: string }

export interface LearnerStats {
  readonly spam: number
  readonly ham: number
  readonly tokens: number
  readonly sizeBytes: number
  readonly users: number
  readonly version: string
}

/** What fronts and commands may ask of the core. In a server it stands before the worker pool, in a command it runs in place. */
export interface Core {
  /** Rejects only with CoreError (src/errors.ts): the front then answers its temporary failure. */
  scan(request: Request): Promise<Scanned>
  /** Marks that SpamAssassin or hamd left in the message are taken off before. */
  learn(request: LearnRequest): Promise<LearnOutcome>
  learnScan(request: LearnScanRequest): Promise<LearnOutcome>
  stats(): Promise<CoreStats>
  /** Symbols with group, score, description as configured. */
  symbols(): Promise<readonly SymbolInfo[]>
}

export interface SymbolInfo {
  readonly symbol: string
  readonly score: number
  readonly description: string
  readonly group: string
}

export interface CoreStats {
  readonly scanned: number
  readonly learned: number
  readonly spam: number
  readonly ham: number
  readonly actions: Readonly<Record<string, number>>
  readonly learner: LearnerStats | undefined
  readonly uptimeSeconds: number
  readonly thresholds: Readonly<Record<string, number>>
  readonly rules: number
  readonly configId: string
}
