// Mail that claims to come from a big provider but lacks the marks that the provider's own servers leave (part of HeaderEval).
import type { Eval } from '../../rules/engine/types.js'
import type { Scan } from '../types.js'
import { bytePattern } from '../views/pattern.js'
import { once } from './once.js'
import { header, headerAll, lower, receivedText, squeezeSpaces } from './text.js'

const address = bytePattern('{ip}')
const hasAddress = (scan: Scan, name: string): boolean => address.test(header(scan, name))

const ezmlm = bytePattern('^contact \\S+@\\S+; run by ezmlm$', 'm')
const ezmlmDelivered = bytePattern('^mailing list \\S+@\\S+', 'm')
const ezmlmReceived = bytePattern('qmail \\d+ invoked (?:from network|by .{3,20})\\); \\d+ ... \\d+')
const msnGroups = bytePattern('from groups\\.msn\\.com \\(\\S+\\.msn\\.com ')

/** The message went through something that takes Received headers away, so that missing ones prove nothing. */
export const removesReceived = once((scan): boolean => {
  if (headerAll(scan, 'Received').length === 0) return true
  const received = receivedText(scan)
  const list = header(scan, 'Mailing-List')
  if (list !== '' && ezmlm.test(list)) {
    if (ezmlmDelivered.test(header(scan, 'Delivered-To')) && ezmlmReceived.test(received)) return true
  }
  return received.includes('groups.msn.com') && msnGroups.test(received)
})

type Hotmail = 'fine' | 'forged' | 'missing'

const originator = /hotmail\.com|msonline-outlook/
const hotmailByAddress = [
  'from (?:\\S*\\.)?hotmail.com \\(\\S+\\.hotmail(?:\\.msn)?\\.com[ )]',
  'from \\S*\\.hotmail.com \\(\\[{ip}\\][ ):]',
  'from \\S+ by \\S+\\.hotmail(?:\\.msn)?\\.com with HTTP;',
  'from \\[66\\.218.\\S+\\] by \\S+\\.yahoo\\.com',
].map((source) => bytePattern(source))
const outlookByOriginator = [
  'from \\S*\\.outbound\\.protection\\.outlook\\.com \\(\\S+\\.outbound\\.protection\\.outlook\\.com[ )]',
  'from \\S*\\.(?:eur|nam)prd\\d+\\.prod\\.outlook\\.com \\({ip}\\)',
].map((source) => bytePattern(source))
const namesHotmail = bytePattern('(?:from |HELO |helo=)\\S*hotmail\\.com\\b')

const hotmail = once((scan): Hotmail => {
  const raw = receivedText(scan)
  if (!raw.includes('hotmail.com') && !endsIn(scan, 'hotmail')) return 'fine'
  const received = squeezeSpaces(raw)
  if (received.includes('from mail pickup service by hotmail.com with Microsoft SMTPSVC;')) return 'fine'
  if (fromMsnGroups(scan) || removesReceived(scan)) return 'fine'
  const fits = (pattern: RegExp) => pattern.test(received)
  if (hasAddress(scan, 'X-Originating-Ip') && hotmailByAddress.some(fits)) return 'fine'
  if (originator.test(header(scan, 'X-OriginatorOrg')) && outlookByOriginator.some(fits)) return 'fine'
  if (namesHotmail.test(received)) return 'forged'
  return endsIn(scan, 'hotmail') ? 'missing' : 'fine'
})

const fromAddress = once((scan) => lower(header(scan, 'From:addr')))

/** The From address is of that provider's .com domain. */
function endsIn(scan: Scan, provider: string): boolean {
  const address = fromAddress(scan)
  const end = address.endsWith('\n') ? address.length - 1 : address.length
  const start = end - provider.length - '.com'.length
  return address.endsWith(`${provider}.com`, end) && (start === 0 || !/\w/.test(address[start - 1]!))
}

const msnGroupsTo = bytePattern('<(\\S+)@groups\\.msn\\.com>', 'i')

function fromMsnGroups(scan: Scan): boolean {
  const to = header(scan, 'To')
  const list = lower(to).includes('@groups.msn.com>') ? msnGroupsTo.exec(to)?.[1] : undefined
  if (list === undefined) return false
  const server = /from mail pickup service by (p\d\d\.groups\.msn\.com)\b/.exec(receivedText(scan))?.[1]
  if (server === undefined) return false
  const id = header(scan, 'Message-Id')
  if (list === 'notifications') return bytePattern(`^<\\S+@${server}>`).test(id)
  return (
    id.startsWith(`<${list}-`) &&
    bytePattern('^<\\S+@groups\\.msn\\.com>').test(id) &&
    header(scan, 'EnvelopeFrom:addr').includes(`${list}-bounce@groups.msn.com`)
  )
}

