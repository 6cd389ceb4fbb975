// Every limit in one place: name, default, and the sentence that says what it stops. Bytes unless the name says otherwise.

/** Largest message any front accepts; above it the front refuses in its own dialect. Stops memory exhaustion. */
export const messageBytesMax = 64 * 1024 * 1024
/** Longest first line of a connection before the dialect is known. */
export const firstLineBytesMax = 16 * 1024
/** spamd request header lines (spamd-protocol.md 1.3: 255). */
export const spamdHeaderLinesMax = 255
/** Bytes of all HTTP and RSPAMC requests that are being read, inflated or scanned; further large ones are told to come back. */
export const requestBytesInFlightMax = 512 * 1024 * 1024
/** HTTP header block of one request; rspamd clients repeat Rcpt thousands of times. */
export const httpHeaderBytesMax = 1024 * 1024
/** Inflated size of a compressed request body may be at most messageBytesMax; this is the ratio at which inflating stops early. */
export const inflateRatioMax = 1100
/** Nesting of multiparts that is still taken apart (SpamAssassin: 20). */
export const mimeDepthMax = 20
/** Parts of one message (SpamAssassin: 1,000). */
export const mimePartsMax = 1000
/** Parts of all multiparts together: stops trees of millions of empty parts, which SpamAssassin's limit per multipart lets through. */
export const mimePartsTotalMax = 20_000
/** Blank lines in a row that stay (SpamAssassin: 20). */
export const blankLinesMax = 20
/** Longest line of a multipart body and of the texts rules see; rawbody chunks are up to twice as long (SpamAssassin: 2,048). */
export const bodyLineBytesMax = 2048
/** Header name and value lengths seen by rules (SpamAssassin: 256 and 8,192). */
export const headerNameBytesMax = 256
export const headerValueBytesMax = 8192
/** All header fields together as ALL shows them (SpamAssassin: 65,536). */
export const headerTextBytesMax = 65_536
/** Received lines of one message that are read; older ones are not looked at. MTAs end loops at 30 to 100. */
export const receivedLinesMax = 1000
/** URIs of one message, text and HTML together; later ones are not looked at. */
export const urisMax = 10_000
/** A user's preferences; a larger file is left out with a note. Stops users from taking the memory of all. */
export const prefsBytesMax = 1024 * 1024
/** Rendered characters of one text part (body_part_scan_size). */
export const bodyPartCharsMax = 50_000
/** Decoded bytes of one part seen by rawbody rules (rawbody_part_scan_size). */
export const rawbodyPartBytesMax = 500_000
/** One URI (SpamAssassin: 8,192). */
export const uriBytesMax = 8192
/** DNS queries under way at once in the process: beyond about 100 answers get lost (ecosystem.md 6). */
export const dnsInFlightMax = 64
/** Queries waiting for a free place before new ones are answered `failed`/limited. */
export const dnsQueueMax = 10_000
/** Names kept in the DNS cache. */
export const dnsCacheEntriesMax = 50_000
/** One DNS answer is waited for at most so long, milliseconds (the scan's deadline may be sooner). */
export const dnsQueryMs = 5_000
/** Negative answers without a TTL are kept so long, seconds. */
export const dnsNegativeTtlSeconds = 300
/** No resolver answers anything for so long: they count as down, so that a machine without DNS is not slow with every mail. */
export const dnsSilenceMs = 2_500
/** All look-ups of one scan end by then, milliseconds. */
export const scanLookupMs = 10_000
/** spamd: first line must arrive within (--timeout-tcp 30 s). */
export const spamdFirstLineMs = 30_000
/** spamd: headers, body and scan together (--timeout-child 300 s). */
export const spamdRequestMs = 300_000
/** HTTP request must be complete within. */
export const httpRequestMs = 120_000
/** Connections at once on all scan listeners; further ones are refused. */
export const connectionsMax = 4096
/** Scans waiting for a worker before a front pushes back. */
export const scanQueueMax = 1024
/** Bytes of messages waiting for a worker. */
export const scanQueueBytesMax = 256 * 1024 * 1024
/** Scan workers. Each has tens of megabytes of rules and compiled code of its own: more is a slip of the hand. */
export const workersMax = 256
/** A worker silent for so long on one message is replaced, milliseconds. */
export const scanHangMs = 30_000
/** clamd: largest stream handed over (clamd's own StreamMaxLength default is 25 MiB). */
export const clamdBytesMax = 25 * 1024 * 1024
/** clamd: connections at once; its own MaxThreads default is 10, more would only wait on the other side. */
export const clamdInFlightMax = 10
/** clamd: one scan is waited for at most so long, milliseconds. */
export const clamdMs = 20_000
/** Bytes of a report; spamc refuses a reply that grew by more than 16 KiB (spamd-protocol.md 3). */
export const reportBytesMax = 15 * 1024
/** DKIM signatures of one mail that are verified: each costs a look-up and a public key operation (Mail::DKIM: 50). */
export const dkimSignaturesMax = 20
/** Sets of an ARC chain (RFC 8617 4.2.1: 50). */
export const arcSetsMax = 50
/** Redirections inside one URI that are followed. Each is shorter than the last, so this only ends absurd chains. */
export const redirectsMax = 32
/** Work that redirector patterns may cost in one message, in steps of a pattern that is quadratic in the URI. About one second. */
export const redirectorStepsMax = 200_000_000
/** Redirection targets of one message that are followed, all together; ends many long chains at once. */
export const redirectBytesMax = 16 * 1024 * 1024
/** Steps that one rule whose pattern can backtrack without end may take in one message, and four or more for each byte it reads, by the size of the pattern; then it is suspended for that message. */
export const ruleStepsMax = 500_000
/** The same for all such rules of a message together. About 25 ms. */
export const messageRuleStepsMax = 2_500_000
