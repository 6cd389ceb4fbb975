// Puts the server together: configuration and signals in, running fronts out. Knows what exists, not how any protocol works.
// Start order: rules, look-ups, learner, workers (warm), then the ports; the end goes backwards, and answers what was accepted.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { cpus, hostname } from 'node:os'
import { join } from 'node:path'
import { type LearnerClient, openLearner } from '../bayes/client.js'
import type { Config } from '../src/config/schema.js'
import { createCore, type ServerCore } from '../src/core.js'
import { CoreError } from '../src/errors.js'
import { openHistory } from '../src/history/index.js'
import { createLog, type Log } from '../src/log.js'
import { createMetrics, type Metrics } from '../src/metrics.js'
import { checkClamd, createClamd } from '../src/net/clamd.js'
import { createDns } from '../src/net/dns.js'
import type { Ruling } from '../src/pool/pool.js'
import type { PrefsSource } from '../src/pool/protocol.js'
import type { ScanThreads } from '../src/pool/threads.js'
import { version } from '../src/root.js'
import { loadRulesAside, type RuleSources, resolversOf } from '../src/ruling-aside.js'
import { readSavedPlan } from '../src/ruling-cache.js'
import type { ScanPolicy } from '../src/scan.js'
import { type StoresThread, startStores } from '../src/stores.js'
import type { Clamd, Core, Net, Request } from '../src/types.js'
import type { Controller } from './controller/index.js'
import { clamdGauges, countClamd } from './counted-clamd.js'
import { controllerPorts, openController, openControlSocket, openScanPorts, scanPorts } from './doors.js'
import { createErrorRing } from './error-ring.js'
import { gauges, learnerGauges } from './gauges.js'
import type { ListenTo } from './listen.js'
import { createHttpFront } from './rspamd/front.js'
import { serveRspamc } from './rspamd/legacy.js'
import { type MilterRoutine, milterRoutines } from './rspamd/milter-headers.js'
import { type RspamdOptions, rspamdOptions } from './rspamd/options.js'
import { serveSpamd } from './spamd/index.js'
import { StartError } from './start-error.js'

export { StartError }

/** What the caller (the CLI) has worked out from options, file and environment. */
export interface ServerSetup {
  readonly config: Config
  /** Threads for the scan workers, started ahead. */
  readonly threads?: ScanThreads
  /** The thread of learner and history, started ahead. */
  readonly stores?: StoresThread
  readonly dataDir: string
  /** Unix socket on which commands reach this server. */
  readonly controlSocket: string
  readonly policy: ScanPolicy
  readonly rules: RuleSources
  readonly prefs: PrefsSource
  /** Reads configuration and rules again, for SIGHUP; throws when they are wrong. */
  readonly reread: () => Pick<ServerSetup, 'config' | 'policy' | 'rules' | 'prefs'>
  /** Takes spamd's own log lines; absent = they are not made. */
  readonly spamdLine?: (line: string) => void
  /** Scan listeners of a program with a command line of its own, instead of the configuration's. */
  readonly scanDoors?: readonly ListenTo[]
  /** Its log, instead of JSON lines on stderr. */
  readonly log?: Log
}

export interface Server {
  readonly scanAddresses: readonly string[]
  readonly controllerAddresses: readonly string[]
  reload(): Promise<void>
  close(): Promise<void>
}

/** Connections in flight are given so long at the end. */
const graceMs = 30_000
/** The queue is looked at so often. */
const loadMs = 100
/**
 * Shares of a full queue: from the first on new connections are refused, at the second they are taken again. Far apart, because every
 * time a door is shut the kernel resets those that it had let in already, and spamc takes that for the end of its message's way.
 */
const refuseFrom = 0.8
const takeBelow = 0.1

/** What was opened, in order, with the word for the log when its end fails. */
type Opened = { readonly name: string; close(): Promise<void> | void }[]

export async function startServer(setup: ServerSetup): Promise<Server> {
  const log = setup.log ?? createLog(setup.config.log.level)
  const opened: Opened = []
  try {
    return await start(setup, log, opened)
  } catch (error) {
    // Threads and ports that stayed open would keep a process alive that serves nobody.
    await closeAll(opened, log)
    setup.threads?.close()
    await setup.stores?.close()
    throw error
  }
}

/** Backwards, each whatever became of the others: what was accepted is answered, what was learned is kept. */
async function closeAll(opened: Opened, log: Log): Promise<void> {
  for (const { name, close } of opened.splice(0).reverse()) {
    try {
      await close()
    } catch (error) {
      log.error({ err: error }, `${name} did not end well`)
    }
  }
}