const yahooReceived = [
  'by web\\S+\\.mail\\S*\\.yahoo\\.com via HTTP',
  'by sonic\\S+\\.consmr\\.mail\\S*\\.yahoo\\.com with HTTP',
  'by smtp\\S+\\.yahoo\\.com with SMTP',
  'from \\[{ip}\\] by \\S+\\.(?:groups|scd|dcn)\\.yahoo\\.com with NNFMP',
  'by \\w+\\.\\w+\\.yahoo\\.com \\(\\d+\\.\\d+\\.\\d+/\\d+\\.\\d+\\.\\d+\\)(?: with ESMTP)? id \\w+',
].map((source) => bytePattern(source))
const yahooTrusted = bytePattern(' rdns=\\S+\\.yahoo\\.com ')
const yahooUntrusted = bytePattern('^[^\\]]+ rdns=\\S+\\.yahoo\\.com ')

function forgedYahoo(scan: Scan): boolean {
  if (!endsIn(scan, 'yahoo')) return false
  const resent = header(scan, 'Resent-From') !== '' && header(scan, 'Resent-To') !== ''
  const received = squeezeSpaces((resent && header(scan, 'X-Received')) || receivedText(scan))
  const { trustedText, untrustedText } = scan.views.relays
  return !(
    removesReceived(scan) ||
    yahooTrusted.test(trustedText) ||
    yahooUntrusted.test(untrustedText) ||
    yahooReceived.some((pattern) => pattern.test(received)) ||
    (/\bmailer\d+\.bulk\.scd\.yahoo\.com\b/.test(received) &&
      /@reply\.yahoo\.com\n?$/i.test(header(scan, 'From:addr')))
  )
}

const junoHost = /\b(?:juno|untd)\.com/
const bracketedAddress = bytePattern('[\\[(]{ip}[\\])]')

/** A hop `from ... juno.com ... [address] ... by`. Piece after piece, because one pattern with four `.*` takes cubic time. */
function isJunoHop(line: string): boolean {
  let rest = line
  for (const piece of [/from/, junoHost, bracketedAddress, /by/]) {
    const found = piece.exec(rest)
    if (!found) return false
    rest = rest.slice(found.index + found[0].length)
  }
  return true
}

function forgedJuno(scan: Scan): boolean {
  if (!endsIn(scan, 'juno') || removesReceived(scan)) return false
  const origin = header(scan, 'X-Originating-IP')
  const mailer = header(scan, 'X-Mailer')
  const received = receivedText(scan)
  if (origin !== '') {
    const seen = received.split('\n').some(isJunoHop) || / cookie\.(?:juno|untd)\.com /.test(received)
    return !seen || !mailer.includes('Juno ')
  }
  // Without an originating address the web mailers' marks are wanted, and the address all the same: none is ever good.
  return true
}

const gmailReceived = ['by 10\\.\\S+ with SMTP id \\S+', 'by 2002:a\\d\\d:\\w+:\\S+ with SMTP id \\S+'].map(
  (source) => bytePattern(source),
)
const googlemail = bytePattern('by smtp\\.googlemail\\.com with ESMTPSA id \\S+')
/** Shorter ones are invented. */
const gmailStateLeast = 60

function forgedGmail(scan: Scan): boolean {
  if (!endsIn(scan, 'gmail')) return false
  const received = header(scan, 'X-Received')
  return !(
    gmailReceived.some((pattern) => pattern.test(received)) ||
    googlemail.test(receivedText(scan)) ||
    (header(scan, 'X-Gm-Message-State').length >= gmailStateLeast &&
      header(scan, 'X-Google-Smtp-Source').length >= gmailStateLeast)
  )
}

const whowhere = bytePattern('by \\S*whowhere.com;')

function forgedEudoramail(scan: Scan): boolean {
  if (!endsIn(scan, 'eudoramail') || removesReceived(scan)) return false
  return !(whowhere.test(squeezeSpaces(receivedText(scan))) && hasAddress(scan, 'X-Sender-Ip'))
}

export const providerEvals: Readonly<Record<string, Eval>> = {
  gated_through_received_hdr_remover: ({ scan }) => removesReceived(scan),
  check_for_forged_hotmail_received_headers: ({ scan }) => hotmail(scan) === 'forged',
  check_for_no_hotmail_received_headers: ({ scan }) => hotmail(scan) === 'missing',
  check_for_msn_groups_headers: ({ scan }) => fromMsnGroups(scan),
  check_for_forged_eudoramail_received_headers: ({ scan }) => forgedEudoramail(scan),
  check_for_forged_yahoo_received_headers: ({ scan }) => forgedYahoo(scan),
  check_for_forged_juno_received_headers: ({ scan }) => forgedJuno(scan),
  check_for_forged_gmail_received_headers: ({ scan }) => forgedGmail(scan),
}
