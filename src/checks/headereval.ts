// HeaderEval: the header fields taken one by one: recipients that look enumerated, subjects in capitals, dates that don't agree with the
// trace, raw 8-bit text, ids and names that give a mass mailer away. Forged provider headers stand in providers.ts.
import { isUtf8 } from 'node:buffer'
import type { Plugin } from '../../rules/engine/types.js'
import type { ByteString, Scan } from '../types.js'
import { parseDate } from '../views/dates.js'
import { dateDifference, receivedDate } from './dates.js'
import { isCharsetOk, okLocales } from './locales.js'
import { once } from './once.js'
import { providerEvals, removesReceived } from './providers.js'
import {
  countChars,
  escapeRegex,
  header,
  headerAll,
  lower,
  receivedText,
  squeezeSpaces,
  trim,
} from './text.js'

/** Charsets in whose texts capitals come up by chance. */
export const capsProneCharset =
  '[-_a-z0-9]*(?:koi|jp|jis|euc|gb|big5|isoir|cp1251|windows-1251|georgianps|pt154|tis)[-_a-z0-9]*'
const capsProneWord = new RegExp(`=\\?${capsProneCharset}\\?`, 'i')

const isControl = (code: number): boolean =>
  code <= 8 || code === 11 || code === 12 || (code >= 14 && code <= 31)

/** A control character but for white space, DEL, a byte above 127. */
const oddChar = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]/

const ofHeaderItself = /^(?:ALL|Subject|From)(?::raw)?$/i

/** Of the whole header as it came: most mails have none, and then no field need be looked at. */
const hasOddChar = once((scan) => oddChar.test(scan.message.pristineHeaders))

function illegalChars(scan: Scan, name: string, ratio: number, least: number): boolean {
  if ((ratio > 0 || least > 0) && ofHeaderItself.test(name) && !hasOddChar(scan)) return false
  const request = name.endsWith(':raw') ? name : `${name}:raw`
  const text = scan.views.headers.get(request)
  if (text === undefined || !/[^\t-\r ]/.test(text)) return false
  if (!oddChar.test(text)) return ratio <= 0 && least <= 0
  const controls = countChars(text, isControl)
  if (controls === 0 && /[\x80-\xff]/.test(text) && isUtf8(Buffer.from(text, 'latin1'))) return false
  let illegal = controls + countChars(text, (code) => code >= 127)
  if (illegal > 0 && lower(request) === 'subject:raw') {
    // One currency, copyright or trademark sign is forgiven.
    if (countChars(text, (code) => code === 0xa2 || code === 0xa3 || code === 0xae) === 1) illegal--
  }
  return illegal / text.length >= ratio && illegal >= least
}

const sortedLeast = 7
const similarLeast = 5
const similarLength = 2
/** Comparing is quadratic. */
const recipientsMax = 256

interface Recipients {
  readonly sorted: boolean
  /** Share of pairs that begin alike. */
  readonly similar: number
}

const fewRecipients: Recipients = { sorted: false, similar: 0 }

const recipients = once((scan): Recipients => {
  let listed = headerAll(scan, 'ToCc:addr')
  if (listed.length < similarLeast) {
    const blind = headerAll(scan, 'Bcc:addr')
    if (listed.length + blind.length < similarLeast) return fewRecipients
    listed = [...listed, ...blind]
  }
  const addresses = listed
    .filter((address, index) => lower(address) !== lower(index > 0 ? listed[index - 1]! : ''))
    .slice(0, recipientsMax)
  const ordered = [...addresses].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return {
    sorted: addresses.length >= sortedLeast && addresses.join(',') === ordered.join(','),
    similar: addresses.length >= similarLeast ? similarity(addresses) : 0,
  }
})

function similarity(addresses: readonly string[]): number {
  const users = addresses.map((address) => address.slice(0, similarLength))
  // An address without @ has no host and shifts the others, as in SpamAssassin.
  const names = addresses.flatMap((address) =>
    address.includes('@') ? [address.slice(address.indexOf('@') + 1)] : [],
  )
  const hosts = names.map((name) => name.slice(0, similarLength))
  let hits = 0
  let pairs = 0
  for (let i = 0; i < addresses.length; i++) {
    for (let j = i + 1; j < addresses.length; j++) {
      pairs++
      if (users[i] === users[j]) hits++
      if (hosts[i] === hosts[j] && names[i] !== names[j]) hits++
    }
  }
  return hits / pairs
}

/** A small letter stands behind the last colon, and so not in one of the prefixes: nearly every subject is answered by that. */
function endsInSmallLetters(subject: ByteString): boolean {
  for (let at = subject.length - 1; at >= 0; at--) {
    const code = subject.charCodeAt(at)
    if (code === colon) return false
    if (code >= 97 && code <= 122) return true
  }
  return false
}

const colon = 58

