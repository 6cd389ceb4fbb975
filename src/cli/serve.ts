// `hamd serve`: the server in the foreground, until a signal ends it.
import { cpus } from 'node:os'
import type { ListenTo } from '../../server/listen.js'
import type { Config } from '../config/schema.js'
import type { Log } from '../log.js'
import type { PrefsSource } from '../pool/protocol.js'
import { ScanThreads } from '../pool/threads.js'
import type { RuleSources } from '../ruling-aside.js'
import { startStores } from '../stores.js'
import { optimiseLate, optimiseSoon } from '../tiering.js'
import { CliError } from './exit.js'
import {
  type CommonOptions,
  controlSocket,
  dataDir,
  loadConfig,
  prefsSource,
  ruleSources,
  scanPolicy,
} from './settings.js'

export async function serve(options: CommonOptions): Promise<void> {
  const config = loadConfig(options)
  await runServer(config, () => loadConfig(options))
}

/** What a program with a command line of its own does otherwise than `hamd serve`. */
export interface ServerManner {
  /** Takes spamd's own log lines. */
  readonly line: (line: string) => void
  readonly rules: RuleSources
  readonly prefs: Pick<PrefsSource, 'kind' | 'dir'>
  readonly doors: readonly ListenTo[]
  readonly log: Log
  readonly ready: (scanAddresses: readonly string[]) => void
  /** SIGHUP came: rules are about to be read again. */
  readonly reloading: () => void
  /** SIGTERM or SIGINT came. */
  readonly stopping: () => void
  readonly ended: () => void
}

/** Runs the server for a configuration; `again` gives it anew at a SIGHUP. Ends the process when the server is down. */
export async function runServer(config: Config, again: () => Config, manner?: ServerManner): Promise<void> {
  const derive = (given: Config) => ({
    config: given,
    policy: scanPolicy(given),
    rules: manner?.rules ?? ruleSources(given),
    prefs: { ...prefsSource(given), ...manner?.prefs },
  })
  const line =
    manner?.line ??
    (config.spamd.log_lines ? (text: string) => void process.stderr.write(`${text}\n`) : undefined)
  // Before the start: a signal that comes while the rules are read is honoured as soon as there is something to end in order. Further
  // ones change nothing: npm hands on a Ctrl-C that the terminal has already sent to everybody.
  const stopped = new Promise<void>((resolve) => {
    process.on('SIGTERM', () => resolve())
    process.on('SIGINT', () => resolve())
  })
  optimiseLate()
  // The threads load their code while this one loads its own. Scan workers are told what to scan by when the learner is there: its first.
  const stores = startStores()
  const threads = new ScanThreads(config.workers.count ?? cpus().length)
  const starting = import('../../server/main.js').then(({ StartError, startServer }) =>
    startServer({
      ...derive(config),
      threads,
      stores,
      dataDir: dataDir(config),
      controlSocket: controlSocket(dataDir(config)),
      reread: () => derive(again()),
      ...(line ? { spamdLine: line } : {}),
      ...(manner ? { scanDoors: manner.doors, log: manner.log } : {}),
    }).catch((error: unknown) => {
      throw error instanceof StartError ? new CliError(error.status, error.message) : error
    }),
  )
  if (manner) process.on('SIGHUP', manner.reloading)
  process.on('SIGHUP', () => void starting.then((server) => server.reload()).catch(() => {}))
  const server = await starting
  optimiseSoon()
  manner?.ready(server.scanAddresses)
  await stopped
  manner?.stopping()
  await server.close()
  manner?.ended()
  process.exit(0)
}
