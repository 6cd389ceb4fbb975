// `hamd spamd`: spamd's own command line for the same server, so that init scripts and systemd units go on working.
import { spawn } from 'node:child_process'
import { closeSync, createWriteStream, openSync, rmSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { defaultConfig } from '../config/file.js'
import type { Config } from '../config/schema.js'
import { createLog } from '../log.js'
import { followedVersion } from '../report/index.js'
import { CliError, exits } from './exit.js'
import { ruleFolders } from './sa-paths.js'
import { runServer } from './serve.js'
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
  const child = spawn(process.execPath, [process.argv[1]!, 'spamd', ...argv], {
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
  const config = configOf(args)
  const line = lineWriter(args.log)
  const log = createLog(args.debug === '' ? 'warn' : 'debug')
  for (const note of args.notes) log.debug(note)
  const { pidFile } = args
  await runServer(config, () => configOf(args), {
    line,
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
      for (const address of addresses)
        line(`spamd: server started on ${shownAddress(address)} (running version ${followedVersion})`)
      line(`spamd: server pid: ${process.pid}`)
      dropRights(args)
      process.send?.('ready')
    },
    ended() {
      if (pidFile !== undefined) rmSync(pidFile, { force: true })
    },
  })
  return exits.ok
}

function configOf(args: SpamdArgs): Config {
  const base = defaultConfig()
  const { socket, tls } = args
  return {
    ...base,
    listen: {
      ...base.listen,
      scan: args.listen.map(({ address }) => address),
      controller: [],
      allowed_ips: args.allowedIps,
      socket_mode: socket.mode === undefined ? base.listen.socket_mode : socket.mode.toString(8),
      socket_owner: socket.owner ?? null,
      socket_group: socket.group ?? null,
      tls_key: args.listen.some((listener) => listener.tls) ? (tls.key ?? null) : null,
      tls_cert: args.listen.some((listener) => listener.tls) ? (tls.cert ?? null) : null,
    },
    network: { ...base.network, local: args.local },
    spamd: {
      ...base.spamd,
      allow_tell: args.allowTell,
      timeout_tcp_ms: args.firstLineMs ?? base.spamd.timeout_tcp_ms,
      timeout_child_ms: args.requestMs ?? base.spamd.timeout_child_ms,
    },
    workers: { ...base.workers, count: args.workers ?? base.workers.count },
    log: { level: args.debug === '' ? 'warn' : 'debug' },
  }
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
      closeSync(openSync(target.path, 'a'))
      const file = createWriteStream(target.path, { flags: 'a' })
      return (line) => void file.write(`${stamp()} ${line}\n`)
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

/** -u and -g, once the sockets are bound. */
function dropRights({ user, group }: SpamdArgs): void {
  if (process.getuid?.() !== 0) return
  if (group !== undefined) process.setgid!(group)
  if (user !== undefined && user !== userInfo().username) {
    ;(process as { initgroups?: (user: string, group: string) => void }).initgroups?.(user, group ?? user)
    process.setuid!(user)
  }
}
