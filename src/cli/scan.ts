// `hamd scan`: files, directories and standard input through the same straight line as the server, without one.
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openLearner } from '../../bayes/index.js'
import { createCore, type ServerCore } from '../core.js'
import { createLog } from '../log.js'
import { createClamd } from '../net/clamd.js'
import { createDns } from '../net/dns.js'
import { loadRules } from '../ruling.js'
import { resolversOf } from '../ruling-aside.js'
import type { Net, Scanned, Wants } from '../types.js'
import { CliError, exits } from './exit.js'
import { type CommonOptions, dataDir, loadConfig, prefsSource, ruleSources, scanPolicy } from './settings.js'

interface ScanOptions extends CommonOptions {
  readonly json?: boolean
  readonly report?: boolean
  readonly headers?: boolean
  readonly message?: boolean
  readonly explain?: boolean
  readonly clues?: boolean
  readonly user?: string
}

/** Messages under way at once: look-ups of one overlap with the rules of another. */
const parallel = 8

export async function scan(paths: readonly string[], options: ScanOptions): Promise<void> {
  const files = (paths.length === 0 ? ['-'] : paths).flatMap(listMail)
  const core = await openCore(options)
  let failed = 0
  let spam = 0
  const queue = files.entries()
  const results = new Map<number, string>()
  let next = 0
  const work = async () => {
    for (const [index, file] of queue) {
      let text: string
      try {
        const scanned = await scanFile(core, file, options)
        if (scanned.verdict.isSpam) spam++
        text = format(file, scanned, options)
      } catch (error) {
        failed++
        process.stderr.write(`hamd: ${file}: ${error instanceof Error ? error.message : String(error)}\n`)
        text = ''
      }
      results.set(index, text)
      for (; results.has(next); next++) {
        process.stdout.write(Buffer.from(results.get(next)!, 'latin1'))
        results.delete(next)
      }
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  await core.close()
  if (failed > 0) process.exitCode = exits.temporary
  else if (files.length === 1 && spam === 1) process.exitCode = exits.failed
  else process.exitCode = exits.ok
}

async function openCore(options: ScanOptions): Promise<ServerCore> {
  const config = loadConfig({ ...options, logLevel: options.logLevel ?? 'error' })
  const log = createLog(config.log.level)
  const plan = loadRules(ruleSources(config))
  const dns = createDns({ servers: resolversOf(config.network.dns, plan), local: config.network.local })
  const net: Net = {
    dns,
    ...(config.clamd.address === null ? {} : { clamd: createClamd(config.clamd.address) }),
  }
  const dir = dataDir(config)
  const learner = await openLearner({
    dataDir: dir,
    readOnly: true,
    profile: config.learner.profile,
    minSpam: config.learner.spam_min,
    minHam: config.learner.ham_min,
  }).catch((error: unknown) => {
    // Nothing learned yet is no failure; a model that is there and cannot be read makes other verdicts than the server's.
    if (existsSync(join(dir, 'learner.db')))
      log.error({ err: error }, 'what was learned cannot be read: judged without Bayes')
    return undefined
  })
  const ruling = {
    plan,
    policy: scanPolicy(config),
    prefs: prefsSource(config),
  }
  const { count, queue_max, hang_ms } = config.workers
  return createCore(ruling, {
    workers: count ?? 0,
    queueMax: queue_max,
    hangMs: hang_ms,
    net,
    learner,
    dataDir: undefined,
    automataFile: undefined,
    log,
  })
}

/** Files of a path: itself, or everything below a directory in order of names. */
function listMail(path: string): string[] {
  if (path === '-') return [path]
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) throw new CliError(exits.usage, `${path}: no such file or directory`)
  if (!found.isDirectory()) return [path]
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    if (entry.isDirectory()) return listMail(join(path, entry.name))
    return entry.isFile() ? [join(path, entry.name)] : []
  })
}

async function scanFile(core: ServerCore, file: string, options: ScanOptions): Promise<Scanned> {
  const raw = file === '-' ? await readAll(process.stdin) : await readFile(file)
  const wants: Wants = {
    ...(options.json ? { subtests: true } : {}),
    ...(options.report ? { report: true } : {}),
    ...(options.message ? { rewritten: 'message' } : options.headers ? { rewritten: 'headers' } : {}),
    ...(options.explain ? { explain: true } : {}),
    ...(options.clues ? { clues: true } : {}),
  }
  return core.scan({
    id: randomUUID(),
    raw,
    envelope: { rcptTo: [] },
    wants,
    front: 'cli',
    ...(options.user === undefined ? {} : { user: options.user }),
  })
}

async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** What goes to standard output for one message, one char per byte. */
function format(file: string, scanned: Scanned, options: ScanOptions): string {
  if (options.json) return `${toLatin1(JSON.stringify(jsonOf(file, scanned, options)))}\n`
  if (options.report) return scanned.report ?? ''
  if (options.message || options.headers) return Buffer.from(scanned.rewritten ?? []).toString('latin1')
  const { score, requiredScore, action, hits } = scanned.verdict
  const names = hits.map((hit) => hit.symbol).join(',')
  return toLatin1(`${file}: ${score.toFixed(1)}/${requiredScore.toFixed(1)} ${action} ${names}\n`)
}

const toLatin1 = (text: string): string => Buffer.from(text).toString('latin1')

/** The line that CONTRACT.md promises. Byte strings are shown as the UTF-8 they hold. */
export function jsonOf(
  file: string,
  { verdict }: Scanned,
  options: Pick<ScanOptions, 'explain' | 'clues'>,
): object {
  const symbols = Object.fromEntries(
    verdict.hits.map(({ symbol, score, description, details, count, evidence }) => [
      symbol,
      {
        score,
        description,
        options: details,
        ...(count > 1 ? { count } : {}),
        ...(options.explain && evidence ? { evidence } : {}),
      },
    ]),
  )
  return {
    file,
    score: verdict.score,
    required_score: verdict.requiredScore,
    is_spam: verdict.isSpam,
    action: verdict.action,
    symbols,
    subtests: Object.entries(verdict.subtests).map(([name, count]) =>
      count === 1 ? name : `${name}(${count})`,
    ),
    notes: verdict.notes,
    time_ms: Math.round(verdict.tookMs * 1000) / 1000,
    ...(verdict.bayes?.probability === undefined ? {} : { bayes: verdict.bayes.probability }),
    ...(options.clues ? { clues: verdict.bayes?.clues ?? [] } : {}),
  }
}
