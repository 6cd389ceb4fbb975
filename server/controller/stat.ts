// Numbers of the controller: /stat, /auth, /statreset, /pie, /actions, /symbols, /counters. In: core statistics and metrics. Out: the objects
// that rspamc, the web UI and monitoring scripts of rspamd read (rspamd-protocol.md 3.3, 3.4). Memory-pool figures, which have no meaning here, are 0.
import { learnsOf } from '../../src/metrics.js'
import type { CoreStats } from '../../src/types.js'
import { jsonReply } from '../http-reply.js'
import { wireNumber, wireText } from '../rspamd/verdict.js'
import { symbolName } from '../rspamd/vocabulary.js'
import type { Counts, CountValues, Route, RouteContext } from './context.js'

const actionNames = [
  'reject',
  'soft reject',
  'rewrite subject',
  'add header',
  'greylist',
  'no action',
] as const
/** rspamd's spam_count: every action that keeps a mail from an inbox as it is. */
const spamActionNames = ['reject', 'soft reject', 'rewrite subject', 'add header'] as const
const scanTimesSlots = 31

export function createCounts(): Counts {
  let base: CountValues = { scanned: 0, learned: 0, actions: {} }
  return {
    since: (now) => ({
      scanned: now.scanned - base.scanned,
      learned: now.learned - base.learned,
      actions: Object.fromEntries(
        actionNames.map((name) => [name, (now.actions[name] ?? 0) - (base.actions[name] ?? 0)]),
      ),
    }),
    reset: (now) => {
      base = now
    },
  }
}

export const statRoutes: Readonly<Record<string, Route>> = {
  '/stat': {
    needs: 'read',
    run: async (_, context) => jsonReply(statObject(await context.core.stats(), context)),
  },
  '/statreset': {
    needs: 'full',
    async run(_, context) {
      const stats = await context.core.stats()
      const before = statObject(stats, context)
      context.counts.reset(stats)
      return jsonReply(before)
    },
  },
  '/auth': {
    needs: 'read',
    async run(_, context) {
      const stats = await context.core.stats()
      const { actions, scanned, learned } = context.counts.since(stats)
      return jsonReply({
        version: context.options.version,
        auth: 'ok',
        uptime: Math.floor(stats.uptimeSeconds),
        clean: actions['no action'],
        probable: actions['add header']! + actions['rewrite subject']!,
        greylist: actions['greylist'],
        reject: actions['reject'],
        soft_reject: actions['soft reject'],
        scanned,
        learned,
        read_only: context.rights !== 'full',
        config_id: stats.configId,
      })
    },
  },
  '/pie': {
    needs: 'read',
    async run(_, context) {
      const { actions } = context.counts.since(await context.core.stats())
      const slice = (color: string, label: string, value: number) => ({ color, label, data: value, value })
      return jsonReply([
        slice('#66cc00', 'Clean', actions['no action']!),
        slice('#cc9966', 'Temporarily rejected', actions['soft reject']!),
        slice('#FFD700', 'Probable spam', actions['add header']! + actions['rewrite subject']!),
        slice('#436EEE', 'Greylisted', actions['greylist']!),
        slice('#FF0000', 'Rejected', actions['reject']!),
      ])
    },
  },
  '/actions': {
    needs: 'read',
    async run(_, { core }) {
      const { thresholds } = await core.stats()
      const set = Object.entries(thresholds).sort((a, b) => a[1] - b[1])
      const unset = ['soft reject', 'rewrite subject', 'no action'].filter((name) => !(name in thresholds))
      return jsonReply([
        ...set.map(([action, value]) => ({ action, value })),
        ...unset.map((action) => ({ action, value: null })),
      ])
    },
  },
  '/symbols': {
    needs: 'read',
    async run(_, { core, options }) {
      const groups = new Map<string, unknown[]>()
      const hits = options.metrics.symbolHits()
      const seconds = Math.max(1, (Date.now() - options.startedAt.getTime()) / 1000)
      for (const info of await core.symbols()) {
        const rules = groups.get(info.group) ?? []
        groups.set(info.group, rules)
        rules.push({
          symbol: symbolName(info.symbol, options.scan.vocabulary),
          weight: wireNumber(info.score),
          ...(info.description !== '' && { description: wireText(info.description) }),
          frequency: wireNumber((hits.get(info.symbol) ?? 0) / seconds),
          frequency_stddev: 0,
          time: 0,
        })
      }
      return jsonReply([...groups].map(([group, rules]) => ({ group, rules })))
    },
  },
  '/counters': {
    needs: 'read',
    async run(_, { core, options }) {
      const hits = options.metrics.symbolHits()
      const seconds = Math.max(1, (Date.now() - options.startedAt.getTime()) / 1000)
      return jsonReply(
        (await core.symbols()).map((info) => {
          const count = hits.get(info.symbol) ?? 0
          const frequency = wireNumber(count / seconds)
          const symbol = symbolName(info.symbol, options.scan.vocabulary)
          return { symbol, weight: wireNumber(info.score), frequency, hits: count, time: 0 }
        }),
      )
    },
  },
}

function statObject(stats: CoreStats, context: RouteContext): Record<string, unknown> {
  const { options, counts, rights, requests } = context
  const { scanned, learned, actions } = counts.since(stats)
  const spam = spamActionNames.reduce((sum, name) => sum + actions[name]!, 0)
  const times = options.metrics.scanTimes().map((milliseconds) => wireNumber(milliseconds / 1000))
  return {
    version: options.version,
    config_id: stats.configId,
    uptime: Math.floor(stats.uptimeSeconds),
    read_only: rights !== 'full',
    scanned,
    learned,
    actions,
    scan_times: Array.from({ length: scanTimesSlots }, (_, i) => times[i] ?? null),
    spam_count: spam,
    ham_count: scanned - spam,
    connections: options.connections?.() ?? 0,
    control_connections: requests,
    pools_allocated: 0,
    pools_freed: 0,
    bytes_allocated: process.memoryUsage.rss(),
    chunks_allocated: 0,
    shared_chunks_allocated: 0,
    chunks_freed: 0,
    chunks_oversized: 0,
    fragmented: 0,
    total_learns: learnsOf(stats),
    statfiles: statfiles(stats),
  }
}

/** Both classes always stand here: clients show them even before anything is learned. */
function statfiles({ learner }: CoreStats): unknown[] {
  const { spam = 0, ham = 0, tokens = 0, sizeBytes = 0, users = 0 } = learner ?? {}
  const file = (symbol: string, revision: number) => ({
    revision,
    used: tokens,
    total: tokens,
    size: sizeBytes,
    symbol,
    type: 'sqlite3',
    languages: 0,
    users,
  })
  return [file('BAYES_SPAM', spam), file('BAYES_HAM', ham)]
}
