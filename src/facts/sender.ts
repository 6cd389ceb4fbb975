// Who handed the mail over: the address, HELO name and envelope sender that SPF and DMARC speak of. A front that knows the SMTP
// session (rspamd's dialects) says it; else it stands in the newest external Received header and the envelope headers, as with
// SpamAssassin. Comes in: request, headers, relays. Goes out: strings, undefined where nobody knows.
import type { Envelope, Views } from '../types.js'
import { isPrivate } from '../views/ip.js'

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

/**
 * An authenticated user's mail comes from nobody's outside: there is no sender to check. A client in a private network is a machine of
 * our own that passes mail on; then the headers say where it came in.
 */
export function findSender(envelope: Envelope, views: Views, alwaysTrust: boolean): Sender {
  if (envelope.authUser !== undefined) {
    return { ip: undefined, helo: envelope.helo ?? '', mailFrom: envelope.mailFrom?.toLowerCase() }
  }
  if (envelope.ip !== undefined && !isPrivate(envelope.ip)) {
    return {
      ip: envelope.ip,
      helo: envelope.helo ?? '',
      mailFrom: envelope.mailFrom?.toLowerCase() ?? mailFromOf(views, alwaysTrust),
    }
  }
  const hop = views.relays.external[0]
  const mailFrom = envelope.mailFrom?.toLowerCase() ?? mailFromOf(views, alwaysTrust)
  return { ip: hop?.ip, helo: hop?.helo ?? '', mailFrom }
}