function allCaps(scan: Scan): boolean {
  const written = header(scan, 'Subject')
  if (endsInSmallLetters(written)) return false
  const subject = trim(written).replace(/^(?:(?:Re|Fwd|Fw|Aw|Antwort|WG|SV|VB|VS|VL):[\t-\r ]*)+/i, '')
  if (!/[\t-\r ]/.test(subject) || subject.length < 10) return false
  if (capsProneWord.test(header(scan, 'Subject:raw'))) return false
  return /[A-Z]/.test(subject) && !/[a-z]/.test(subject)
}

function recipientInSubject(scan: Scan, test: string): boolean {
  const address = header(scan, 'To:addr')
  if (address === '') return false
  const subject = header(scan, 'Subject')
  // Most subjects do not name the recipient at all: no pattern is made for them.
  if (!lower(subject).includes(lower(localPart(address)))) return false
  if (test === 'address') return new RegExp(`\\b${escapeRegex(address)}\\b`, 'i').test(subject)
  if (test !== 'user') return false
  const user = localPart(address)
  const name = escapeRegex(user)
  if (new RegExp(`^${name}[\\t-\\r ]*[,:;!?-](?:\\n?$|[\\t-\\r ])`).test(subject)) return true
  return new RegExp(
    `^(?:(?:re|fw):[\\t-\\r ]*(?:\\w+[\\t-\\r ]+)?${name}\\n?$|${name}\\n?$|,[\\t-\\r ]*${name}[,:;!?-]\\n?$)`,
    'i',
  ).test(subject)
}

/** Outlook's Message-ID holds the time of day in a unit of its own; slope and offset turn seconds into it. */
const outlookSlope = 0.0023283064365387
const outlookOffset = 27111902.8329849
const outlookTolerance = 250

function outlookIdForged(scan: Scan): boolean {
  const written = header(scan, 'MESSAGEID')
  const id = written.includes('$')
    ? /^<[0-9a-f]{4}([0-9a-f]{8})\$[0-9a-f]{8}\$[0-9a-f]{8}@/.exec(written)
    : null
  if (!id) return false
  const stamp = Number.parseInt(id[1]!, 16)
  const far = (seconds: number | undefined) =>
    Math.abs(stamp - Math.trunc((seconds ?? 0) * outlookSlope + outlookOffset)) >= outlookTolerance
  return far(parseDate(header(scan, 'Date'))) && far(parseDate(receivedText(scan)))
}

/** Without the first @ and what follows it in its line. */
function localPart(address: ByteString): ByteString {
  const sign = address.indexOf('@')
  if (sign < 0) return address
  return address.includes('\n') ? address.replace(/@[^\n]*/, '') : address.slice(0, sign)
}

/** Last two labels of the domain of an address, '' when it has none. */
function secondLevel(address: ByteString): string {
  const sign = address.lastIndexOf('@')
  const domain = sign < 0 ? '' : address.slice(sign + 1)
  const last = domain.lastIndexOf('.')
  const dot = last > 0 ? domain.lastIndexOf('.', last - 1) : -1
  if (dot < 0) return domain
  const isOdd = dot === 0 || last === dot + 1 || last === domain.length - 1 || domain.includes('\n')
  return isOdd ? domain.replace(/^.+\.([^.]+\.[^.]+)$/, '$1') : domain.slice(dot + 1)
}

function envelopeQuotesRecipient(scan: Scan): boolean {
  const from = header(scan, 'EnvelopeFrom:addr')
  const recipient = header(scan, 'To:addr')
  // Nearly all senders lack the recipient's name.
  if (from === '' || recipient === '') return false
  const sender = lower(from)
  if (!sender.includes(lower(recipient.slice(0, recipient.indexOf('@') + 1)))) return false
  const to = /^([^@]+)@(.+)$/.exec(recipient)
  if (!to || /^SRS\d[=+-]/i.test(from)) return false
  const domain = scan.views.domains.registered(lower(to[2]!))
  if (domain === undefined || !sender.includes(lower(domain))) return false
  return new RegExp(`\\b${escapeRegex(domain)}.${escapeRegex(to[1]!)}@`, 'i').test(from)
}

/** Headers in which a percent sign and capitals are normal. */
const templateFree =
  /^(?:X-VMS-To|X-UIDL|X-Face|To|Cc|From|Subject|References|In-Reply-To|(?:X-|Resent-|X-Original-)?Message-Id):/i

function hoursBetween(hours: number, min: string, max: string): boolean {
  return (min === 'undef' || hours >= 3600 * Number(min)) && (max === 'undef' || hours < 3600 * Number(max))
}

/** A month as a twelfth of the Gregorian year, seconds. */
const monthSeconds = 31_556_952 / 12

