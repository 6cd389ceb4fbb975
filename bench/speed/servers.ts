// The servers under test, each a family of processes on free loopback ports with state of its own, ended by pid: hamd, SpamAssassin's
// spamd, and rspamd with its default rules without those that ask the network.
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/root.js'
import { entry } from '../../test/support/entry.js'
import { type Dialect, exchange } from './load.js'

export interface Server {
  readonly name: string
  readonly dialect: Dialect
  readonly port: number
  readonly pids: readonly number[]
  /** From the start of the process to the first PONG. */
  readonly startMs: number
  learn(mail: Buffer, spam: boolean): Promise<void>
  stop(): Promise<void>
}

/** Programs that must be there for a comparison. */
export function installed(program: string): boolean {
  return spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${program}`]).status === 0
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function newFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `hamd-bench-${name}-`))
  chmodSync(folder, 0o777)
  return folder
}

const readyMs = 120_000

async function answering(
  port: number,
  dialect: Dialect,
  child: ChildProcess,
  log?: () => string,
): Promise<void> {
  const ping = Buffer.from(
    dialect === 'spamd' ? 'PING SPAMC/1.5\r\n\r\n' : 'GET /ping HTTP/1.0\r\nConnection: close\r\n\r\n',
  )
  for (const until = Date.now() + readyMs; Date.now() < until; ) {
    if (child.exitCode !== null)
      throw new Error(`ended with ${child.exitCode} before it was ready\n${log?.() ?? ''}`)
    const answer = await exchange(port, ping)
    if (answer && /pong/i.test(answer)) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`not ready in time\n${log?.() ?? ''}`)
}

/** Servers are children of this run: none outlives it, however it ends. */
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGTERM')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

function launch(
  program: string,
  args: readonly string[],
  options: SpawnOptions = { stdio: 'ignore' },
): ChildProcess {
  const child = spawn(program, args, options)
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const forced = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(forced)
}

const root = process.getuid?.() === 0
const tell = (mail: Buffer, spam: boolean) =>
  Buffer.concat([
    Buffer.from(
      `TELL SPAMC/1.5\r\nContent-length: ${mail.length}\r\nMessage-class: ${spam ? 'spam' : 'ham'}\r\nSet: local\r\n\r\n`,
    ),
    mail,
  ])

/** Debian's SpamAssassin: its rules, and the site's settings. */
export const stockRules = ['/usr/share/spamassassin', '/etc/spamassassin']

export interface HamdOptions {
  /** Default `hamd`. */
  readonly name?: string
  /** Default `spamd`. */
  readonly dialect?: Dialect
  readonly stock: boolean
  readonly bayes: boolean
  readonly workers: number
  /** Further rule files. */
  readonly rules?: readonly string[]
  /** State of an earlier run: saved tables, learned mail. */
  readonly folder?: string
}

export interface HamdServer extends Server {
  readonly folder: string
  stop(keepFolder?: boolean): Promise<void>
  /** Resolves when the automata are in use. */
  fastPath(): Promise<void>
  /** How often it has reloaded. */
  reloads(): number
}

/** What bin/hamd sets before Node runs, read from its launching line. */
const asUsersRunIt = launching(readFileSync(join(packageRoot, 'bin', 'hamd'), 'utf8'))

function launching(script: string): { readonly flags: string[]; readonly variables: NodeJS.ProcessEnv } {
  const [, flags] = /exec node (.+) "\$0"/.exec(script)!
  const variables = script.matchAll(/(\w+)="\$\{\1:-(\w+)\}"/g)
  return {
    flags: flags!.split(' '),
    variables: Object.fromEntries([...variables].map(([, name, value]) => [name, value])),
  }
}

export async function startHamd(options: HamdOptions): Promise<HamdServer> {
  const folder = options.folder ?? newFolder('hamd')
  const port = await freePort()
  writeFileSync(join(folder, 'bench.cf'), options.bayes ? '' : 'use_bayes 0\n')
  const rules = options.stock
    ? ['--no-builtin-rules', ...stockRules.flatMap((path) => ['--rules', path])]
    : []
  const startedAt = performance.now()
  const child = launch(
    process.execPath,
    [
      ...[...asUsersRunIt.flags, entry, 'serve', '--local', '--allow-tell'],
      ...['--workers', String(options.workers)],
      ...['--scan', `127.0.0.1:${port}`, '--controller', '127.0.0.1:0', '--data', join(folder, 'data')],
      ...[...rules, ...(options.rules ?? []).flatMap((path) => ['--rules', path])],
      ...['--rules', join(folder, 'bench.cf')],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...asUsersRunIt.variables, ...process.env } },
  )
  let fast: () => void = () => {}
  const fastPath = new Promise<void>((resolve) => (fast = resolve))
  let log = ''
  let reloads = 0
  child.stderr!.on('data', (chunk) => {
    if (log.length < 10_000) log += chunk
    if (String(chunk).includes('fast path ready')) fast()
    if (String(chunk).includes('"msg":"reloaded"')) reloads++
  })
  await answering(port, 'spamd', child, () => log)
  return {
    name: options.name ?? 'hamd',
    dialect: options.dialect ?? 'spamd',
    port,
    folder,
    pids: [child.pid!],
    startMs: performance.now() - startedAt,
    fastPath: () => fastPath,
    reloads: () => reloads,
    async learn(mail, spam) {
      const answer = await exchange(port, tell(mail, spam))
      if (!answer?.includes('EX_OK')) throw new Error(`hamd did not learn: ${answer}`)
    },
    async stop(keepFolder = false) {
      await end(child)
      if (!keepFolder) rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function startSpamd(): Promise<Server> {
  const folder = newFolder('spamd')
  const port = await freePort()
  const startedAt = performance.now()
  const child = launch(
    'spamd',
    [
      ...['-L', '-x', '-i', `127.0.0.1:${port}`, '-m', '2', '--min-children', '2', '--max-spare', '2'],
      ...['-s', join(folder, 'log'), '-r', join(folder, 'pid'), ...(root ? ['-u', 'nobody'] : [])],
      ...['--cf', 'use_bayes 0', '--cf', `bayes_path ${folder}/bayes`],
    ],
    { stdio: 'ignore', env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` } },
  )
  await answering(port, 'spamd', child)
  return {
    name: 'spamd',
    dialect: 'spamd',
    port,
    pids: [child.pid!],
    startMs: performance.now() - startedAt,
    learn: () => Promise.reject(new Error('spamd runs without Bayes here')),
    async stop() {
      await end(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Modules that ask DNS, other hosts or maps of other hosts. */
const networkModules = [
  ...['rbl', 'surbl', 'fuzzy_check', 'spf', 'dkim', 'dmarc', 'arc', 'asn', 'mx_check', 'phishing', 'bimi'],
  ...['reputation', 'url_redirector', 'rspamd_update', 'greylist', 'ratelimit', 'replies', 'dkim_signing'],
]

export async function startRspamd(): Promise<Server> {
  const folder = newFolder('rspamd')
  const [port, controllerPort] = [await freePort(), await freePort()]
  const redis = await startRedis()
  const override = join(folder, 'conf', 'override.d')
  mkdirSync(override, { recursive: true })
  const put = (name: string, text: string) => writeFileSync(join(override, name), text)
  for (const name of networkModules) put(`${name}.conf`, 'enabled = false;\n')
  put('worker-normal.inc', `bind_socket = "127.0.0.1:${port}"; count = 2;\n`)
  put('worker-controller.inc', `bind_socket = "127.0.0.1:${controllerPort}"; secure_ip = "127.0.0.1";\n`)
  put('worker-proxy.inc', 'enabled = false; count = 0;\n')
  put('logging.inc', `level = "warning"; type = "file"; filename = "${folder}/log";\n`)
  put('options.inc', 'dns { nameserver = ["127.0.0.1:9"]; timeout = 0.05s; retransmits = 1; }\n')
  put('classifier-bayes.conf', 'autolearn = false;\n')
  put('redis.conf', `servers = "127.0.0.1:${redis.port}";\n`)
  for (const name of ['db', 'run']) mkdirSync(join(folder, name))
  for (const name of ['db', 'run']) chmodSync(join(folder, name), 0o777)
  const startedAt = performance.now()
  const variables = [
    `LOCAL_CONFDIR=${folder}/conf`,
    `DBDIR=${folder}/db`,
    `RUNDIR=${folder}/run`,
    `LOGDIR=${folder}`,
  ]
  const child = launch('rspamd', [
    ...['-f', '-c', '/etc/rspamd/rspamd.conf', ...variables.flatMap((text) => ['--var', text])],
    ...(root ? ['-u', 'nobody', '-g', 'nogroup'] : []),
  ])
  await answering(port, 'http', child)
  const startMs = performance.now() - startedAt
  await answering(controllerPort, 'http', child)
  return {
    name: 'rspamd + Redis Bayes',
    dialect: 'http',
    port,
    pids: [child.pid!, redis.child.pid!],
    startMs,
    async learn(mail, spam) {
      const head = `POST /learn${spam ? 'spam' : 'ham'} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${mail.length}\r\n\r\n`
      const answer = await exchange(controllerPort, Buffer.concat([Buffer.from(head), mail]))
      if (!answer || !/^HTTP\/1\.1 (?:200|204|208)/.test(answer))
        throw new Error(`rspamd did not learn: ${answer}`)
    },
    async stop() {
      await end(child)
      await end(redis.child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function startRedis(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const port = await freePort()
  const child = launch('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''])
  for (let tries = 0; tries < 100; tries++) {
    if ((await exchange(port, Buffer.from('PING\r\nQUIT\r\n')))?.includes('PONG')) return { child, port }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('redis-server does not answer')
}

/** Everything a comparison needs that is not there. */
export function missingPeers(): string[] {
  const missing = ['spamd', 'rspamd', 'redis-server'].filter((program) => !installed(program))
  for (const path of stockRules) if (!existsSync(path)) missing.push(path)
  return missing
}
