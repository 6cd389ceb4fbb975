// `hamd serve`: the server in the foreground, until a signal ends it.
import { StartError, startServer } from '../../server/main.js'
import type { Config } from '../config/schema.js'
import type { PrefsSource } from '../pool/protocol.js'
import type { RuleSources } from '../ruling.js'
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
  readonly ready: (scanAddresses: readonly string[]) => void
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
  let server: Awaited<ReturnType<typeof startServer>>
  try {
    server = await startServer({
      ...derive(config),
      dataDir: dataDir(config),
      controlSocket: controlSocket(dataDir(config)),
      reread: () => derive(again()),
      ...(line ? { spamdLine: line } : {}),
    })
  } catch (error) {
    if (error instanceof StartError) throw new CliError(error.status, error.message)
    throw error
  }
  manner?.ready(server.scanAddresses)
  process.on('SIGHUP', () => void server.reload())
  await new Promise<void>((resolve) => {
    let closing = false
    const end = () => {
      if (closing) return
      closing = true
      void server.close().then(resolve)
    }
    process.once('SIGTERM', end)
    process.once('SIGINT', end)
  })
  manner?.ended()
  process.exit(0)
}
