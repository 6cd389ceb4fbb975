// `hamd backup` and `hamd restore`: the whole knowledge of the learner as one file. The ledger is the truth, so a copy of it is enough.
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defaultSettings, Learner } from '../../bayes/index.js'
import { checkBackup } from '../../bayes/store/backup.js'
import { ask, withLearner } from './control.js'
import { CliError, exits } from './exit.js'
import { type CommonOptions, dataDir, loadConfig } from './settings.js'

interface BackupOptions extends CommonOptions {
  readonly force?: boolean
}

export async function backup(file: string, options: BackupOptions): Promise<void> {
  const target = resolve(file)
  if (existsSync(target) && !options.force)
    throw new CliError(exits.usage, `${file} exists already: name another file, or give --force`)
  // Written aside first: a copy that breaks off must not stand where a good one stood.
  const aside = `${target}.part`
  rmSync(aside, { force: true })
  const config = loadConfig(options)
  await withLearner(
    config,
    (learner) => learner.backup(aside),
    (socket) => ask<void>(socket, '/backup', { file: aside }),
  ).catch((error: unknown) => {
    rmSync(aside, { force: true })
    throw error instanceof CliError ? error : new CliError(exits.unavailable, (error as Error).message)
  })
  renameSync(aside, target)
  process.stdout.write(`${file} written\n`)
}

export async function restore(file: string, options: CommonOptions): Promise<void> {
  const source = resolve(file)
  if (!existsSync(source)) throw new CliError(exits.usage, `${file}: no such file`)
  try {
    checkBackup(source)
  } catch (error) {
    throw new CliError(exits.usage, `${file} is no backup of hamd: ${(error as Error).message}`)
  }
  const config = loadConfig(options)
  const dir = dataDir(config)
  const there = await withLearner(
    config,
    () => false,
    async (socket) => {
      await ask(socket, '/restore', { file: source })
      return true
    },
  )
  if (!there) restoreHere(source, dir)
  process.stdout.write(`restored from ${file}; what was there before is kept in ${dir}\n`)
}

/** No server runs: the file takes the place of the ledger, which stays beside it under another name. */
function restoreHere(source: string, dir: string): void {
  const target = join(dir, 'learner.db')
  const aside = `${target}.before-restore-${new Date().toISOString().replace(/[:.]/g, '-')}`
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(target + suffix)) renameSync(target + suffix, aside + suffix)
  copyFileSync(source, target)
  Learner.open({ ...defaultSettings, dataDir: dir }).close()
}
