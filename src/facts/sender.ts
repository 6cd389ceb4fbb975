// Who handed the mail over: the address, HELO name and envelope sender that SPF and DMARC speak of. A front that knows the SMTP
// session (rspamd's dialects) says it; else it stands in the newest external Received header and the envelope headers, as with
// SpamAssassin. Comes in: request, headers, relays. Goes out: strings, undefined where nobody knows.
import type { Envelope, Views } from '../types.js'

export interface Sender {
  /** Undefined = no external relay is known: nothing to check. */
  readonly ip: string | undefined
  readonly helo: string
  /** Undefined = not known; '' = the null sender. Lower case. */
  readonly mailFrom: string | undefined
}

/** Trusted relays in between may have rewritten the envelope headers; only the external hop's own word counts then. */
function mailFromOf(views: Views, alwaysTrust: boolean): string | undefined {
  const hop = views.relays.external[0]
  if (hop !== undefined && hop.envfrom !== '') return hop.envfrom.toLowerCase()
  if (views.relays.trusted.length > 0 && !alwaysTrust) return undefined
  return views.headers.get('EnvelopeFrom:addr')?.trim().toLowerCase()
}

export function findSender(envelope: Envelope, views: Views, alwaysTrust: boolean): Sender {
  if (envelope.ip !== undefined) {
    return {
      ip: envelope.ip,
      helo: envelope.helo ?? '',
      mailFrom: envelope.mailFrom?.toLowerCase() ?? mailFromOf(views, alwaysTrust),
    }
  }
  const hop = views.relays.external[0]
  return { ip: hop?.ip, helo: hop?.helo ?? '', mailFrom: mailFromOf(views, alwaysTrust) }
}
