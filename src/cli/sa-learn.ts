// `hamd sa-learn`: sa-learn's own command line over hamd's learner. Options about its database files are accepted and say so with -D.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type BulkCounts, learnMails, readFileList, readMails } from '../../bayes/bulk.js'
import { readSaLearnDump } from '../../bayes/import.js'
import { defaultSettings, Learner } from '../../bayes/index.js'
import type { Config } from '../config/schema.js'
import { followedVersion } from '../report/index.js'
import { ask, withLearner } from './control.js'
import { CliError, exits } from './exit.js'
import { postLearn, unmarked } from './learn.js'
import { tellIdle, withoutDebugAreas } from './sa-options.js'
import { controlSocket, dataDir, loadConfig } from './settings.js'

const flag = { type: 'boolean' } as const
const word = { type: 'string' } as const
const options = {
  spam: flag,
  ham: flag,
  nonspam: flag,
  forget: flag,
  backup: flag,
  restore: word,
  clear: flag,
  sync: flag,
  'force-expire': flag,
  folders: { ...word, short: 'f', multiple: true },
  mbox: flag,
  mbx: flag,
  dir: flag,
  file: flag,
  'max-size': word,
  showdots: flag,
  progress: flag,
  username: { ...word, short: 'u' },
  dbpath: word,
  dump: word,
  regexp: word,
  help: { ...flag, short: 'h' },
  version: { ...flag, short: 'V' },
  debug: { ...flag, short: 'D' },
  local: { ...flag, short: 'L' },
  'no-sync': flag,
  'use-ignores': flag,
  import: flag,
  configpath: { ...word, short: 'C' },
  'config-file': word,
  prefspath: { ...word, short: 'p' },
  'prefs-file': word,
  siteconfigpath: word,
  cf: { ...word, multiple: true },
  single: flag,
} as const

const own = 'hamd keeps one store of its own'
/** Options that change nothing here. */
const idle = {
  mbox: 'what a path is shows by itself',
  mbx: 'what a path is shows by itself',
  dir: 'what a path is shows by itself',
  file: 'what a path is shows by itself',
  single: 'what a path is shows by itself',
  showdots: 'messages are counted at the end',
  progress: 'messages are counted at the end',
  dbpath: own,
  regexp: own,
  sync: own,
  'no-sync': own,
  import: own,
  'force-expire': 'the store expires by itself',
  'use-ignores': 'every message is learned',
  local: 'learning looks nothing up',
  configpath: 'learning needs no rules',
  'config-file': 'learning needs no rules',
  prefspath: 'learning needs no rules',
  'prefs-file': 'learning needs no rules',
  siteconfigpath: 'learning needs no rules',
  cf: 'learning needs no rules',
}

/** sa-learn skips larger messages unless --max-size says otherwise. */
const sizeMax = 500 * 1024

const help = `Usage: hamd sa-learn [--spam | --ham | --forget] [options] [FILE | DIR | -]...

  -f FILE               list of files and directories
  --mbox, --dir         accepted: what a path is shows by itself
  --max-size BYTES      skip larger messages (default ${sizeMax}; 0 = no limit)
  --progress            count on the terminal
  -u USER               model of this user
  --restore FILE        take over a dump of sa-learn --backup
  --backup, --clear, --sync, --force-expire, --dump [magic]
  -h, -V, -D

Example: hamd sa-learn --spam --mbox ~/spam.mbox
`

export async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parse(argv)
  tellIdle(values, idle)
  if (values.help) return print(help)
  if (values.version) return print(`SpamAssassin version ${followedVersion}\n`)
  const config = loadConfig({})
  const dir = dataDir(config)
  mkdirSync(dir, { recursive: true, mode: 0o750 })
  if (values.restore !== undefined) return restore(values.restore, config)
  if (values.clear) return clear(dir)
  if (values.dump !== undefined) return dump(values.dump, dir)
  if (values.backup)
    throw new CliError(exits.usage, 'hamd keeps its own store: copy it with `hamd backup FILE`')
  const what = values.spam
    ? 'spam'
    : values.ham || values.nonspam
      ? 'ham'
      : values.forget
        ? 'forget'
        : undefined
  if (!what) {
    if (values.sync || values['force-expire'] || values.import) return exits.ok
    throw new CliError(
      exits.usage,
      'Please select either --spam, --ham, --forget, --sync, --import,\n--dump, --clear, --backup or --restore',
    )
  }
  const listed = (values.folders ?? []).flatMap(readFileList)
  const paths = [...positionals, ...listed]
  const given = values['max-size'] === undefined ? sizeMax : Number(values['max-size'])
  if (!Number.isInteger(given) || given < 0)
    throw new CliError(exits.usage, `--max-size needs a number of bytes, not '${values['max-size']}'`)
  if (values.username !== undefined && !config.learner.per_user)
    process.stderr.write('sa-learn: -u has no effect: users have no models of their own (learner.per_user)\n')
  const counts = await teach(what, paths, {
    dir,
    bytesMax: given === 0 ? Number.POSITIVE_INFINITY : given,
    user: config.learner.per_user ? values.username : undefined,
  })
  const done = counts.learned + counts.relearned + counts.forgotten
  const verb = what === 'forget' ? 'Forgot' : 'Learned'
  print(`${verb} tokens from ${done} message(s) (${counts.mails} message(s) examined)\n`)
  return counts.mails === 0 ? exits.failed : exits.ok
}

