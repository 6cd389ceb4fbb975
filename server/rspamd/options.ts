// How the rspamd fronts behave where rspamd itself is configurable or where we deviate on purpose. Built by src/config, given to every front.
import { hostname } from 'node:os'
import { messageBytesMax, requestBytesInFlightMax } from '../../src/limits.js'
import { ByteBudget } from '../http-memory.js'
import type { MilterHeaderOptions } from './milter-headers.js'
import type { Vocabulary } from './vocabulary.js'

export interface RspamdOptions {
  /** `Server` header of replies. */
  readonly server: string
  readonly vocabulary: Vocabulary
  /** rspamd's `error_domain` in error bodies. Off: Haraka takes only an object whose sole key is `error` for a failure. */
  readonly errorDomain: boolean
  /** `scan-id` in replies of checkv2, which rspamd does not have: the mail can be learned by it later. */
  readonly scanIds: boolean
  /** `File`/`Path` request headers on unix sockets. Never on TCP, whatever stands here. */
  readonly localFiles: boolean
  /** Whose preferences and model a request uses. `none`: what a client claims about itself chooses nothing. */
  readonly userFrom: 'none' | 'deliver-to' | 'user'
  /** New subject for `rewrite subject`: %s old subject, %d score. */
  readonly rewriteSubject: string
  /** With flag body_block the marked-up message follows the JSON (Message-Offset). Off, as in a stock rspamd. */
  readonly rewriteMessage: boolean
  readonly milterHeaders: MilterHeaderOptions
  /** `Settings-ID` -> settings object. */
  readonly settings: ReadonlyMap<string, Readonly<Record<string, unknown>>>
  readonly messageBytesMax: number
  /** Longest RSPAMC reply: Exim reads 32,599 bytes and cuts there (rspamd-protocol.md 2.2). */
  readonly legacyReplyBytesMax: number
  readonly requestMs?: number
  /** Shared by all listeners of the process. */
  readonly budget: ByteBudget
  /** OpenMetrics text for `GET /metrics` on scan ports. */
  readonly metricsText?: () => Promise<string>
  /** Takes rspamd's own task line of every scan; absent = it is not made. */
  readonly line?: (line: string) => void
  /** Where problems of one connection are told. */
  readonly log?: (event: {
    readonly level: 'warn' | 'error'
    readonly msg: string
    readonly err?: unknown
  }) => void
}

export function rspamdOptions(given: Partial<RspamdOptions> = {}): RspamdOptions {
  return {
    server: 'hamd',
    vocabulary: 'spamassassin',
    errorDomain: false,
    scanIds: true,
    localFiles: false,
    userFrom: 'none',
    rewriteSubject: '***SPAM*** %s',
    rewriteMessage: false,
    milterHeaders: { routines: [], hostName: hostname(), removeSpamFlag: true },
    settings: new Map(),
    messageBytesMax,
    legacyReplyBytesMax: 32_000,
    budget: new ByteBudget(requestBytesInFlightMax),
    ...given,
  }
}