async function start(setup: ServerSetup, log: Log, opened: Opened): Promise<Server> {
  const { config, dataDir } = setup
  const errors = createErrorRing()
  // Before anything slow: what was mistyped is said at once.
  const scanDoors = setup.scanDoors ?? scanPorts(config)
  const manner = rspamdManner(config)
  const controllerDoors = controllerPorts(config)
  const clamd = config.clamd.address === null ? undefined : countClamd(openClamd(config.clamd.address))
  makeDataDir(dataDir)
  const planFile = join(dataDir, 'cache', 'plan.bin')
  const reading = readRules(setup.rules, planFile, true)
  reading.catch(() => {})
  const stores = setup.stores ?? startStores()
  opened.push({ name: 'the thread of the stores', close: () => stores.close() })
  const learner = await startLearner(config, dataDir, stores, log)
  opened.push({ name: 'the learner', close: () => learner.close() })
  const plan = await reading
  reportProblems(plan.problems, log)
  const dns = createDns({
    servers: resolversOf(config.network.dns, plan),
    local: config.network.local,
    log: (text) => log.warn(text),
  })
  opened.push({ name: 'look-ups', close: () => dns.close() })
  const net: Net = { dns, ...(clamd ? { clamd } : {}) }
  const ruling: Ruling = { plan, policy: setup.policy, prefs: setup.prefs }
  const creating = createCore(ruling, {
    workers: config.workers.count ?? cpus().length,
    ...(setup.threads ? { threads: setup.threads } : {}),
    queueMax: config.workers.queue_max,
    hangMs: config.workers.hang_ms,
    net,
    learner,
    dataDir,
    automataFile: join(dataDir, 'cache', 'automata.bin'),
    history: true,
    log,
  })
  // The workers are at it now, and this thread has nothing else to do.
  const [core, { createController }] = await Promise.all([creating, import('./controller/index.js')])
  const metrics = createMetrics()
  const history = openHistory(
    {
      path: join(dataDir, 'history.sqlite'),
      rowsMax: config.history.rows,
      onError: (message) => log.error({ history: message }, 'history is not written'),
    },
    stores.history,
  )
  // Rows of the last scans come while the core ends, so the history ends after it.
  opened.push(
    { name: 'the history', close: () => history.close() },
    { name: 'the core', close: () => core.close() },
  )
  core.onScan((request, scanned, row) => {
    metrics.scanned(request.front, scanned)
    if (row) history.add(row)
  })
  const counted = countFailures(core, metrics, errors.add)
  const startedAt = new Date()
  let closing = false
  const options = rspamdOptions({
    ...manner,
    messageBytesMax: config.limits.message_size_max,
    metricsText: () => controller.metricsText(),
    log: ({ level, msg, err }) => log[level]({ err }, msg),
  })
  const http = createHttpFront(counted, options)
  const spamd = {
    allowTell: config.spamd.allow_tell,
    firstLineMs: config.spamd.timeout_tcp_ms,
    requestMs: config.spamd.timeout_child_ms,
    messageBytesMax: config.limits.message_size_max,
    log,
    ...(setup.spamdLine ? { line: setup.spamdLine } : {}),
  }
  const listening = await openScanPorts(scanDoors, config, log, {
    spamd: (socket, first, opening) => serveSpamd(socket, first, opening, counted, spamd),
    rspamc: (socket, first, opening) =>
      void serveRspamc(socket, first, counted, options, opening.listener.startsWith('unix:')),
    http: (socket, first, opening) => http.serve(socket, first, opening.listener.startsWith('unix:')),
  })
  opened.push({ name: 'the scan ports', close: () => listening.close(graceMs) })
  const controller: Controller = createController(counted, {
    ...(config.controller.password === null ? {} : { password: config.controller.password }),
    ...(config.controller.enable_password === null
      ? {}
      : { enablePassword: config.controller.enable_password }),
    secureIps: config.controller.secure_ips,
    scan: options,
    metrics,
    history,
    ledger: learner,
    gauges: async () => [
      ...gauges(core, dns, listening),
      ...clamdGauges(clamd),
      ...(await learnerGauges(learner)),
    ],
    notReady: () => (closing ? 'shutting down' : cannotScan(core, config.workers.queue_max)),
    errors: errors.rows,
    connections: () => listening.connections(),
    version,
    startedAt,
  })
  // Below the scan ports: while their last scans are answered, /ready says why it is not.
  opened.splice(-1, 0, { name: 'the controller', close: () => controller.close() })
  const controllerAddresses = await openController(controllerDoors, config, controller, log)
  await openControlSocket(controller, setup.controlSocket, log)
  const watch = setInterval(() => {
    const { waiting } = core.load()
    if (waiting > refuseFrom * config.workers.queue_max) listening.pushBack(true)
    else if (waiting <= takeBelow * config.workers.queue_max) listening.pushBack(false)
  }, loadMs)
  opened.push({ name: 'the watch over the queue', close: () => clearInterval(watch) })
  if (clamd) void reportClamd(clamd, log)
  log.info(
    { scan: listening.addresses, controller: controllerAddresses, version, rules: plan.rules.length },
    'ready',
  )
  notifySystemd()

  let reloading: Promise<void> = Promise.resolve()
  return {
    scanAddresses: listening.addresses,
    controllerAddresses,
    reload() {
      reloading = reloading.then(() => reload(setup, planFile, core, log))
      return reloading
    },
    async close() {
      closing = true
      log.info('closing: no new connections, scans in flight are answered')
      await closeAll(opened, log)
      log.info('closed')
    },
  }
}

