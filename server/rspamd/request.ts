// What a rspamd client says about a message, made into a Request of the core. In: header list (query arguments already among it).
// Out: envelope, wants, flags and per-scan settings. Nothing here refuses a scan: rspamd only warns about values it cannot read
// (rspamd-protocol.md 1.3, 7.21, 7.49), so an unreadable value is as if it had not been sent.

import { isIP } from 'node:net'
import type { Mutable } from '../../src/mutable.js'
import type { Envelope, ScanSettings } from '../../src/types.js'
import type { HeaderList } from '../http-headers.js'

/** Words of the `Flags` header that change our reply. */
export interface Flags {
  readonly passAll: boolean
  readonly skip: boolean
  readonly groups: boolean
  readonly profile: boolean
  readonly extendedUrls: boolean
  readonly bodyBlock: boolean
  readonly milter: boolean
  readonly zstd: boolean
  readonly noLog: boolean
}

export function readEnvelope(headers: HeaderList): Envelope {
  const ip = readIp(headers.get('ip'))
  const helo = given(headers.get('helo'))
  const hostname = given(headers.get('hostname'))
  const from = headers.get('from')
  const authUser = given(headers.get('user'))
  const queueId = given(headers.get('queue-id'))
  const mtaName = given(headers.get('mta-name'))
  const tls = headers.get('tls-cipher') !== undefined || flagWords(headers).has('ssl')
  const envelope: Mutable<Envelope> = {
    rcptTo: headers.getAll('rcpt').flatMap(splitAddresses),
  }
  if (ip !== undefined) envelope.ip = ip
  if (helo !== undefined) envelope.helo = helo
  if (hostname !== undefined && hostname !== 'unknown') envelope.hostname = hostname
  if (from !== undefined) envelope.mailFrom = bareAddress(from)
  if (authUser !== undefined) envelope.authUser = authUser
  if (queueId !== undefined) envelope.queueId = queueId
  if (mtaName !== undefined) envelope.mtaName = mtaName
  if (tls) envelope.tls = true
  return envelope
}

export function readFlags(headers: HeaderList): Flags {
  const words = flagWords(headers)
  return {
    passAll: words.has('pass_all') || /^all$/i.test(headers.get('pass') ?? ''),
    skip: words.has('skip'),
    groups: words.has('groups'),
    profile: words.has('profile') || headers.get('profile') !== undefined,
    extendedUrls: words.has('ext_urls') || /^extended$/i.test(headers.get('url-format') ?? ''),
    bodyBlock: words.has('body_block'),
    milter: words.has('milter') || headers.get('milter') !== undefined,
    zstd: words.has('zstd'),
    noLog: words.has('no_log') || /^no$/i.test(headers.get('log') ?? ''),
  }
}

/** Addresses of one Rcpt value: a comma list, with commas inside quotes and angle brackets left alone. */
export function splitAddresses(value: string): string[] {
  const found: string[] = []
  let present = ''
  let quoted = false
  for (let i = 0; i < value.length; i++) {
    const char = value[i]!
    if (char === '\\' && quoted) {
      present += char + (value[++i] ?? '')
    } else if (char === ',' && !quoted) {
      found.push(present)
      present = ''
    } else {
      if (char === '"') quoted = !quoted
      present += char
    }
  }
  found.push(present)
  return found.map(bareAddress).filter((address) => address !== '')
}

/** `<a@b>`, `a@b`, ` a@b `, `<>` -> the address without brackets, '' for the null sender. */
export function bareAddress(value: string): string {
  const text = value.trim()
  const inside = /<([^<>]*)>\s*$/.exec(text)
  return (inside ? inside[1]! : text).trim()
}

/** The `Settings` header: JSON as rspamd takes it, or undefined when it cannot be read. */
export function readSettings(text: string | undefined): ScanSettings | undefined {
  if (text === undefined || text.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return isObject(value) ? settingsOf(value) : undefined
}

/** Known members of a settings object; `apply` wraps them in rspamd's configuration files and is looked into as well. */
export function settingsOf(outer: Record<string, unknown>): ScanSettings {
  const value = isObject(outer['apply']) ? { ...outer, ...outer['apply'] } : outer
  const symbolsEnabled = stringList(value['symbols_enabled'])
  const symbolsDisabled = stringList(value['symbols_disabled'])
  const groupsEnabled = stringList(value['groups_enabled'])
  const groupsDisabled = stringList(value['groups_disabled'])
  const symbols = stringList(value['symbols'])
  const scores = { ...numbers(value), ...(isObject(value['scores']) ? numbers(value['scores']) : {}) }
  const actions = isObject(value['actions']) ? actionThresholds(value['actions']) : undefined
  const requiredScore = value['required_score']
  return {
    ...(symbolsEnabled && { symbolsEnabled }),
    ...(symbolsDisabled && { symbolsDisabled }),
    ...(groupsEnabled && { groupsEnabled }),
    ...(groupsDisabled && { groupsDisabled }),
    ...(Object.keys(scores).length > 0 && { scores }),
    ...(actions && { actions }),
    ...(symbols && { symbols }),
    ...(typeof requiredScore === 'number' && Number.isFinite(requiredScore) && { requiredScore }),
  }
}

/** Settings that skip the whole scan: `want_spam` and its later name `whitelist`. */
export function wantsSpam(text: string | undefined): boolean {
  if (text === undefined) return false
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) && [value['want_spam'], value['whitelist']].some((v) => v === true || v === 'yes')
  } catch {
    return false
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `actions` of a settings object: names with `_` or space; null leaves the threshold as it is, as in rspamd 3.4. */
function actionThresholds(value: Record<string, unknown>): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [name, threshold] of Object.entries(value)) {
    if (typeof threshold === 'number' && Number.isFinite(threshold))
      found[name.replaceAll('_', ' ')] = threshold
  }
  return found
}

/** Symbol scores stand beside the other members, in capitals, or in `scores`. */
function numbers(value: Record<string, unknown>): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [name, score] of Object.entries(value)) {
    if (/^[A-Z]/.test(name) && typeof score === 'number' && Number.isFinite(score)) found[name] = score
  }
  return found
}

function stringList(value: unknown): string[] | undefined {
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) return undefined
  return value.filter((item): item is string => typeof item === 'string')
}

const noWords: ReadonlySet<string> = new Set()

function flagWords(headers: HeaderList): ReadonlySet<string> {
  if (headers.get('flags') === undefined) return noWords
  const values = headers.getAll('flags').flatMap((value) => value.split(','))
  return new Set(values.map((word) => word.trim().toLowerCase()))
}

function readIp(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const text = value.trim().replace(/^\[(?:IPv6:)?(.*)\]$/i, '$1')
  return isIP(text) ? text : undefined
}

function given(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value
}
