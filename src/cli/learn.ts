// `hamd learn`: folders into the learner. Works on the data folder itself when no server runs on it, else through the server's control
// socket in that folder: one directory has one writer.

import { existsSync, mkdirSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { userInfo } from 'node:os'
import { type BulkCounts, type FolderMail, learnPaths, readMails } from '../../bayes/bulk.js'
import { defaultSettings, Learner } from '../../bayes/index.js'
import { CliError, exits } from './exit.js'
import { type CommonOptions, controlSocket, dataDir, loadConfig } from './settings.js'

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
  const dir = dataDir(config)
  mkdirSync(dir, { recursive: true, mode: 0o750 })
  const socket = controlSocket(dir)
  const progress = createProgress()
  const counts = await learnHere(what, paths, options, dir, progress).catch((error: unknown) => {
    if (!existsSync(socket))
      throw new CliError(exits.unavailable, error instanceof Error ? error.message : String(error))
    return learnThere(what, paths, options, socket, progress)
  })
  progress.end()
  const done = counts.learned + counts.relearned + counts.forgotten
  const verb = what === 'forget' ? 'forgotten' : 'learned'
  process.stdout.write(
    `${done} ${verb}, ${counts.known + counts.unknown} already known, ${counts.refused + counts.failed} failed\n`,
  )
  process.exitCode = done === 0 && counts.failed > 0 ? exits.temporary : exits.ok
}

async function learnHere(
  what: Taught,
  paths: readonly string[],
  options: LearnOptions,
  dir: string,
  progress: Progress,
): Promise<BulkCounts> {
  const { learner: given } = loadConfig(options)
  const learner = Learner.open({
    ...defaultSettings,
    dataDir: dir,
    profile: given.profile,
    minSpam: given.spam_min,
    minHam: given.ham_min,
  })
  try {
    const source = `cli ${userInfo().username}`
    const counts = learnPaths(learner, paths, {
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
  } finally {
    learner.close()
  }
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
    take(counts, what, id, await post(socket, '/learn', body, {}))
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
  const headers = { Class: what, ...(options.user === undefined ? {} : { 'Deliver-To': options.user }) }
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

function take(
  counts: Counting,
  what: Taught,
  name: string,
  { status, text }: { status: number; text: string },
): void {
  counts.mails++
  if (status === 200) counts[what === 'forget' ? 'forgotten' : 'learned']++
  else if (status === 208) counts.known++
  else {
    counts.failed++
    tell(name, text)
  }
}

function post(
  socketPath: string,
  path: string,
  body: Uint8Array,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { socketPath, path, method: 'POST', headers: { ...headers, 'Content-Length': body.length } },
      (reply) => {
        let text = ''
        reply.on('data', (chunk) => (text += String(chunk)))
        reply.on('end', () => resolve({ status: reply.statusCode ?? 500, text }))
      },
    )
    request.on('error', reject)
    request.end(body)
  })
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