async function startLearner(
  config: Config,
  dataDir: string,
  stores: StoresThread,
  log: Log,
): Promise<LearnerClient> {
  const settings = {
    dataDir,
    profile: config.learner.profile,
    minSpam: config.learner.spam_min,
    minHam: config.learner.ham_min,
    scanDays: config.learner.scan_days,
  }
  const learner = await openLearner(settings, stores.learner).catch((error: unknown) => {
    throw new StartError(
      69,
      `the learner could not start: ${error instanceof Error ? error.message : String(error)}`,
    )
  })
  for (const note of await learner.notes()) log.warn({ learner: note }, 'learner')
  return learner
}

/** Rules that were asked for and are not there end the start, and refuse a reload: without them every mail would be clean. */
async function readRules(rules: RuleSources, planFile: string, saved: boolean): Promise<Ruling['plan']> {
  const missing = rules.paths.find((path) => !existsSync(path))
  if (missing !== undefined)
    throw new StartError(78, `${missing}: no such file or directory (--rules, rules.paths)`)
  return (saved && readSavedPlan(planFile, rules)) || loadRulesAside({ sources: rules, cacheFile: planFile })
}

function reportProblems(problems: Ruling['plan']['problems'], log: Log): void {
  const shown = problems.filter((problem) => problem.severity === 'error')
  for (const { file, line, text } of shown.slice(0, 20)) log.warn(`${file}:${line}: ${text.slice(0, 200)}`)
  if (problems.length > 0)
    log.info(
      { errors: shown.length, problems: problems.length },
      'the rules have problems: hamd lint prints them all',
    )
}

function openClamd(address: string): Clamd {
  try {
    return createClamd(address)
  } catch (error) {
    throw new StartError(64, `clamd: ${(error as Error).message}`)
  }
}

function makeDataDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o750 })
  } catch (error) {
    throw new StartError(
      69,
      `the folder of all state cannot be made: ${(error as Error).message}; give --data`,
    )
  }
}

/** How the configuration wants rspamd's clients answered. */
function rspamdManner({ rspamd, users }: Config): Partial<RspamdOptions> {
  const routines = rspamd.milter_headers.map((name) => {
    if ((milterRoutines as readonly string[]).includes(name)) return name as MilterRoutine
    throw new StartError(78, `rspamd.milter_headers: ${name} is none of ${milterRoutines.join(', ')}`)
  })
  return {
    vocabulary: rspamd.vocabulary,
    errorDomain: rspamd.error_domain,
    scanIds: rspamd.scan_id,
    localFiles: rspamd.local_files,
    rewriteSubject: rspamd.rewrite_subject,
    rewriteMessage: rspamd.rewrite_message,
    milterHeaders: { routines, hostName: hostname(), removeSpamFlag: true },
    userFrom: users.rspamd_user,
  }
}

/** Why /ready says no: scans would be refused, or wait until there is a worker again. */
function cannotScan(core: ServerCore, queueMax: number): string | undefined {
  const { waiting, workersReady } = core.load()
  // rspamd's words for it.
  if (workersReady === 0) return 'no healthy scanner workers are running'
  return waiting >= queueMax ? 'the scan queue is full' : undefined
}

function countFailures(
  core: Core,
  metrics: Metrics,
  addError: (module: string, message: string) => void,
): Core {
  return {
    ...core,
    async scan(request: Request) {
      try {
        return await core.scan(request)
      } catch (error) {
        metrics.failed(request.front, error instanceof CoreError ? error.code : 'scan-failed')
        addError('scan', error instanceof Error ? error.message.split('\n', 1)[0]! : String(error))
        throw error
      }
    },
    async learn(request) {
      const outcome = await core.learn(request)
      metrics.learned(request, outcome)
      return outcome
    },
    async learnScan(request) {
      const outcome = await core.learnScan(request)
      metrics.learned(request, outcome)
      return outcome
    },
  }
}

async function reload(setup: ServerSetup, planFile: string, core: ServerCore, log: Log): Promise<void> {
  try {
    const { policy, rules, prefs } = setup.reread()
    const plan = await readRules(rules, planFile, false)
    reportProblems(plan.problems, log)
    await core.reload({ plan, policy, prefs })
    log.info({ rules: plan.rules.length }, 'reloaded')
  } catch (error) {
    log.error(
      `not reloaded, the old configuration stays: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

async function reportClamd(clamd: Clamd, log: Log): Promise<void> {
  const check = await checkClamd(clamd, Date.now() + 10_000)
  if (check.status === 'sees') log.info({ virus: check.virus }, 'clamd sees the test virus')
  else if (check.status === 'blind')
    log.error('clamd calls the test virus clean: its signatures are missing or broken')
  else log.error(`clamd does not answer: ${check.reason}`)
}

/** Tells systemd that the service is up (Type=notify, NotifyAccess=all): Node has no datagram unix sockets of its own. */
function notifySystemd(): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return
  spawn('systemd-notify', ['--ready', `--pid=${process.pid}`], { stdio: 'ignore' }).on('error', () => {})
}
