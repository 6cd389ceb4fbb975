// What was: /history, /historyreset, /graph, /errors. In: the durable history. Out: version-2 rows of rspamd, its six throughput series, and
// the last problems of the server (rspamd-protocol.md 3.3, 3.5).
import type { History, HistoryRow, ThroughputPoint } from '../../src/history/types.js'
import { errorReply, jsonReply } from '../http-reply.js'
import { wireNumber } from '../rspamd/verdict.js'
import { symbolName, type Vocabulary } from '../rspamd/vocabulary.js'
import type { Route } from './context.js'

/** Rows of a request that names no range: what rspamd keeps by default. */
const rowsByDefault = 200

/** Span and bucket of each graph, seconds: 480 points for a day and a week, as rspamd; whole hours and days beyond, as they are stored. */
const graphs: Readonly<Record<string, { readonly span: number; readonly step: number }>> = {
  day: { span: 86_400, step: 180 },
  week: { span: 604_800, step: 1260 },
  month: { span: 2_592_000, step: 7200 },
  year: { span: 31_536_000, step: 86_400 },
}
const seriesActions = ['reject', 'soft reject', 'rewrite subject', 'add header', 'greylist', 'no action']

export const pastRoutes: Readonly<Record<string, Route>> = {
  '/history': {
    needs: 'read',
    async run({ query }, { options }) {
      const from = rowNumber(query.get('from')) ?? 0
      const to = rowNumber(query.get('to')) ?? from + rowsByDefault - 1
      if (!options.history || to < from) return jsonReply({ version: 2, rows: [] })
      const search = query.get('search')
      const action = query.get('action')
      const id = query.get('id')
      const rows = await options.history.rows({
        from,
        limit: to - from + 1,
        ...(search !== undefined && { search }),
        ...(action !== undefined && { action }),
        ...(id !== undefined && { id }),
      })
      return jsonReply({ version: 2, rows: rows.map((row) => wireRow(row, options.scan.vocabulary)) })
    },
  },
  '/historyreset': {
    needs: 'full',
    async run(_, { options }) {
      await options.history?.reset()
      return jsonReply({ success: true })
    },
  },
  '/errors': {
    needs: 'full',
    run: (_, { options }) =>
      jsonReply((options.errors?.() ?? []).map((row) => ({ ...row, pid: process.pid, id: '' }))),
  },
  '/graph': {
    needs: 'read',
    async run({ query }, { options }) {
      const type = query.get('type')
      if (type === undefined) return errorReply(400, 'Absent graph type')
      const graph = Object.hasOwn(graphs, type) ? graphs[type] : undefined
      if (!graph) return errorReply(400, 'Invalid graph type')
      return jsonReply(await series(options.history, graph.span, graph.step, Date.now() / 1000))
    },
  },
}

/** Messages per second for each action; null before the first record, as a round-robin database shows unknown time. */
async function series(history: History | undefined, span: number, step: number, now: number) {
  const start = Math.floor((now - span) / step + 1) * step
  const points = history ? await history.throughput(start, step) : []
  const first = points[0]?.time ?? Number.POSITIVE_INFINITY
  const counts = new Map(points.map((point) => [keyOf(point), point.count]))
  const times = Array.from({ length: Math.floor(span / step) }, (_, i) => start + i * step)
  return seriesActions.map((action) =>
    times.map((x) => ({
      x,
      y: x < first ? null : wireNumber((counts.get(keyOf({ time: x, action })) ?? 0) / step),
    })),
  )
}

function keyOf({ time, action }: Pick<ThroughputPoint, 'time' | 'action'>): string {
  return `${time} ${action}`
}

function wireRow(row: HistoryRow, vocabulary: Vocabulary): Record<string, unknown> {
  const symbols = row.symbols.map((symbol) => {
    const name = symbolName(symbol.name, vocabulary)
    const shown = {
      name,
      score: wireNumber(symbol.score),
      metric_score: wireNumber(symbol.score),
      ...(symbol.description !== '' && { description: symbol.description }),
      ...(symbol.options.length > 0 && { options: symbol.options }),
    }
    return [name, shown] as const
  })
  return {
    id: row.id,
    unix_time: row.unixTime,
    ip: row.ip,
    user: row.user,
    sender_smtp: row.senderSmtp,
    sender_mime: row.senderMime,
    rcpt_smtp: row.rcptSmtp,
    rcpt_mime: row.rcptMime,
    subject: row.subject,
    ...(row.messageId !== undefined && { 'message-id': row.messageId }),
    ...(row.queueId !== undefined && { 'queue-id': row.queueId }),
    size: row.size,
    score: wireNumber(row.score),
    required_score: wireNumber(row.thresholds['reject'] ?? row.requiredScore),
    action: row.action,
    is_skipped: row.skipped,
    time_real: wireNumber(row.tookMs / 1000),
    symbols: Object.fromEntries(symbols),
    front: row.front,
    ...(row.notes.length > 0 && { notes: row.notes }),
  }
}

function rowNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
