// Received lines -> relays, and which of them to believe. Comes in: a Message, the networks, what SMTP said. Goes out: a RelayView.
//
// Trust (SpamAssassin 4.0.1, sa-rules.md 6): from the newest line down, as long as the host that handed over is ours. With nothing configured a
// host is ours if its address is private or it authenticated; with networks if they contain it or it authenticated.
//
// What the client of a front knows about the SMTP session (Envelope) is newer than every Received line, and the sender cannot forge it:
// - Plain spamd clients give no address: nothing changes, the top line is the own MTA's.
// - Clients that hand over the message before their own line is on it (milter, rspamd over HTTP) give an address: a relay made of the
//   session comes first. It has no Received line, so the indexes begin one lower: lastTrustedIndex is -2 when it is not trusted.
// - Exim's spool copy already has a top line about that session. If the top hop has the session's address no relay is added, but the
//   session's name, HELO, login and sender replace what the line says: the line might be the sender's, with a forged login.
// - The session's sender is the EnvelopeFrom, whatever the header says.
import { receivedLinesMax } from '../limits.js'
import type { ByteString, Envelope, Message, Relay, RelayView } from '../types.js'
import { parseAddresses } from './addresses.js'
import { type FieldName, fieldName } from './field-names.js'
import { Fields } from './fields.js'
import { ipSource, isIpAddress, isPrivate, parseIp, plainIp, reverseIp } from './ip.js'
import { containsIp, type NetSet } from './networks.js'
import { type Hop, type ParsedLine, parseReceivedLine } from './received.js'

export interface NetworkSettings {
  readonly trusted: NetSet
  readonly internal: NetSet
  readonly msa: NetSet
  readonly trustedConfigured: boolean
  readonly internalConfigured: boolean
  /** Fields that name the client of a webmail: X-Originating-IP and its kin. */
  readonly originatingHeaders: readonly string[]
  /** The one field that holds the envelope sender; switches guessing off. */
  readonly envelopeSenderHeader: string | undefined
}

export interface RelayOptions {
  /** The caller says that the message comes from one of our own users. Counts only when networks are configured. */
  readonly originating?: boolean
  readonly envelope?: Envelope
  /** The fields of that message, where somebody has them already. */
  readonly fields?: Fields
}

interface Trust {
  readonly trusted: Relay[]
  readonly untrusted: Relay[]
  internal: Relay[]
  external: Relay[]
}

export function parseRelays(
  message: Message,
  settings: NetworkSettings,
  options: RelayOptions = {},
): RelayView {
  const fields = options.fields ?? new Fields(message)
  const received = fields.decoded(receivedField)
  const lines: ParsedLine[] = []
  for (let at = 0; at < received.length && at < receivedLinesMax; at++)
    lines.push(parseReceivedLine(received[at]!))
  const sessionFirst = addSession(lines, options.envelope)
  for (const name of settings.originatingHeaders) {
    const ip = anyIp.exec(fields.decoded(fieldName(name)).at(-1) ?? '')?.[0]
    if (ip) lines.push(parseReceivedLine(`from X-Originating-IP: ${ip}`))
  }
  const walk = new Walk(settings, options.originating === true, sessionFirst ? -2 : -1)
  for (const line of lines) walk.add(line)
  return walk.view((relays) => envelopeSender(fields, relays, settings, options.envelope))
}

const receivedField = fieldName('received')
const xSenderField = fieldName('x-sender')
/** What MTAs and lists write the envelope sender to. */
const senderFields = ['x-envelope-from', 'envelope-sender', 'return-path'].map(fieldName)

const anyIp = new RegExp(ipSource)

/** Puts what SMTP knew in front of the lines, or into the top hop if that is the same hand-over; true if a line was added. */
function addSession(lines: ParsedLine[], envelope: Envelope | undefined): boolean {
  if (!envelope?.ip) return false
  const ip = plainIp(envelope.ip)
  if (!isIpAddress(ip)) return false
  const top = lines.findIndex((line) => line.kind === 'hop')
  const line = lines[top]
  if (line?.kind === 'hop' && sameAddress(line.hop.ip, ip)) {
    lines[top] = { kind: 'hop', hop: sessionHop(ip, envelope, line.hop) }
    return false
  }
  lines.unshift({ kind: 'hop', hop: sessionHop(ip, envelope, undefined) })
  return true
}

