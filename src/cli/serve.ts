// `hamd serve`: the server in the foreground, until a signal ends it.
import { StartError, startServer } from '../../server/main.js'
import type { Config } from '../config/schema.js'
import { CliError } from './exit.js'
import {
  type CommonOptions,
  controlSocket,
  dataDir,
  loadConfig,
  ruleSources,
  scanPolicy,
} from './settings.js'

export async function serve(options: CommonOptions): Promise<void> {
  const config = loadConfig(options)
  await runServer(config, () => loadConfig(options))
}

/** Runs the server for a configuration; `again` gives it anew at a SIGHUP. Resolves when the server is down. */
export async function runServer(
  config: Config,
  again: () => Config,
  spamdLine?: (line: string) => void,
): Promise<void> {
  const derive = (given: Config) => ({ config: given, policy: scanPolicy(given), rules: ruleSources(given) })
  const line =
    spamdLine ??
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
  process.exit(0)
}
