// The real spamd and spamc (Debian packages) for pair tests and recordings: stock rules, local tests only, its own empty Bayes store, on
// a free loopback port.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../support/ports.js'
import { exchange } from '../../support/wire.js'

/** Reason to skip a test that needs the program, false when it is there. With CI=true a missing peer is a failure. */
export function missing(program: 'spamd' | 'spamc'): string | false {
  const there = spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${program}`]).status === 0
  if (there) return false
  if (process.env['CI'] === 'true') throw new Error(`${program} is not installed (npm run peers)`)
  return `${program} is not installed: npm run peers`
}

export interface SpamdPeer {
  /** '127.0.0.1:port' */
  readonly address: string
  /** The command line without what differs from run to run. */
  readonly command: string
  /** What it has logged, without time stamps. */
  log(): string[]
  stop(): Promise<void>
}

export const childTimeoutSeconds = 2

export async function startSpamd(): Promise<SpamdPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'hamd-spamd-'))
  chmodSync(folder, 0o777)
  const port = await freePort()
  const fixed = ['-L', '-x', '--allow-tell', '-T', '1', '-t', String(childTimeoutSeconds), '-m', '2']
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const own = ['-i', `127.0.0.1:${port}`, '-s', join(folder, 'log'), '-r', join(folder, 'pid')]
  const lines = [
    `bayes_path ${folder}/bayes`,
    'report_hostname host.example.net',
    // Learning by itself would change the state between two requests.
    'bayes_auto_learn_threshold_nonspam -1000',
    'bayes_auto_learn_threshold_spam 1000',
  ]
  const cf = lines.flatMap((line) => ['--cf', line])
  const child = spawn('/usr/sbin/spamd', [...fixed, ...user, ...own, ...cf], { stdio: 'ignore' })
  await answering(`127.0.0.1:${port}`, child)
  return {
    address: `127.0.0.1:${port}`,
    command: ['spamd', ...fixed, ...user].join(' '),
    log: () =>
      readFileSync(join(folder, 'log'), 'latin1')
        .split('\n')
        .map((line) => line.replace(/^.*? \[\d+\] \w+: /, '')),
    async stop() {
      const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()))
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function answering(address: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 150; tries++) {
    if (child.exitCode !== null) throw new Error(`spamd ended with ${child.exitCode}`)
    const pong = await exchange(address, 'PING SPAMC/1.2\r\n').catch(() => undefined)
    if (pong?.text.includes('PONG')) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  child.kill('SIGKILL')
  throw new Error('spamd does not answer')
}

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs a client with bytes on its standard input; asynchronous, since our server lives in this very process. */
export function run(program: string, args: readonly string[], input: string | Uint8Array): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe' })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({
        code,
        out: Buffer.concat(out).toString('latin1'),
        err: Buffer.concat(err).toString('latin1'),
      }),
    )
    child.stdin.on('error', () => {})
    child.stdin.end(typeof input === 'string' ? Buffer.from(input, 'latin1') : input)
  })
}