function sessionHop(ip: string, envelope: Envelope, line: Hop | undefined): Hop {
  const { hostname, helo, mailFrom, authUser } = envelope
  return {
    ip: line?.ip ?? ip,
    rdns: clean(hostname?.replace(/^(?:unknown|\[.*)$/i, '')),
    helo: helo === undefined ? (line?.helo ?? '') : clean(helo),
    by: line?.by ?? clean(envelope.mtaName),
    ident: line?.ident ?? '',
    envfrom: mailFrom === undefined ? line?.envfrom : clean(mailFrom),
    id: line?.id ?? clean(envelope.queueId),
    auth: authUser ? line?.auth || 'ESMTPA' : '',
    lookedUp: hostname !== undefined || line?.lookedUp === true,
  }
}

function sameAddress(one: string, other: string): boolean {
  return one === other || parseIp(one)?.join() === (parseIp(other)?.join() ?? 'none')
}

/** What came over the wire must not break the relay strings. */
function clean(text: string | undefined): string {
  return (text ?? '').replace(/[\0-\x20#[\]()<>|]/g, '!')
}

/** The walk down the lines. */
class Walk {
  readonly #trust: Trust = { trusted: [], untrusted: [], internal: [], external: [] }
  readonly #trustedNetworks: NetSet
  readonly #internalNetworks: NetSet
  #trustedList: Relay[] = this.#trust.trusted
  #unparseable = 0
  #lastTrusted: number
  #lastInternal: number
  #inTrusted = true
  #inInternal = true
  #foundMsa = false
  #fetchAllowed = true
  #repeatedSender: string | undefined

  constructor(
    private readonly settings: NetworkSettings,
    private readonly originating: boolean,
    /** Index of the line before the first: one Received field less when the session stands in front. */
    before: number,
  ) {
    this.#lastTrusted = before
    this.#lastInternal = before
    // Either list stands for the other where only one is configured.
    const { trustedConfigured, internalConfigured } = settings
    this.#internalNetworks = trustedConfigured && !internalConfigured ? settings.trusted : settings.internal
    this.#trustedNetworks = internalConfigured && !trustedConfigured ? settings.internal : settings.trusted
  }

  add(line: ParsedLine): void {
    const sender = this.#repeatedSender
    this.#repeatedSender = undefined
    if (line.kind !== 'hop') {
      if (line.kind === 'unparseable') this.#unparseable++
      if (line.kind === 'repeated') this.#repeatedSender = line.envfrom
      if (line.kind === 'fetched' && this.#fetchAllowed) {
        this.#trustedList = []
        this.#trust.internal = []
        this.#trust.external = []
      }
      if (this.#inTrusted) this.#lastTrusted++
      if (this.#inInternal) this.#lastInternal++
      return
    }
    const hop = sender ? { ...line.hop, envfrom: sender } : line.hop
    const msa = this.#inTrusted && !this.#foundMsa && this.#judge(hop)
    const relay = toRelay(hop, this.#inTrusted, this.#inInternal, msa)
    this.#fetchAllowed = this.#inTrusted
    if (this.#inTrusted) this.#trustedList.push(relay)
    else this.#trust.untrusted.push(relay)
    if (this.#inInternal) this.#trust.internal.push(relay)
    else this.#trust.external.push(relay)
    if (this.#inTrusted) this.#lastTrusted++
    if (this.#inInternal) this.#lastInternal++
  }

  /** Whether trust ends here; true if the hop is one of msa_networks. */
  #judge(hop: Hop): boolean {
    const { trustedConfigured, internalConfigured, msa } = this.settings
    const authenticated = hop.auth !== ''
    if (!trustedConfigured && !internalConfigured) {
      if (!authenticated && !isPrivate(hop.ip)) {
        this.#inTrusted = false
        this.#inInternal = false
      }
      return false
    }
    if (!authenticated && !containsIp(this.#trustedNetworks, hop.ip)) {
      // Our user: everything older came from him.
      if (this.originating) this.#foundMsa = true
      else this.#inTrusted = false
      this.#inInternal = false
      return false
    }
    if (this.#inInternal && !authenticated && !containsIp(this.#internalNetworks, hop.ip))
      this.#inInternal = false
    this.#foundMsa = containsIp(msa, hop.ip)
    return this.#foundMsa
  }

  view(sender: (relays: Pick<RelayView, 'trusted' | 'untrusted'>) => ByteString | undefined): RelayView {
    const trusted = this.#trustedList
    const { untrusted, internal, external } = this.#trust
    const trustedText = relayText(trusted)
    const untrustedText = relayText(untrusted)
    return {
      trusted,
      untrusted,
      internal,
      external,
      trustedText,
      untrustedText,
      // Mostly the border of trust is that of the own network.
      internalText: isSame(internal, trusted) ? trustedText : relayText(internal),
      externalText: isSame(external, untrusted) ? untrustedText : relayText(external),
      unparseable: this.#unparseable,
      lastTrustedIndex: this.#lastTrusted,
      lastInternalIndex: this.#lastInternal,
      envelopeFrom: sender({ trusted, untrusted }),
    }
  }
}

function toRelay(hop: Hop, trusted: boolean, internal: boolean, msa: boolean): SaidRelay {
  return {
    ip: hop.ip,
    rdns: hop.rdns,
    helo: hop.helo,
    by: hop.by,
    ident: hop.ident,
    envfrom: hop.envfrom ?? '',
    id: hop.id,
    auth: hop.auth,
    internal,
    trusted,
    msa,
    private: isPrivate(hop.ip),
    noReverseDns: hop.rdns === '' && hop.lookedUp,
    rdnsNotInHeaders: hop.rdns === '' && !hop.lookedUp,
    saysSender: hop.envfrom !== undefined,
  }
}

/** Tells "no envelope sender in this line" from "null sender". */
interface SaidRelay extends Relay {
  readonly saysSender: boolean
}

function isSame(one: readonly Relay[], other: readonly Relay[]): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

function relayText(relays: readonly Relay[]): ByteString {
  let text = ''
  for (const relay of relays) {
    if (text !== '') text += ' '
    text +=
      `[ ip=${relay.ip} rdns=${relay.rdns} helo=${relay.helo} by=${relay.by} ident=${relay.ident} ` +
      `envfrom=${relay.envfrom} intl=${relay.internal ? 1 : 0} id=${relay.id} auth=${relay.auth} ` +
      `msa=${relay.msa ? 1 : 0} ]`
  }
  return text
}

/** Who sent the message, as far as anybody on our side noted it; undefined = not known, '' = null sender. */
function envelopeSender(
  fields: Fields,
  relays: Pick<RelayView, 'trusted' | 'untrusted'>,
  settings: NetworkSettings,
  envelope: Envelope | undefined,
): ByteString | undefined {
  if (envelope?.mailFrom !== undefined) return envelope.mailFrom
  if (settings.envelopeSenderHeader !== undefined) {
    const named = firstAddress(fields, fieldName(settings.envelopeSenderHeader))
    return named !== undefined && (named === '' || named.indexOf('@') > 0) ? named : undefined
  }
  const last = (relays.untrusted[0] ?? relays.trusted.at(-1)) as SaidRelay | undefined
  if (last?.saysSender && (last.envfrom === '' || last.envfrom.indexOf('@') > 0)) return last.envfrom

  // Lists put the first sender into X-Sender, and fetchmail makes an envelope sender of it: then none can be believed.
  const xSender = firstAddress(fields, xSenderField)
  if (xSender?.includes('@') && fields.decoded(receivedField).some((line) => line.includes('(fetchmail'))) {
    return undefined
  }
  for (const name of senderFields) {
    const address = firstAddress(fields, name)
    if (address === undefined) continue
    // Below a Received line it may be of an earlier trip: a list sends on with a sender of its own.
    if (!fields.standsBelow(name, receivedField)) return address
    if (name === senderFields[0]) return undefined
  }
  return undefined
}

function firstAddress(fields: Fields, name: FieldName): ByteString | undefined {
  const raw = fields.raw(name)[0]
  if (raw === undefined) return undefined
  return parseAddresses(raw).find(({ address }) => address !== undefined)?.address
}

/** Template tags that tell of relays (sa-rules.md 3.10). */
export function relayTags(relays: RelayView): Readonly<Record<string, string>> {
  const firstTrusted = relays.trusted.at(-1)?.ip ?? ''
  const lastExternal = relays.external[0]
  return {
    FIRSTTRUSTEDIP: firstTrusted,
    FIRSTTRUSTEDREVIP: reverseIp(firstTrusted) ?? '',
    LASTEXTERNALIP: lastExternal?.ip ?? '',
    LASTEXTERNALREVIP: reverseIp(lastExternal?.ip ?? '') ?? '',
    LASTEXTERNALRDNS: lastExternal?.rdns ?? '',
    LASTEXTERNALHELO: lastExternal?.helo ?? '',
    RELAYSTRUSTED: relays.trustedText,
    RELAYSUNTRUSTED: relays.untrustedText,
    RELAYSINTERNAL: relays.internalText,
    RELAYSEXTERNAL: relays.externalText,
  }
}
