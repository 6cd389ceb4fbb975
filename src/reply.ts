// From the Verdict to what the front asked for: report, rewritten message, lists of hosts and addresses. Still in the scan thread,
// because it reads the message; fronts only put it on the wire.

import type { RuleRun, Settings } from '../rules/engine/types.js'
import type { Mutable } from './mutable.js'
import { type ReportInput, renderReport, rewriteMessage } from './report/index.js'
import type { ScanContext } from './scan.js'
import type { Scan, Scanned, Verdict, Views } from './types.js'

interface ReplyInput {
  readonly scan: Scan
  readonly verdict: Verdict
  readonly run: RuleRun
  readonly settings: Settings
  readonly context: ScanContext
}

export function renderReply(input: ReplyInput): Scanned {
  const { scan, verdict } = input
  const { message, views, request } = scan
  const { urls } = request.wants
  const messageId = bareId(views.headers.get('Message-ID'))
  const resentMessageId = bareId(views.headers.get('Resent-Message-ID'))
  const scanned: Mutable<Scanned> = {
    verdict,
    mimeRcpt: recipientsOf(views),
    subject: views.headers.get('Subject')?.replace(/\n$/, '') ?? '',
    lineEnd: message.lineEnd,
    sizeBytes: request.raw.length,
  }
  const mimeFrom = views.headers.get('From:addr')?.trim() ?? ''
  if (mimeFrom !== '') scanned.mimeFrom = mimeFrom
  if (messageId !== undefined) scanned.messageId = messageId
  if (resentMessageId !== undefined) scanned.resentMessageId = resentMessageId
  addTexts(scanned, input)
  if (urls) Object.assign(scanned, urlLists(views, urls === 'details'))
  return scanned
}

/** Report and rewritten message, as far as they were asked for. */
function addTexts(scanned: Mutable<Scanned>, { scan, verdict, run, settings, context }: ReplyInput): void {
  const { wants, remote } = scan.request
  if (!wants.report && wants.rewritten === undefined) return
  const input: ReportInput = {
    scan,
    verdict,
    settings,
    tags: run.tags,
    shortcircuit: run.shortcircuit,
    hostname: context.policy.hostname,
    rules: context.rules,
    ...(remote ? { remote } : {}),
  }
  if (wants.report) scanned.report = renderReport(input)
  if (wants.rewritten === undefined) return
  const { message, headersLength } = rewriteMessage(input)
  // A piece of its own: posted to another thread, a view would take the whole message along.
  scanned.rewritten =
    wants.rewritten === 'headers' ? new Uint8Array(message.subarray(0, headersLength)) : message
}

/** Recipients kept for the history; a header can name thousands. */
const recipientsMax = 100

/** Whom the header names as recipients. */
function recipientsOf({ headers }: Views): string[] {
  return headers
    .getAll('ToCc:addr')
    .slice(0, recipientsMax)
    .map((address) => address.trim())
    .filter((address) => address !== '')
}

function bareId(value: string | undefined): string | undefined {
  const text = value?.trim().split('\n', 1)[0] ?? ''
  return text === '' ? undefined : text.replace(/^<|>$/g, '')
}

/** Hosts of links and addresses of the body, each once, as rspamd lists them (rspamd-protocol.md 1.5). */
function urlLists(views: Views, details: boolean): Pick<Scanned, 'urls' | 'emails' | 'urlDetails'> {
  const urls = new Set<string>()
  const emails = new Set<string>()
  const urlDetails: NonNullable<Scanned['urlDetails']>[number][] = []
  for (const uri of views.uris.detail) {
    const address = /^mailto:([^?\s]+@[^?\s]+)/i.exec(uri.raw)
    if (address) emails.add(address[1]!.toLowerCase())
    else {
      for (const [host, domain] of uri.hosts) {
        urls.add(host)
        if (!details) continue
        urlDetails.push({ url: uri.raw, host, tld: domain, flags: uri.types.has('parsed') ? ['text'] : [] })
      }
    }
  }
  return { urls: [...urls], emails: [...emails], ...(details ? { urlDetails } : {}) }
}