export const headerEval: Plugin = {
  name: 'HeaderEval',
  evals: {
    ...providerEvals,
    check_for_fake_aol_relay_in_rcvd({ scan }) {
      const raw = receivedText(scan)
      if (!raw.toLowerCase().includes('rly-')) return false
      const received = squeezeSpaces(raw)
      if (!/ rly-[a-z][a-z]\d\d\./i.test(received)) return false
      return !/\/AOL-\d+\.\d+\.\d+\)/.test(received) && !/ESMTP id (?:RELAY|MAILRELAY|MAILIN)/.test(received)
    },
    check_for_faraway_charset_in_headers({ scan, settings }) {
      const locales = okLocales(settings)
      if (!locales) return false
      return ['From:raw', 'Subject:raw']
        .flatMap((request) => headerAll(scan, request))
        .some((value) =>
          [...value.matchAll(/=\?([^\n]{1,100}?)\?[^\n]\?[^\n]{0,500}?\?=/g)].some(
            (word) => !isCharsetOk(word[1]!, locales),
          ),
        )
    },
    // Kept because old rule files name it; never hits since SpamAssassin 3.3.
    check_for_unique_subject_id: () => false,
    check_illegal_chars: ({ scan }, name = '', ratio = '', count = '') =>
      illegalChars(scan, name, Number(ratio), Number(count)),
    check_for_matching_env_and_hdr_from: ({ scan }) =>
      lower(header(scan, 'EnvelopeFrom:addr')) === lower(header(scan, 'From:addr')),
    sorted_recipients: ({ scan }) => recipients(scan).sorted,
    similar_recipients({ scan }, min = '', max = '') {
      const { similar } = recipients(scan)
      return (min === 'undef' || similar >= Number(min)) && (max === 'undef' || similar < Number(max))
    },
    check_for_missing_to_header: ({ scan }) =>
      header(scan, 'To') === '' && header(scan, 'Apparently-To') === '',
    check_for_shifted_date: ({ scan }, min = 'undef', max = 'undef') =>
      hoursBetween(dateDifference(scan), min, max),
    received_within_months({ scan }, min = 'undef', max = 'undef') {
      const age = Date.now() / 1000 - receivedDate(scan)
      return (
        (min === 'undef' || age >= monthSeconds * Number(min)) &&
        (max === 'undef' || age < monthSeconds * Number(max))
      )
    },
    subject_is_all_caps: ({ scan }) => allCaps(scan),
    check_for_to_in_subject: ({ scan }, test = '') => recipientInSubject(scan, test),
    check_outlook_message_id: ({ scan }) => outlookIdForged(scan),
    check_messageid_not_usable({ scan }) {
      if (
        /<mailto:(?:leave-[^\t-\r ]+|[^\t-\r ]+-unsubscribe)@[^\t-\r ]+>\n?$/i.test(
          header(scan, 'List-Unsubscribe'),
        )
      ) {
        return true
      }
      if (removesReceived(scan)) return true
      const received = receivedText(scan)
      return received.includes('/CWT/DCE)') || received.includes('iPlanet Messaging Server')
    },
    check_header_count_range({ scan }, name = '', min = '', max = '') {
      const values = new Set(headerAll(scan, name)).size
      return values >= Number(min) && values <= Number(max)
    },
    check_unresolved_template({ scan }) {
      const all = header(scan, 'ALL')
      if (!all.includes('%') || !/%[A-Z][A-Z_-]/.test(all)) return false
      return all.split('\n').some((line) => /%[A-Z][A-Z_-]/.test(line) && !templateFree.test(line))
    },
    check_ratware_name_id({ scan }) {
      const id = /<[A-Z]{28}\.([^>\n]+?)>/.exec(header(scan, 'MESSAGEID'))
      return (
        id !== null && new RegExp(`"[^"]+"[\\t-\\r ]*<${escapeRegex(id[1]!)}>`).test(header(scan, 'From'))
      )
    },
    check_ratware_envelope_from: ({ scan }) => envelopeQuotesRecipient(scan),
    check_equal_from_domains({ scan }) {
      const from = secondLevel(header(scan, 'From:addr'))
      const envelope = secondLevel(header(scan, 'EnvelopeFrom:addr'))
      return from !== '' && envelope !== '' && lower(from) !== lower(envelope)
    },
    check_for_forged_gw05_received_headers({ scan }) {
      const found =
        /\nfrom[\t-\r ]([^\t-\r ]+)[\t-\r ]by[\t-\r ]([^\t-\r ]+)[\t-\r ]with[\t-\r ]ESMTP;[\t-\r ]+[^\t-\r ]{3},[\t-\r ]+\d+[\t-\r ]+[^\t-\r ]{3}[\t-\r ]+\d{4}[\t-\r ]+\d\d:\d\d:\d\d[\t-\r ]+[-+]*\d{4}\n\n?$/.exec(
          header(scan, 'Received'),
        )
      return found !== null && !found[2]!.includes('.')
    },
  },
}
