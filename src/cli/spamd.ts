// `hamd spamd`: spamd's own command line for the same server, so that init scripts and systemd units go on working.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import type { ListenTo } from '../../server/listen.js'
import { escapeLine } from '../../server/spamd/log.js'
import { parseAddress } from '../config/address.js'
import { defaultConfig } from '../config/file.js'
import type { Config } from '../config/schema.js'
import { createLogTo } from '../log.js'
import { followedVersion } from '../report/index.js'
import { accountOf, become, giveTo } from './account.js'
import { CliError, exits } from './exit.js'
import { ruleFolders } from './sa-paths.js'
import { runServer } from './serve.js'
import { dataDir } from './settings.js'
import { parseSpamdArgs, type SpamdArgs, type SpamdLogTarget, spamdHelp } from './spamd-args.js'

/** Set in the child of -d: it must not go into the background again. */
const daemonMark = 'HAMD_DAEMON'

export async function run(argv: readonly string[]): Promise<number> {
  const command = parseSpamdArgs(argv)
  switch (command.kind) {
    case 'help':
      process.stdout.write(spamdHelp)
      return exits.ok
    case 'version':
      process.stdout.write(`SpamAssassin Server version ${followedVersion}\n`)
      return exits.ok
    case 'usage-error':
      throw new CliError(exits.usage, command.text)
    case 'serve':
      return command.args.daemonize && process.env[daemonMark] === undefined
        ? daemonize(argv)
        : serve(command.args)
  }
}

/** Starts the same command in a session of its own and waits until it is ready: an init script goes on when the port is open. */
function daemonize(argv: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, 'spamd', ...argv], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [daemonMark]: '1' },
  })
  return new Promise((resolve) => {
    child.once('message', () => {
      child.disconnect()
      child.unref()
      resolve(exits.ok)
    })
    child.once('exit', (status) => resolve(status ?? exits.internal))
  })
}

async function serve(args: SpamdArgs): Promise<number> {
  const account = accountOf(args)
  const config = configOf(args)
  const line = lineWriter(args.log)
  const log = createLogTo(config.log.level, (row) => line(plainRow(row)))
  for (const note of args.notes) log.debug(note)
  const { pidFile } = args
  await runServer(config, () => configOf(args), {
    line,
    log,
    doors: doorsOf(args),
    rules: {
      builtin: false,
      paths: ruleFolders(args),
      local: args.local,
      preLines: args.preLines,
      cfLines: args.cfLines,
    },
    prefs: prefsOf(args),
    ready(addresses) {
      if (pidFile !== undefined) writeFileSync(pidFile, `${process.pid}\n`)
      if (account !== undefined) {
        giveTo(account, dataDir(config))
        become(account)
      }
      for (const address of addresses)
        line(`spamd: server started on ${shownAddress(address)} (running version ${followedVersion})`)
      line(`spamd: server pid: ${process.pid}`)
      process.send?.('ready')
    },
    reloading: () => line('spamd: server hit by SIGHUP, reading the rules again'),
    stopping: () => line('spamd: server killed by SIGTERM or SIGINT, shutting down'),
    ended() {
      // The folder of the file may belong to root, whose rights are gone by now.
      if (pidFile !== undefined) removeFile(pidFile)
    },
  })
  return exits.ok
}

function removeFile(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // What stays behind names a process that is gone: init scripts look whether it lives.
  }
}

/** A row of the server's own log as words: `{"level":40,"msg":...}`. */
function plainRow(row: string): string {
  const { msg, err } = JSON.parse(row) as { msg?: string; err?: { message?: string } }
  const why = err?.message === undefined ? '' : `: ${err.message}`
  return escapeLine(`spamd: ${msg ?? ''}${why}`)
}

function configOf(args: SpamdArgs): Config {
  const base = defaultConfig()
  return {
    ...base,
    listen: {
      ...base.listen,
      scan: args.listen.map(({ address }) => address),
      controller: [],
      allowed_ips: args.allowedIps,
    },
    network: { ...base.network, local: args.local },
    spamd: {
      ...base.spamd,
      allow_tell: args.allowTell,
      timeout_tcp_ms: args.firstLineMs ?? base.spamd.timeout_tcp_ms,
      timeout_child_ms: args.requestMs ?? base.spamd.timeout_child_ms,
    },
    // SpamAssassin's own setting, bayes_auto_learn of the rules, decides.
    learner: { ...base.learner, autolearn: true },
    workers: { ...base.workers, count: args.workers ?? base.workers.count },
    log: { level: args.debug === '' ? 'warn' : 'debug' },
  }
}

/** Each listener with what belongs to it: TLS where it was asked for, mode and owner for sockets. */
function doorsOf({ listen, socket, tls }: SpamdArgs): ListenTo[] {
  const secured = listen.some((one) => one.tls) ? { tls: readTls(tls) } : {}
  return listen.map((one): ListenTo => {
    const address = parseAddress(one.address)
    if (!address) throw new CliError(exits.usage, `${one.address} is not an address to listen on`)
    return { address, ...socket, ...(one.tls ? secured : {}) }
  })
}

function readTls({ key, cert, ca, verify }: SpamdArgs['tls']): NonNullable<ListenTo['tls']> {
  const read = (option: string, file: string | undefined): Buffer => {
    if (file === undefined) throw new CliError(exits.usage, `--ssl needs ${option} FILE`)
    try {
      return readFileSync(file)
    } catch (error) {
      throw new CliError(exits.config, `${option}: ${(error as Error).message}`)
    }
  }
  const pair = { key: read('--server-key', key), cert: read('--server-cert', cert) }
  return verify ? { ...pair, ca: read('--ssl-ca-file', ca) } : pair
}

function prefsOf({ prefs }: SpamdArgs): { kind: 'off' | 'home' | 'pattern'; dir: string | null } {
  return prefs.kind === 'pattern' ? { kind: 'pattern', dir: prefs.pattern } : { kind: prefs.kind, dir: null }
}

/** `127.0.0.1:783` as spamd writes it. */
function shownAddress(address: string): string {
  if (address.startsWith('unix:')) return `UNIX domain socket ${address.slice(5)}`
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at).replace(/^\[|\]$/g, '')
  return `IO::Socket::IP [${host}]:${address.slice(at + 1)}`
}

/** Where spamd's lines go: -s. Each target has its own stamp, as spamd's. */
function lineWriter(target: SpamdLogTarget): (line: string) => void {
  switch (target.kind) {
    case 'none':
      return () => {}
    case 'stderr':
      return (line) => void process.stderr.write(`${stamp()} ${line}\n`)
    case 'file': {
      let file = openSync(target.path, 'a')
      // logrotate moves the file away and sends SIGHUP.
      process.on('SIGHUP', () => {
        const before = file
        try {
          file = openSync(target.path, 'a')
          closeSync(before)
        } catch {
          // Without root's rights the old file has to do.
        }
      })
      return (line) => void writeSync(file, `${stamp()} ${line}\n`)
    }
    case 'syslog': {
      const logger = spawn('logger', ['-t', `spamd[${process.pid}]`, '-p', `${target.facility}.info`], {
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      logger.on('error', () => {})
      logger.stdin.on('error', () => {})
      logger.unref()
      return (line) => void logger.stdin.write(`${line}\n`)
    }
  }
}

/** `Sat Nov 21 23:50:08 2026 [pid] info:` */
function stamp(): string {
  const [day, month, date, year, time] = new Date().toString().split(' ')
  return `${day} ${month} ${date} ${time} ${year} [${process.pid}] info:`
}
