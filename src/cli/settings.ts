// Makes the configuration in force from options, file and defaults (options win over the file, that over the defaults), and the
// derived values that several commands need.
import { existsSync, readFileSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { ConfigError, defaultConfig, parseConfig } from '../config/file.js'
import type { Config } from '../config/schema.js'
import type { PrefsSource } from '../pool/protocol.js'
import type { RuleSources } from '../ruling-aside.js'
import type { ScanPolicy } from '../scan.js'
import type { Action } from '../types.js'
import { CliError, exits } from './exit.js'

/** Options shared by serve, scan, learn and lint, as commander gives them. */
export interface CommonOptions {
  readonly config?: string
  readonly scan?: string[]
  readonly controller?: string[]
  readonly data?: string
  readonly rules?: string[]
  readonly builtinRules?: boolean
  readonly local?: boolean
  readonly dns?: string[]
  readonly clamd?: string
  readonly allowTell?: boolean
  readonly workers?: number
  readonly logLevel?: string
  readonly userPrefsDir?: string
}

const defaultFile = '/etc/hamd/hamd.toml'

/**
 * @throws CliError 78 with every problem of the file as `file:line: what`.
 */
export function loadConfig(options: CommonOptions): Config {
  const file = options.config ?? (existsSync(defaultFile) ? defaultFile : undefined)
  const base = file === undefined ? defaultConfig() : readConfig(file)
  return {
    ...base,
    listen: {
      ...base.listen,
      scan: options.scan ?? base.listen.scan,
      controller: options.controller ?? base.listen.controller,
    },
    data: { dir: options.data ?? base.data.dir },
    rules: {
      ...base.rules,
      builtin: options.builtinRules === false ? false : base.rules.builtin,
      paths: options.rules ?? base.rules.paths,
    },
    network: {
      ...base.network,
      local: options.local ?? base.network.local,
      dns: options.dns ?? base.network.dns,
    },
    clamd: { ...base.clamd, address: options.clamd ?? base.clamd.address },
    spamd: { ...base.spamd, allow_tell: options.allowTell ?? base.spamd.allow_tell },
    users: {
      ...base.users,
      ...(options.userPrefsDir === undefined
        ? {}
        : { prefs: 'dir' as const, prefs_dir: options.userPrefsDir }),
    },
    workers: { ...base.workers, count: options.workers ?? base.workers.count },
    log: { level: (options.logLevel as Config['log']['level'] | undefined) ?? base.log.level },
  }
}

function readConfig(file: string): Config {
  try {
    return parseConfig(readFileSync(file, 'utf8'), file)
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError(exits.config, error.message)
    throw new CliError(exits.config, `${file}: ${(error as Error).message}`)
  }
}

/** Folder of all state (CONTRACT.md, --data). */
export function dataDir(config: Config): string {
  if (config.data.dir !== null) return config.data.dir
  const systemd = process.env['STATE_DIRECTORY']?.split(':')[0]
  if (systemd) return systemd
  if (process.getuid?.() === 0) return '/var/lib/hamd'
  return join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'hamd')
}

/** What scans look at, from the configuration. */
export function scanPolicy(config: Config): ScanPolicy {
  const { greylist, add_header, rewrite_subject, reject } = config.actions
  const thresholds: Partial<Record<Action, number>> = {
    greylist,
    reject,
    ...(add_header === null ? {} : { 'add header': add_header }),
    ...(rewrite_subject === null ? {} : { 'rewrite subject': rewrite_subject }),
  }
  return {
    thresholds,
    lookupMs: config.network.lookup_ms,
    unchecked: config.clamd.unchecked,
    hostname: hostname(),
    autolearn: config.learner.autolearn,
    perUser: config.learner.per_user,
  }
}

/** Which rules the configuration names. */
export function ruleSources(config: Config): RuleSources {
  return { builtin: config.rules.builtin, paths: config.rules.paths, local: config.network.local }
}

/** Socket of the server that owns a data folder: trusted, for commands run as the same account. */
export function controlSocket(dir: string): string {
  return join(dir, 'control.sock')
}

/** Where per-user preferences come from. */
export function prefsSource(config: Config): PrefsSource {
  return {
    kind: config.users.prefs,
    dir: config.users.prefs_dir,
    allowUserRules: config.rules.allow_user_rules,
  }
}
