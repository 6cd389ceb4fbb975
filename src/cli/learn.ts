// `hamd learn`: folders into the learner. Works on the data folder itself when no server runs on it, else through the server's control
// socket in that folder: one directory has one writer.

import { existsSync } from 'node:fs'
import { type BulkCounts, type FolderMail, learnMails, readMails } from '../../bayes/bulk.js'
import type { Learner } from '../../bayes/index.js'
import { withoutMarkup } from '../report/index.js'
import { commandSource, post, type Reply, withLearner } from './control.js'
import { CliError, exits } from './exit.js'
import { type CommonOptions, loadConfig } from './settings.js'

interface LearnOptions extends CommonOptions {
  readonly user?: string
  readonly id?: string[]
}

type Taught = 'spam' | 'ham' | 'forget'

/** Requests under way at once when a running server learns. */
const parallel = 8

export async function learn(what: string, paths: readonly string[], options: LearnOptions): Promise<void> {
  if (what !== 'spam' && what !== 'ham' && what !== 'forget')
    throw new CliError(exits.usage, `${what} is no class: hamd learn spam|ham|forget PATH...`)
  if (paths.length === 0 && !options.id)
    throw new CliError(exits.usage, 'nothing to learn: give files, directories, an mbox, or --id')
  for (const path of paths)
    if (!existsSync(path)) throw new CliError(exits.usage, `${path}: no such file or directory`)
  const config = loadConfig(options)
  if (options.user !== undefined && !config.learner.per_user)
    throw new CliError(exits.config, 'users have no models of their own: set per_user = true in [learner]')
  const progress = createProgress()
  const counts = await withLearner(
    config,
    (learner) => learnHere(what, paths, options, learner, progress),
    (socket) => learnThere(what, paths, options, socket, progress),
  )
  progress.end()
  const done = counts.learned + counts.relearned + counts.forgotten
  const verb = what === 'forget' ? 'forgotten' : 'learned'
  process.stdout.write(
    `${done} ${verb}, ${counts.known + counts.unknown} already known, ${counts.refused + counts.failed} failed\n`,
  )
  process.exitCode = done === 0 && counts.failed > 0 ? exits.temporary : exits.ok
}

function learnHere(
  what: Taught,
  paths: readonly string[],
  options: LearnOptions,
  learner: Learner,
  progress: Progress,
): BulkCounts {
  const source = commandSource()
  const counts = learnMails(learner, unmarked(readMails(paths, tell)), {
    class: what,
    source,
    ...(options.user === undefined ? {} : { user: options.user }),
    onProgress: (now) => progress.show(now.mails),
    onProblem: tell,
  })
  const byId = { ...counts }
  for (const id of options.id ?? []) {
    const outcome = learner.learnScan(id, what, source, options.user)
    byId[outcome.status]++
    if (outcome.status === 'refused' || outcome.status === 'failed') tell(id, outcome.reason)
  }
  return byId
}

/** Mails as they came in, without the marks that a filter left in them. */
export function* unmarked(mails: Iterable<FolderMail>): Generator<FolderMail> {
  for (const { name, raw } of mails) yield { name, raw: withoutMarkup(raw) }
}

/** Through the server that owns the directory. */
async function learnThere(
  what: Taught,
  paths: readonly string[],
  options: LearnOptions,
  socket: string,
  progress: Progress,
): Promise<BulkCounts> {
  const user = options.user === undefined ? {} : { user: options.user }
  const counts = await postLearn(what, readMails(paths, tell), { socket, ...user, onProgress: progress.show })
  for (const id of options.id ?? []) {
    const body = Buffer.from(JSON.stringify({ id, class: what, ...user }))
    take(counts, what, id, await post(socket, '/learn', body, { 'Learn-Source': commandSource() }))
  }
  return counts
}

type Counting = { -readonly [K in keyof BulkCounts]: number }

/** Teaches a running server mail by mail over its control socket. */
export async function postLearn(
  what: Taught,
  mails: Iterable<FolderMail>,
  options: { readonly socket: string; readonly user?: string; readonly onProgress?: (mails: number) => void },
): Promise<Counting> {
  const counts: Counting = {
    mails: 0,
    learned: 0,
    relearned: 0,
    known: 0,
    forgotten: 0,
    unknown: 0,
    refused: 0,
    failed: 0,
  }
  const headers = {
    Class: what,
    'Learn-Source': commandSource(),
    ...(options.user === undefined ? {} : { 'Learn-User': options.user }),
  }
  const queue = mails[Symbol.iterator]()
  const work = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const { name, raw } = next.value
      take(counts, what, name, await post(options.socket, '/learnclass', raw, headers))
      options.onProgress?.(counts.mails)
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return counts
}

function take(counts: Counting, what: Taught, name: string, { status, text }: Reply): void {
  counts.mails++
  if (status === 200) counts[what === 'forget' ? 'forgotten' : 'learned']++
  else if (status === 208) counts.known++
  else {
    counts.failed++
    tell(name, text)
  }
}

function tell(name: string, reason: string): void {
  process.stderr.write(`hamd: ${name}: ${reason}\n`)
}

interface Progress {
  show(mails: number): void
  end(): void
}

/** A line that counts, on a terminal only. */
function createProgress(): Progress {
  const terminal = process.stderr.isTTY === true
  const startedAt = Date.now()
  let shownAt = 0
  return {
    show(mails) {
      const now = Date.now()
      if (!terminal || now - shownAt < 100) return
      shownAt = now
      const rate = Math.round(mails / Math.max(0.001, (now - startedAt) / 1000))
      process.stderr.write(
        `\r${'▪'.repeat(Math.min(40, Math.ceil(mails / 250)))} ${mails} messages, ${rate}/s `,
      )
    },
    end() {
      if (terminal && shownAt > 0) process.stderr.write('\r\x1b[K')
    },
  }
}