function parse(argv: readonly string[]) {
  // `--dump` takes a word or none: give it one.
  const given = withoutDebugAreas(argv)
  const args = given.flatMap((word, index) =>
    word === '--dump'
      ? [/^(?:all|data|magic)$/.test(given[index + 1] ?? '') ? '--dump' : '--dump=magic']
      : [word],
  )
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new CliError(exits.usage, (error as Error).message.split('. ')[0]!)
  }
}

function print(text: string): number {
  process.stdout.write(text)
  return exits.ok
}

interface TeachOptions {
  readonly dir: string
  readonly bytesMax: number
  readonly user: string | undefined
}

/** In place, or through the server that owns the directory. Without a path the message comes from standard input. */
async function teach(
  what: 'spam' | 'ham' | 'forget',
  paths: readonly string[],
  given: TeachOptions,
): Promise<BulkCounts> {
  const mails = function* () {
    const named = paths.filter((path) => path !== '-')
    if (paths.length === 0 || paths.includes('-')) yield { name: '-', raw: readFileSync(0) as Uint8Array }
    const missing = (name: string) => process.stderr.write(`archive-iterator: no access to ${name}\n`)
    for (const mail of readMails(named, (name) => missing(name)))
      if (mail.raw.length <= given.bytesMax) yield mail
  }
  const user = given.user === undefined ? {} : { user: given.user }
  let learner: Learner
  try {
    learner = Learner.open({ ...defaultSettings, dataDir: given.dir })
  } catch (error) {
    const socket = controlSocket(given.dir)
    if (!existsSync(socket)) throw new CliError(exits.unavailable, (error as Error).message)
    return postLearn(what, unmarked(mails()), { socket, ...user })
  }
  try {
    return learnMails(learner, unmarked(mails()), {
      class: what,
      source: `sa-learn ${userInfo().username}`,
      ...user,
    })
  } finally {
    learner.close()
  }
}

/** A dump of sa-learn --backup becomes counts that serve until enough mails of our own are learned. */
async function restore(file: string, config: Config): Promise<number> {
  const source = file === '-' ? join(mkdtempSync(join(tmpdir(), 'sa-learn-')), 'dump') : resolve(file)
  if (file === '-') writeFileSync(source, readFileSync(0))
  try {
    const read = await readSaLearnDump(source).catch((error: unknown) => {
      throw new CliError(exits.usage, error instanceof Error ? error.message : String(error))
    })
    await withLearner(
      config,
      (learner) => learner.importCounts(read),
      (socket) => ask<void>(socket, '/import', { file: source }),
    )
  } finally {
    if (file === '-') rmSync(dirname(source), { recursive: true, force: true })
  }
  return exits.ok
}

/** Puts the store aside under another name: nothing that was learned is deleted by a slip. */
function clear(dir: string): number {
  Learner.open({ ...defaultSettings, dataDir: dir }).close()
  const aside = `cleared-${new Date().toISOString().replace(/[:.]/g, '-')}`
  for (const name of ['learner.db', 'learner.db-wal', 'learner.db-shm']) {
    const path = join(dir, name)
    if (existsSync(path)) renameSync(path, join(dir, name.replace('learner', `learner-${aside}`)))
  }
  return exits.ok
}

/** The figures of `sa-learn --dump magic`; tokens are hashed with a salt here and have no names or keys to show. */
function dump(what: string, dir: string): number {
  if (what === 'data')
    throw new CliError(exits.usage, 'tokens have no names here: hamd ledger lists what was learned')
  const learner = Learner.open({ ...defaultSettings, dataDir: dir }, { readOnly: true })
  const stats = learner.stats()
  const times = learner.rows({ states: ['counted'] }, -1).map((row) => Math.floor(row.timeMs / 1000))
  learner.close()
  const row = (value: number, name: string) =>
    `0.000          0 ${String(value).padStart(10)}          0  non-token data: ${name}\n`
  return print(
    row(3, 'bayes db version') +
      row(stats.spam, 'nspam') +
      row(stats.ham, 'nham') +
      row(stats.tokens, 'ntokens') +
      row(times[0] ?? 0, 'oldest atime') +
      row(times.at(-1) ?? 0, 'newest atime'),
  )
}
