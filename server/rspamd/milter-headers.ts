// The `milter` block of a reply: header fields an MTA is asked to add or to strip, in the routines and exact values of rspamd's milter_headers
// module (rspamd-protocol.md 5.7). In: verdict, envelope. Out: a plain object for JSON. Default: only the order to strip a forged X-Spam.
import type { Action, Envelope, ScoredHit } from '../../src/types.js'

export const milterRoutines = [
  'x-spamd-bar',
  'x-spam-level',
  'x-spam-status',
  'x-spamd-result',
  'x-rspamd-action',
  'x-rspamd-server',
  'x-rspamd-queue-id',
  'x-spam-scan-id',
  'spam-header',
] as const
export type MilterRoutine = (typeof milterRoutines)[number]

export interface MilterHeaderOptions {
  /** Routines in use; none by default, as in rspamd. */
  readonly routines: readonly MilterRoutine[]
  /** Name shown by x-rspamd-server. */
  readonly hostName: string
  /** Strip X-Spam of incoming mail, which anybody can forge. */
  readonly removeSpamFlag: boolean
}

/** What the routines may look at: the verdict as this front tells it. */
export interface MilterInput {
  readonly score: number
  readonly requiredScore: number
  readonly action: Action
  readonly hits: readonly ScoredHit[]
  readonly envelope: Envelope
  /** Id of the scan, absent when there was none. */
  readonly scanId?: string
  /** Folding: line end of the mail, LF for milter clients, whose MTA turns CRLF into broken mail. */
  readonly fold: string
}

export interface MilterBlock {
  readonly add_headers?: Readonly<Record<string, { readonly value: string; readonly order: number }>>
  readonly remove_headers?: Readonly<Record<string, number>>
}

/** Longest run of stars or bar signs: a header line has a limit, a score has none. */
const runMax = 100

const headerNames: Readonly<Record<MilterRoutine, string>> = {
  'x-spamd-bar': 'X-Spamd-Bar',
  'x-spam-level': 'X-Spam-Level',
  'x-spam-status': 'X-Spam-Status',
  'x-spamd-result': 'X-Spamd-Result',
  'x-rspamd-action': 'X-Rspamd-Action',
  'x-rspamd-server': 'X-Rspamd-Server',
  'x-rspamd-queue-id': 'X-Rspamd-Queue-Id',
  'x-spam-scan-id': 'X-Spam-Scan-Id',
  'spam-header': 'Deliver-To',
}

/** By default nothing but the order to strip. */
const stripOnly: MilterBlock = { remove_headers: { 'X-Spam': 0 } }

export function milterBlock(input: MilterInput, options: MilterHeaderOptions): MilterBlock | undefined {
  if (options.routines.length === 0) return options.removeSpamFlag ? stripOnly : undefined
  const add: Record<string, { value: string; order: number }> = {}
  const remove: Record<string, number> = {}
  for (const routine of options.routines) {
    const name = headerNames[routine]
    remove[name] = 0
    const value = headerValue(routine, input, options)
    if (value !== undefined) add[name] = { value, order: -1 }
  }
  if (options.removeSpamFlag) remove['X-Spam'] = 0
  return { ...(Object.keys(add).length > 0 && { add_headers: add }), remove_headers: remove }
}

function headerValue(
  routine: MilterRoutine,
  input: MilterInput,
  options: MilterHeaderOptions,
): string | undefined {
  const { score, action } = input
  const harmless = action === 'no action' || action === 'greylist'
  switch (routine) {
    case 'x-spamd-bar':
      return spamBar(score)
    case 'x-spam-level':
      return score < 1 ? undefined : '*'.repeat(Math.min(runMax, Math.floor(score)))
    case 'x-spam-status':
      return `${harmless ? 'No' : 'Yes'}, score=${score.toFixed(2)}`
    case 'x-spamd-result':
      return spamdResult(input)
    case 'x-rspamd-action':
      return action
    case 'x-rspamd-server':
      return options.hostName
    case 'x-rspamd-queue-id':
      return input.envelope.queueId
    case 'x-spam-scan-id':
      return input.scanId
    case 'spam-header':
      return harmless ? undefined : 'Junk'
  }
}

function spamBar(score: number): string {
  if (Math.abs(score) < 1) return '/'
  const signs = Math.min(runMax, Math.floor(Math.abs(score)))
  return (score > 0 ? '+' : '-').repeat(signs)
}

/** `True` only on reject: sieve recipes look for `default: True [`. */
function spamdResult({ score, requiredScore, action, hits, fold }: MilterInput): string {
  const sorted = [...hits].sort(
    (a, b) => Math.abs(b.score) - Math.abs(a.score) || compare(a.symbol, b.symbol),
  )
  const head = `default: ${action === 'reject' ? 'True' : 'False'} [${score.toFixed(2)} / ${requiredScore.toFixed(2)}]`
  const symbols = sorted.map((hit) => {
    const details = hit.details.map((detail) => detail.replace(/[\r\n]+/g, ' '))
    return `${hit.symbol}(${hit.score.toFixed(2)})[${details.join(',')}]`
  })
  return [head, ...symbols].join(`;${fold}\t`)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
