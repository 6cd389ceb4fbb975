// Facts: views of a mail that need the network or the store. Each is a promise that is made at its first use and shared by all who
// ask; all end by the scan's deadline. What could not be found out is an outcome that says so, with a Note, never an innocent answer.
import type { Settings } from '../../rules/engine/types.js'
import type {
  Classification,
  DkimOutcome,
  DmarcOutcome,
  Dns,
  Facts,
  Message,
  Net,
  Note,
  Request,
  SpfOutcome,
  Views,
} from '../types.js'
import { verifyArc } from './arc.js'
import { readSigned, verifyDkim } from './dkim.js'
import { checkDmarc } from './dmarc.js'
import { readWrittenSpf } from './received-spf.js'
import { findSender, type Sender } from './sender.js'
import { checkSpf } from './spf.js'

/** The part of a scan that facts look at. */
export interface FactsInput {
  readonly request: Request
  readonly message: Message
  readonly views: Views
  readonly deadline: number
  readonly settings: Settings
  note(note: Note): void
}

type SpfFact = Awaited<ReturnType<Facts['spf']>>

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function withTimeout(deadline: number, seconds: unknown): number {
  return typeof seconds === 'number' && seconds > 0
    ? Math.min(deadline, Date.now() + seconds * 1000)
    : deadline
}

async function findSpf(input: FactsInput, sender: Sender, dns: Dns): Promise<SpfFact> {
  const { values } = input.settings
  // A front that knows the SMTP session needs no header's word for it.
  const mayRead = input.request.envelope.ip === undefined && values.get('ignore_received_spf_header') !== true
  const written = mayRead
    ? readWrittenSpf(input.views, values.get('use_newest_received_spf_header') === true)
    : {}
  if (written.mfrom && written.helo) return { mfrom: written.mfrom, helo: written.helo }
  if (!dns.enabled) return { mfrom: written.mfrom, helo: written.helo }
  const checked = await checkSpf(sender, dns, withTimeout(input.deadline, values.get('spf_timeout') ?? 5))
  return { mfrom: written.mfrom ?? checked.mfrom, helo: written.helo ?? checked.helo }
}

async function findDkim(input: FactsInput, dns: Dns): Promise<DkimOutcome> {
  if (!dns.enabled) return { signatures: [], arc: undefined }
  const deadline = withTimeout(input.deadline, input.settings.values.get('dkim_timeout') ?? 5)
  const signed = readSigned(input.message)
  const [{ signatures, skipped }, arc] = await Promise.all([
    verifyDkim(signed, dns, deadline, Date.now()),
    verifyArc(signed, dns, deadline),
  ])
  if (skipped > 0)
    input.note({ check: 'dkim', kind: 'limited', text: `${skipped} signatures were not verified` })
  return { signatures, arc: arc && { result: arc.result, instance: arc.instance } }
}

function authorDomains(views: Views): readonly string[] {
  const domains = views.headers
    .getAll('From:addr')
    .map((address) => /@([^@\s]+)\s*$/.exec(address)?.[1]?.toLowerCase().replace(/\.$/, ''))
  return [...new Set(domains.filter((domain) => domain !== undefined))]
}

function notes(
  input: FactsInput,
  check: string,
  outcomes: readonly (SpfOutcome | DmarcOutcome | undefined)[],
): void {
  const bad = outcomes.find((outcome) => outcome?.result === 'temperror')
  if (bad !== undefined) input.note({ check, kind: 'unavailable', text: `${bad.domain}: ${bad.comment}` })
}

export function createFacts(input: FactsInput, net: Net, classify: () => Classification): Facts {
  const { dns } = net
  const alwaysTrust = input.settings.values.get('always_trust_envelope_sender') === true
  const sender = once(() => findSender(input.request.envelope, input.views, alwaysTrust))

  const spf = once(async () => {
    const fact = await findSpf(input, sender(), dns)
    notes(input, 'spf', [fact.mfrom, fact.helo])
    return fact
  })

  const dkim = once(async () => {
    const outcome = await findDkim(input, dns)
    const lost = outcome.signatures.find((signature) => signature.result === 'temperror')
    if (lost !== undefined)
      input.note({ check: 'dkim', kind: 'unavailable', text: `${lost.domain}: ${lost.comment}` })
    return outcome
  })

  const dmarc = once(async (): Promise<DmarcOutcome> => {
    const base = { policy: undefined, domain: '', spfAligned: false, dkimAligned: false }
    if (!dns.enabled || sender().ip === undefined) return { ...base, result: 'none', comment: 'not checked' }
    const [spfFact, dkimOutcome] = await Promise.all([spf(), dkim()])
    // RFC 7489 4.1 with RFC 7208 2.4: the null sender's SPF identity is the HELO name.
    const spfOutcome = spfFact.mfrom ?? (sender().mailFrom ? undefined : spfFact.helo)
    const outcome = await checkDmarc(
      {
        authors: authorDomains(input.views),
        spf: spfOutcome,
        dkim: dkimOutcome,
        seed: input.message.pristineHeaders,
      },
      dns,
      input.deadline,
    )
    notes(input, 'dmarc', [outcome])
    return outcome
  })

  const virus = once(async () => {
    if (net.clamd === undefined) return { status: 'off' } as const
    const outcome = await net.clamd.scan(input.message.raw, input.deadline)
    if (outcome.status === 'failed') input.note({ check: 'clamd', kind: 'unavailable', text: outcome.reason })
    return outcome
  })

  return { spf, dkim, dmarc, virus, bayes: once(classify) }
}
