// `hamd ledger`: what was taught, by whom and when; taken back or let count by a filter. Changes nothing without --yes.
import { findDoubtful } from '../../bayes/doubtful.js'
import type { DoubtfulLabel, LedgerRow, RevokeOutcome, RowFilter } from '../../bayes/index.js'
import { ask, withLearner } from './control.js'
import { CliError, exits } from './exit.js'
import { type CommonOptions, loadConfig } from './settings.js'

interface LedgerOptions extends CommonOptions {
  readonly user?: string
  readonly source?: string
  readonly id?: string
  readonly since?: string
  readonly until?: string
  readonly limit?: number
  readonly held?: boolean
  readonly doubtful?: boolean
  readonly revoke?: boolean
  readonly release?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

const rowsByDefault = 100

export async function ledger(options: LedgerOptions): Promise<void> {
  if (options.revoke && options.release)
    throw new CliError(exits.usage, 'give --revoke or --release, not both')
  const filter = filterOf(options)
  if (options.revoke || options.release) return change(options, filter)
  if (options.doubtful) return doubtful(options)
  const wanted = { ...filter, ...(options.held ? { states: ['held' as const] } : {}) }
  const limit = options.limit ?? rowsByDefault
  const rows = await withLearner(
    loadConfig(options),
    (learner) => learner.rows(wanted, limit),
    async (socket) => (await ask<{ rows: LedgerRow[] }>(socket, '/ledger', { ...wanted, limit })).rows,
  )
  print(rows, options, rowLine)
}

async function change(options: LedgerOptions, filter: RowFilter): Promise<void> {
  if (Object.keys(filter).length === 0)
    throw new CliError(exits.usage, 'name what is meant: --user, --source, --id, --since or --until')
  const what = options.revoke ? 'revoke' : 'release'
  const preview = options.yes !== true
  const outcome = await withLearner(
    loadConfig(options),
    (learner) => {
      const done = learner[what](filter, preview)
      if (learner.wantsRebuild) learner.rebuildNow()
      return done
    },
    (socket) => ask<RevokeOutcome>(socket, `/ledger/${what}`, { ...filter, preview }),
  )
  if (options.json) return void process.stdout.write(`${JSON.stringify(outcome)}\n`)
  const { rows, spam, ham, restored, applied } = outcome
  const verb = options.revoke ? 'taken back' : 'let count'
  process.stdout.write(
    `${rows} learnings (${spam} spam, ${ham} ham) ${applied ? 'were' : 'would be'} ${verb}` +
      (restored > 0 ? `; ${restored} earlier ones count again` : '') +
      (applied ? '\n' : '; nothing is changed without --yes\n'),
  )
}

async function doubtful(options: LedgerOptions): Promise<void> {
  const labels = await withLearner(
    loadConfig(options),
    (learner) => findDoubtful(learner),
    async (socket) => (await ask<{ doubtful: DoubtfulLabel[] }>(socket, '/ledger/doubtful', {})).doubtful,
  )
  print(labels.slice(0, options.limit ?? rowsByDefault), options, ({ seq, mail, isSpam, margin }) =>
    [
      seq,
      isSpam ? 'spam' : 'ham',
      `the rest says ${isSpam ? 'ham' : 'spam'} by ${margin.toFixed(1)}`,
      mail,
    ].join('\t'),
  )
}

function print<T>(rows: readonly T[], { json }: LedgerOptions, line: (row: T) => string): void {
  for (const row of rows) process.stdout.write(`${json ? JSON.stringify(row) : line(row)}\n`)
}

function rowLine(row: LedgerRow): string {
  const { seq, timeMs, isSpam, owner, source, state, contradicts, scanId, mail } = row
  return [
    seq,
    new Date(timeMs).toISOString(),
    isSpam ? 'spam' : 'ham',
    contradicts ? `${state}, contradicts` : state,
    owner === '' ? '-' : owner,
    source,
    scanId ?? '-',
    mail,
  ].join('\t')
}

function filterOf({ user, source, id, since, until }: LedgerOptions): RowFilter {
  return {
    ...(user === undefined ? {} : { owner: user }),
    ...(source === undefined ? {} : { source }),
    ...(id === undefined ? {} : { scanId: id }),
    ...(since === undefined ? {} : { fromMs: instant(since) }),
    ...(until === undefined ? {} : { toMs: instant(until) }),
  }
}

const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `2026-07-14`, `2026-07-14T10:00Z`, or so long ago: `90m`, `12h`, `3d`. */
function instant(text: string): number {
  const ago = /^(\d+)([mhd])$/.exec(text)
  if (ago) return Date.now() - Number(ago[1]) * unitsMs[ago[2]!]!
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw new CliError(
      exits.usage,
      `${text} is no time: write 2026-07-14, 2026-07-14T10:00Z, or 90m, 12h, 3d for so long ago`,
    )
  return at
}
